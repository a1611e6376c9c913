"""Scripted worker: does with Mission Control's agent API what a well-behaved agent does."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateways.simulator.brains import answer_directives, has_directive
from gateways.simulator.facts import Facts, read_facts
from gateways.simulator.interview import interview, is_interview
from gateways.simulator.runs import Turn
from gateways.simulator.script import Answer, ApiCall, Command, work
from gateways.simulator.skill_orders import follow_order, is_skill_order

_STEP_SECONDS = 2.0
_SHORTEST_PAUSE_SECONDS = 0.005
_API_TIMEOUT_SECONDS = 20.0
_ATTEMPTS = 10
_LONGEST_WAIT_SECONDS = 4.0


@dataclass
class Worker:
    """The brain of scripted agents; one per gateway, it keeps nothing between turns.

    Attributes:
        speed: how much faster than a person could follow; 1 pauses two seconds per step.
        transport: where the HTTP calls go, default the network.
        busy: agents that work at this moment.

    """

    speed: float = 1.0
    transport: httpx.AsyncBaseTransport | None = None
    busy: set[str] = field(default_factory=set)
    _http: httpx.AsyncClient | None = None

    async def __call__(self, turn: Turn) -> None:
        """Handle one message or heartbeat of an agent."""
        facts = read_facts(turn.agent.files)
        if facts is None or has_directive(turn.message):
            await answer_directives(turn)
            return
        self.busy.add(turn.agent.id)
        try:
            await turn.say(await self._follow(turn, facts))
        finally:
            self.busy.discard(turn.agent.id)

    async def close(self) -> None:
        """Close the HTTP connections."""
        if self._http is not None:
            await self._http.aclose()

    async def _follow(self, turn: Turn, facts: Facts) -> str:
        if is_interview(turn.message):
            script = interview(turn.message, turn.transcript)
        elif is_skill_order(turn.message):
            script = follow_order(turn.message)
        else:
            script = work(facts, turn.message, is_heartbeat=turn.is_heartbeat)
        try:
            step = next(script)
            while True:
                answer = await self._do(turn, facts, step)
                await self._pace()
                step = script.send(answer)
        except StopIteration as end:
            return str(end.value)

    async def _do(self, turn: Turn, facts: Facts, step: ApiCall | Command) -> Answer:
        match step:
            case Command(text):
                outcome = await turn.exec(text)
                return Answer(text=outcome.text, is_denied=outcome.is_denied)
            case ApiCall():
                return await self._call(facts, step)

    async def _call(self, facts: Facts, step: ApiCall) -> Answer:
        """One call, repeated with the same key while Mission Control does not answer."""
        if self._http is None:
            self._http = httpx.AsyncClient(
                timeout=_API_TIMEOUT_SECONDS, transport=self.transport, trust_env=False
            )
        headers = {"X-Agent-Token": facts.auth_token}
        if step.verb == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        answer = Answer(0)
        for attempt in range(_ATTEMPTS):
            answer = await self._once(self._http, facts, step, headers)
            if 0 < answer.status < 500:
                break
            await asyncio.sleep(min(0.2 * 2**attempt, _LONGEST_WAIT_SECONDS))
        return answer

    async def _once(
        self, http: httpx.AsyncClient, facts: Facts, step: ApiCall, headers: dict[str, str]
    ) -> Answer:
        try:
            response = await http.request(
                step.verb,
                f"{facts.base_url}/api/v1/agent/{step.path}",
                headers=headers,
                params=dict(step.params),
                json=step.body,
            )
        except httpx.HTTPError as error:
            return Answer(0, {"detail": f"no answer ({type(error).__name__})"})
        return Answer(response.status_code, _json_of(response))

    async def _pace(self) -> None:
        pause = _STEP_SECONDS / self.speed
        if pause > _SHORTEST_PAUSE_SECONDS:
            await asyncio.sleep(pause)


def _json_of(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return {}
