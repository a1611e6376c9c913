"""The pages by file name, and which of the committed ones differ."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from missioncontrol.kernel.renderers import dumps
from missioncontrol.settings.env import ROOT

from . import operations, settings, tables

FOLDER = ROOT / "docs" / "reference"


def document() -> dict[str, Any]:
    """The OpenAPI document as clients load it."""
    import orjson

    found: dict[str, Any] = orjson.loads(dumps(SchemaGenerator().get_schema(public=True)))
    return found


def pages() -> dict[str, str]:
    """Every page of the reference."""
    with translation.override("en"):
        return {
            "operations.md": operations.render(document()),
            "settings.md": settings.render(),
            "errors.md": tables.render_errors(),
            "events.md": tables.render_events(),
        }


def outdated() -> list[str]:
    """Names of pages that are not as the code says."""
    found = pages().items()
    return [
        n for n, text in found if not (FOLDER / n).is_file() or (FOLDER / n).read_text() != text
    ]
