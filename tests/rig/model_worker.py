"""The scripted worker as a language model sees it: prompt and tool results in, next command out.

The same script that the simulated gateway follows, expressed as one plain ``curl`` per step. All
it knows comes from the prompt: the connection facts stand in the system prompt, what happened so
far in the tool results after the last message of the user.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from gateways.simulator.facts import Facts, read_facts
from gateways.simulator.interview import interview, is_interview
from gateways.simulator.script import Answer, ApiCall, Command, Script, Step, work
from gateways.simulator.skill_orders import follow_order, is_skill_order

_FACT = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_STATUS = re.compile(r"\s(\d{3})\s*$")
_DENIED = re.compile(r"^(Exec denied|SYSTEM_RUN_DENIED|Exec approval)", re.MULTILINE)
_HEADER_FILE_FACT = "AUTH_HEADER_FILE"
#: A call without an answer, or with a 5xx, is repeated; the key keeps that from doing it twice.
_PATIENT = ("--retry", "40", "--retry-delay", "1", "--retry-max-time", "60", "--retry-all-errors")
#: Stands for the token while it is read by ``curl`` alone.
_UNSEEN = "in the header file"


@dataclass(frozen=True)
class Prompted:
    """What the prompt tells about Mission Control."""

    facts: Facts
    header_file: str

    def command_of(self, step: Step) -> str:
        """The shell command of a step."""
        if isinstance(step, Command):
            return step.text
        return self._curl(step)

    def _curl(self, call: ApiCall) -> str:
        url = f"{self.facts.base_url}/api/v1/agent/{call.path}"
        if call.params:
            url += "?" + urlencode(call.params)
        if self.header_file:
            credential = f"@{self.header_file}"
        else:
            credential = f"'X-Agent-Token: {self.facts.auth_token}'"
        words = ["curl", "-s", *_PATIENT, "-w", "' %{http_code}'", "-X", call.verb]
        words += ["-H", credential]
        if call.verb == "POST":
            words += ["-H", f"'Idempotency-Key: {uuid.uuid4()}'"]
        if call.body is not None:
            body = json.dumps(call.body).replace("'", "\\u0027")
            words += ["-H", "'Content-Type: application/json'", "-d", f"'{body}'"]
        return " ".join([*words, f"'{url}'"])


def read_prompt(system: str) -> Prompted | None:
    """The facts in a system prompt, None when it has none."""
    found = dict(_FACT.findall(system))
    header_file = found.get(_HEADER_FILE_FACT, "").strip()
    text = "\n".join(f"{key}={value}" for key, value in found.items())
    if header_file:
        text += f"\nAUTH_TOKEN={_UNSEEN}"
    facts = read_facts({"AGENTS.md": text})
    return Prompted(facts, header_file) if facts else None


def next_move(
    prompted: Prompted, message: str, outputs: list[str], *, said: Sequence[str] = ()
) -> tuple[str, str]:
    """``("exec", command)`` for the next step, or ``("say", text)`` at the end.

    ``said`` is what was said to the agent in this session before.

    The script is replayed with the outputs that are there; it is deterministic.
    """
    script = _script(prompted, message, said)
    try:
        step = next(script)
        for output in outputs:
            step = script.send(_answer_of(step, output))
    except StopIteration as end:
        return "say", str(end.value)
    return "exec", prompted.command_of(step)


def _script(prompted: Prompted, message: str, said: Sequence[str]) -> Script:
    if is_interview(message):
        return interview(message, said)
    if is_skill_order(message):
        return follow_order(message)
    return work(prompted.facts, message, is_heartbeat="heartbeat" in message.lower())


def _answer_of(step: Step, output: str) -> Answer:
    is_denied = _DENIED.search(output) is not None
    if isinstance(step, Command) or is_denied:
        return Answer(0 if is_denied else 200, None, output.strip(), is_denied)
    match = _STATUS.search(" " + output)
    status = int(match.group(1)) if match else 0
    body = output[: match.start() - 1] if match else output
    return Answer(status, _json_of(body))


def _json_of(text: str) -> Any:
    """The last document of an output: the answers of repeated attempts stand one after another."""
    found: Any = {"detail": text.strip()[:300]}
    rest, decoder = text.strip(), json.JSONDecoder()
    while rest:
        try:
            found, end = decoder.raw_decode(rest)
        except ValueError:
            break
        rest = rest[end:].strip()
    return found
