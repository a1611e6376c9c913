"""Who sees which board, group, task; prefetches for cards."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Literal, Self
from uuid import UUID

from django.apps import apps
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.querysets import VisibleQuerySet

Right = Literal["read", "write"]


@lru_cache(maxsize=1)
def permission_ids() -> dict[str, int]:
    """Ids of ``read_board`` and ``write_board``; they never change while the process lives."""
    permission = apps.get_model("auth", "Permission")
    found = permission.objects.filter(
        content_type__app_label="boards", codename__in=["read_board", "write_board"]
    ).values_list("codename", "pk")
    return dict(found)


def forgetpermission_ids() -> None:
    """Read the ids again (a test database was made anew)."""
    permission_ids.cache_clear()


def on_migrated(**_facts: Any) -> None:
    """Listener of ``post_migrate``: the database may be another one now."""
    forgetpermission_ids()


def board_ids(actor: Actor, right: str) -> QuerySet[Any]:
    """Ids of the boards that the actor may read or write, for look-ups of other apps."""
    board = apps.get_model("boards", "Board")
    found: QuerySet[Any] = board.objects.filter(
        board_q(actor, "write" if right == "write" else "read")
    ).values("pk")
    return found


def grants_of(user_id: UUID, right: Right) -> QuerySet[Any]:
    """Direct grants of a person; a write grant implies reading."""
    ids = permission_ids()
    wanted = [ids.get("write_board", 0)]
    if right == "read":
        wanted.append(ids.get("read_board", 0))
    grants = apps.get_model("boards", "BoardUserObjectPermission")
    found: QuerySet[Any] = grants.objects.filter(user_id=user_id, permission_id__in=wanted)
    return found


def grants_of_boards(board_ids: Collection[UUID]) -> QuerySet[Any]:
    """Direct grants of anybody to read or write one of some boards."""
    grants = apps.get_model("boards", "BoardUserObjectPermission")
    found: QuerySet[Any] = grants.objects.filter(
        content_object_id__in=list(board_ids), permission_id__in=permission_ids().values()
    )
    return found


def board_q(actor: Actor, right: Right, *, path: str = "") -> Q:
    """Condition "this board (reached by ``path``) is readable/writable by the actor".

    ``path`` is the lookup prefix of the board, e.g. ``"board"`` on a task, empty on a board.
    """
    key = f"{path}_id" if path else "id"
    organization = "organization_id"
    if isinstance(actor, UserActor):
        everywhere: list[UUID] = []
        elsewhere: list[UUID] = []
        for facts in actor.memberships.values():
            wide = facts.all_boards_write or (right == "read" and facts.all_boards_read)
            (everywhere if wide else elsewhere).append(facts.organization_id)
        condition = Q(**{f"{organization}__in": everywhere})
        if elsewhere:
            granted = Exists(grants_of(actor.id, right).filter(content_object_id=OuterRef(key)))
            condition |= Q(**{f"{organization}__in": elsewhere}) & Q(granted)
        return condition
    if isinstance(actor, AgentActor):
        if actor.is_main and actor.gateway_id:
            gateway = f"{path}__gateway_id" if path else "gateway_id"
            return Q(**{gateway: actor.gateway_id, organization: actor.organization_id})
        return Q(**{key: actor.board_id}) if actor.board_id else Q(pk__in=[])
    return Q() if actor.kind == "system" else Q(pk__in=[])


def board_sql(actor: Actor, right: Right, *, board: str) -> tuple[str, list[Any]]:
    """The condition of :func:`board_q` as SQL, for statements that are written by hand.

    ``board`` is the alias of ``boards_board`` in the statement. A test holds both to be the same.
    """
    if isinstance(actor, UserActor):
        everywhere: list[UUID] = []
        elsewhere: list[UUID] = []
        for facts in actor.memberships.values():
            wide = facts.all_boards_write or (right == "read" and facts.all_boards_read)
            (everywhere if wide else elsewhere).append(facts.organization_id)
        if not elsewhere:
            return f"{board}.organization_id = ANY(%s)", [everywhere]
        ids = permission_ids()
        wanted = [ids.get("write_board", 0)] + (
            [ids.get("read_board", 0)] if right == "read" else []
        )
        return (
            f"({board}.organization_id = ANY(%s) OR ({board}.organization_id = ANY(%s) "  # noqa: S608
            "AND EXISTS (SELECT 1 FROM boards_boarduserobjectpermission g "
            f"WHERE g.content_object_id = {board}.id AND g.user_id = %s "
            "AND g.permission_id = ANY(%s))))"
        ), [everywhere, elsewhere, actor.id, wanted]
    if isinstance(actor, AgentActor):
        if actor.is_main and actor.gateway_id:
            sql = f"({board}.gateway_id = %s AND {board}.organization_id = %s)"
            return sql, [actor.gateway_id, actor.organization_id]
        return (f"{board}.id = %s", [actor.board_id]) if actor.board_id else ("FALSE", [])
    return ("TRUE", []) if actor.kind == "system" else ("FALSE", [])


class BoardQuerySet(VisibleQuerySet[Any]):
    """Boards by right."""

    def visible_to(self, actor: Actor) -> Self:
        """Readable boards."""
        return self.filter(board_q(actor, "read"))

    def writable_by(self, actor: Actor) -> Self:
        """Boards the actor may write on."""
        return self.filter(board_q(actor, "write"))


class TaskQuerySet(VisibleQuerySet[Any]):
    """Tasks by the right on their board."""

    def visible_to(self, actor: Actor) -> Self:
        """Tasks of readable boards."""
        return self.filter(board_q(actor, "read", path="board"))


class WebhookQuerySet(VisibleQuerySet[Any]):
    """Webhooks and their payloads by the right on their board."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of readable boards."""
        return self.filter(board_q(actor, "read", path="board"))


class OwnQuerySet(VisibleQuerySet[Any]):
    """Rows that every member of their organization may read."""

    def visible_to(self, actor: Actor) -> Self:
        """Rows of the actor's organizations."""
        if isinstance(actor, UserActor):
            return self.filter(organization_id__in=list(actor.memberships))
        if actor.kind == "system":
            return self.all()
        return self.filter(organization_id=actor.organization_id)


class CustomFieldQuerySet(OwnQuerySet):
    """Custom fields, and which of their boards somebody is told of."""

    def with_boards(self, actor: Actor) -> Self:
        """With the boards that the actor may read; admins, who bind them, with every one."""
        shown = board_q(actor, "read")
        if isinstance(actor, UserActor):
            shown |= Q(organization_id__in=[o for o in actor.memberships if actor.is_admin_in(o)])
        boards = apps.get_model("boards", "Board").objects.filter(shown)
        return self.prefetch_related(Prefetch("boards", queryset=boards))


class BoardGroupQuerySet(VisibleQuerySet[Any]):
    """Groups with a readable board; empty ones for admins and all-boards readers."""

    def visible_to(self, actor: Actor) -> Self:
        """Readable groups."""
        if actor.kind == "system":
            return self.all()
        board = apps.get_model("boards", "Board")
        readable = board.objects.filter(board_q(actor, "read"), board_group_id=OuterRef("pk"))
        condition = Q(Exists(readable))
        if isinstance(actor, UserActor):
            wide = [
                facts.organization_id
                for facts in actor.memberships.values()
                if facts.all_boards_read or facts.all_boards_write
            ]
            admin = [o for o in actor.memberships if actor.is_admin_in(o)]
            empty = ~Exists(board.objects.filter(board_group_id=OuterRef("pk")))
            condition |= Q(organization_id__in=wide) | (Q(organization_id__in=admin) & Q(empty))
        return self.filter(condition)


class MemoryQuerySet(VisibleQuerySet[Any]):
    """Notes and messages; who sees them is said by the two kinds."""

    def spoken(self) -> Self:
        """Without blank ones that an older version let through."""
        return self.exclude(content__regex=r"^\s*$")


class BoardMemoryQuerySet(MemoryQuerySet):
    """Notes and messages by the right on their board."""

    def valued(self, board_id: UUID, tag: str) -> Self:
        """Values of a key of a board, the newest first."""
        notes = self.filter(board_id=board_id, is_chat=False, tags__contains=[tag])
        return notes.order_by("-created_at", "-id")

    def visible_to(self, actor: Actor) -> Self:
        """Those of readable boards."""
        return self.filter(board_q(actor, "read", path="board"))


class GroupMemoryQuerySet(MemoryQuerySet):
    """Notes and messages by the right on their group."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of readable groups."""
        groups = apps.get_model("boards", "BoardGroup").objects
        return self.filter(board_group__in=groups.visible_to(actor).values("pk"))
