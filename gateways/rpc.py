"""Synchronous calls to a gateway on short connections of its own (ruling 21).

    payload = rpc.call(gateway_id, "agents.list")
    with rpc.session(gateway_id) as session:
        session.call("sessions.list", {"limit": 5})
        session.run(lambda client: provisioning.ensure_agent(client, ...))

Never inside a transaction that holds locks others wait for. Source: OpenClaw gateway protocol 4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import DomainError, GatewayUnavailable, Invalid, RemoteFailed

from . import installation, records, rules, targets
from .models import Gateway
from .wire import errors as wire
from .wire.advice import advice_for
from .wire.backoff import may_retry
from .wire.client import GatewayClient
from .wire.frames import Hello
from .wire.redact import redact_json, redact_text
from .wire.target import Target

T = TypeVar("T")
CALL_SECONDS = 30.0
CONNECT_SECONDS = 10.0
_CODE_OF_CLASS: tuple[tuple[type[wire.GatewayError], str], ...] = (
    (wire.MissingScopeError, "missing_scope"),
    (wire.UnknownMethodError, "unknown_method"),
    (wire.AlreadyExistsError, "remote_exists"),
    (wire.RemoteNotFoundError, "remote_not_found"),
    (wire.UnsupportedFileError, "unsupported_file"),
    (wire.StaleHashError, "remote_changed"),
    (wire.InvalidConfigError, "invalid_config"),
    (wire.AlreadyResolvedError, "already_resolved"),
    (wire.FrameTooLarge, "frame_too_large"),
)


class Session:
    """Several calls on one connection, from one thread."""

    def __init__(
        self, runner: asyncio.Runner, client: GatewayClient, secrets: Sequence[str] = ()
    ) -> None:
        self._runner, self._client, self._secrets = runner, client, tuple(secrets)

    @property
    def hello(self) -> Hello:
        """What the gateway promised for this connection."""
        return self._client.hello

    def redacted(self, value: T) -> T:
        """A copy of an answer without tokens, before it is shown or stored."""
        found: T = redact_json(value, self._secrets)
        return found

    def call(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Call a method; strings of the answer are free of tokens.

        Raises:
            GatewayUnavailable: it may work later.
            RemoteFailed: refused; ``code`` says why.
        """
        return self.redacted(self.run(lambda client: client.call(method, params, timeout=timeout)))

    def run(self, work: Callable[[GatewayClient], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine of :mod:`gateways.wire` with this connection; its result is as received.

        Raises:
            GatewayUnavailable: it may work later.
            RemoteFailed: refused; ``code`` says why.
        """
        with translated(self._secrets):
            return self._runner.run(work(self._client))


def call(
    gateway_id: UUID,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    timeout: float = CALL_SECONDS,
) -> Any:
    """One call on a connection of its own.

    Raises:
        NotFound, Conflict: no such gateway, or it may not be used.
        Invalid: ``outbound_blocked``: the outbound policy forbids its address.
        GatewayUnavailable: it cannot be reached now.
        RemoteFailed: it refused; ``code`` says why.
    """
    with session(gateway_id) as open_session:
        return open_session.call(method, params, timeout=timeout)


@contextmanager
def session(gateway_id: UUID, *, connect_timeout: float = CONNECT_SECONDS) -> Iterator[Session]:
    """A connection with the gateway's device identity for several calls.

    Raises:
        As :func:`call`.
    """
    known = targets.reach(gateway_id)
    with session_to(known.target, secrets=known.secrets, connect_timeout=connect_timeout) as opened:
        issued = opened.hello.device_token
        if issued and issued != known.target.device_token:
            records.keep_device_token(gateway_id, issued)
        yield opened


@contextmanager
def session_to(
    target: Target, *, secrets: Sequence[str] = (), connect_timeout: float = CONNECT_SECONDS
) -> Iterator[Session]:
    """The same for a target that is not stored (a probe)."""
    with asyncio.Runner() as runner:

        async def connect() -> GatewayClient:
            return await GatewayClient.connect(target, connect_timeout=connect_timeout)

        with translated(secrets):
            client = runner.run(connect())
        try:
            yield Session(runner, client, secrets)
        finally:
            runner.run(client.close())


@contextmanager
def translated(secrets: Sequence[str] = ()) -> Iterator[None]:
    """Turn errors of the wire into refusals that every door renders."""
    try:
        yield
    except wire.GatewayError as error:
        raise refusal_of(error, secrets) from error


def refusal_of(error: wire.GatewayError, secrets: Sequence[str] = ()) -> DomainError:
    """An error of the wire as a refusal, without secrets; ``reason`` names the cause."""
    detail = redact_text(error.message, secrets)
    if error.cause is wire.Cause.ADDRESS_GUARD:
        return Invalid(detail, code="outbound_blocked", field="url")
    code = code_of(error)
    extra: dict[str, Any] = {"reason": code}
    if error.retry_after_ms:
        extra["retry_after"] = max(1, error.retry_after_ms // 1000)
    if error.cause is wire.Cause.PAIRING:
        extra |= {
            "pairing_request_id": error.request_id or None,
            "command": rules.pairing_command(error.request_id),
        }
    if may_retry(error):
        return GatewayUnavailable(_("The gateway does not answer: %(e)s") % {"e": detail}, **extra)
    return RemoteFailed(detail, code=code, **extra)


def code_of(error: wire.GatewayError) -> str:
    """Machine word of an error of the wire."""
    for kind, code in _CODE_OF_CLASS:
        if isinstance(error, kind):
            return code
    return rules.CODE_OF_CAUSE[error.cause]


def hint_for(refusal: DomainError, target: Target) -> str:
    """What to do about a refusal that an error of the wire caused, empty when it came otherwise."""
    error = refusal.__cause__
    if not isinstance(error, wire.GatewayError):
        return ""
    return advice_for(
        error, target, in_container=installation.in_container(), origin=settings.BASE_URL
    )


def is_usable(gateway: Gateway) -> bool:
    """Whether a call is worth trying: known to work, or not known yet."""
    return gateway.status in (
        Gateway.Status.ONLINE,
        Gateway.Status.DEGRADED,
        Gateway.Status.UNVERIFIED,
        Gateway.Status.CHECKING,
    )
