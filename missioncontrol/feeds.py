"""What the event streams show: who may open which, and how an event becomes a record.

A feed reads the numbered event log after the last number it has shown, so nothing is left out and
nothing comes twice, whatever became of the wake-ups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from activity import feed
from activity.api.filters import parse_moment
from activity.api.scope import scope_in
from agents.api import shapes as agent_shapes
from agents.models import Agent
from boards.models import Board, BoardGroup
from missioncontrol.feed_records import RECORDS, Record
from missioncontrol.kernel import api, clock
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor, actor_key
from missioncontrol.kernel.errors import Forbidden, Invalid, NotFound
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
#: A group is read through its boards, which may leave it.
GROUP_RIGHTS_CHANGED = RIGHTS_CHANGED | {"board.updated", "board_group.deleted"}


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
    is_chat: bool | None = None
    epoch: Any = None
    shown: dict[UUID, str] | None = None

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
        changing = GROUP_RIGHTS_CHANGED if self.kind == "group_memory" else RIGHTS_CHANGED
        if any(row.type in changing for row in rows) or self.current_epoch() != self.epoch:
            self.renew(again)
        admitted = [row for row in rows if self.scope.admits(row)]
        last = self.stream.number_of(rows[-1])
        records = RECORDS[self.kind](self, admitted)
        self._remember(records)
        return Batch(last, records, is_full=len(rows) == BATCH)

    def look(self) -> list[Record]:
        """Agents that went silent or came back: states that no event tells, by the clock."""
        if self.kind != "agent":
            return []
        agents = Agent.objects.visible_to(self.actor)
        agents = agents.filter(organization_id=self.stream.organization_id)
        if self.board_id is not None:
            agents = agents.filter(board_id=self.board_id)
        now = {agent.pk: agent_shapes.agent(agent) for agent in agents}
        before, self.shown = self.shown, {pk: shape["status"] for pk, shape in now.items()}
        if before is None:
            return []
        moved = [pk for pk, status in self.shown.items() if before.get(pk, status) != status]
        return [Record(None, "agent", {"agent": now[pk]}) for pk in moved]

    def _remember(self, records: Sequence[Record]) -> None:
        """States that were just shown are no news at the next look."""
        if self.kind == "agent" and self.shown is not None:
            for record in records:
                agent = record.payload["agent"]
                self.shown[agent["id"]] = agent["status"]

    def renew(self, again: Callable[[], Feed]) -> None:
        """Take over the rights of this moment."""
        fresh = again()
        self.actor, self.scope, self.epoch = fresh.actor, fresh.scope, fresh.epoch

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the credential proves nothing any more; ``None`` without an end."""
        ends_at = self.actor.ends_at if isinstance(self.actor, UserActor) else None
        return None if ends_at is None else (ends_at - clock.now()).total_seconds()

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

_ID = r"(?P<{0}>[0-9a-fA-F-]{{36}})"
_BOARD, _GROUP = "boards/" + _ID.format("board"), "board-groups/" + _ID.format("group")
_PATHS = tuple(
    (re.compile(rf"^/api(?:/v1)?/{path}/stream$"), kind)
    for path, kind in (
        ("activity", "activity"),
        ("activity/task-comments", "comment"),
        ("agents", "agent"),
        (f"{_BOARD}/tasks", "task"),
        (f"{_BOARD}/approvals", "approval"),
        (f"{_BOARD}/memory", "memory"),
        (f"{_BOARD}/group-memory", "group_memory"),
        (f"{_GROUP}/memory", "group_memory"),
    )
)
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Route:
    """What an address names."""

    kind: str
    board_id: UUID | None
    group_id: UUID | None


def open_feed(request: HttpRequest, organization_id: UUID | None = None) -> Feed:
    """The feed that a request asks for, with the rights of this moment.

    Args:
        organization_id: The one that a running stream began with; else the active one.

    Raises:
        NotFound: no such stream, or an unseen board or group.
        Unauthenticated, RateLimited: as for every call.
        Forbidden: not for this kind of account, or no organization.
        Invalid: a malformed filter.
    """
    route = _route(request.path.rstrip("/"))
    actor = api.resolve(request)
    if route.kind == "group_memory":
        found = _group_feed(actor, route)
    elif route.board_id is not None:
        found = _board_feed(actor, route.kind, route.board_id)
    else:
        found = _organization_feed(actor, route.kind, request, organization_id)
    found.is_chat = _is_chat(request)
    found.epoch = found.current_epoch()
    return found


def _route(path: str) -> Route:
    for pattern, kind in _PATHS:
        match = pattern.match(path)
        if match:
            ids = {name: as_uuid(raw) for name, raw in match.groupdict().items()}
            return Route(kind, ids.get("board"), ids.get("group"))
    raise NotFound


def _is_chat(request: HttpRequest) -> bool | None:
    raw = request.GET.get("is_chat", "").strip().lower()
    if raw and raw not in _TRUTHS:
        raise Invalid(
            _("is_chat is true or false."),
            errors=[{"loc": ["query", "is_chat"], "msg": "not a boolean", "type": "bool_parsing"}],
        )
    return _TRUTHS.get(raw)


def _board_feed(actor: Actor, kind: str, board_id: UUID) -> Feed:
    board = Board.objects.seen_by(actor, board_id)
    stream = feed.Stream(board.organization_id, board.pk)
    scope = feed.OrganizationScope(board.organization_id, frozenset({board.pk}))
    return Feed(actor, stream, scope, kind, board.pk)


def _group_feed(actor: Actor, route: Route) -> Feed:
    """A group's events, reached by itself or by one of its boards (which may have none)."""
    if route.board_id is not None:
        board = Board.objects.seen_by(actor, route.board_id)
        organization_id, group_id = board.organization_id, board.board_group_id
    elif isinstance(actor, UserActor):
        group = BoardGroup.objects.seen_by(actor, route.group_id)
        organization_id, group_id = group.organization_id, group.pk
    else:
        raise Forbidden
    scope = feed.TargetScope(organization_id, group_id)
    return Feed(actor, feed.Stream(organization_id), scope, route.kind, None)


def _organization_feed(
    actor: Actor, kind: str, request: HttpRequest, organization_id: UUID | None
) -> Feed:
    if isinstance(actor, AgentActor) and kind in ("activity", "agent"):
        return _agents_own_feed(actor, kind)
    if not isinstance(actor, UserActor):
        raise Forbidden
    wanted = organization_id or actor.organization_id
    if wanted is None or wanted not in actor.memberships:
        raise Forbidden("No org access", code="no_org_access")
    board_id = api.uuid_query(request.GET, "board_id")
    if board_id is not None:
        return _board_feed(actor, kind, board_id)
    return Feed(actor, feed.Stream(wanted), scope_in(actor, wanted), kind, None)


def _agents_own_feed(actor: AgentActor, kind: str) -> Feed:
    """What concerns the agent; of agents those of its boards."""
    home = actor.organization_id
    scope: feed.Scope = feed.AgentScope(home, actor.id)
    if kind == "agent":
        boards = Board.objects.visible_to(actor).values_list("pk", flat=True)
        scope = feed.OrganizationScope(home, frozenset(boards))
    return Feed(actor, feed.Stream(home), scope, kind, None)
