"""What the event streams show: who may open which, and how an event becomes a record.

A feed reads the numbered event log after the last number it has shown, so nothing is left out and
nothing comes twice, whatever became of the wake-ups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.http import HttpRequest

from activity import feed
from activity.api import shapes
from activity.api.filters import parse_moment
from activity.api.scope import scope_in
from activity.api.views import readable_comments, shape_comments
from boards import reads as board_reads
from boards.models import Board, Task
from governance.api import shapes as approval_shapes
from governance.models import Approval
from missioncontrol.kernel import api
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor, actor_key
from missioncontrol.kernel.errors import Forbidden, NotFound
from missioncontrol.kernel.querysets import as_uuid
from orgs.models import User

BATCH = 200
#: After one of these the rights are asked again before anything further is shown.
RIGHTS_CHANGED = frozenset(
    {
        "member.access_changed", "member.removed", "member.role_changed", "board.access_changed",
        "board.created", "board.deleted", "organization.deleted", "token.revoked",
        "agent.deleted", "agent.token_rotated", "agent.attached", "agent.detached",
    }
)  # fmt: skip


class Record(NamedTuple):
    """One record of a stream."""

    id: UUID
    name: str
    payload: Any


class Batch(NamedTuple):
    """Records up to a number of the stream; ``is_full`` says that more may wait."""

    last: int
    records: list[Record]
    is_full: bool


@dataclass(slots=True)
class Feed:
    """One open stream of one reader."""

    actor: Actor
    stream: feed.Stream
    scope: feed.Scope
    kind: str
    board_id: UUID | None
    epoch: Any = None

    @property
    def owner(self) -> str:
        """Whose number of open streams this counts to."""
        return actor_key(self.actor)

    @property
    def is_agents(self) -> bool:
        """Opened by an agent."""
        return isinstance(self.actor, AgentActor)

    def read(self, after: int, again: Callable[[], Feed]) -> Batch:
        """What is new after a number; rights that moved in between are asked again first.

        Args:
            again: Opens the same feed anew with the same credential.

        Raises:
            Unauthenticated, Forbidden, NotFound: the right is gone.
        """
        rows = self.stream.after(after, BATCH)
        if not rows:
            return Batch(after, [], is_full=False)
        if any(row.type in RIGHTS_CHANGED for row in rows) or self.current_epoch() != self.epoch:
            self.renew(again)
        admitted = [row for row in rows if self.scope.admits(row)]
        last = self.stream.number_of(rows[-1])
        return Batch(last, _RECORDS[self.kind](self, admitted), is_full=len(rows) == BATCH)

    def renew(self, again: Callable[[], Feed]) -> None:
        """Take over the rights of this moment."""
        fresh = again()
        self.actor, self.scope, self.epoch = fresh.actor, fresh.scope, fresh.epoch

    def current_epoch(self) -> Any:
        """A value that moves when rights may have changed."""
        if isinstance(self.actor, UserActor):
            person = User.objects.filter(pk=self.actor.id, is_active=True)
            return person.values_list("permission_epoch", flat=True).first(), self._board_epoch()
        return None

    def _board_epoch(self) -> int | None:
        if self.board_id is None:
            return None
        board = Board.objects.filter(pk=self.board_id)
        found: int | None = board.values_list("permission_epoch", flat=True).first()
        return found

    def start(self, request: HttpRequest) -> int | None:
        """Number after which the client wants to go on; ``None`` is from now."""
        known = request.META.get("HTTP_LAST_EVENT_ID", "").strip()
        if known:
            try:
                return self.stream.number_of_event(UUID(known))
            except ValueError:
                return None
        moment = parse_moment(request.GET.get("since", ""))
        return self.stream.number_before(moment) if moment is not None else None


# --- opening ----------------------------------------------------------------------------

_ID = r"(?P<board>[0-9a-fA-F-]{36})"
_PATHS = (
    (re.compile(r"^/api(?:/v1)?/activity/stream$"), "activity"),
    (re.compile(r"^/api(?:/v1)?/activity/task-comments/stream$"), "comment"),
    (re.compile(rf"^/api(?:/v1)?/boards/{_ID}/tasks/stream$"), "task"),
    (re.compile(rf"^/api(?:/v1)?/boards/{_ID}/approvals/stream$"), "approval"),
)


def open_feed(request: HttpRequest, organization_id: UUID | None = None) -> Feed:
    """The feed that a request asks for, with the rights of this moment.

    Args:
        organization_id: The one that a running stream began with; else the active one.

    Raises:
        NotFound: no such stream, or an unseen board.
        Unauthenticated, RateLimited: as for every call.
        Forbidden: not for this kind of account, or no organization.
    """
    kind, board_id = _route(request.path.rstrip("/"))
    actor = api.resolve(request)
    found = (
        _board_feed(actor, kind, board_id)
        if board_id is not None
        else _organization_feed(actor, kind, request, organization_id)
    )
    found.epoch = found.current_epoch()
    return found


def _route(path: str) -> tuple[str, UUID | None]:
    for pattern, kind in _PATHS:
        match = pattern.match(path)
        if match:
            raw = match.groupdict().get("board")
            return kind, as_uuid(raw) if raw else None
    raise NotFound


def _board_feed(actor: Actor, kind: str, board_id: UUID) -> Feed:
    board = Board.objects.seen_by(actor, board_id)
    stream = feed.Stream(board.organization_id, board.pk)
    scope = feed.OrganizationScope(board.organization_id, frozenset({board.pk}))
    return Feed(actor, stream, scope, kind, board.pk)


def _organization_feed(
    actor: Actor, kind: str, request: HttpRequest, organization_id: UUID | None
) -> Feed:
    if isinstance(actor, AgentActor) and kind == "activity":
        stream = feed.Stream(actor.organization_id)
        return Feed(actor, stream, feed.AgentScope(actor.organization_id, actor.id), kind, None)
    if not isinstance(actor, UserActor):
        raise Forbidden
    wanted = organization_id or actor.organization_id
    if wanted is None or wanted not in actor.memberships:
        raise Forbidden("No org access", code="no_org_access")
    board_id = api.uuid_query(request.GET, "board_id")
    if board_id is not None:
        return _board_feed(actor, kind, board_id)
    return Feed(actor, feed.Stream(wanted), scope_in(actor, wanted), kind, None)


# --- records ----------------------------------------------------------------------------


def _activity(_feed: Feed, rows: Sequence[feed.Row]) -> list[Record]:
    return [
        Record(row.id, "activity", shape)
        for row, shape in zip(rows, shapes.events(rows), strict=True)
    ]


def _data(row: feed.Row) -> Mapping[str, Any]:
    found: Mapping[str, Any] = orjson.loads(row.data)
    return found


def _comments_of(actor: Actor, rows: Sequence[feed.Row]) -> dict[str, dict[str, Any]]:
    """Comments that events name, by id, each through the reader's own rights."""
    ids = [_data(row).get("comment_id") for row in rows if row.type == "task.commented"]
    boards = {row.board_id for row in rows if row.board_id}
    found: dict[str, dict[str, Any]] = {}
    for board_id in boards:
        comments = readable_comments(actor, board_id).filter(pk__in=[i for i in ids if i])
        found |= {str(c["id"]): c for c in shape_comments(list(comments))}
    return found


def _comment(opened: Feed, rows: Sequence[feed.Row]) -> list[Record]:
    written = [row for row in rows if row.type == "task.commented"]
    comments = _comments_of(opened.actor, written)
    pairs = [(row, comments.get(str(_data(row).get("comment_id")))) for row in written]
    return [Record(row.id, "comment", comment) for row, comment in pairs if comment]


def _task(opened: Feed, rows: Sequence[feed.Row]) -> list[Record]:
    about = [row for row in rows if row.type.startswith("task.")]
    ids = [pk for row in about if (pk := row.task_id or row.target_id)]
    cards = {t["id"]: t for t in board_reads.tasks(Task.objects.filter(pk__in=ids))}
    comments = _comments_of(opened.actor, about)
    return [
        Record(row.id, "task", _task_payload(row, shape, cards, comments))
        for row, shape in zip(about, shapes.events(about), strict=True)
    ]


def _task_payload(
    row: feed.Row,
    shape: dict[str, Any],
    cards: Mapping[UUID, Any],
    comments: Mapping[str, Any],
) -> dict[str, Any]:
    payload = {"type": shape["event_type"], "activity": shape}
    if row.type == "task.commented":
        return {**payload, "comment": comments.get(str(shape["metadata"].get("comment_id")))}
    task_id = row.task_id or row.target_id
    return {**payload, "task": cards.get(task_id) if task_id else None}


def _approval(_feed: Feed, rows: Sequence[feed.Row]) -> list[Record]:
    about = [row for row in rows if row.type.startswith("approval.")]
    ids = [row.target_id for row in about if row.target_id]
    now = {a["id"]: a for a in approval_shapes.many(Approval.objects.filter(pk__in=ids))}
    return [
        Record(
            row.id,
            "approval",
            {
                "type": shape["event_type"],
                "activity": shape,
                "approval": now.get(str(row.target_id)),
            },
        )
        for row, shape in zip(about, shapes.events(about), strict=True)
    ]


_RECORDS: Mapping[str, Callable[[Feed, Sequence[feed.Row]], list[Record]]] = {
    "activity": _activity,
    "comment": _comment,
    "task": _task,
    "approval": _approval,
}
