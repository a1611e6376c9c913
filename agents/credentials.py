"""From an agent's token to an actor: one indexed query, one hash, one constant-time compare.

A token is ``mca_`` and 43 characters (256 random bits), stored as SHA-256. Accepted are the token
in force, the one being written to the workspace (promoted at its first use) and, for 15 minutes,
the one that was replaced. A call that proves itself also counts as a sign of life.

Source: core specification 2.2.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from missioncontrol.kernel import clock, credentials
from missioncontrol.kernel.actors import AgentActor
from missioncontrol.kernel.secrets import same, token_hash

from . import rules
from .services import imported, presence, tokens

_NOBODY = token_hash("nobody holds this token")
#: A deleted agent has no hash left; an agent that is being deleted lost its hashes at once.
#: The first column tells whether tokens of an imported installation wait for their first use.
_FIND = """
SELECT EXISTS (SELECT 1 FROM agents_importedtoken), found.*
  FROM (SELECT 1) AS always
  LEFT JOIN LATERAL (
SELECT id, name, organization_id, agent_type, board_id, gateway_id, status, last_seen_at,
       checkin_deadline_at, awaiting_answer_since, token_hash, pending_token_hash,
       previous_token_hash
  FROM agents_agent
 WHERE token_hash = %s OR pending_token_hash = %s
    OR (previous_token_hash = %s AND previous_token_until > now())
 LIMIT 1
  ) AS found ON true
"""


class Found(NamedTuple):
    """Row of the agent that a token hash names."""

    id: UUID
    name: str
    organization_id: UUID
    agent_type: str
    board_id: UUID | None
    gateway_id: UUID | None
    status: str
    last_seen_at: datetime | None
    checkin_deadline_at: datetime | None
    awaiting_answer_since: datetime | None
    token_hash: str | None
    pending_token_hash: str | None
    previous_token_hash: str | None

    @property
    def is_due(self) -> bool:
        """Whether this call has to be written down as a sign of life."""
        if self.checkin_deadline_at is not None or self.awaiting_answer_since is not None:
            return True
        if self.status in ("offline", "error", "provisioning"):
            return True
        seen = self.last_seen_at
        return seen is None or clock.now() - seen >= rules.SEEN_EVERY


def resolve(token: str) -> AgentActor | None:
    """Agent of a token, ``None`` if it proves nothing; the work is the same in both cases."""
    digest = token_hash(token)
    found, is_waiting = _find(digest)
    if found is None and is_waiting and imported.adopt(token, digest):
        found, _rest = _find(digest)
    stored = (
        (found.token_hash, found.pending_token_hash, found.previous_token_hash) if found else ()
    )
    matches = [same(digest, candidate or _NOBODY) for candidate in stored or (None, None, None)]
    if found is None or not any(matches):
        return None
    if matches[1]:
        tokens.promote_token(found.id, digest)
    if found.is_due:
        presence.mark_seen(found.id)
    return AgentActor(
        id=found.id,
        name=found.name,
        organization_id=found.organization_id,
        role=rules.role_of(found.agent_type),
        board_id=found.board_id,
        gateway_id=found.gateway_id,
    )


def _find(digest: str) -> tuple[Found | None, bool]:
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [digest, digest, digest])
        is_waiting, *row = cursor.fetchone()
    return (Found(*row) if row[0] is not None else None), bool(is_waiting)


def register() -> None:
    """Offer agent tokens to every door."""
    credentials.register_agent(resolve)
