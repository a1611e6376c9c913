"""The event streams as operations of the API: their documentation, and a finite answer.

A server with an event loop answers these addresses itself (:mod:`missioncontrol.streams`). Any
other one answers what has happened and ends; a client comes back by itself with the last id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from activity.api.schemas import EventOut, TaskCommentOut
from missioncontrol import stream_schemas, streams
from missioncontrol.feeds import Feed, open_feed
from missioncontrol.kernel.api import ApiView, operation
from missioncontrol.kernel.schemas import Output

MOST_BATCHES = 50
RESUME = [
    OpenApiParameter(
        "since", OpenApiTypes.DATETIME, "query", description="From this moment on; default now."
    ),
    OpenApiParameter(
        "Last-Event-ID", OpenApiTypes.UUID, "header", description="After this record; goes first."
    ),
]
IS_CHAT = OpenApiParameter("is_chat", bool, "query", description="Messages alone, or notes alone.")
BOARD = OpenApiParameter("board_id", OpenApiTypes.UUID, "query", description="Of this board alone.")


def documented(
    *tags: str,
    summary: str,
    event: str,
    record: type[Output],
    extra: tuple[OpenApiParameter, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Publish a stream: its parameters, and the name and shape of its records."""
    return operation(
        tags=tags,
        summary=summary,
        parameters=[*RESUME, *extra],
        response={(200, stream_schemas.MEDIA_TYPE): record},
        extensions={stream_schemas.EVENT: event},
    )


class StreamView(ApiView):
    """Base of the streams."""

    #: The feed asks for the credential itself.
    open_door: ClassVar[bool] = True

    def answer(self, request: Request) -> HttpResponse:
        """What happened since the place that the client names, and where to go on."""
        opened = open_feed(request._request)  # noqa: SLF001 - DRF's own request inside
        number, event_id = opened.stream.last()
        after = opened.start(request._request)  # noqa: SLF001 - as above
        records = _records(opened, after) if after is not None and after < number else b""
        if not records and event_id is not None:
            records = b"id: %b\n\n" % str(event_id).encode()
        body = f"retry: {streams.RETRY_MILLISECONDS}\n\n".encode() + records
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return HttpResponse(body, content_type="text/event-stream; charset=utf-8", headers=headers)


def _records(opened: Feed, after: int) -> bytes:
    body = b""
    for _batch in range(MOST_BATCHES):
        batch = opened.read(after, lambda: opened)
        body += b"".join(streams.encoded(record) for record in batch.records)
        after = batch.last
        if not batch.is_full:
            break
    return body


class ActivityStream(StreamView):
    """``activity`` records."""

    @documented(
        "activity", summary="Events as they happen", event="activity", record=EventOut,
        extra=(BOARD,),
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Events of readable boards; of the organization for admins; an agent's own."""
        return self.answer(request)


class TaskCommentStream(StreamView):
    """``comment`` records."""

    @documented(
        "activity", summary="Comments of tasks as they are written", event="comment",
        record=TaskCommentOut, extra=(BOARD,),
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Comments on readable boards."""
        return self.answer(request)


class AgentStream(StreamView):
    """``agent`` records."""

    @documented(
        "agents", summary="Agents as they change", event="agent",
        record=stream_schemas.AgentRecord, extra=(BOARD,),
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """``{"agent": …}`` as it stands; of a deleted one its id and ``status: deleted``."""
        return self.answer(request)


class BoardTaskStream(StreamView):
    """``task`` records."""

    @documented(
        "tasks", summary="Tasks of a board as they change", event="task",
        record=stream_schemas.TaskRecord,
    )  # fmt: skip
    def get(self, request: Request, **_path: Any) -> HttpResponse:
        """``{type, activity, task}``; for comments ``{type, activity, comment}``."""
        return self.answer(request)


class BoardApprovalStream(StreamView):
    """``approval`` records."""

    @documented(
        "approvals", summary="Approvals of a board as they are asked and decided",
        event="approval", record=stream_schemas.ApprovalRecord,
    )  # fmt: skip
    def get(self, request: Request, **_path: Any) -> HttpResponse:
        """``{type, activity, approval}``."""
        return self.answer(request)


class BoardMemoryStream(StreamView):
    """``memory`` records of a board."""

    @documented(
        "board-memory", summary="Notes and messages of a board as they come", event="memory",
        record=stream_schemas.BoardMemoryRecord, extra=(IS_CHAT,),
    )  # fmt: skip
    def get(self, request: Request, **_path: Any) -> HttpResponse:
        """``{"memory": …}``."""
        return self.answer(request)


class GroupMemoryStream(StreamView):
    """``memory`` records of a group."""

    @documented(
        "board-group-memory",
        summary="Notes and messages of a group as they come",
        event="memory",
        record=stream_schemas.GroupMemoryRecord,
        extra=(IS_CHAT,),
    )
    def get(self, request: Request, **_path: Any) -> HttpResponse:
        """``{"memory": …}``; reached from a board without a group nothing comes."""
        return self.answer(request)
