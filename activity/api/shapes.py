"""Events as JSON of the feed: names of the wire, one sentence, a hint where to go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from activity import types
from activity.feed import Row

#: Name of the system actor that stores what webhooks receive.
WEBHOOK = "webhook"


def events(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Events of one answer; a sentence is translated once per type, not once per row."""
    sentences: dict[str, str] = {}
    return [_event(row, sentences) for row in rows]


def _event(row: Row, sentences: dict[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(row.data)
    entry = types.TYPES.get(row.type)
    sentence = sentences.get(row.type)
    if sentence is None:
        sentence = sentences[row.type] = str(entry.sentence) if entry is not None else row.type
    wire = entry.wire_name(data) if entry is not None else row.type
    route_name, route_params = route(row, wire, data)
    return {
        "id": row.id,
        "event_type": wire,
        "message": types.filled(sentence, actor=row.actor_name, target=row.target_title, data=data),
        "agent_id": row.agent_id,
        "task_id": row.task_id,
        "board_id": row.board_id,
        "created_at": row.at,
        "route_name": route_name,
        "route_params": route_params,
        "organization_id": row.organization_id,
        "seq": row.seq,
        "actor_type": actor_type(row.actor_kind, row.actor_name),
        "actor_id": row.actor_id,
        "actor_name": row.actor_name,
        "resource_type": row.target_kind,
        "resource_id": row.target_id,
        "resource_name": row.target_title,
        "metadata": data,
        "request_id": row.request_id,
    }


def actor_type(kind: str, name: str) -> str:
    """Kind of an actor outside: what came in through a webhook is the webhook's doing."""
    return WEBHOOK if (kind, name) == ("system", WEBHOOK) else kind


def route(row: Row, wire: str, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and parameters of the page that shows what the event is about."""
    if row.board_id is None:
        hint = {"eventId": row.id, "eventType": wire, "createdAt": row.at}
        return "activity", {**hint, "taskId": row.task_id} if row.task_id else hint
    board: dict[str, Any] = {"boardId": row.board_id}
    if data.get("comment_id") and row.task_id:
        return "board", {**board, "taskId": row.task_id, "commentId": data["comment_id"]}
    if wire.startswith("approval."):
        return "board.approvals", board
    if wire.startswith("board."):
        return "board", {**board, "panel": "chat"}
    if row.task_id:
        return "board", {**board, "taskId": row.task_id}
    return "board", board
