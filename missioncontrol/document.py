"""``/openapi.json``: the document of the API, generated once per process.

It follows from the code alone and takes seconds of work; the address is open to everybody and named
to every agent.
"""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

_one_at_a_time = threading.Lock()


class Document(NamedTuple):
    """The document as it is sent, and its tag."""

    body: bytes
    tag: str


@lru_cache(maxsize=1)
def document() -> Document:
    """The document; texts in English, whoever asks first."""
    generator: Any = SchemaGenerator
    with translation.override("en"):
        found = generator().get_schema(request=None, public=True)
        body = OpenApiJsonRenderer().render(found, renderer_context={})
    return Document(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@require_safe
def serve(request: HttpRequest) -> HttpResponse:
    """The document, or 304 for who has it already."""
    with _one_at_a_time:
        found = document()
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match", "").removeprefix("W/") == found.tag:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(found.body, content_type=OpenApiJsonRenderer.media_type, headers=headers)
