"""Agents that moved in with their tokens: the slow hash is verified once and replaced by ours.

Source: core specification 2.2; ruling 17.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

from agents.models import Agent, ImportedToken
from missioncontrol.kernel import clock
from missioncontrol.kernel.unit import service

#: Slow hashes tried for one call; each costs some 60 ms.
MAX_TRIED = 50
MAX_ROUNDS = 1_000_000
TOKEN_CHARS = range(20, 129)


def adopt(token: str, digest: str) -> bool:
    """Whether an imported hash proves the token; from then on ``digest`` does."""
    if len(token) not in TOKEN_CHARS:
        return False
    waiting = ImportedToken.objects.order_by("-agent__last_seen_at", "agent_id")[:MAX_TRIED]
    for held in waiting:
        if verifies(token, held.stored):
            return _replace(held.agent_id, held.stored, digest)
    return False


def verifies(token: str, stored: str) -> bool:
    """Whether the token has this PBKDF2 hash; a malformed hash proves nothing."""
    parts = stored.split("$")
    if len(parts) != 4 or parts[0] != "pbkdf2_sha256" or not parts[1].isdecimal():
        return False
    rounds = int(parts[1])
    try:
        salt, wanted = _decoded(parts[2]), _decoded(parts[3])
    except (binascii.Error, ValueError):
        return False
    if not 1 <= rounds <= MAX_ROUNDS:
        return False
    made = hashlib.pbkdf2_hmac("sha256", token.encode(), salt, rounds)
    return hmac.compare_digest(made, wanted)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@service
def _replace(agent_id: UUID, stored: str, digest: str) -> bool:
    """Two calls at once: the second finds the new hash in force.

    Where a newer token is in force already, this one has what is left of its grace.
    """
    agent = Agent.objects.select_for_update(of=("self",), no_key=True).get(pk=agent_id)
    gone, _ = ImportedToken.objects.filter(agent_id=agent_id, stored=stored).delete()
    if gone and agent.token_hash is None:
        agent.token_hash = digest
        agent.save(update_fields=["token_hash", "updated_at"])
    elif gone and agent.previous_token_hash is None and _has_grace(agent):
        agent.previous_token_hash = digest
        agent.save(update_fields=["previous_token_hash", "updated_at"])
    return digest == agent.token_hash or (digest == agent.previous_token_hash and _has_grace(agent))


def _has_grace(agent: Agent) -> bool:
    until = agent.previous_token_until
    return until is not None and until > clock.now()
