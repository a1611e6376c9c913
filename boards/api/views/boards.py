"""Boards: list, detail, snapshot, events, changes."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from activity import frames
from activity.models import ActivityEvent, EventStream
from boards import assignees, memories, reads, services
from boards.api import schemas, shapes
from boards.api.views.shared import USER_AGENT, answer_boards, prefix_of, require_board
from boards.models import Board, BoardGroup
from governance.api import shapes as approval_shapes
from governance.models import Approval
from missioncontrol.kernel.actors import Actor, Kind, UserActor
from missioncontrol.kernel.api import ApiView, Pages, done, ok, operation
from missioncontrol.kernel.errors import Forbidden, Invalid, NotFound

TAGS = ("boards",)
DETAIL_TASKS = 200
SNAPSHOT_APPROVALS = 200
MAX_EVENTS = 500
PARTS = frozenset({"tasks", "agents", "none"})


def scoped(view: ApiView, organization_id: UUID | None) -> QuerySet[Board]:
    """Readable boards of the named organization, else of the active one; an agent's own boards.

    Raises:
        Forbidden: a named organization that the person does not belong to.
    """
    rows: QuerySet[Board] = Board.objects.visible_to(view.actor)
    if isinstance(view.actor, UserActor):
        if organization_id is not None and organization_id not in view.actor.memberships:
            raise Forbidden(_("No org access"), code="no_org_access")
        home: Any = organization_id or view.actor.organization_id
        rows = rows.filter(organization_id=home)
    return rows


class BoardListView(ApiView):
    """Boards by name."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="Readable boards by name", response=schemas.BoardPage)
    def get(self, request: Request) -> Response:
        """List."""
        wanted = self.query(schemas.BoardFilter)
        found = scoped(self, wanted.organization_id)
        for name in ("gateway_id", "board_group_id"):
            value = getattr(wanted, name)
            if value is not None:
                found = found.filter(**{name: value})
        if wanted.q and wanted.q.strip():
            text = wanted.q.strip()
            found = found.filter(Q(name__icontains=text) | Q(key__iexact=text))
        return answer_boards(self, found.order_by(Lower("name"), "-created_at", "id"))

    @operation(
        tags=TAGS, summary="Create a board", request=schemas.BoardIn, response=schemas.BoardOut
    )
    def post(self, request: Request) -> Response:
        """Create."""
        given = _without_defaults(self.read(schemas.BoardIn).given())
        organization_id = given.pop("organization_id", None)
        if "description" in given and not given["description"].strip():
            raise Invalid(_("description is required"), field="description")
        board = services.create_board(self.user, organization_id, **given)
        location = f"{prefix_of(self)}/boards/{board.pk}"
        return ok(shapes.board(board), version=board.version, location=location)


def _without_defaults(given: dict[str, Any]) -> dict[str, Any]:
    """A null in a creation means the default; a null gateway means none."""
    return {k: v for k, v in given.items() if v is not None or k == "gateway_id"}


class BoardView(ApiView):
    """One board."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="A board with its first tasks", response=schemas.BoardOut)
    def get(self, request: Request, board_id: UUID) -> Response:
        """Read; ``include`` names the parts wanted: ``tasks``, ``agents`` or ``none``."""
        parts = _parts(request.GET.get("include", "tasks"))
        board = reads.board(self.actor, board_id)
        if board is None:
            raise NotFound
        if "tasks" in parts:
            board |= _tasks_of(board_id)
        if "agents" in parts:
            board["agents"] = assignees.on_boards([board_id])
        return ok(board, version=board["version"])

    @operation(
        tags=TAGS, summary="Change a board", request=schemas.BoardPatch, response=schemas.BoardOut
    )
    def patch(self, request: Request, board_id: UUID) -> Response:
        """Change."""
        board = services.update_board(
            self.user,
            board_id,
            changes=self.read(schemas.BoardPatch).given(),
            expected_version=self.expected_version(),
        )
        return ok(shapes.board(board), version=board.version)

    @operation(tags=TAGS, summary="Delete a board with everything on it")
    def delete(self, request: Request, board_id: UUID) -> Response:
        """Delete; ``force=true`` also when a gateway cannot be cleaned up now."""
        force = request.GET.get("force", "").lower() in ("1", "true", "yes")
        services.delete_board(
            self.user, board_id, force=force, expected_version=self.expected_version()
        )
        return done()


def _parts(raw: str) -> set[str]:
    parts = {part.strip() for part in raw.split(",")}
    if not parts <= PARTS:
        raise Invalid(
            _("include is tasks, agents or none."),
            errors=[{"loc": ["query", "include"], "msg": "unknown part", "type": "value_error"}],
        )
    return parts


def _tasks_of(board_id: UUID) -> dict[str, Any]:
    counts = reads.task_counts([board_id])[board_id]
    return {
        "tasks": reads.cards_of_board(board_id, limit=DETAIL_TASKS),
        "tasks_total": sum(counts.values()),
        "task_counts": counts,
    }


class SnapshotView(ApiView):
    """Everything that a board's page shows, in one answer."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=TAGS, summary="A board with tasks, agents and approvals", response=schemas.Snapshot
    )
    def get(self, request: Request, board_id: UUID) -> Response:
        """Read."""
        facts = reads.snapshot(self.actor, board_id)
        approvals = Approval.objects.filter(board_id=board_id).order_by("-created_at", "-id")
        return ok(
            {
                **facts,
                "agents": assignees.on_boards([board_id]),
                "approvals": approval_shapes.many(approvals[:SNAPSHOT_APPROVALS]),
                "chat_messages": memories.newest_messages(board_id),
            },
            version=facts["board"]["version"],
        )


class BoardEventsView(ApiView):
    """A board's numbered events, the same that its socket sends."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="Events of a board after a number", response=schemas.BoardEvents)
    def get(self, request: Request, board_id: UUID) -> Response:
        """List; ``reset`` tells that the number lies ahead of the board's."""
        require_board(self.actor, board_id)
        since = _since(request.GET.get("since_seq", "0"))
        given = {"limit": "100", **request.GET.dict()}
        limit = min(Pages(given, default=100).limit, MAX_EVENTS)
        head = EventStream.objects.filter(pk=board_id).values_list("last_seq", flat=True).first()
        rows = ActivityEvent.objects.filter(board_id=board_id, board_seq__gt=since)
        items = [
            orjson.loads(frames.board_frame(row)) for row in rows.order_by("board_seq")[:limit]
        ]
        latest = head or 0
        return ok({"items": items, "latest_seq": latest, "reset": since > latest})


def _since(raw: str) -> int:
    if not raw.isdecimal() or len(raw) > 15:
        raise Invalid(
            _("since_seq is a number."),
            errors=[{"loc": ["query", "since_seq"], "msg": "not a number", "type": "int_parsing"}],
        )
    return int(raw)


def group_snapshot(
    actor: Actor, group: BoardGroup, wanted: schemas.SnapshotFilter, *, besides: UUID | None = None
) -> dict[str, Any]:
    """Boards of a group with counts and their most important tasks, in four queries.

    A person sees those that he may read; an agent of one of them sees what the others work on.
    """
    rows = Board.objects.filter(board_group_id=group.pk)
    if isinstance(actor, UserActor):
        rows = rows.visible_to(actor)
    if besides is not None:
        rows = rows.exclude(pk=besides)
    boards = reads.boards(rows.order_by(Lower("name"), "id"))
    ids = [board["id"] for board in boards]
    counts = reads.task_counts(ids)
    tasks = reads.first_tasks(ids, wanted.per_board_task_limit, with_done=wanted.include_done)
    return {
        "group": shapes.group(group),
        "boards": [
            {
                "board": board,
                "task_counts": counts[board["id"]],
                "tasks": [{**task, "board_name": board["name"]} for task in tasks[board["id"]]],
            }
            for board in boards
        ],
    }


class BoardGroupSnapshotView(ApiView):
    """The other boards of a board's group."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=TAGS, summary="The board's group with its boards", response=schemas.GroupSnapshot
    )
    def get(self, request: Request, board_id: UUID) -> Response:
        """Read; without a group both are empty."""
        wanted = self.query(schemas.SnapshotFilter)
        board = Board.objects.select_related("board_group").seen_by(self.actor, board_id)
        if board.board_group is None:
            return ok({"group": None, "boards": []})
        besides = None if wanted.include_self else board.pk
        return ok(group_snapshot(self.actor, board.board_group, wanted, besides=besides))
