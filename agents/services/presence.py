"""Signs of life: a call or heartbeat makes an agent online and ends the wait for its check-in."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from activity.publish import publish
from agents import actions, rules
from agents.models import Agent, AgentBeat, AgentNotification
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, AgentActor
from missioncontrol.kernel.errors import Forbidden, Invalid
from missioncontrol.kernel.unit import service

from . import notifications

#: What an agent may say of itself; ``busy`` is an older word for online.
SAID = {"online": "online", "busy": "online", "offline": "offline"}
_STILL = (Agent.Status.UPDATING, Agent.Status.DELETING, Agent.Status.PAUSED)


@service
def mark_seen(agent_id: UUID) -> None:
    """Write down that an agent called: last seen, beat, online, wake counters cleared."""
    _take_as_answer(agent_id)
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
        raise Invalid(_("An agent says online, busy or offline."), field="status")
    seen: Agent = Agent.objects.seen_by(actor, agent_id)
    if isinstance(actor, AgentActor) and actor.id != seen.id:
        raise Forbidden(_("An agent speaks for itself only."))
    authz.authorize(actor, actions.HEARTBEAT, seen)
    _take_as_answer(seen.id)
    agent: Agent = Agent.objects.open_for(actor, agent_id)
    _seen(agent, clock.now())
    if said == "offline" and agent.status == Agent.Status.ONLINE:
        agent.status = Agent.Status.OFFLINE
        agent.save(update_fields=["status", "updated_at"])
        _publish("agent.offline", agent, reason="it said so")
    return agent


def _seen(agent: Agent, now: datetime) -> None:
    if notifications.take_carried_as_told(agent.id):
        agent.heartbeat_sync_pending = True
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
    # One that was written down as sent only now is answered by the next call.
    sent = AgentNotification.objects.filter(agent_id=agent.pk, state=AgentNotification.State.SENT)
    if not sent.exists():
        changes["awaiting_answer_since"] = None
    for name, value in changes.items():
        setattr(agent, name, value)
    agent.save(update_fields=[*changes, "heartbeat_sync_pending", "updated_at"])
    if before != rules.displayed(agent, now=now) and agent.status == Agent.Status.ONLINE:
        _publish("agent.checked_in", agent)


@service
def note_gateway_sign(agent_id: UUID, *, at: datetime | None, every: str | None = None) -> None:
    """The gateway shows an adopted agent alive: no check-in, and no answer to a message.

    Args:
        at: When it was seen; ``None`` for never.
        every: Interval of its own heartbeat there, which is what its silence is measured by.
    """
    agent = (
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=agent_id)
        .exclude(linked_remote_id="")
        .first()
    )
    if agent is None:
        return
    fields: list[str] = []
    if every is not None and rules.heartbeat_of(agent.heartbeat_config)["every"] != every:
        agent.heartbeat_config = {**(agent.heartbeat_config or {}), "every": every}
        fields.append("heartbeat_config")
    before = rules.last_sign(agent) or agent.gateway_seen_at
    if at is not None and (before is None or at - before >= rules.SEEN_EVERY):
        late = rules.is_late(agent.heartbeat_config, before, at)
        AgentBeat.objects.create(agent=agent, at=at, late=late)
        agent.gateway_seen_at = at
        fields.append("gateway_seen_at")
    if fields:
        agent.save(update_fields=[*fields, "updated_at"])


def _take_as_answer(agent_id: UUID) -> None:
    """The first call after a message is its answer: the tasks it named are being worked on.

    Comes before the agent is locked, since tasks are locked before agents.
    """
    sent = AgentNotification.objects.filter(agent_id=agent_id, state=AgentNotification.State.SENT)
    rows = list(sent.select_related("agent").order_by("task_id", "pk"))
    for row in rows:
        notifications.show_on_task(row, row.agent, "working")
    if rows:
        answered = sent.filter(pk__in=[row.pk for row in rows])
        answered.update(state=AgentNotification.State.ANSWERED, updated_at=clock.now())


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
