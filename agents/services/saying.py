"""A message to an agent that is delivered while the caller waits.

Transient faults are tried again for at most 45 seconds, with pauses of 0.5 s doubling to 5 s and
15 % jitter. Source: core specification 14.4.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import SystemRandom
from typing import TypeVar
from uuid import uuid4

from django.utils.translation import gettext as _

from agents.models import Agent
from gateways import rpc
from gateways.wire import sessions
from missioncontrol.kernel.errors import GatewayUnavailable, Invalid

T = TypeVar("T")
PATIENCE_SECONDS = 45.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
JITTER = 0.15
_random = SystemRandom()


def with_patience(work: Callable[[], T], *, deadline: float | None = None) -> T:
    """Repeat ``work`` while the gateway is only away for a moment.

    Raises:
        GatewayUnavailable: still away at the end.
        DomainError: whatever else ``work`` raises, at once.
    """
    end = time.monotonic() + PATIENCE_SECONDS if deadline is None else deadline
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return work()
        except GatewayUnavailable:
            wait = min(pause, LONGEST_PAUSE_SECONDS) * _random.uniform(1 - JITTER, 1 + JITTER)
            if time.monotonic() + wait >= end:
                raise
            time.sleep(wait)
            pause *= 2


def say(agent: Agent, text: str, *, key: str = "", deadline: float | None = None) -> None:
    """Send a text to an agent's session; a repeat after a lost answer is the same message.

    Raises:
        GatewayUnavailable, RemoteFailed: it was not delivered.
    """
    gateway_id = agent.gateway_id
    if gateway_id is None:
        raise Invalid(_("This agent has no gateway."), code="no_session")
    wanted = key or str(uuid4())

    def send() -> None:
        with rpc.session(gateway_id) as session:
            session.run(
                lambda client: sessions.send_chat(
                    client, agent.session_key, text, idempotency_key=wanted
                )
            )

    with_patience(send, deadline=deadline)
