"""The one form of an approval outside: API, frames, streams.

A page is 200 rows of some 35 fields; most of its cost was to decode them and to encode them again.
So the database writes the JSON, tasks included, and a page is passed on as it comes.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from governance.models import Approval


def _time(column: str) -> str:
    """A time as RFC 3339 text in UTC."""
    form = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    return f"to_char(a.{column} AT TIME ZONE 'UTC', '{form}')"


def _of_gateway(expression: str) -> str:
    """What only a gateway's question has; null for the others."""
    return f"CASE WHEN a.source = 'gateway' THEN {expression} END"


_SHAPE: dict[str, str] = {
    "id": "a.id",
    "organization_id": "a.organization_id",
    "board_id": "a.board_id",
    "task_id": "tasks.ids -> 0",
    "task_ids": "coalesce(tasks.ids, '[]')",
    "task_titles": "coalesce(tasks.titles, '[]')",
    "agent_id": "a.agent_id",
    "agent_name": "nullif(a.agent_name, '')",
    "action_type": "a.action_type",
    "action": "a.action_type",
    "payload": "a.payload",
    "reason": "a.payload -> 'reason'",
    "metadata": "a.payload -> 'metadata'",
    "confidence": "a.confidence",
    "rubric_scores": "a.rubric_scores",
    "status": "a.status",
    "source": "a.source",
    "requested_by_type": "a.requested_by_kind",
    "requested_by_id": "a.requested_by_id",
    "requested_by_name": "a.requested_by_name",
    "decided_by_user_id": "a.decided_by_id",
    "decided_by_name": "nullif(a.decided_by_name, '')",
    "comment": "a.comment",
    "created_at": _time("created_at"),
    "updated_at": _time("updated_at"),
    "resolved_at": _time("resolved_at"),
    "expires_at": _time("expires_at"),
    "version": "a.version",
    "gateway_id": _of_gateway("a.gateway_id"),
    "session_key": _of_gateway("nullif(a.session_key, '')"),
    "command": _of_gateway("a.command"),
    "cwd": _of_gateway("nullif(a.cwd, '')"),
    "host": _of_gateway("nullif(a.host, '')"),
    "allowed_decisions": "a.allowed_decisions",
    "answer_state": _of_gateway("nullif(a.answer_state, '')"),
    "answer_error": _of_gateway("nullif(a.answer_error, '')"),
}
_OBJECT = ", ".join(f"'{name}', {expression}" for name, expression in _SHAPE.items())
_SELECT = f"""
WITH page AS (SELECT chosen.pk, row_number() OVER () AS place FROM ({{chosen}}) chosen)
SELECT json_build_object({_OBJECT})::text
FROM page JOIN governance_approval a ON a.id = page.pk
LEFT JOIN LATERAL (
  SELECT json_agg(link.task_id ORDER BY link.position, link.id) AS ids,
         json_agg(link.title ORDER BY link.position, link.id) AS titles
  FROM governance_approvaltask link WHERE link.approval_id = a.id) tasks ON true
ORDER BY page.place
"""  # noqa: S608 - only names of this module


def texts(rows: QuerySet[Any]) -> list[str]:
    """Approvals of an ordered and sliced queryset as JSON, in one query whatever their number."""
    try:
        chosen, parameters = rows.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SELECT.replace("{chosen}", chosen), parameters)
        return [text for (text,) in cursor.fetchall()]


def fragments(rows: QuerySet[Any]) -> list[orjson.Fragment]:
    """The same for an answer that is written at once."""
    return [orjson.Fragment(text) for text in texts(rows)]


def many(rows: QuerySet[Any]) -> list[dict[str, Any]]:
    """The same as dictionaries, for who looks into them."""
    return [orjson.loads(text) for text in texts(rows)]


def one(pk: UUID) -> dict[str, Any]:
    """One approval as it stands now."""
    return many(Approval.objects.filter(pk=pk))[0]
