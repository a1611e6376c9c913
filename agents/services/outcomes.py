"""What a life-cycle run found out, written into the agent's row under the generation it began with.

A run never writes for a newer request: each function answers ``False`` when the agent moved on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from agents import rules
from agents.models import Agent
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor, SystemActor, UserActor
from missioncontrol.kernel.unit import service

from . import notifications, setup

WHO = "agent setup"


def _locked(agent_id: UUID, generation: int) -> Agent | None:
    return (
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=agent_id, lifecycle_generation=generation)
        .first()
    )


def _who(agent: Agent) -> SystemActor:
    return SystemActor(WHO, agent.organization_id)


@service
def record_set_up(agent_id: UUID, generation: int, *, wakes: bool) -> bool:
    """The remote steps succeeded; with ``wakes`` the greeting follows and a check-in is awaited."""
    agent = _locked(agent_id, generation)
    if agent is None:
        return False
    if agent.status == Agent.Status.PAUSED:
        before = agent.status_before_pause
        agent.status_before_pause = rules.after(before, rules.Happening.SET_UP) or before
    else:
        agent.status = rules.after(agent.status, rules.Happening.SET_UP) or agent.status
    agent.provisioned_at = clock.now()
    agent.last_provision_error = agent.last_provision_code = ""
    agent.heartbeat_sync_pending = False
    agent.attempts, agent.next_attempt_at = 0, None
    agent.work = Agent.Work.AWAIT_CHECK_IN if wakes else Agent.Work.NONE
    agent.work_options = {"wake": True} if wakes else {}
    agent.save(
        update_fields=[
            "status", "status_before_pause", "provisioned_at", "last_provision_error",
            "last_provision_code", "heartbeat_sync_pending", "attempts", "next_attempt_at", "work",
            "work_options", "updated_at",
        ]
    )  # fmt: skip
    setup.note("agent.provisioned", _who(agent), agent, action=agent.provision_action)
    notifications.make_due(agent)
    return True


@service
def record_wake(agent_id: UUID, generation: int, *, counts: bool = True) -> bool:
    """The wake text went out: one attempt more, 30 seconds for a check-in."""
    agent = _locked(agent_id, generation)
    if agent is None:
        return False
    now = clock.now()
    agent.wake_attempts += 1 if counts else 0
    agent.last_wake_sent_at = now
    _await_until(agent, now + rules.CHECK_IN_WITHIN)
    agent.save(
        update_fields=[
            "wake_attempts", "last_wake_sent_at", "checkin_deadline_at", "next_attempt_at", "work",
            "work_options", "updated_at",
        ]
    )  # fmt: skip
    setup.note("agent.wakeup_sent", _who(agent), agent, attempt=agent.wake_attempts)
    return True


def _await_until(agent: Agent, deadline: Any) -> None:
    agent.work, agent.work_options = Agent.Work.AWAIT_CHECK_IN, {}
    agent.checkin_deadline_at = agent.next_attempt_at = deadline


@service
def record_still_busy(agent_id: UUID, generation: int) -> bool:
    """A run of its session is active: wait on without counting an attempt (ruling 26)."""
    agent = _locked(agent_id, generation)
    if agent is None:
        return False
    _await_until(agent, clock.now() + rules.CHECK_IN_WITHIN)
    agent.save(
        update_fields=[
            "checkin_deadline_at",
            "next_attempt_at",
            "work",
            "work_options",
            "updated_at",
        ]
    )
    return True


@service
def record_checked_in(agent_id: UUID, generation: int) -> bool:
    """It had called since the wake; nothing is left to wait for."""
    agent = _locked(agent_id, generation)
    if agent is None:
        return False
    agent.work, agent.work_options, agent.next_attempt_at = Agent.Work.NONE, {}, None
    agent.checkin_deadline_at, agent.wake_attempts = None, 0
    agent.save(
        update_fields=[
            "work", "work_options", "next_attempt_at", "checkin_deadline_at", "wake_attempts",
            "updated_at",
        ]
    )  # fmt: skip
    return True


@service
def record_gave_up(agent_id: UUID, generation: int) -> bool:
    """It did not check in after the last wake."""
    agent = _locked(agent_id, generation)
    if agent is None:
        return False
    agent.status = rules.after(agent.status, rules.Happening.GAVE_UP) or agent.status
    agent.last_provision_error, agent.last_provision_code = rules.NO_CHECK_IN, "no_check_in"
    agent.work, agent.work_options, agent.next_attempt_at = Agent.Work.NONE, {}, None
    agent.checkin_deadline_at = None
    agent.save(
        update_fields=[
            "status", "last_provision_error", "last_provision_code", "work", "work_options",
            "next_attempt_at", "checkin_deadline_at", "updated_at",
        ]
    )  # fmt: skip
    setup.note("agent.offline", _who(agent), agent, reason=rules.NO_CHECK_IN)
    return True


@service
def record_failed(
    agent_id: UUID,
    generation: int,
    *,
    code: str,
    reason: str,
    retry_in_seconds: float | None,
    is_blip: bool = False,
) -> bool:
    """The remote steps failed; with ``retry_in_seconds`` the same work is tried again.

    Args:
        is_blip: The gateway restarts; the state that people see stays as it is.
    """
    agent = _locked(agent_id, generation)
    if agent is None:
        return False
    deleting = agent.status == Agent.Status.DELETING
    is_news = agent.last_provision_code != code
    agent.last_provision_error = reason[: rules.MAX_ERROR_CHARS]
    agent.last_provision_code = code[:40]
    is_setup = agent.work in (Agent.Work.PROVISION, Agent.Work.UPDATE)
    if retry_in_seconds is None or (is_setup and not is_blip):
        agent.status = rules.after(agent.status, rules.Happening.FAILED) or agent.status
    if retry_in_seconds is None:
        agent.work, agent.next_attempt_at = Agent.Work.NONE, None
    else:
        agent.next_attempt_at = clock.now() + timedelta(seconds=retry_in_seconds)
    agent.save(
        update_fields=[
            "status", "last_provision_error", "last_provision_code", "work", "next_attempt_at",
            "updated_at",
        ]
    )  # fmt: skip
    if (is_news and not is_blip) or retry_in_seconds is None:
        name = "agent.delete_failed" if deleting else "agent.provision_failed"
        setup.note(name, _who(agent), agent, reason=reason[:300], code=code)
    return True


@service
def record_removed_remote(agent_id: UUID, left: dict[str, str]) -> None:
    """One remote self is gone from its gateway."""
    agent = Agent.objects.select_for_update(of=("self",), no_key=True).filter(pk=agent_id).first()
    if agent is not None:
        agent.left_behind = [entry for entry in agent.left_behind if entry != left]
        agent.save(update_fields=["left_behind", "updated_at"])


@service
def record_cleaned_up(agent_id: UUID, generation: int) -> bool:
    """Everything left behind is removed; a released agent rests."""
    agent = _locked(agent_id, generation)
    if agent is None:
        return False
    agent.work, agent.work_options, agent.next_attempt_at = Agent.Work.NONE, {}, None
    agent.save(update_fields=["work", "work_options", "next_attempt_at", "updated_at"])
    return True


@service
def record_deleted(agent_id: UUID, generation: int) -> bool:
    """The agent is gone from its gateway, and now from here."""
    agent = (
        Agent.objects.select_for_update(of=("self",))  # a delete: nothing may point here any more
        .filter(pk=agent_id, lifecycle_generation=generation)
        .first()
    )
    if agent is None:
        return False
    setup.note("agent.deleted", _who_asked(agent), agent)
    agent.delete()
    return True


def _who_asked(agent: Agent) -> Actor:
    by = (agent.work_options or {}).get("by") or {}
    if by.get("kind") == "user" and by.get("id"):
        return UserActor(id=UUID(by["id"]), name=str(by.get("name") or ""))
    return SystemActor(str(by.get("name") or "agent deletion"), agent.organization_id)


@service
def record_stale(agent_id: UUID, generation: int) -> bool:
    """An update that nobody works on any more for ten minutes."""
    agent = _locked(agent_id, generation)
    if agent is None:
        return False
    status = rules.after(agent.status, rules.Happening.STALE)
    if status is None:
        return False
    agent.status = status
    agent.last_provision_error = "The setup was not finished by any worker (stale update)."
    agent.last_provision_code = "stale_update"
    agent.save(
        update_fields=["status", "last_provision_error", "last_provision_code", "updated_at"]
    )
    setup.note(
        "agent.provision_failed", _who(agent), agent, reason="stale update", code="stale_update"
    )
    return True


@service
def request_clean_up(agent_id: UUID) -> None:
    """Ask for another try at removing what an earlier run could not."""
    agent = (
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=agent_id, work=Agent.Work.NONE)
        .first()
    )
    if agent is not None and agent.left_behind:
        agent.work, agent.attempts, agent.next_attempt_at = Agent.Work.CLEAN_UP, 0, None
        agent.provision_requested_at = clock.now()
        agent.save(
            update_fields=[
                "work",
                "attempts",
                "next_attempt_at",
                "provision_requested_at",
                "updated_at",
            ]
        )
        setup.enqueue(agent)
