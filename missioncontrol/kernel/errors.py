"""One tree of refusals. Every door renders the same classes; catch a narrow one or none."""

from __future__ import annotations

from typing import Any, ClassVar, TypedDict

from django.utils.translation import gettext_lazy as _


class FieldError(TypedDict):
    """One entry of ``errors``: where, what, and a machine word."""

    loc: list[str | int]
    msg: str
    type: str


class DomainError(Exception):
    """A refusal with a code. ``extra`` become siblings of ``detail`` in the answer.

    Args:
        detail: One sentence for people: what was refused and what would help.
        code: Overrides the class's machine word with the one a specification names.
        extra: JSON-ready siblings, e.g. ``blocked_by_task_ids``.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[Any] = _("Error")

    def __init__(self, detail: Any = "", *, code: str | None = None, **extra: Any) -> None:
        super().__init__(str(detail or self.title))
        self.detail = detail or self.title
        self.machine_code = code or self.code
        self.extra = extra


class BadRequest(DomainError):
    """Not a request to this installation."""

    code, status, title = "bad_request", 400, _("Bad request")


class Unauthenticated(DomainError):
    """No credential, or one that proves nothing."""

    code, status, title = "unauthenticated", 401, _("Unauthorized")


class Forbidden(DomainError):
    """Seen, but not allowed."""

    code, status, title = "forbidden", 403, _("Not allowed")


class NotFound(DomainError):
    """Absent or invisible; the answer never tells which."""

    code, status, title = "not_found", 404, _("Not found")


class Conflict(DomainError):
    """The present state forbids it."""

    code, status, title = "conflict", 409, _("Conflict")


class ApprovalRequired(Conflict):
    """A rule asks for a person's decision first."""

    code, title = "approval_required", _("Approval required")


class Blocked(Conflict):
    """Something unfinished stands in the way."""

    code, title = "blocked", _("Blocked")


class Gone(DomainError):
    """It was there and is switched off."""

    code, status, title = "gone", 410, _("Gone")


class StaleVersion(DomainError):
    """``If-Match`` or ``expected_version`` names an older version. ``current`` holds the row."""

    code, status, title = "version_conflict", 412, _("Changed by somebody else")


class TooLarge(DomainError):
    """The body passes the cap."""

    code, status, title = "too_large", 413, _("Too large")


class UnknownMediaType(DomainError):
    """The body is of a kind that this address does not read."""

    code, status, title = "unsupported_media_type", 415, _("Unsupported media type")


class Invalid(DomainError):
    """Input of the wrong shape or value; ``errors`` lists the fields."""

    code, status, title = "invalid", 422, _("Invalid input")

    def __init__(
        self,
        detail: Any = "",
        *,
        code: str | None = None,
        errors: list[FieldError] | None = None,
        field: str | None = None,
        **extra: Any,
    ) -> None:
        if errors is None and field is not None:
            errors = [{"loc": ["body", field], "msg": str(detail), "type": code or "value_error"}]
        super().__init__(detail, code=code, errors=errors or [], **extra)


class RateLimited(DomainError):
    """A limit was reached; ``retry_after`` in seconds."""

    code, status, title = "rate_limited", 429, _("Too many requests")


class RemoteFailed(DomainError):
    """A gateway or another remote answered with a failure."""

    code, status, title = "remote_failed", 502, _("Remote failure")


class GatewayUnavailable(DomainError):
    """A gateway cannot be reached now; the only class that a job retries."""

    code, status, title = "gateway_unavailable", 503, _("Gateway unavailable")


class Unavailable(DomainError):
    """A part of this installation (database, queue) is away."""

    code, status, title = "unavailable", 503, _("Unavailable")
