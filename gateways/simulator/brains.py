"""Default behaviour of simulated agents: the directives that the scripted model knows too."""

from __future__ import annotations

import asyncio
import re

from gateways.simulator.runs import ModelFailure, Turn

_DIRECTIVE = re.compile(r"(?:^|\n|\] ?)[ \t]*(EXEC|SAY|SLOW|FAIL)[ \t]+([^\n]*)")


def has_directive(message: str) -> bool:
    """Whether a message tells the agent word for word what to do."""
    return _DIRECTIVE.search(message) is not None


async def answer_directives(turn: Turn) -> None:
    """Do what the last directive of the message says; without one, echo it.

    ``SAY text`` · ``EXEC command`` · ``SLOW words [ms]`` · ``FAIL status``.
    """
    found = _DIRECTIVE.findall(turn.message)
    if not found:
        await turn.say("NO_REPLY" if turn.is_heartbeat else f"echo: {turn.message.strip()[-400:]}")
        return
    verb, rest = found[-1][0], found[-1][1].strip()
    match verb:
        case "SAY":
            await turn.say(rest)
        case "EXEC":
            outcome = await turn.exec(rest)
            await turn.say(f"RESULT: {outcome.text.strip()}")
        case "SLOW":
            numbers = [int(n) for n in rest.split()]
            pause = (numbers[1] if len(numbers) > 1 else 200) / 1000
            for index in range(numbers[0]):
                await turn.say(f"{' ' if index else ''}w{index + 1}")
                await asyncio.sleep(pause)
        case _:
            raise ModelFailure(int(rest.split()[0]))
