"""Runs on the gateway: create, files, heartbeat, label, greeting, wait for the check-in, removal.

One run per agent at a time, held by a lease (ruling 18). Every remote step may be repeated. What a
run found out is written by :mod:`agents.services.outcomes` under the generation it began with, so
a newer request is never overwritten. No transaction is open while the gateway is called.

Source: core specification 14.2; gateway protocol 4.2 to 4.8.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.db import connection

from gateways import rpc
from gateways.wire import provisioning, sessions
from gateways.wire.config_patch import Heartbeat
from gateways.wire.errors import CallTimeout
from missioncontrol.kernel import clock, leases
from missioncontrol.kernel.errors import DomainError, GatewayUnavailable, NotFound, RemoteFailed
from missioncontrol.kernel.secrets import token_hash

from . import linked, rules, souls, workspace
from .models import Agent
from .services import model_choice, notifications, outcomes, tokens

log = structlog.get_logger(__name__)
RETRY_SECONDS = (2, 5, 10, 15, 30, 60, 120, 300)
#: A restart of the gateway is no failure of the agent for so long.
PATIENCE_SECONDS = 120
#: Then the run ends in ``error``; a gateway that comes back starts it anew.
GIVE_UP_SECONDS = 1800
FORCED_SECONDS = 60
TOKEN_HEADER = "X-Agent-Token"  # noqa: S105 - a public header name
MAX_WAKE_TRIES = 10
_BLIPS = frozenset({"restarting", "remote_changed"})


class LeaseLost(Exception):
    """This run no longer owns its agent."""


def run(agent_id: UUID) -> bool:
    """Do what the agent's row asks for; ``False`` when another run has it or nothing is due."""
    owner = leases.owner_name()
    if not leases.claim(Agent.objects.exclude(work=Agent.Work.NONE), agent_id, owner):
        return False
    try:
        with leases.renewing(Agent, agent_id, owner) as lost:
            _run(agent_id, lost)
    except LeaseLost:
        log.warning("agent.lease_lost", agent=str(agent_id))
    finally:
        leases.release(Agent, agent_id, owner)
    return True


def _run(agent_id: UUID, lost: threading.Event) -> None:
    agent = Agent.objects.select_related("board", "gateway").filter(pk=agent_id).first()
    if agent is None:
        return
    try:
        match agent.work:
            case Agent.Work.PROVISION | Agent.Work.UPDATE:
                _set_up(agent, lost)
            case Agent.Work.AWAIT_CHECK_IN:
                _await_check_in(agent, lost)
            case Agent.Work.CLEAN_UP | Agent.Work.DELETE:
                _remove(agent, lost)
    except DomainError as refusal:
        _failed(agent, refusal)


def _failed(agent: Agent, refusal: DomainError) -> None:
    """A failed step: tried again when it may work later, else left to a person."""
    code = code_of(refusal)
    reason = str(refusal.detail)
    log.info("agent.step_failed", agent=str(agent.id), work=agent.work, code=code)
    asked = agent.provision_requested_at or clock.now()
    waited = (clock.now() - asked).total_seconds()
    is_away = isinstance(refusal, GatewayUnavailable)
    is_forced = agent.work == Agent.Work.DELETE and agent.work_options.get("force")
    if is_forced and (not is_away or waited > FORCED_SECONDS):
        outcomes.record_deleted(agent.id, agent.lifecycle_generation)
        return
    retry: float | None = None
    if is_away and _is_worth_a_retry(agent, waited):
        retry = RETRY_SECONDS[min(max(agent.attempts, 1), len(RETRY_SECONDS)) - 1]
        retry = max(retry, float(refusal.extra.get("retry_after") or 0))
    outcomes.record_failed(
        agent.id,
        agent.lifecycle_generation,
        code=code,
        reason=reason,
        retry_in_seconds=retry,
        is_blip=code in _BLIPS and waited < PATIENCE_SECONDS,
    )


def _is_worth_a_retry(agent: Agent, waited_seconds: float) -> bool:
    """Removals are tried for ever, wakes some times, a setup for half an hour."""
    if agent.work in (Agent.Work.DELETE, Agent.Work.CLEAN_UP):
        return True
    if agent.work == Agent.Work.AWAIT_CHECK_IN:
        return agent.attempts < MAX_WAKE_TRIES
    return waited_seconds < GIVE_UP_SECONDS


def code_of(refusal: DomainError) -> str:
    """Machine word of a failed step: ``timeout`` for silence, else what the wire names."""
    if isinstance(refusal.__cause__, CallTimeout):
        return "timeout"
    return str(refusal.extra.get("reason") or refusal.machine_code)


# --- set up ---------------------------------------------------------------------------------------


def _set_up(agent: Agent, lost: threading.Event) -> None:
    if agent.gateway_id is None:
        raise RemoteFailed("The agent has no gateway.", code="no_gateway")
    _remove_left_behind(agent, lost, is_patient=True)
    with _remote_lock(agent.gateway_id, agent.remote_id), rpc.session(agent.gateway_id) as session:
        if agent.linked_remote_id:
            linked.write(agent, session)
        else:
            _write_workspace(agent, session, lost)
            _write_heartbeat(agent, session)
            _label_session(agent, session)
        _still_ours(lost)
        options = agent.work_options or {}
        if options.get("reset_session"):
            _reset_unless_busy(agent, session)
        wakes = bool(options.get("wake", True)) and agent.status != Agent.Status.PAUSED
        is_new = agent.last_seen_at is None
        recorded = outcomes.record_set_up(agent.id, agent.lifecycle_generation, wakes=wakes)
        if recorded and wakes:
            _greet(agent, session, is_new=is_new)


def _still_ours(lost: threading.Event) -> None:
    if lost.is_set():
        raise LeaseLost


def workspace_path(agent: Agent) -> str:
    """Where the workspace shall lie; empty leaves it to the gateway (no absolute root is known)."""
    root = agent.gateway.workspace_root.rstrip("/") if agent.gateway else ""
    if not root.startswith("/"):
        return ""
    name = agent.remote_id.removeprefix("mc-") if agent.agent_type == Agent.Type.MAIN else ""
    return f"{root}/{name or f'workspace-{agent.remote_id}'}"


def _write_workspace(agent: Agent, session: rpc.Session, lost: threading.Event) -> None:
    """Agent and files on the gateway; the token counts from here (ruling 29)."""
    model = model_choice.to_set(agent.config, session)
    ensured = session.run(
        lambda client: provisioning.ensure_agent(
            client,
            agent_id=agent.remote_id,
            workspace=workspace_path(agent),
            display_name=agent.name,
            model=model,
        )
    )
    _still_ours(lost)
    write_files(agent, session, workspace_dir=ensured.workspace)


def write_files(agent: Agent, session: rpc.Session, *, workspace_dir: str = "") -> None:
    """Write the workspace files, then the token's header file, and put that token in force.

    Raises:
        RemoteFailed: the gateway does not take AGENTS.md.
    """
    token = tokens.token_to_write(agent)
    souls.prepare(agent)
    files = workspace.render_files(agent, workspace=workspace_dir)
    overwrite = bool((agent.work_options or {}).get("overwrite"))
    kept = () if overwrite else workspace.kept_on_update(agent)
    report = session.run(
        lambda client: provisioning.write_files(client, agent.remote_id, files, keep_existing=kept)
    )
    if "AGENTS.md" in report.unsupported:
        raise RemoteFailed("The gateway does not accept AGENTS.md.", code="unsupported_file")
    header = {TOKEN_HEADER: token}
    session.run(lambda client: provisioning.write_header_file(client, agent.remote_id, header))
    tokens.record_written(agent.id, token_hash(token))


def heartbeat_block(agent: Agent) -> Heartbeat | None:
    """The agent's heartbeat on its gateway; none while it is paused."""
    if agent.status == Agent.Status.PAUSED:
        return Heartbeat(every="0m", prompt=workspace.heartbeat_prompt(agent))
    wanted = rules.heartbeat_of(agent.heartbeat_config)
    extra = {key: wanted[key] for key in rules.HEARTBEAT_EXTRAS if key in wanted}
    target = str(wanted.get("target") or "none")
    return Heartbeat(
        every=str(wanted["every"]),
        prompt=workspace.heartbeat_prompt(
            agent, undelivered=notifications.undelivered_texts(agent)
        ),
        # Without channels "last" is skipped by the gateway; the answer is for nobody anyway.
        target="none" if target == "last" else target,
        extra=extra,
    )


def _write_heartbeat(agent: Agent, session: rpc.Session) -> None:
    block = {agent.remote_id: heartbeat_block(agent)}
    report = session.run(lambda client: provisioning.patch_config(client, heartbeats=block))
    if report.skipped_keys:
        log.info("agent.config_skipped", agent=str(agent.id), keys=report.skipped_keys)
    notifications.mark_carried(agent.id)


def _label_session(agent: Agent, session: rpc.Session) -> None:
    session.run(lambda client: sessions.ensure_session(client, agent.session_key, label=agent.name))


# --- wake and wait --------------------------------------------------------------------------------


def _is_busy(agent: Agent, session: rpc.Session) -> bool:
    return session.run(lambda client: sessions.has_active_run(client, agent.session_key))


def _reset_unless_busy(agent: Agent, session: rpc.Session) -> bool:
    """Start the session over; never while it works on something (ruling 26)."""
    if _is_busy(agent, session):
        return False
    session.run(lambda client: sessions.reset_session(client, agent.session_key))
    return True


def _greet(agent: Agent, session: rpc.Session, *, is_new: bool) -> None:
    """Send the wake text once per attempt: a repeat after a lost answer is the same message."""
    key = f"wake-{agent.id}-{agent.lifecycle_generation}-{agent.wake_attempts}"
    text = workspace.wake_text(agent, is_new=is_new)
    session.run(
        lambda client: sessions.send_chat(client, agent.session_key, text, idempotency_key=key)
    )
    outcomes.record_wake(agent.id, agent.lifecycle_generation)


def _await_check_in(agent: Agent, lost: threading.Event) -> None:
    generation = agent.lifecycle_generation
    if agent.status == Agent.Status.PAUSED or agent.gateway_id is None or _has_checked_in(agent):
        outcomes.record_checked_in(agent.id, generation)
        return
    first = bool((agent.work_options or {}).get("wake"))
    with rpc.session(agent.gateway_id) as session:
        _still_ours(lost)
        if first:
            _greet(agent, session, is_new=agent.last_seen_at is None)
        elif _is_busy(agent, session):
            outcomes.record_still_busy(agent.id, generation)
        elif agent.wake_attempts >= rules.MAX_WAKE_ATTEMPTS:
            outcomes.record_gave_up(agent.id, generation)
        else:
            _reset_unless_busy(agent, session)
            _greet(agent, session, is_new=agent.last_seen_at is None)


def _has_checked_in(agent: Agent) -> bool:
    woken, seen = agent.last_wake_sent_at, agent.last_seen_at
    if (agent.work_options or {}).get("wake"):
        return False
    return woken is not None and seen is not None and seen >= woken


# --- remove ---------------------------------------------------------------------------------------


def _remove(agent: Agent, lost: threading.Event) -> None:
    _remove_left_behind(agent, lost, is_patient=False)
    if agent.work == Agent.Work.DELETE:
        outcomes.record_deleted(agent.id, agent.lifecycle_generation)
    else:
        outcomes.record_cleaned_up(agent.id, agent.lifecycle_generation)


def _remove_left_behind(agent: Agent, lost: threading.Event, *, is_patient: bool) -> None:
    """Remove former remote selves; ``is_patient`` leaves what fails to a later run."""
    for left in list(agent.left_behind or []):
        _still_ours(lost)
        try:
            _remove_remote(agent, left)
        except DomainError as refusal:
            if not is_patient:
                raise
            log.info("agent.clean_up_failed", agent=str(agent.id), code=code_of(refusal))
            continue
        outcomes.record_removed_remote(agent.id, left)


def _remove_remote(agent: Agent, left: dict[str, str]) -> None:
    gateway_id, remote_id = UUID(left["gateway_id"]), left["remote_id"]
    is_adopted = bool(left.get("adopted"))
    with _remote_lock(gateway_id, remote_id):
        if _is_held(agent, gateway_id, remote_id):
            return
        if not (is_adopted or rules.remote_is_ours(remote_id)):
            return
        try:
            with rpc.session(gateway_id) as session:
                if is_adopted:
                    linked.release(session, remote_id)
                else:
                    session.run(lambda client: provisioning.delete_agent(client, remote_id))
        except NotFound:
            log.info("agent.gateway_gone", gateway=str(gateway_id))


def _is_held(agent: Agent, gateway_id: UUID, remote_id: str) -> bool:
    """Whether somebody lives under that remote id now: a new lead of the same board, or itself."""
    for other in Agent.objects.filter(gateway_id=gateway_id).exclude(status=Agent.Status.DELETING):
        if other.remote_id == remote_id:
            return other.id != agent.id or agent.work != Agent.Work.DELETE
    return False


@contextmanager
def _remote_lock(gateway_id: UUID, remote_id: str) -> Iterator[None]:
    """One worker at a time for one remote id: a lead's id passes from one agent to the next."""
    digest = hashlib.sha256(f"remote {gateway_id} {remote_id}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
