"""Boards: create, change, pause, delete."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, board_inputs, rules
from boards.models import Board, BoardUserObjectPermission, Task, TaskAlias
from boards.services import groups, opening
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, StaleVersion
from missioncontrol.kernel.unit import service
from orgs.models import Organization


@service
def create_board(
    actor: Actor, organization_id: UUID | None = None, *, name: str, **fields: Any
) -> Board:
    """Create a board; its organization is the group's, else the gateway's, else the active one.

    Args:
        actor: An admin.
        organization_id: The organization; must agree with group and gateway.
        name: 1 to 200 characters.
        fields: Any field of :data:`boards.board_inputs.FIELDS`.

    Raises:
        Invalid: a value that does not fit; group, gateway and organization that contradict.
        NotFound: no such organization.
        Forbidden: no admin.
        Conflict: the short name is taken.
    """
    wanted = board_inputs.checked({"name": name, **fields})
    home = _home(actor, organization_id, wanted)
    authz.authorize(actor, actions.CREATE_BOARD, home)
    # The organization's row orders creations, so that two boards never derive one key.
    Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=home.pk)
    if "gateway_id" not in fields:
        wanted["gateway_id"] = board_inputs.default_gateway(home.pk)
    key = wanted.pop("key", None)
    wanted["slug"] = groups.slug_of(wanted.get("slug"), wanted["name"])
    board = Board(organization_id=home.pk, key=free_key(home.pk, wanted["name"], key), **wanted)
    board_inputs.check_goal(board, became_goal=False)
    board.save(force_insert=True)
    if isinstance(actor, UserActor):
        _keep_access(actor, board)
    _publish(actor, board, "board.created", {"name": board.name, "key": board.key})
    return board


def _home(actor: Actor, organization_id: UUID | None, wanted: Mapping[str, Any]) -> Organization:
    found = board_inputs.organization_of(actor, wanted)
    if found is not None and organization_id not in (None, found):
        raise board_inputs.contradiction()
    return groups.home_of(actor, organization_id or found)


def _keep_access(actor: UserActor, board: Board) -> None:
    """Who makes a board may work on it, also without the right to all boards."""
    facts = actor.memberships.get(board.organization_id)
    if facts is None or facts.all_boards_write:
        return
    from guardian.shortcuts import assign_perm

    from orgs.models import User

    user = User.objects.get(pk=actor.id)
    for name in ("read_board", "write_board"):
        assign_perm(name, user, board)


def free_key(
    organization_id: UUID, name: str, wanted: str | None, *, own: UUID | None = None
) -> str:
    """A short name that no other board of the organization uses or has left in old task keys.

    Raises:
        Conflict: the wanted one is taken.
    """
    boards = Board.objects.filter(organization_id=organization_id).exclude(pk=own)
    taken = set(boards.values_list("key", flat=True))
    if wanted is None:
        old = TaskAlias.objects.filter(organization_id=organization_id)
        taken |= {key.partition("-")[0] for key in old.values_list("key", flat=True)}
        return rules.derive_key(name, taken)
    old = TaskAlias.objects.filter(organization_id=organization_id, key__startswith=f"{wanted}-")
    if own is not None:
        old = old.exclude(task__board_id=own)
    if wanted in taken or old.exists():
        raise Conflict(_("Another board uses this short name."), code="board_key_taken")
    return wanted


@service
def update_board(
    actor: Actor,
    board_id: Any,
    *,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Board:
    """Change a board; rules, gateway and group only by admins, and the rules are audited.

    Args:
        actor: A person who may write on the board.
        board_id: The board.
        changes: Any field of :data:`boards.board_inputs.FIELDS`.
        expected_version: The row version that the caller saw.

    Raises:
        Invalid: a value that does not fit.
        NotFound: absent or invisible.
        Forbidden: no right to write, or no admin.
        StaleVersion: somebody else changed one of the fields since.
        Conflict: the short name is taken.
    """
    wanted = board_inputs.checked(changes)
    board = opening.open_board(actor, board_id)
    authz.authorize(actor, actions.UPDATE_BOARD, board)
    if wanted.keys() & board_inputs.ADMIN_FIELDS:
        authz.authorize(actor, actions.CONFIGURE_BOARD, board)
    if "slug" in wanted:
        wanted["slug"] = groups.slug_of(wanted["slug"], wanted.get("name", board.name))
    changed = {k: v for k, v in wanted.items() if v != getattr(board, k)}
    if not changed:
        return board
    _require_version(board, changed, expected_version)
    board_inputs.check_places(board, changed)
    if "key" in changed:
        free_key(board.organization_id, board.name, changed["key"], own=board.pk)
    previous = {name: getattr(board, name) for name in changed}
    _write(board, changed)
    if "key" in changed:
        _rename_tasks(board, previous["key"])
    _tell_updated(actor, board, changed, previous)
    return board


def _require_version(board: Board, changed: Mapping[str, Any], expected: int | None) -> None:
    stale = rules.stale_fields(board.field_versions, changed, expected)
    if stale:
        current = {name: _plain(getattr(board, name)) for name in stale}
        raise StaleVersion(
            _("Somebody else changed the board since."),
            fields=stale,
            current={"id": str(board.pk), "version": board.version, **current},
        )


def _write(board: Board, changed: Mapping[str, Any]) -> None:
    became_goal = changed.get("board_type") == Board.Type.GOAL
    for name, value in changed.items():
        setattr(board, name, value)
    board_inputs.check_goal(board, became_goal=became_goal)
    board.version += 1
    board.field_versions = {**board.field_versions, **dict.fromkeys(changed, board.version)}
    columns = [name.removesuffix("_id") for name in changed]
    board.save(update_fields=[*columns, "version", "field_versions", "updated_at"])


def _rename_tasks(board: Board, old_key: str) -> None:
    """Give the tasks the board's new short name; their old keys stay as aliases."""
    rows = Task.objects.filter(board_id=board.pk).order_by("pk")
    TaskAlias.objects.bulk_create(
        [
            TaskAlias(organization_id=board.organization_id, key=f"{old_key}-{number}", task_id=pk)
            for pk, number in rows.values_list("pk", "number")
        ],
        ignore_conflicts=True,
        batch_size=1_000,
    )
    from django.db.models import CharField, F, Value
    from django.db.models.functions import Cast, Concat

    rows.update(key=Concat(Value(f"{board.key}-"), Cast(F("number"), CharField())))


def _tell_updated(
    actor: Actor, board: Board, changed: Mapping[str, Any], previous: Mapping[str, Any]
) -> None:
    """One event for the rules, audited with old and new value; one for the rest."""
    policy = [name for name in changed if name in rules.POLICY_FIELDS]
    rest = [name for name in changed if name not in rules.POLICY_FIELDS]
    for type_, names in (("board.policy_changed", policy), ("board.updated", rest)):
        if names:
            data = {
                "version": board.version,
                "changes": rules.event_values({n: _plain(changed[n]) for n in names}),
                "previous": rules.event_values({n: _plain(previous[n]) for n in names}),
            }
            _publish(actor, board, type_, data)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return clock.iso(value) if isinstance(value, datetime) else value


@service
def pause_board(actor: Actor, board_id: Any) -> Board:
    """Stop what agents get from this board: no wake-ups, no executions.

    Raises:
        NotFound: absent or invisible.
        Forbidden: no right to write; a worker.
    """
    return set_paused(actor, board_id, paused=True)


@service
def resume_board(actor: Actor, board_id: Any) -> Board:
    """Let the agents of this board go on.

    Raises:
        NotFound: absent or invisible.
        Forbidden: no right to write; a worker.
    """
    return set_paused(actor, board_id, paused=False)


def set_paused(
    actor: Actor, board_id: Any, *, paused: bool, memory_id: UUID | None = None
) -> Board:
    """Stop or let go on; part of a running service.

    Args:
        memory_id: The message whose command it is; its own event tells the agents.
    """
    board = opening.open_board(actor, board_id)
    authz.authorize(actor, actions.PAUSE_BOARD, board)
    if isinstance(actor, AgentActor) and not (actor.is_lead or actor.is_main):
        raise Forbidden(_("Only a board's lead pauses it."), code="lead_only")
    if board.paused == paused:
        return board
    board.paused = paused
    board.version += 1
    board.save(update_fields=["paused", "version", "updated_at"])
    data = {
        "version": board.version,
        "changes": {"paused": paused},
        "previous": {"paused": not paused},
        "memory_id": str(memory_id) if memory_id else None,
    }
    _publish(actor, board, "board.paused" if paused else "board.resumed", data)
    return board


@service
def delete_board(
    actor: Actor, board_id: Any, *, force: bool = False, expected_version: int | None = None
) -> None:
    """Delete a board with everything on it; its agents are released by their own app.

    Args:
        actor: An admin who may write on the board.
        board_id: The board.
        force: Also when an agent cannot be removed from its gateway now; passed on in the event.

    Raises:
        NotFound: absent or invisible.
        Forbidden: no admin, or no right to write.
        StaleVersion: somebody else changed it since ``expected_version``.
        RemoteFailed: a listener could not clean up and ``force`` is off.
    """
    # The full lock: nothing may be added while it goes.
    board = opening.open_board(actor, board_id, for_delete=True)
    authz.authorize(actor, actions.DELETE_BOARD, board)
    opening.require_seen(board, expected_version)
    tasks = Task.objects.filter(board_id=board.pk).count()
    _publish(actor, board, "board.deleted", {"force": force, "name": board.name, "tasks": tasks})
    BoardUserObjectPermission.objects.filter(content_object_id=board.pk).delete()
    TaskAlias.objects.filter(Q(task__board_id=board.pk)).delete()
    board.delete()


def _publish(actor: Actor, board: Board, type_: str, data: Mapping[str, Any]) -> None:
    publish(
        type_,
        actor=actor,
        target=board,
        organization_id=board.organization_id,
        board_id=board.pk,
        agent_id=actor.id if isinstance(actor, AgentActor) else None,
        data=data,
    )
