"""SOUL.md of an agent, read by itself and its lead and rewritten by its lead (core 14.4)."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from agents import actions, workspace
from agents.models import Agent
from gateways import rpc
from gateways.wire import provisioning
from gateways.wire.redact import redact_text
from missioncontrol.kernel.actors import AgentActor
from missioncontrol.kernel.errors import DomainError, Forbidden, Invalid, RemoteFailed
from missioncontrol.kernel.unit import service

from . import coordination, saying, setup, tokens
from .files import literal


def read_soul(actor: AgentActor, board_id: UUID, agent_id: UUID) -> str:
    """SOUL.md of an agent of the board, for its lead or itself.

    Raises:
        NotFound, Forbidden: not visible, or somebody else's.
        Invalid: ``no_session``.
        RemoteFailed: the gateway did not give it.
    """
    board = coordination.board_for(actor, board_id, actions.READ_SOUL)
    agent = coordination.agent_on(board, agent_id)
    if not actor.is_lead and actor.id != agent.pk:
        raise Forbidden(_("Only the board's lead reads the character of others."))
    gateway_id = _gateway_of(agent)

    def read() -> provisioning.WorkspaceFile | None:
        with rpc.session(gateway_id) as session:
            return session.run(
                lambda client: provisioning.read_file(client, agent.remote_id, "SOUL.md")
            )

    try:
        found = saying.with_patience(read)
    except DomainError as refusal:
        raise RemoteFailed(f"Gateway SOUL read failed: {refusal.detail}") from refusal
    return redact_text(found.content, (tokens.token_to_write(agent),)) if found else ""


def _gateway_of(agent: Agent) -> UUID:
    if agent.gateway_id is None or agent.provisioned_at is None:
        raise Invalid(
            _("%(name)s has no session on a gateway yet.") % {"name": agent.name}, code="no_session"
        )
    return agent.gateway_id


def write_soul(
    actor: AgentActor,
    board_id: UUID,
    agent_id: UUID,
    *,
    content: str,
    source_url: str | None = None,
    reason: str | None = None,
) -> None:
    """A lead rewrites SOUL.md of an agent of its board; a later setup keeps it.

    Raises:
        NotFound, Forbidden: not visible, not the lead.
        Invalid: blank, too long, ``no_session``.
        RemoteFailed: the gateway did not take it; nothing is stored.
    """
    board = coordination.board_as_lead(actor, board_id, actions.WRITE_SOUL)
    agent = coordination.agent_on(board, agent_id)
    text = workspace.clean(content).strip()
    if not text:
        raise Invalid(_("Write what the agent is like."), field="content")
    if len(text) >= workspace.MAX_FILE_CHARS:
        raise Invalid(_("The text is longer than 20 000 characters."), field="content")
    gateway_id = _gateway_of(agent)
    files = {"SOUL.md": f"{text}\n"}

    def write() -> None:
        with rpc.session(gateway_id) as session:
            session.run(lambda client: provisioning.write_files(client, agent.remote_id, files))

    try:
        saying.with_patience(write)
    except DomainError as refusal:
        raise RemoteFailed(f"Gateway SOUL update failed: {refusal.detail}") from refusal
    _keep_soul(actor, agent.pk, text, source_url=source_url, reason=reason)


@service
def _keep_soul(
    actor: AgentActor, agent_id: UUID, text: str, *, source_url: str | None, reason: str | None
) -> None:
    agent: Agent = Agent.objects.open_for(actor, agent_id)
    agent.soul_template = literal(text)
    agent.version += 1
    agent.save(update_fields=["soul_template", "version", "updated_at"])
    setup.note(
        "agent.soul_updated", actor, agent, source_url=workspace.line(source_url, 500),
        reason=workspace.line(reason, 500),
    )  # fmt: skip
