"""Headers of every answer: security, content policy, and which other sites may call the API.

Source: core specification 23.3; CORS as the Fetch standard has it.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

EXPOSED = "X-Total-Count, X-Limit, X-Offset, X-Request-Id"
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
SENT = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, X-Agent-Token, "
    "X-CSRFToken, X-Organization-Id, X-Request-Id"
)
PREFLIGHT_SECONDS = 600

#: Pages of this product: nothing inline, nothing from elsewhere.
STRICT = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self' {sockets}; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
#: Pages of other people's packages: inline styles, never inline scripts. The admin's own scripts
#: compile the expressions of its templates, which the policy calls evaluation.
FOREIGN = (
    "default-src 'self'; script-src 'self'{evaluation}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_ADMIN_PREFIXES = ("/admin/", "/django-rq/")
_FOREIGN_PREFIXES = (*_ADMIN_PREFIXES, "/docs", "/api/")


def content_policy(request: HttpRequest, status: int) -> str:
    """The policy of an HTML answer; refusals are always pages of our own."""
    if status < 400 and request.path.startswith(_FOREIGN_PREFIXES):
        is_admin = request.path.startswith(_ADMIN_PREFIXES)
        return FOREIGN.format(evaluation=" 'unsafe-eval'" if is_admin else "")
    return STRICT.format(sockets=_socket_origin(request))


def _socket_origin(request: HttpRequest) -> str:
    """Where the page's sockets are; nowhere for a host that is not ours."""
    try:
        return f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    except DisallowedHost:
        return ""


def is_admitted(origin: str) -> bool:
    """Whether pages of that site may call the API with the person's session."""
    return origin.lower() in settings.CORS_ORIGINS


def cors(origin: str) -> dict[str, str]:
    """What tells a browser that the page of ``origin`` may read the answer."""
    if not settings.CORS_ORIGINS:
        return {}
    if not is_admitted(origin):
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": EXPOSED,
        "Vary": "Origin",
    }


def preflight(origin: str) -> dict[str, str]:
    """What tells a browser that the page of ``origin`` may send its call; empty: it may not."""
    if not is_admitted(origin):
        return {}
    return {
        **cors(origin),
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": SENT,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
