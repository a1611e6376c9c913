"""Who holds a gateway's permanent connection: one row each, database clock (ruling 21).

A lease runs for 6 s and is renewed every 2 s, so a dead holder is replaced within 10 s. ``epoch``
rises with every new holder; an old one that wakes up finds another epoch and sends nothing.
"""

from __future__ import annotations

import os
import socket
import uuid
from typing import NamedTuple
from uuid import UUID

from django.db import connection

LEASE_SECONDS = 6.0
RENEW_SECONDS = 2.0
CLAIM_BATCH = 50

_MISSING = """
INSERT INTO gateways_gatewaylease (gateway_id, owner, epoch, until, is_online)
SELECT g.id, '', 0, NULL, false FROM gateways_gateway g
LEFT JOIN gateways_gatewaylease l ON l.gateway_id = g.id
WHERE l.gateway_id IS NULL ON CONFLICT DO NOTHING
"""
_CLAIM = """
WITH free AS (
  SELECT l.gateway_id, g.version FROM gateways_gatewaylease l
  JOIN gateways_gateway g ON g.id = l.gateway_id
  WHERE (l.until IS NULL OR l.until < now()) AND g.status <> 'revoked'
  ORDER BY l.until NULLS FIRST LIMIT %s FOR UPDATE OF l SKIP LOCKED)
UPDATE gateways_gatewaylease l
SET owner = %s, epoch = l.epoch + 1, until = now() + make_interval(secs => %s), is_online = false
FROM free WHERE l.gateway_id = free.gateway_id
RETURNING l.gateway_id, l.epoch, free.version
"""
_RENEW = """
UPDATE gateways_gatewaylease l SET until = now() + make_interval(secs => %s)
FROM gateways_gateway g
WHERE g.id = l.gateway_id AND l.owner = %s AND g.status <> 'revoked'
RETURNING l.gateway_id, l.epoch, g.version
"""
_RELEASE = (
    "UPDATE gateways_gatewaylease SET owner = '', until = NULL, is_online = false WHERE owner = %s"
)
_ONLINE = """
UPDATE gateways_gatewaylease SET is_online = %s WHERE gateway_id = %s AND owner = %s AND epoch = %s
"""
_HOLDS = """
SELECT EXISTS (SELECT 1 FROM gateways_gatewaylease
WHERE gateway_id = %s AND owner = %s AND epoch = %s AND until > now())
"""


class Held(NamedTuple):
    """A lease of ours. ``version`` is the gateway's row version: another one means new settings."""

    gateway_id: UUID
    epoch: int
    version: int


def owner_name() -> str:
    """A name for this holder: host, process, random part."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def renew_and_claim(owner: str) -> list[Held]:
    """Renew what ``owner`` holds and take what is free; returns everything held now."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [LEASE_SECONDS, owner])
        held = [Held(*row) for row in cursor.fetchall()]
        cursor.execute(_MISSING)
        cursor.execute(_CLAIM, [CLAIM_BATCH, owner, LEASE_SECONDS])
        return held + [Held(*row) for row in cursor.fetchall()]


def release_all(owner: str) -> None:
    """Give everything back, so that another process takes over at once."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [owner])


def set_online(held: Held, owner: str, *, is_online: bool) -> None:
    """Note whether the held connection is up."""
    with connection.cursor() as cursor:
        cursor.execute(_ONLINE, [is_online, held.gateway_id, owner, held.epoch])


def holds(held: Held, owner: str) -> bool:
    """Whether the lease is still ours, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDS, [held.gateway_id, owner, held.epoch])
        return bool(cursor.fetchone()[0])
