"""Injectable faults; change the fields of a running gateway's ``faults`` at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Refused:
    """The error with which a method is refused."""

    message: str = "refused by the simulator"
    code: str = "UNAVAILABLE"
    details: dict[str, Any] | None = None
    is_retryable: bool = True
    retry_after_ms: int | None = None


@dataclass(slots=True)
class Faults:
    """What goes wrong at present; the default is nothing.

    Attributes:
        refuse: method name to the error that answers it (``connect`` included).
        silent_methods: methods that get no answer; ``*`` silences all.
        delay_seconds: delay of every answer.
        method_delay_seconds: delay of one method's answer, on top.
        has_duplicate_events: every event is sent twice.
        version: version to report instead of the real one; empty text reports none.
        must_pair: every connection counts as remote, so that a device has to be paired.
        is_starting: the handshake answers ``startup-sidecars`` and closes 1013.
        is_rate_limited: the handshake answers ``AUTH_RATE_LIMITED``, right secret or not.
        visibility_lag_seconds: how long a created agent stays unknown.
        is_half_open: connections stay up, but nothing is sent or heard any more, ticks included.
        rejected_config_keys: dotted config paths that ``config.patch`` refuses as unknown.
        withheld_scopes: scopes that are not granted although asked for.
        hidden_methods: methods that this gateway does not know.
        health_status: HTTP status of ``/health``.

    """

    refuse: dict[str, Refused] = field(default_factory=dict)
    silent_methods: set[str] = field(default_factory=set)
    delay_seconds: float = 0.0
    method_delay_seconds: dict[str, float] = field(default_factory=dict)
    has_duplicate_events: bool = False
    version: str | None = None
    must_pair: bool = False
    is_starting: bool = False
    is_rate_limited: bool = False
    visibility_lag_seconds: float = 0.0
    is_half_open: bool = False
    rejected_config_keys: set[str] = field(default_factory=set)
    withheld_scopes: set[str] = field(default_factory=set)
    hidden_methods: set[str] = field(default_factory=set)
    health_status: int = 200

    def is_silent(self, method: str) -> bool:
        """Whether a call of this method gets no answer."""
        return self.is_half_open or method in self.silent_methods or "*" in self.silent_methods

    def delay_of(self, method: str) -> float:
        """Seconds by which the answer of a method is late."""
        return self.delay_seconds + self.method_delay_seconds.get(method, 0.0)

    def clear(self) -> None:
        """Everything works again."""
        fresh = Faults()
        for name in Faults.__dataclass_fields__:
            setattr(self, name, getattr(fresh, name))
