"""What people order an agent: wake, pause, resume, set up again, a new token, go."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from agents import actions, rules
from agents.models import Agent
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, AgentActor
from missioncontrol.kernel.errors import Conflict, Forbidden, NotFound
from missioncontrol.kernel.unit import service

from . import crud, setup, tokens


def _open(
    actor: Actor, agent_id: UUID, action: authz.Action, *, needs_gateway: bool = False
) -> Agent:
    agent: Agent = Agent.objects.select_related("board", "gateway").open_for(actor, agent_id)
    authz.authorize(actor, action, agent)
    if agent.status == Agent.Status.DELETING:
        raise Conflict(_("This agent is being deleted."), code="agent_deleting")
    if needs_gateway and agent.gateway_id is None:
        raise Conflict(
            _("This agent has no gateway. Attach it to a board that has one."), code="no_gateway"
        )
    return agent


@service
def wake_agent(actor: Actor, agent_id: UUID) -> Agent:
    """Send the agent the wake text and wait for its check-in.

    Raises:
        NotFound: not visible.
        Forbidden: not an admin.
        Conflict: ``agent_paused``, ``board_paused``, ``no_gateway``, ``agent_deleting``.
    """
    agent = _open(actor, agent_id, actions.WAKE, needs_gateway=True)
    if agent.board is not None and agent.board.paused:
        raise Conflict(_("The board is paused. Resume it first."), code="board_paused")
    if agent.status == Agent.Status.PAUSED:
        raise Conflict(_("Paused agents get no messages. Resume it first."), code="agent_paused")
    if agent.work in (Agent.Work.PROVISION, Agent.Work.UPDATE) or agent.provisioned_at is None:
        setup.request(agent, Agent.Work.UPDATE, happening=rules.Happening.CHANGED)
        return agent
    agent.work, agent.work_options = Agent.Work.AWAIT_CHECK_IN, {"wake": True}
    agent.lifecycle_generation += 1
    agent.attempts, agent.next_attempt_at = 0, None
    agent.wake_attempts, agent.checkin_deadline_at = 0, None
    agent.save(
        update_fields=[
            "work", "work_options", "lifecycle_generation", "attempts", "next_attempt_at",
            "wake_attempts", "checkin_deadline_at", "updated_at",
        ]
    )  # fmt: skip
    setup.enqueue(agent)
    return agent


@service
def retry_agent(actor: Actor, agent_id: UUID) -> Agent:
    """Set the agent up on its gateway again, from the first step.

    Raises:
        NotFound: not visible.
        Forbidden: not an admin.
        Conflict: ``no_gateway``, ``agent_deleting``.
    """
    agent = _open(actor, agent_id, actions.RETRY, needs_gateway=True)
    fields: list[str] = []
    if not (agent.token_sealed or agent.pending_token_sealed):
        fields = tokens.set_pending(agent)
    setup.request(agent, Agent.Work.UPDATE, happening=rules.Happening.CHANGED, fields=fields)
    setup.note("agent.provisioning", actor, agent)
    return agent


@service
def rotate_token(actor: Actor, agent_id: UUID) -> Agent:
    """Make a new token and write it into the workspace; the old one works until that succeeded.

    Raises:
        NotFound: not visible.
        Forbidden: not an admin.
        Conflict: ``no_gateway``, ``agent_deleting``.
    """
    agent = _open(actor, agent_id, actions.ROTATE_TOKEN, needs_gateway=True)
    fields = tokens.set_pending(agent)
    setup.request(agent, Agent.Work.UPDATE, happening=rules.Happening.CHANGED, fields=fields)
    setup.note("agent.token_rotated", actor, agent)
    return agent


@service
def pause_agent(actor: Actor, agent_id: UUID) -> Agent:
    """Stop all messages and heartbeats of the agent until it is resumed."""
    agent = _open(actor, agent_id, actions.PAUSE)
    if agent.status == Agent.Status.PAUSED:
        return agent
    agent.status_before_pause = agent.status
    agent.status = Agent.Status.PAUSED
    _save_pause(agent)
    setup.note("agent.paused", actor, agent)
    return agent


@service
def resume_agent(actor: Actor, agent_id: UUID) -> Agent:
    """Let the agent get messages and heartbeats again."""
    from . import notifications

    agent = _open(actor, agent_id, actions.PAUSE)
    if agent.status != Agent.Status.PAUSED:
        return agent
    agent.status = agent.status_before_pause or Agent.Status.DRAFT
    agent.status_before_pause = ""
    _save_pause(agent)
    setup.note("agent.resumed", actor, agent)
    notifications.make_due(agent)
    return agent


def _save_pause(agent: Agent) -> None:
    """Save both states; a resting agent also loses its heartbeat on the gateway."""
    agent.heartbeat_sync_pending = agent.gateway_id is not None
    agent.save(
        update_fields=["status", "status_before_pause", "heartbeat_sync_pending", "updated_at"]
    )
    if agent.work:
        setup.enqueue(agent)


@service
def delete_agent(actor: Actor, agent_id: UUID, *, force: bool = False) -> Agent | None:
    """Delete an agent: its token is void at once, its tasks are released, its remote self removed.

    Args:
        force: Let it go here even if its gateway refuses or stays away.

    Returns:
        The agent while its removal from the gateway is under way, ``None`` when it is gone.

    Raises:
        NotFound: not visible.
        Forbidden: not allowed; a lead may only remove workers of its board.
        Conflict: the gateway's own agent goes with the gateway.
    """
    before: Agent = Agent.objects.seen_by(actor, agent_id)
    authz.authorize(actor, actions.DELETE, before)
    _require_deletable(actor, before)
    crud.release_tasks(before)  # tasks are locked before their agent
    agent: Agent = Agent.objects.select_related("board", "gateway").open_for(
        actor, agent_id, for_delete=True
    )
    is_new = agent.status != Agent.Status.DELETING
    setup.leave_behind(agent)
    if not agent.left_behind:
        setup.note("agent.deleted", actor, agent)
        agent.delete()
        return None
    fields = tokens.forget(agent)
    agent.work = Agent.Work.DELETE
    agent.status = Agent.Status.DELETING
    kept = agent.work_options if not is_new else {}
    agent.work_options = {
        "force": force or bool(kept.get("force")),
        "by": kept.get("by") or {"kind": actor.kind, "id": str(actor.id or ""), "name": actor.name},
    }
    agent.lifecycle_generation += 1
    agent.attempts, agent.next_attempt_at = 0, None
    agent.provision_requested_at = clock.now()
    agent.checkin_deadline_at = None
    agent.last_provision_error = agent.last_provision_code = ""
    agent.save(
        update_fields=[
            *fields, "work", "status", "work_options", "lifecycle_generation", "attempts",
            "next_attempt_at", "left_behind", "provision_requested_at", "checkin_deadline_at",
            "last_provision_error", "last_provision_code", "updated_at",
        ]
    )  # fmt: skip
    if is_new:
        setup.note("agent.delete_requested", actor, agent)
    setup.enqueue(agent)
    return agent


def _require_deletable(actor: Actor, agent: Agent) -> None:
    if isinstance(actor, AgentActor):
        if not actor.is_lead or actor.board_id is None:
            raise Forbidden(_("Only a board's lead removes agents."))
        if agent.board_id != actor.board_id:
            raise NotFound
        if agent.agent_type != Agent.Type.WORKER:
            raise Forbidden(_("A lead removes workers of its board only."))
    elif (
        agent.agent_type == Agent.Type.MAIN
        and agent.gateway_id is not None
        and actor.kind == "user"
    ):
        raise Conflict(
            _("This agent belongs to its gateway and goes with it."), code="agent_is_main"
        )
