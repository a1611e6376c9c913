"""The feed and the comments of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.response import Response

from activity import feed
from activity.api import schemas, shapes
from activity.api.filters import FeedQuery
from activity.api.scope import scopes_of
from activity.models import ActivityEvent
from agents.models import Agent
from boards.models import Board, TaskComment
from missioncontrol.kernel.actors import Actor, Kind
from missioncontrol.kernel.api import ARRAY, ApiView, Pages, ok, operation, uuid_query
from missioncontrol.kernel.clock import iso


class Feed(ApiView):
    """``/activity``."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"user", "agent"})

    @operation(
        tags=["activity"],
        summary="Events, newest first",
        response=list[schemas.EventOut],
    )
    def get(self, request: HttpRequest) -> Response:
        """Events of readable boards; of the organization for its administrators.

        Filters: resource_type, resource_id, event_type (``task.*``), actor_type, actor_id,
        board_id, task_id, agent_id, since, until, q.
        """
        asked = self.query(FeedQuery)
        pages = Pages(self.request.GET)
        scopes = scopes_of(self.actor, everywhere=asked.names_a_row)
        events = feed.events_in(scopes).filter(asked.condition())
        rows = feed.fetch(_window(_ordered(events, asked, scopes), asked, scopes, pages))
        total = self._total(asked, scopes, events, shown=len(rows), pages=pages)
        items = shapes.events(rows)
        if ARRAY in request.META.get("HTTP_ACCEPT", ""):
            return ok(items, headers={"X-Total-Count": str(total)})
        return ok({"items": items, "total": total, "limit": pages.limit, "offset": pages.offset})

    def _total(
        self,
        asked: FeedQuery,
        scopes: Sequence[feed.Scope],
        events: QuerySet[ActivityEvent],
        *,
        shown: int,
        pages: Pages,
    ) -> int:
        """Exact, and from the stream counters wherever they tell."""
        if shown < pages.limit and (shown or pages.offset == 0):
            return pages.offset + shown
        known = None
        if shown and asked.is_empty:
            known = feed.total_of(scopes)
        elif shown and asked.only_board and not isinstance(scopes[0], feed.AgentScope):
            # Rows were found, so the board is readable, and with it all of its events.
            known = feed.total_of_board(asked.only_board)
        return events.count() if known is None else known


def _ordered(
    events: QuerySet[ActivityEvent], asked: FeedQuery, scopes: Sequence[feed.Scope]
) -> QuerySet[ActivityEvent]:
    """Newest first, by the number whose index serves the filter."""
    if asked.only_board is not None:
        return events.order_by("-board_seq")
    if len(scopes) == 1:
        return events.order_by("-seq")
    return events.order_by("-at", "-seq", "-id")


def _window(
    ordered: QuerySet[ActivityEvent],
    asked: FeedQuery,
    scopes: Sequence[feed.Scope],
    pages: Pages,
) -> QuerySet[ActivityEvent]:
    """The rows of the page; found by number where every number is shown, however deep they lie."""
    number, stream_id = "", None
    scope = scopes[0] if scopes else None
    if isinstance(scope, feed.OrganizationScope):
        if asked.only_board is not None:
            number, stream_id = "board_seq", asked.only_board
        elif asked.is_empty and len(scopes) == 1 and scope.is_whole:
            number, stream_id = "seq", scope.organization_id
    if stream_id is None or not pages.offset:
        return ordered[pages.window]
    newest = feed.head_of(stream_id) - pages.offset
    return ordered.filter(**{f"{number}__lte": newest})[: pages.limit]


class TaskComments(ApiView):
    """``/activity/task-comments``."""

    @operation(
        tags=["activity"],
        summary="Comments of tasks, newest first",
        response=list[schemas.TaskCommentOut],
    )
    def get(self, request: HttpRequest) -> Response:
        """Comments on the readable boards of the active organization, or of one board."""
        board_id = uuid_query(request.GET, "board_id")
        rows = readable_comments(self.actor, board_id).order_by("-created_at", "-pk")
        answer = self.listing(rows, lambda row: row)
        listed = answer.data["items"] if isinstance(answer.data, dict) else answer.data
        listed[:] = shape_comments(listed)
        return answer


_COMMENT = (
    "id", "created_at", "message", "author_kind", "author_id", "author_name",
    "task_id", "task__title", "task__board_id", "task__board__name",
)  # fmt: skip


def readable_comments(actor: Actor, board_id: UUID | None) -> QuerySet[Any, dict[str, Any]]:
    """Comments that say something, on boards the actor may read."""
    boards = Board.objects.visible_to(actor)
    organization_id = getattr(actor, "organization_id", None)
    boards = (
        boards.filter(pk=board_id) if board_id else boards.filter(organization_id=organization_id)
    )
    rows = TaskComment.objects.filter(task__board__in=boards.values("pk"))
    spoken: QuerySet[Any, dict[str, Any]] = rows.exclude(message__regex=r"^\s*$").values(*_COMMENT)
    return spoken


def shape_comments(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Comments as JSON, with the role of the agents among their authors; one query."""
    authors = {r["author_id"] for r in rows if r["author_kind"] == "agent"}
    roles: dict[UUID, str] = {}
    for pk, kind, profile in Agent.objects.filter(pk__in=authors).values_list(
        "pk", "agent_type", "identity_profile"
    ):
        roles[pk] = str((profile or {}).get("role") or kind)
    return [_comment(row, roles) for row in rows]


def _comment(row: Mapping[str, Any], roles: Mapping[UUID, str]) -> dict[str, Any]:
    by_agent = row["author_kind"] == "agent"
    return {
        "id": row["id"],
        "created_at": iso(row["created_at"]),
        "message": row["message"],
        "agent_id": row["author_id"] if by_agent else None,
        "agent_name": row["author_name"] if by_agent else None,
        "agent_role": roles.get(row["author_id"]) if by_agent else None,
        "author_type": row["author_kind"],
        "author_name": row["author_name"],
        "task_id": row["task_id"],
        "task_title": row["task__title"],
        "board_id": row["task__board_id"],
        "board_name": row["task__board__name"],
    }
