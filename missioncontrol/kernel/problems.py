"""Refusals as RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from pydantic import ValidationError
from rest_framework import exceptions as drf
from rest_framework.request import Request

from .context import request_id
from .errors import DomainError, Invalid, NotFound, TooLarge, Unavailable
from .renderers import dumps
from .schemas import field_errors

log = structlog.get_logger(__name__)
PROBLEM = "application/problem+json"


def problem(error: DomainError, *, retryable: bool | None = None) -> dict[str, Any]:
    """A refusal as RFC 9457 problem details with the product's siblings."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.machine_code}",
        "title": str(error.title),
        "status": error.status,
        "detail": str(error.detail),
        "message": str(error.detail),
        "code": error.machine_code,
        "request_id": request_id(),
    }
    if retryable is not None:
        body["retryable"] = retryable
    body.update({k: v for k, v in error.extra.items() if k != "status"})
    return body


def problem_response(
    error: DomainError, request: HttpRequest | Request | None = None
) -> HttpResponse:
    """The problem as a finished Django response (also for doors without DRF)."""
    agent_door = request is not None and "/agent/" in request.path
    retryable = error.status in (429, 502, 503) if agent_door else None
    response = HttpResponse(
        dumps(problem(error, retryable=retryable)), status=error.status, content_type=PROBLEM
    )
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="mission-control"'
    if "retry_after" in error.extra:
        response["Retry-After"] = str(int(error.extra["retry_after"]) or 1)
    return response


def as_domain_error(error: Exception) -> DomainError | None:  # noqa: PLR0911 - a table
    """Map framework and database faults to the one tree; ``None`` for a real bug."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, drf.APIException) and not isinstance(error, drf.ParseError):
        return _of_framework(error)
    match error:
        case ValidationError():
            return Invalid(_("The input does not fit."), errors=field_errors(error))
        case drf.ParseError():
            return Invalid(_("The body is not valid JSON."), code="malformed_json")
        case RequestDataTooBig():
            return TooLarge(_("The body is larger than 2 MiB."))
    if isinstance(error, Http404):
        return NotFound()
    return _database_away() if isinstance(error, OperationalError | InterfaceError) else None


def _database_away() -> Unavailable:
    return Unavailable(
        _("The database does not answer. Nothing was changed; try again."),
        code="database_unavailable",
        retry_after=2,
    )


def _of_framework(error: drf.APIException) -> DomainError:
    """A refusal of DRF itself (method, media type) with its own status."""
    mapped = DomainError(error.detail, code=str(error.default_code))
    mapped.status = error.status_code  # type: ignore[misc]  # this instance alone
    mapped.title = HTTPStatus(error.status_code).phrase  # type: ignore[misc]  # this instance alone
    return mapped


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's hook: every known fault becomes a problem; a bug is logged and answered bare."""
    known = as_domain_error(error)
    request = context.get("request")
    if known is None:
        log.exception("api.failed", path=getattr(request, "path", ""))
        known = DomainError("Internal Server Error", code="internal_error")
    return problem_response(known, request)
