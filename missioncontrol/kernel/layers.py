"""Django's layers for browsers. A program that calls with a token passes them by.

Such a call has no cookie that would sign anybody in, no form, no page and no static file; the
layers would each look at it in vain. Sessions and the check of the host stay for everybody.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django_htmx.middleware import HtmxMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware


def carries_token(request: HttpRequest) -> bool:
    """Whether this is a call of the API that shows a token."""
    meta = request.META
    return ("HTTP_AUTHORIZATION" in meta or "HTTP_X_AGENT_TOKEN" in meta) and (
        request.path_info.startswith("/api/")
    )


class ForBrowsers:
    """A layer that calls with a token pass by."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        """The layer's own work, or straight on."""
        if carries_token(request):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]  # of the layer


class StaticFiles(ForBrowsers, WhiteNoiseMiddleware):  # type: ignore[misc]  # untyped package
    """Files of the pages."""


class SignedIn(ForBrowsers, AuthenticationMiddleware):
    """Who a session belongs to."""


class Toasts(ForBrowsers, MessageMiddleware):
    """What the next page says."""


class Swaps(ForBrowsers, HtmxMiddleware):
    """What a page asks for in pieces."""


class Languages(LocaleMiddleware):
    """The reader's language; a call that names none is answered in that of the installation."""

    def __call__(self, request: HttpRequest) -> Any:
        """The layer's own work, or straight on."""
        if carries_token(request) and "HTTP_ACCEPT_LANGUAGE" not in request.META:
            translation.activate(settings.LANGUAGE_CODE)
            return self.get_response(request)
        return super().__call__(request)
