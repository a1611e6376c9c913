"""Events as rows of a timeline: one sentence with links, icon, hue, optional payload."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from activity import types
from activity.models import ActivityEvent
from missioncontrol.kernel import signs

ACTOR_MARK, TARGET_MARK = "\ue000", "\ue001"
STATUS_KEYS = ("to", "from")
STATE_KEYS = ("status", "decision")
ADDRESSES = {
    "board": "/boards/{id}",
    "board_group": "/board-groups/{id}",
    "agent": "/agents/{id}",
    "gateway": "/gateways/{id}",
    "approval": "/approvals?show=all&open={id}",
    "member": "/organization",
    "invite": "/organization#invites",
}
#: Part of the target's page where something was said or noted.
PARTS = {
    "board.chatted": "/chat",
    "board.noted": "/memory",
    "board_group.chatted": "/chat",
    "board_group.noted": "/memory",
    "board_group.heartbeat_set": "/heartbeat",
}
Titles = Callable[[Collection[UUID]], Mapping[UUID, str]]
_titles: dict[str, Titles] = {}


def register_titles(kind: str, resolver: Titles) -> None:
    """Let an app name its targets as people read them, in place of the title in the record."""
    _titles[kind] = resolver


def shown_titles(events: Collection[ActivityEvent]) -> dict[UUID, str]:
    """Title of each event's target, by the event's id; one look-up per kind of target."""
    shown = {event.id: event.target_title for event in events}
    for kind, resolve in _titles.items():
        meant = {e.id: e.target_id for e in events if e.target_kind == kind and e.target_id}
        found = resolve(set(meant.values())) if meant else {}
        shown |= {event: found[target] for event, target in meant.items() if target in found}
    return shown


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of a timeline."""

    id: UUID
    seq: int
    at: datetime
    type: str
    glyph: str
    outcome: str
    sentence: SafeString
    raw: dict[str, Any] | None


def event_rows(events: Iterable[ActivityEvent], *, with_raw: bool = False) -> list[EventRow]:
    """Events ready for `activity/_feed.html`, in the given order."""
    found = list(events)
    titles = shown_titles(found)
    return [_row(event, titles[event.id], with_raw=with_raw) for event in found]


def _row(event: ActivityEvent, title: str, *, with_raw: bool) -> EventRow:
    entry = types.TYPES.get(event.type)
    data = event.data or {}
    raw = None
    if with_raw:
        raw = {"type": event.type, "seq": event.seq, "request_id": event.request_id, "data": data}
    return EventRow(
        id=event.id,
        seq=event.seq,
        at=event.at,
        type=event.type,
        glyph=entry.icon if entry else "activity",
        outcome=str(data.get("status") or data.get("to") or data.get("decision") or ""),
        sentence=_sentence(event, title, data),
        raw=raw,
    )


def worded(data: Mapping[str, Any]) -> dict[str, Any]:
    """An event's data with the words that people read in place of stored states and roles."""
    words = dict(data)
    for key in STATUS_KEYS:
        if isinstance(words.get(key), str):
            words[key] = str(signs.task_sign(words[key]).word)
    for key in STATE_KEYS:
        if isinstance(words.get(key), str):
            words[key] = str(signs.state_sign(words[key]).word).lower()
    if isinstance(words.get("role"), str):
        words["role"] = str(signs.role_word(words["role"])).lower()
    return words


def _sentence(event: ActivityEvent, title: str, data: dict[str, Any]) -> SafeString:
    plain = types.sentence_of(event.type, actor=ACTOR_MARK, target=TARGET_MARK, data=worded(data))
    html: str = conditional_escape(plain)
    html = html.replace(ACTOR_MARK, format_html("<b>{}</b>", event.actor_name))
    return mark_safe(html.replace(TARGET_MARK, _target(event, title)))  # noqa: S308 - escaped above


def _target(event: ActivityEvent, title: str) -> SafeString:
    address = _address(event)
    if address is None or event.type.endswith(".deleted"):
        return format_html("<b>{}</b>", title)
    return format_html('<a href="{}">{}</a>', address, title)


def _address(event: ActivityEvent) -> str | None:
    if event.task_id and event.board_id and event.target_kind in {"task", "comment"}:
        comment = (event.data or {}).get("comment_id")
        part = f"#comment-{quote(str(comment))}" if comment else ""
        return f"/boards/{event.board_id}?task={event.task_id}{part}"
    pattern = ADDRESSES.get(event.target_kind)
    if pattern is None or event.target_id is None:
        return None
    return pattern.format(id=quote(str(event.target_id))) + PARTS.get(event.type, "")
