"""Around every request: id, security headers, one log line, refusals as pages, trailing slashes."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from . import metrics
from .context import set_request_id
from .errors import DomainError, Invalid, Unavailable
from .ratelimit import client_ip

log = structlog.get_logger("http")
_VALID_ID = re.compile(r"^[A-Za-z0-9._-]{1,128}$")
_QUIET = ("/health", "/healthz", "/readyz", "/metrics", "/static/")
Handler = Callable[[HttpRequest], HttpResponse]

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self' {ws}; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
#: Pages of other people's packages that need inline styles: the admin, the API explorer.
LOOSE_CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_LOOSE_PREFIXES = ("/admin/", "/docs", "/django-rq/", "/api/")


class RequestContextMiddleware:
    """Names the request, strips one trailing slash of API paths, sets headers, logs one line."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the rest of the stack inside the request's context."""
        started = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _VALID_ID.match(given) else uuid.uuid4().hex
        set_request_id(request_id)
        if request.path_info.startswith("/api/") and request.path_info.endswith("/"):
            request.path_info = request.path_info.rstrip("/")
            request.path = request.path.rstrip("/")
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        self._headers(request, response)
        if not request.path.startswith(_QUIET):
            metrics.REQUEST_SECONDS.labels(
                metrics.door_of(request.path), str(response.status_code)
            ).observe(time.perf_counter() - started)
        self._log(request, response, (time.perf_counter() - started) * 1000, request_id)
        return response

    def _headers(self, request: HttpRequest, response: HttpResponse) -> None:
        response.setdefault("X-Content-Type-Options", "nosniff")
        response.setdefault("X-Frame-Options", "DENY")
        response.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        if "html" in response.get("Content-Type", ""):
            loose = request.path.startswith(_LOOSE_PREFIXES)
            policy = LOOSE_CSP if loose else CSP.format(ws=_socket_origin(request))
            response.setdefault("Content-Security-Policy", policy)
        elif request.path.startswith("/api/"):
            response.setdefault("Cache-Control", "no-store")
        if request.is_secure() and settings.SECURITY_HSTS_SECONDS:
            response.setdefault(
                "Strict-Transport-Security", f"max-age={settings.SECURITY_HSTS_SECONDS}"
            )

    def _log(
        self, request: HttpRequest, response: HttpResponse, ms: float, request_id: str
    ) -> None:
        if request.path.startswith(_QUIET):
            return
        status = response.status_code
        slow = settings.SLOW_REQUEST_MS and ms > settings.SLOW_REQUEST_MS
        if status < 400 and not slow:
            write = log.debug
        else:
            write = log.error if status >= 500 else log.warning if not slow else log.info
        write(
            "http.request.slow" if slow else "http.request",
            method=request.method,
            path=request.path,
            status=status,
            duration_ms=round(ms, 1),
            client_ip=client_ip(request),
            request_id=request_id,
        )


def _socket_origin(request: HttpRequest) -> str:
    """Where the page's sockets are; nowhere for a host that is not ours."""
    try:
        return f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    except DisallowedHost:
        return ""


class DomainErrorMiddleware:
    """Refusals that a page view raised become a page, a toast or a problem document."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on what every reader of the query can use: no NUL, which no column takes."""
        if "%00" in request.META.get("QUERY_STRING", ""):
            from .pages import refused

            return refused(request, Invalid(_("The query holds a NUL character.")))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render a known refusal; ``None`` leaves a bug to Django."""
        if isinstance(error, OperationalError | InterfaceError):
            error = Unavailable(_("The database does not answer. Nothing was changed; try again."))
        if not isinstance(error, DomainError):
            return None
        if request.path.startswith("/api/"):
            from .problems import problem_response

            return problem_response(error, request)
        from .pages import render_error

        return render_error(request, error)
