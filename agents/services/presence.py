"""Signs of life: a call or heartbeat makes an agent online and ends the wait for its check-in."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from activity.publish import publish
from agents import actions, rules
from agents.models import Agent, AgentBeat, AgentNotification
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, AgentActor, SystemActor
from missioncontrol.kernel.errors import Forbidden, Invalid
from missioncontrol.kernel.unit import service

#: What an agent may say of itself; ``busy`` is an older word for online.
SAID = {"online": "online", "busy": "online", "offline": "offline"}
_STILL = (Agent.Status.UPDATING, Agent.Status.DELETING, Agent.Status.PAUSED)


@service
def mark_seen(agent_id: UUID) -> None:
    """Write down that an agent called: last seen, beat, online, wake counters cleared."""
    agent = Agent.objects.select_for_update(of=("self",), no_key=True).filter(pk=agent_id).first()
    if agent is not None:
        _seen(agent, clock.now())


@service
def heartbeat(actor: Actor, agent_id: UUID, *, status: str | None = None) -> Agent:
    """An agent (or an admin for it) says that it is there, or that it goes.

    Raises:
        Invalid: a status that nobody says of himself.
        NotFound: no such agent, or not visible.
        Forbidden: another agent's heartbeat.
    """
    said = SAID.get((status or "online").strip().lower())
    if said is None:
        raise Invalid("An agent says online, busy or offline.", field="status")
    agent: Agent = Agent.objects.open_for(actor, agent_id)
    if isinstance(actor, AgentActor) and actor.id != agent.id:
        raise Forbidden("An agent speaks for itself only.")
    authz.authorize(actor, actions.HEARTBEAT, agent)
    _seen(agent, clock.now(), is_beat=True)
    if said == "offline" and agent.status == Agent.Status.ONLINE:
        agent.status = Agent.Status.OFFLINE
        agent.save(update_fields=["status", "updated_at"])
        _publish("agent.offline", agent, reason="it said so")
    return agent


def _seen(agent: Agent, now: datetime, *, is_beat: bool = False) -> None:
    before, previous = rules.displayed(agent, now=now), agent.last_seen_at
    fresh = previous is None or now - previous >= rules.SEEN_EVERY
    if fresh:
        late = rules.is_late(agent.heartbeat_config, previous, now)
        AgentBeat.objects.create(agent=agent, at=now, late=late)
    changes: dict[str, Any] = {"last_seen_at": now, "wake_attempts": 0, "checkin_deadline_at": None}
    if agent.status not in _STILL:
        changes["status"] = rules.after(agent.status, rules.Happening.SEEN) or agent.status
    if agent.work == Agent.Work.AWAIT_CHECK_IN:
        changes |= {"work": Agent.Work.NONE, "next_attempt_at": None}
    if agent.work in (Agent.Work.NONE, Agent.Work.AWAIT_CHECK_IN):
        changes |= {"last_provision_error": "", "last_provision_code": ""}
    answered = agent.awaiting_answer_since is not None
    changes["awaiting_answer_since"] = None
    for name, value in changes.items():
        setattr(agent, name, value)
    agent.save(update_fields=[*changes, "updated_at"])
    if answered:
        _take_as_answer(agent, now)
    if before != rules.displayed(agent, now=now) and agent.status == Agent.Status.ONLINE:
        _publish("agent.checked_in", agent)


def _take_as_answer(agent: Agent, now: datetime) -> None:
    """The first call after a message is its answer: the tasks it named are being worked on."""
    sent = AgentNotification.objects.filter(
        agent=agent, state=AgentNotification.State.SENT, sent_at__lte=now
    )
    tasks = [task_id for task_id in sent.values_list("task_id", flat=True) if task_id]
    sent.update(state=AgentNotification.State.ANSWERED, updated_at=now)
    from boards import services as boards

    who = SystemActor("agent answered", agent.organization_id)
    for task_id in sorted(set(tasks)):
        boards.record_delivery(who, task_id, state="working", detail="")


def _publish(name: str, agent: Agent, **data: Any) -> None:
    who = AgentActor(
        id=agent.id, name=agent.name, organization_id=agent.organization_id,
        role=rules.role_of(agent.agent_type), board_id=agent.board_id, gateway_id=agent.gateway_id,
    )  # fmt: skip
    publish(
        name,
        actor=who,
        target=agent,
        organization_id=agent.organization_id,
        board_id=agent.board_id,
        agent_id=agent.id,
        data={"status": agent.status, **data},
    )

