"""Agents are made, changed, attached to boards and released."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from agents import actions, rules, workspace
from agents.models import Agent
from boards.models import Board, Task
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor, AgentActor, SystemActor, UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, NotFound, StaleVersion
from missioncontrol.kernel.unit import service
from orgs.models import Organization

from . import setup, tokens

#: Fields that a caller may set, and whether a change has to be written to the gateway.
SETTABLE = (
    "name", "description", "capabilities", "config", "heartbeat_config", "identity_profile",
    "identity_template", "soul_template",
)  # fmt: skip
_CONSTRAINTS = {
    "agent_name_on_board": "An agent with this name already exists on this board.",
    "agent_name_on_gateway": "An agent with this name already exists on this gateway.",
    "one_lead_per_board": "This board already has a lead.",
    "one_main_per_gateway": "This gateway already has its agent.",
}


@service
def create_agent(
    actor: Actor,
    organization_id: UUID | None = None,
    *,
    name: str,
    board_id: UUID | None = None,
    agent_type: str = Agent.Type.WORKER,
    **facts: Any,
) -> Agent:
    """Make an agent: in the pool without a board, else attached and set up on its gateway.

    Args:
        organization_id: Where a pool agent belongs; a board decides for itself.
        facts: Any of :data:`SETTABLE`.

    Raises:
        Invalid: a value does not fit.
        NotFound: board or organization not visible.
        Forbidden: not allowed, or a lead outside its own board.
        Conflict: name taken, a second lead, or the lead's cap is reached.
    """
    checked = _checked({"name": name, **facts})
    if agent_type == Agent.Type.MAIN:
        raise Invalid(_("A gateway's own agent is made with the gateway."), field="agent_type")
    board = _board_for(actor, board_id)
    owner = board or _organization_for(actor, organization_id)
    authz.authorize(actor, actions.CREATE, owner)
    if isinstance(actor, AgentActor):
        agent_type = Agent.Type.WORKER
        _require_room(board)
    if agent_type == Agent.Type.LEAD and board is None:
        raise Invalid(_("A lead belongs to a board."), code="board_required", field="board_id")
    agent = Agent(
        organization_id=board.organization_id if board else owner.id,
        board=board,
        gateway=board.gateway if board else None,
        agent_type=agent_type,
        **checked,
    )
    agent.heartbeat_config = rules.heartbeat_of(agent.heartbeat_config)
    workspace.check_templates(agent)
    _insert(agent)
    setup.note("agent.created", actor, agent)
    if agent.gateway_id is not None:
        setup.begin(agent)
        setup.note("agent.provisioning", actor, agent)
    return agent


def _board_for(actor: Actor, board_id: UUID | None) -> Board | None:
    if isinstance(actor, AgentActor):
        if not actor.is_lead:
            raise Forbidden(_("Only a board's lead makes agents."))
        if board_id not in (None, actor.board_id):
            raise Forbidden(_("A lead makes agents on its own board only."))
        board_id = actor.board_id
    if board_id is None:
        return None
    board: Board = Board.objects.open_for(actor, board_id)
    return board


def _organization_for(actor: Actor, organization_id: UUID | None) -> Organization:
    wanted = organization_id
    if isinstance(actor, UserActor):
        wanted = organization_id or actor.organization_id
        if wanted not in actor.memberships:
            raise NotFound
    found: Organization | None = None
    if wanted is not None:
        found = Organization.objects.filter(pk=wanted).first()
    if found is None:
        raise NotFound
    return found


def _require_room(board: Board | None) -> None:
    if board is None:
        raise Forbidden(_("A lead makes agents on its own board only."))
    workers = Agent.objects.filter(board=board, agent_type=Agent.Type.WORKER)
    if workers.exclude(status=Agent.Status.DELETING).count() >= board.max_agents:
        raise Conflict(
            _("The board's rules allow its lead %(n)s workers (max_agents).")
            % {"n": board.max_agents},
            code="max_agents_reached",
            max_agents=board.max_agents,
        )


def _insert(agent: Agent) -> None:
    try:
        with transaction.atomic():
            agent.save(force_insert=True)
    except IntegrityError as error:
        raise taken(error) from error


def taken(error: IntegrityError) -> Exception:
    """What a violated constraint means to the caller; another fault as it is."""
    cause = getattr(error.__cause__, "diag", None)
    name = getattr(cause, "constraint_name", "") or ""
    text = _CONSTRAINTS.get(name)
    return (
        Conflict(_(text), code="name_taken" if "name" in name else "role_taken") if text else error
    )


def _checked(facts: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(facts) - set(SETTABLE))
    if unknown:
        raise Invalid(_("Unknown field."), code="unknown_field", field=unknown[0])
    checked = dict(facts)
    if "name" in checked:
        checked["name"] = workspace.line(checked["name"])
        if not checked["name"]:
            raise Invalid(_("An agent needs a name."), field="name")
    if checked.get("heartbeat_config"):
        _check_interval(checked["heartbeat_config"])
    if "identity_profile" in checked:
        checked["identity_profile"] = rules.clean_profile(checked["identity_profile"]) or None
    if "capabilities" in checked:
        names = [str(name).strip() for name in checked["capabilities"] or []]
        checked["capabilities"] = [name for name in names if name]
    for field in ("config", "heartbeat_config"):
        if field in checked and checked[field] is None:
            checked[field] = {}
    return checked


def _check_interval(config: Mapping[str, Any]) -> None:
    try:
        rules.interval_seconds(rules.heartbeat_of(config)["every"])
    except ValueError as error:
        raise Invalid(
            _("Write the heartbeat interval as 10m, 1h30m, or 0m for none."),
            code="bad_interval",
            field="heartbeat_config",
        ) from error


@service
def update_agent(
    actor: Actor,
    agent_id: UUID,
    *,
    changes: Mapping[str, Any],
    force: bool = False,
    expected_version: int | None = None,
) -> Agent:
    """Change facts of an agent, its board or its role; what its gateway holds is written anew.

    ``board_id`` attaches or releases it. Nothing changed and not ``force``: nothing happens.

    Raises:
        Invalid: a value does not fit.
        NotFound: not visible.
        Forbidden: not allowed.
        StaleVersion: it changed since ``expected_version``.
        Conflict: name taken, a second lead, being deleted.
    """
    wanted = dict(changes)
    moves = "board_id" in wanted
    board_id, agent_type = wanted.pop("board_id", None), wanted.pop("agent_type", None)
    checked = _checked(wanted)
    board = lock_board(actor, board_id) if moves else None
    before: Agent = Agent.objects.seen_by(actor, agent_id)
    authz.authorize(actor, actions.UPDATE, before)
    if moves and before.board_id not in (None, board_id):
        release_tasks(before)  # tasks are locked before their agent
    agent = _open(actor, agent_id)
    _require_version(agent, expected_version)
    changed = [name for name, value in checked.items() if getattr(agent, name) != value]
    for name in changed:
        setattr(agent, name, checked[name])
    if "heartbeat_config" in changed:
        agent.heartbeat_config = rules.heartbeat_of(agent.heartbeat_config)
    workspace.check_templates(agent)
    role = (
        agent.agent_type if agent.agent_type == Agent.Type.MAIN else agent_type or agent.agent_type
    )
    if (moves and board_id != agent.board_id) or role != agent.agent_type:
        target = board if moves else agent.board
        return _move(actor, agent, target, role, changed)
    if not changed and not force:
        return agent
    _write_change(actor, agent, changed)
    return agent


def _open(actor: Actor, agent_id: UUID) -> Agent:
    agent: Agent = Agent.objects.select_related("board", "gateway").open_for(actor, agent_id)
    if agent.status == Agent.Status.DELETING:
        raise Conflict(_("This agent is being deleted."), code="agent_deleting")
    return agent


def lock_board(actor: Actor, board_id: UUID | None) -> Board | None:
    """The board to attach to, locked before the agent (order of locks)."""
    if board_id is None:
        return None
    board: Board = Board.objects.select_related("gateway").open_for(actor, board_id)
    authz.authorize(actor, actions.ATTACH, board)
    return board


def _require_version(agent: Agent, expected: int | None) -> None:
    if expected is not None and expected != agent.version:
        raise StaleVersion(
            _("The agent was changed meanwhile."), current={"version": agent.version}
        )


def _write_change(actor: Actor, agent: Agent, changed: list[str]) -> None:
    agent.version += 1
    fields = [*changed, "version"]
    try:
        with transaction.atomic():
            agent.save(update_fields=[*fields, "updated_at"])
    except IntegrityError as error:
        raise taken(error) from error
    setup.note("agent.updated", actor, agent, changes=changed)
    if agent.gateway_id is not None:
        setup.request(agent, Agent.Work.UPDATE, happening=rules.Happening.CHANGED)


def _move(actor: Actor, agent: Agent, board: Board | None, role: str, changed: list[str]) -> Agent:
    """Put the agent on another board, in another role, or back into the pool."""
    if Agent.Type.MAIN in (agent.agent_type, role):
        raise Conflict(_("A gateway's own agent keeps its place."), code="agent_is_main")
    if role == Agent.Type.LEAD and board is None:
        raise Invalid(_("A lead belongs to a board."), code="board_required", field="board_id")
    return place(actor, agent, board, role, changed=changed)


def place(
    actor: Actor,
    agent: Agent,
    board: Board | None,
    role: str,
    *,
    gateway: Gateway | None = None,
    changed: Iterable[str] = (),
) -> Agent:
    """Give a locked agent its place: a board, its gateway without one, or the pool.

    Args:
        gateway: Where a gateway's own agent lives; a board names its gateway itself.
        changed: Fields that are saved along.

    Raises:
        Conflict: name or role taken there.
    """
    setup.leave_behind(agent)
    agent.board, agent.agent_type = board, role
    agent.gateway = board.gateway if board else gateway
    if agent.status == Agent.Status.PAUSED:
        agent.status = Agent.Status.DRAFT
    agent.status_before_pause = ""
    agent.version += 1
    fields = [
        *changed,
        "board",
        "gateway",
        "agent_type",
        "version",
        "left_behind",
        "status",
        "status_before_pause",
    ]
    try:
        with transaction.atomic():
            agent.save(update_fields=[*fields, "updated_at"])
    except IntegrityError as error:
        raise taken(error) from error
    setup.note("agent.attached" if board else "agent.detached", actor, agent, role=role)
    if agent.gateway_id is not None:
        setup.begin(agent)
    else:
        rest(agent)
    return agent


def rest(agent: Agent) -> None:
    """Make the agent a draft without token; its remote selves are removed by a run."""
    fields = tokens.forget(agent)
    agent.status = Agent.Status.DRAFT
    agent.lifecycle_generation += 1
    agent.work = Agent.Work.CLEAN_UP if agent.left_behind else Agent.Work.NONE
    agent.work_options, agent.attempts, agent.next_attempt_at = {}, 0, None
    agent.provisioned_at = agent.checkin_deadline_at = agent.last_seen_at = None
    agent.gateway_seen_at = agent.provision_requested_at = None
    agent.wake_attempts, agent.last_provision_error, agent.last_provision_code = 0, "", ""
    agent.save(
        update_fields=[
            *fields, "status", "lifecycle_generation", "work", "work_options", "attempts",
            "next_attempt_at", "provisioned_at", "checkin_deadline_at", "last_seen_at",
            "gateway_seen_at", "provision_requested_at", "wake_attempts", "last_provision_error",
            "last_provision_code", "updated_at",
        ]
    )  # fmt: skip
    if agent.work:
        setup.enqueue(agent)


def release_tasks(agent: Agent) -> None:
    """Take the agent off its tasks: what it had begun goes back to todo (core 14.3)."""
    from boards import services as boards

    who = SystemActor(f"{agent.name} left", agent.organization_id)
    tasks = Task.objects.filter(assigned_agent=agent).order_by("pk")
    for task_id, status in list(tasks.values_list("pk", "status")):
        changes: dict[str, Any] = {"assigned_agent_id": None}
        if status == Task.Status.IN_PROGRESS:
            changes["status"] = Task.Status.TODO
        boards.update_task(who, task_id, changes=changes)


def attach_agent(
    actor: Actor, agent_id: UUID, *, board_id: UUID, agent_type: str = Agent.Type.WORKER
) -> Agent:
    """Attach an agent to a board; with a gateway there it is set up."""
    return update_agent(actor, agent_id, changes={"board_id": board_id, "agent_type": agent_type})


def detach_agent(actor: Actor, agent_id: UUID) -> Agent:
    """Put an agent back into the pool; it is removed from its gateway."""
    return update_agent(
        actor, agent_id, changes={"board_id": None, "agent_type": Agent.Type.WORKER}
    )
