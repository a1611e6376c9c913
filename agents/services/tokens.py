"""Tokens of agents: made, put in force, taken away (ruling 29, core specification 14.2)."""

from __future__ import annotations

from uuid import UUID

from agents import rules
from agents.models import Agent, ImportedToken
from missioncontrol.kernel import clock, rights, secrets
from missioncontrol.kernel.credentials import AGENT_TOKEN_PREFIX
from missioncontrol.kernel.unit import service


def set_pending(agent: Agent) -> list[str]:
    """Give the agent a fresh token that waits to be written; returns the fields to save.

    It is accepted beside the present one at once, and takes its place when its file is written.
    """
    token = secrets.new_token(AGENT_TOKEN_PREFIX)
    agent.pending_token_hash = secrets.token_hash(token)
    agent.pending_token_sealed = secrets.seal(token)
    return ["pending_token_hash", "pending_token_sealed"]


def token_to_write(agent: Agent) -> str:
    """The token that belongs into the agent's workspace: the pending one, else the present one.

    Raises:
        Conflict: sealed with another key; a rotation heals it.
    """
    return secrets.unseal(agent.pending_token_sealed or agent.token_sealed)


def forget(agent: Agent) -> list[str]:
    """Take every token away and end what they opened; returns the fields to save."""
    rights.changed("agent", [agent.id])
    ImportedToken.objects.filter(agent=agent).delete()
    agent.token_hash = agent.pending_token_hash = agent.previous_token_hash = None
    agent.token_sealed = agent.pending_token_sealed = ""
    return [
        "token_hash", "pending_token_hash", "previous_token_hash",
        "token_sealed", "pending_token_sealed",
    ]  # fmt: skip


@service
def promote_token(agent_id: UUID, digest: str) -> bool:
    """Put the pending token in force: its use, or its written file, proves that it arrived."""
    agent = (
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=agent_id, pending_token_hash=digest)
        .first()
    )
    if agent is None:
        return False
    agent.previous_token_hash = agent.token_hash
    agent.previous_token_until = clock.now() + rules.PREVIOUS_TOKEN_GRACE
    agent.token_hash, agent.token_sealed = digest, agent.pending_token_sealed
    agent.pending_token_hash, agent.pending_token_sealed = None, ""
    agent.save(
        update_fields=[
            "previous_token_hash", "previous_token_until", "token_hash", "token_sealed",
            "pending_token_hash", "pending_token_sealed", "updated_at",
        ]
    )  # fmt: skip
    return True


@service
def record_written(agent_id: UUID, digest: str) -> None:
    """The workspace now holds this token: it is in force, or has its grace if it was replaced."""
    if promote_token(agent_id, digest):
        return
    Agent.objects.filter(pk=agent_id, pending_token_hash__isnull=False).exclude(
        token_hash=digest
    ).exclude(pending_token_hash=digest).update(
        previous_token_hash=digest, previous_token_until=clock.now() + rules.PREVIOUS_TOKEN_GRACE
    )
