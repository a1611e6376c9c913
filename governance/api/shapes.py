"""The one form of an approval outside: API, frames, streams. From rows of ``.values()``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from governance.models import Approval

_PLAIN = (
    "id", "organization_id", "board_id", "source", "status", "action_type", "confidence",
    "agent_id", "agent_name", "requested_by_kind", "requested_by_id", "requested_by_name",
    "decided_by_id", "decided_by_name", "comment", "gateway_id", "session_key", "command", "cwd",
    "host", "answer_state", "answer_error", "version",
)  # fmt: skip
# A page is mostly decoding: the database writes times as they are sent, orjson reads the rest.
_TIMES = ("created_at", "updated_at", "resolved_at", "expires_at")
_JSON = ("payload", "rubric_scores", "allowed_decisions")
_RFC3339 = """to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_TASKS = """
(SELECT json_agg(json_build_array(link.task_id, link.title) ORDER BY link.position, link.id)::text
 FROM governance_approvaltask link WHERE link.approval_id = governance_approval.id)
"""
#: ``[task id, title]`` of each task, in order.
Links = Sequence[Sequence[Any]]


def approval(row: Mapping[str, Any], tasks: Links = ()) -> dict[str, Any]:
    """An approval; ``row`` comes from :func:`many`, ``tasks`` are its ids and titles in order."""
    payload = row["payload"]
    inner = payload if isinstance(payload, dict) else {}
    return {
        "id": row["id"],
        "organization_id": row["organization_id"],
        "board_id": row["board_id"],
        "task_id": tasks[0][0] if tasks else None,
        "task_ids": [task_id for task_id, _title in tasks],
        "task_titles": [title for _task_id, title in tasks],
        "agent_id": row["agent_id"],
        "agent_name": row["agent_name"] or None,
        "action_type": row["action_type"],
        "action": row["action_type"],
        "payload": payload,
        "reason": inner.get("reason"),
        "metadata": inner.get("metadata"),
        "confidence": row["confidence"],
        "rubric_scores": row["rubric_scores"],
        "status": row["status"],
        "source": row["source"],
        "requested_by_type": row["requested_by_kind"],
        "requested_by_id": row["requested_by_id"],
        "requested_by_name": row["requested_by_name"],
        "decided_by_user_id": row["decided_by_id"],
        "decided_by_name": row["decided_by_name"] or None,
        "comment": row["comment"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "resolved_at": row["resolved_at"],
        "expires_at": row["expires_at"],
        "version": row["version"],
        **_gateway_fields(row),
    }


def _gateway_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """What only a gateway's question has; null for the others."""
    if row["source"] != Approval.Source.GATEWAY:
        return dict.fromkeys(
            ("gateway_id", "session_key", "command", "cwd", "host", "answer_state", "answer_error")
        ) | {"allowed_decisions": []}
    return {
        "gateway_id": row["gateway_id"],
        "session_key": row["session_key"] or None,
        "command": row["command"],
        "cwd": row["cwd"] or None,
        "host": row["host"] or None,
        "answer_state": row["answer_state"] or None,
        "answer_error": row["answer_error"] or None,
        "allowed_decisions": row["allowed_decisions"],
    }


def many(rows: QuerySet[Any]) -> list[dict[str, Any]]:
    """Approvals of a sliced queryset with their tasks, in one query whatever their number."""
    texts: dict[str, Any] = {f"{name}_": Cast(name, TextField()) for name in _JSON}
    texts |= {
        f"{name}_": RawSQL(_RFC3339.format(column=f"governance_approval.{name}"), [])  # noqa: S611
        for name in _TIMES
    }
    found = rows.annotate(**texts, tasks_=RawSQL(_TASKS, [])).values(*_PLAIN, *texts, "tasks_")  # noqa: S611
    return [approval(row, _decoded(row)) for row in found]


def _decoded(row: dict[str, Any]) -> Links:
    """Put the texts of a row in their place; returns its tasks."""
    for name in _JSON:
        text = row[f"{name}_"]
        row[name] = orjson.loads(text) if text is not None else None
    for name in _TIMES:
        row[name] = row[f"{name}_"]
    links: Links = orjson.loads(row["tasks_"]) if row["tasks_"] else ()
    return links


def one(pk: UUID) -> dict[str, Any]:
    """One approval as it stands now."""
    return many(Approval.objects.filter(pk=pk))[0]
