"""When to try a connection or a call again.

Source: OpenClaw gateway protocol 4, retry policy: 1 s to 30 s, obey ``retryAfterMs``, do not
loop on token, protocol, pairing or device errors.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from gateways.wire.errors import TRANSIENT_CAUSES, Cause, GatewayCallError, GatewayError

#: How soon a starting gateway is asked again when it names no delay.
_STARTING_SECONDS = 0.5


def may_retry(error: GatewayError) -> bool:
    """Whether the same attempt may succeed later without a person."""
    if isinstance(error, GatewayCallError):
        return error.retryable
    return error.cause in TRANSIENT_CAUSES


@dataclass(slots=True)
class Backoff:
    """Doubling delays with jitter.

    Attributes:
        first_seconds: delay after the first failure.
        most_seconds: upper limit of a delay before jitter.
        jitter: share by which a delay is varied downwards, 0 to 1.
        draw: source of randomness in [0, 1).

    """

    first_seconds: float = 1.0
    most_seconds: float = 30.0
    jitter: float = 0.3
    draw: Callable[[], float] = field(default=random.random, repr=False)
    _failures: int = field(default=0, init=False)

    def reset(self) -> None:
        """Start over after a success."""
        self._failures = 0

    def next_delay(self, error: GatewayError | None = None) -> float:
        """Seconds to wait before the next attempt; never less than the gateway asked for."""
        asked = (error.retry_after_ms or 0) / 1000 if error is not None else 0.0
        if error is not None and error.cause is Cause.STARTING:
            # A start takes seconds and announces itself: keep the growing delay for real outages.
            return max(asked, _STARTING_SECONDS)
        base = min(self.most_seconds, self.first_seconds * float(2**self._failures))
        self._failures = min(self._failures + 1, 16)
        return max(asked, base * (1 - self.jitter * self.draw()))
