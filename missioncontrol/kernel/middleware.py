"""Around every request: id, security headers, one log line, refusals as pages, trailing slashes."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from . import headers, metrics
from .context import set_request_id
from .errors import DomainError, Invalid, Unavailable
from .ratelimit import client_ip

log = structlog.get_logger("http")
_VALID_ID = re.compile(r"^[A-Za-z0-9._-]{1,128}$")
_QUIET = ("/health", "/healthz", "/readyz", "/metrics", "/static/")
Handler = Callable[[HttpRequest], HttpResponse]


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
        response = self._preflight(request) or self.get_response(request)
        response["X-Request-Id"] = request_id
        self._headers(request, response)
        if not request.path.startswith(_QUIET):
            spent = time.perf_counter() - started
            metrics.request_seconds(request.path, response.status_code).observe(spent)
        self._log(request, response, (time.perf_counter() - started) * 1000, request_id)
        return response

    @staticmethod
    def _preflight(request: HttpRequest) -> HttpResponse | None:
        """The answer to a browser that asks whether another site's page may call."""
        if request.method != "OPTIONS" or not request.path.startswith("/api/"):
            return None
        if not request.META.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"):
            return None
        allowed = headers.preflight(request.META.get("HTTP_ORIGIN", ""))
        return HttpResponse(status=204, headers=allowed) if allowed else None

    @staticmethod
    def _admit_others(request: HttpRequest, response: HttpResponse) -> None:
        """Let the page of an admitted site read the answer."""
        for name, value in headers.cors(request.META.get("HTTP_ORIGIN", "")).items():
            if name == "Vary":
                patch_vary_headers(response, [value])
            else:
                response[name] = value

    def _headers(self, request: HttpRequest, response: HttpResponse) -> None:
        for name, value in settings.SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path.startswith("/api/"):
            self._admit_others(request, response)
        if "html" in response.get("Content-Type", ""):
            policy = headers.content_policy(request, response.status_code)
            response.setdefault("Content-Security-Policy", policy)
        elif request.path.startswith("/api/"):
            response.setdefault("Cache-Control", "no-store")
        if request.is_secure():
            for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
                if name in response.cookies:
                    response.cookies[name]["secure"] = True
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
            if not logging.getLogger("http").isEnabledFor(logging.DEBUG):
                return
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


def check_query(request: HttpRequest) -> None:
    """No NUL in the query: no column takes one.

    Raises:
        Invalid: there is one.
    """
    if "%00" in request.META.get("QUERY_STRING", ""):
        raise Invalid(_("The query holds a NUL character."))


class DomainErrorMiddleware:
    """Refusals that a page view raised become a page, a toast or a problem document."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on what every reader of the query can use: no NUL, which no column takes."""
        try:
            check_query(request)
        except Invalid as error:
            from .pages import refused

            return refused(request, error)
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
