"""The feed as a file: every event that fits, newest first, written while it is read."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from activity import feed
from activity.api import shapes
from activity.api.filters import FeedQuery
from activity.api.scope import scope_in
from activity.models import ActivityEvent
from missioncontrol.kernel import clock
from missioncontrol.kernel.api import ApiView, operation
from missioncontrol.kernel.errors import Forbidden
from missioncontrol.kernel.renderers import JsonRenderer, dumps

BATCH = 500
COLUMNS = (
    "seq", "created_at", "event_type", "message", "actor_type", "actor_id", "actor_name",
    "resource_type", "resource_id", "resource_name", "board_id", "task_id", "agent_id",
    "request_id", "id", "metadata",
)  # fmt: skip
#: A spreadsheet would take a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class ExportQuery(FeedQuery):
    """The feed's filters, and the form of the file."""

    format: Literal["csv", "jsonl"] = "csv"


class Export(ApiView):
    """``/activity/export``."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002 - DRF's signature
        """``format`` is a parameter of this address, not of DRF."""
        return (JsonRenderer(), "application/json")

    @operation(
        tags=["activity"],
        summary="Events as a file, newest first",
        response={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/x-ndjson"): OpenApiTypes.STR,
        },
    )
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        """For admins: events of the active organization, with the filters of the feed."""
        asked = self.query(ExportQuery)
        who = self.user
        if who.organization_id is None or not who.is_admin_in(who.organization_id):
            raise Forbidden(_("Events are exported by admins of the organization."))
        events = feed.events_in([scope_in(who, who.organization_id)]).filter(asked.condition())
        write = _csv if asked.format == "csv" else _lines
        answer = StreamingHttpResponse(
            write(_batches(events, translation.get_language() or "en")),
            content_type=_KINDS[asked.format],
        )
        day = clock.now().date().isoformat()
        answer["Content-Disposition"] = f'attachment; filename="activity-{day}.{asked.format}"'
        return answer


def _batches(events: QuerySet[ActivityEvent], language: str) -> Iterator[list[dict[str, Any]]]:
    """All events by their number, so that what is added meanwhile moves nothing."""
    rest = events.order_by("-seq")
    rows: Sequence[feed.Row] = feed.fetch(rest[:BATCH])
    while rows:
        with translation.override(language):
            shaped = shapes.events(rows)
        yield shaped
        rows = feed.fetch(rest.filter(seq__lt=rows[-1].seq)[:BATCH])


def _lines(batches: Iterator[list[dict[str, Any]]]) -> Iterator[bytes]:
    """One JSON object a line."""
    for batch in batches:
        yield b"".join(dumps(event) + b"\n" for event in batch)


class _Buffer:
    """Takes what the writer of CSV writes."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> None:
        """Keep a piece."""
        self.parts.append(text)

    def taken(self) -> bytes:
        """Everything since the last time."""
        text, self.parts = "".join(self.parts), []
        return text.encode()


def _csv(batches: Iterator[list[dict[str, Any]]]) -> Iterator[bytes]:
    """A header, then one event a line."""
    buffer = _Buffer()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    yield buffer.taken()
    for batch in batches:
        writer.writerows([_cell(event[name]) for name in COLUMNS] for event in batch)
        yield buffer.taken()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return dumps(value).decode().strip('"')
