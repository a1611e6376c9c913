"""Agent files of a gateway, compared before they are written and written by a job (core 16.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from agents import actions, linked, workspace
from agents.models import Agent, TemplateSync
from agents.services import template_sync
from gateways import rpc
from gateways.models import Gateway
from gateways.wire import provisioning
from missioncontrol.kernel import authz, clock, jobs, leases
from missioncontrol.kernel.actors import SystemActor, UserActor
from missioncontrol.kernel.errors import Conflict, DomainError
from missioncontrol.kernel.unit import service

State = TemplateSync.State
OPEN = (State.WAITING, State.RUNNING)
MOST_ATTEMPTS = 3
MOST_AGENTS = 50
OPTIONS = ("include_main", "lead_only", "reset_sessions", "rotate_tokens", "overwrite", "board_id")


def _open_gateway(actor: UserActor, gateway_id: UUID) -> Gateway:
    gateway: Gateway = Gateway.objects.seen_by(actor, gateway_id)
    authz.authorize(actor, actions.SYNC, gateway)
    return gateway


def preview(
    actor: UserActor,
    gateway_id: UUID,
    *,
    include_main: bool = True,
    lead_only: bool = False,
    overwrite: bool = False,
    board_id: UUID | None = None,
) -> list[dict[str, Any]]:
    """What a sync would do to each file of each agent: ``create``, ``change``, ``same``, ``keep``.

    Raises:
        NotFound, Forbidden: gateway not visible, not an admin.
        GatewayUnavailable, RemoteFailed: from the gateway.
    """
    gateway = _open_gateway(actor, gateway_id)
    agents = template_sync.wanted(
        gateway, include_main=include_main, lead_only=lead_only, board_id=board_id
    )
    with rpc.session(gateway.pk) as session:
        return [_compare(agent, session, overwrite=overwrite) for agent in agents[:MOST_AGENTS]]


def _compare(agent: Agent, session: rpc.Session, *, overwrite: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "agent_id": str(agent.pk), "agent_name": agent.name, "files": [], "error": None,
    }  # fmt: skip
    try:
        if agent.linked_remote_id:
            present = linked.present_text(agent.remote_id, session)
            wanted = {linked.FILE: linked.with_block(present, workspace.linked_block(agent))}
        else:
            # The gateway names the folder; it stands in AGENTS.md.
            listed = session.call("agents.files.list", {"agentId": agent.remote_id})
            wanted = workspace.render_files(agent, workspace=str(listed.get("workspace") or ""))
        kept = () if overwrite else workspace.kept_on_update(agent)
        for name, text in wanted.items():
            found = session.run(
                lambda client, file=name: provisioning.read_file(  # type: ignore[misc]  # bound now
                    client, agent.remote_id, file
                )
            )
            row["files"].append(
                {"name": name, "change": _change(found, text, is_kept=name in kept)}
            )
    except DomainError as refusal:
        row["error"] = str(refusal.detail)[:300]
    return row


def _change(found: provisioning.WorkspaceFile | None, text: str, *, is_kept: bool) -> str:
    if found is None:
        return "create"
    if found.content == text:
        return "same"
    return "keep" if is_kept else "change"


@service
def request_sync(actor: UserActor, gateway_id: UUID, *, options: Mapping[str, Any]) -> TemplateSync:
    """Have the files of a gateway's agents written by a job.

    Args:
        options: Any of :data:`OPTIONS`.

    Raises:
        NotFound, Forbidden: gateway not visible, not an admin.
        Conflict: ``sync_running``.
    """
    gateway = _open_gateway(actor, gateway_id)
    if TemplateSync.objects.filter(gateway=gateway, state__in=OPEN).exists():
        raise Conflict(_("A synchronisation of this gateway is under way."), code="sync_running")
    kept = {key: value for key, value in options.items() if key in OPTIONS and value is not None}
    if "board_id" in kept:
        kept["board_id"] = str(kept["board_id"])
    row = TemplateSync.objects.create(
        organization_id=gateway.organization_id, gateway=gateway, options=kept,
        requested_by_id=actor.id, requested_by_name=actor.name,
    )  # fmt: skip
    from agents import jobs as own

    jobs.enqueue(own.run_template_sync, row.pk)
    return row


def run(sync_id: UUID) -> bool:
    """The job: write one gateway's files under a lease; ``False`` when there is nothing to do."""
    owner = leases.owner_name()
    if not leases.claim(TemplateSync.objects.filter(state__in=OPEN), sync_id, owner):
        return False
    try:
        with leases.renewing(TemplateSync, sync_id, owner):
            _run(sync_id)
    finally:
        leases.release(TemplateSync, sync_id, owner)
    return True


def _run(sync_id: UUID) -> None:
    row = TemplateSync.objects.get(pk=sync_id)
    if row.attempts > MOST_ATTEMPTS:
        _record_end(sync_id, state=State.FAILED, error="The worker was ended several times.")
        return
    _record_begin(sync_id)
    options = dict(row.options)
    if "board_id" in options:
        options["board_id"] = UUID(options["board_id"])
    who = SystemActor(f"asked by {row.requested_by_name}", row.organization_id)
    try:
        result = template_sync.sync_templates(who, row.gateway_id, **options)
    except DomainError as refusal:
        _record_end(sync_id, state=State.FAILED, error=str(refusal.detail)[:500])
        return
    _record_end(sync_id, state=State.DONE, result=result)


@service
def _record_begin(sync_id: UUID) -> None:
    now = clock.now()
    TemplateSync.objects.filter(pk=sync_id).update(
        state=State.RUNNING, started_at=now, updated_at=now
    )


@service
def _record_end(
    sync_id: UUID, *, state: str, result: Mapping[str, Any] | None = None, error: str = ""
) -> None:
    now = clock.now()
    TemplateSync.objects.filter(pk=sync_id).update(
        state=state, result=dict(result or {}), error=error, finished_at=now, updated_at=now
    )
