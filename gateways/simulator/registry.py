"""Method table of the simulated gateway: scope, strict parameters, handler.

Source: OpenClaw gateway protocol 4; wording of the refusals as a live gateway answers.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateways.simulator.connection import Connection
    from gateways.simulator.server import SimulatedGateway

READ, WRITE, ADMIN = "operator.read", "operator.write", "operator.admin"
APPROVALS, PAIRING, OPEN = "operator.approvals", "operator.pairing", ""

_HASH = re.compile(r"^[a-fA-F0-9]{64}$")


class Refusal(Exception):
    """A call is answered with an error."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "INVALID_REQUEST",
        details: Mapping[str, Any] | None = None,
        is_retryable: bool = False,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.shape: dict[str, Any] = {"code": code, "message": message}
        if details is not None:
            self.shape["details"] = dict(details)
        if is_retryable:
            self.shape["retryable"] = True
        if retry_after_ms is not None:
            self.shape["retryAfterMs"] = retry_after_ms


@dataclass(frozen=True, slots=True)
class Call:
    """One call while it is handled."""

    gateway: SimulatedGateway
    connection: Connection
    params: dict[str, Any]


Handler = Callable[[Call], Awaitable[Any] | Any]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the gateway; parameter kinds are the keys of ``_KINDS``."""

    name: str
    scope: str
    required: Mapping[str, str]
    optional: Mapping[str, str]
    handler: Handler


METHODS: dict[str, Method] = {}


def method(
    name: str,
    scope: str,
    *,
    required: Mapping[str, str] | None = None,
    optional: Mapping[str, str] | None = None,
) -> Callable[[Handler], Handler]:
    """Register the decorated handler under a method name."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, scope, required or {}, optional or {}, handler)
        return handler

    return register


_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "must be string"),
    "text": (str, "must be string"),
    "hash": (str, "must be string"),
    "integer": (int, "must be integer"),
    "boolean": (bool, "must be boolean"),
    "object": (dict, "must be object"),
    "array": (list, "must be array"),
    "any": (object, ""),
}


def check_params(entry: Method, params: Any) -> dict[str, Any]:
    """The parameters, if they have the declared form.

    ``text`` takes the empty string, ``string`` does not.

    Raises:
        Refusal: missing, unknown or ill-typed parameter.

    """
    head = f"invalid {entry.name} params: "
    if not isinstance(params, dict):
        raise Refusal(head + "must be object")
    for key in entry.required:
        if key not in params:
            raise Refusal(f"{head}must have required property '{key}'")
    for key, value in params.items():
        kind = entry.required.get(key) or entry.optional.get(key)
        if kind is None:
            raise Refusal(f"{head}at root: unexpected property '{key}'")
        problem = _problem(kind, value)
        if problem:
            raise Refusal(f"{head}at /{key}: {problem}")
    return params


def _problem(kind: str, value: Any) -> str:
    accepted, text = _KINDS[kind]
    if kind == "integer" and isinstance(value, bool):
        return text
    if not isinstance(value, accepted):
        return text
    if kind == "string" and not value:
        return "must not have fewer than 1 characters"
    if kind == "hash" and not _HASH.match(str(value)):
        return f'must match pattern "{_HASH.pattern}"'
    return ""


def check_scope(entry: Method, scopes: frozenset[str]) -> None:
    """Refuse a call whose scope the connection does not hold.

    Raises:
        Refusal: with ``MISSING_SCOPE``.

    """
    if not entry.scope or entry.scope in scopes or ADMIN in scopes:
        return
    if entry.scope == READ and WRITE in scopes:
        return
    raise Refusal(
        f"missing scope: {entry.scope}",
        code="FORBIDDEN",
        details={
            "code": "MISSING_SCOPE",
            "missingScope": entry.scope,
            "requiredScopes": [entry.scope],
        },
    )
