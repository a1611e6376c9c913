"""``/ws/board/<id>/sync``: a board's numbered events, its viewers, and changes from the page.

Source: specification of modules, M9. Every change runs through the service that REST uses.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from channels.db import database_sync_to_async

from activity import streams
from boards import presence, sync
from boards.models import Board
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import DomainError, Forbidden, NotFound
from missioncontrol.kernel.hub import Frame
from missioncontrol.kernel.sockets import Answer, Socket
from orgs.models import Membership

REPLAY = 1000
EPOCH_SECONDS = 10.0
_epochs: dict[tuple[UUID, UUID], tuple[float, Any]] = {}
MAX_EPOCHS = 20_000


class BoardConsumer(Socket):
    """One viewer's socket on one board."""

    #: Heartbeats are answered here, since they also renew the presence.
    heartbeat_types = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.board_id: UUID | None = None
        self.sent_seq = 0
        self.buffer: list[Frame] | None = []
        self.entry: dict[str, Any] | None = None
        self.is_told = False

    # --- rights ------------------------------------------------------------

    @property
    def person(self) -> UserActor:
        """Who looks; only people are admitted."""
        if not isinstance(self.actor, UserActor):
            raise Forbidden
        return self.actor

    @property
    def board(self) -> UUID:
        """The board of the address."""
        if self.board_id is None:
            raise NotFound
        return self.board_id

    async def admitted(self) -> None:
        """The board must be readable: 4004 otherwise; 4003 for agents."""
        self.board_id = self.scope["url_route"]["kwargs"]["board_id"]
        await self._require_readable(self.person, self.board)

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
    def _require_readable(self, person: UserActor, board_id: UUID) -> None:
        if not Board.objects.visible_to(person).filter(pk=board_id).exists():
            raise NotFound

    async def permission_epoch(self) -> Any:
        """The rights of this person on this board; asked of the database every 10 s at most."""
        key = (self.person.id, self.board)
        known = _epochs.get(key)
        if known is not None and time.monotonic() - known[0] < EPOCH_SECONDS:
            return known[1]
        value = await self._read_epoch(*key)
        if len(_epochs) > MAX_EPOCHS:
            _epochs.clear()
        _epochs[key] = (time.monotonic(), value)
        return value

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
    def _read_epoch(self, user_id: UUID, board_id: UUID) -> Any:
        board = Board.objects.filter(pk=board_id).values_list("permission_epoch", "organization_id")
        found = board.first()
        if found is None:
            return None
        epoch, organization_id = found
        member = Membership.objects.filter(user_id=user_id, organization_id=organization_id)
        return epoch, member.values_list(
            "user__permission_epoch",
            "user__is_active",
            "role",
            "all_boards_read",
            "all_boards_write",
        ).first()

    # --- frames of the client ------------------------------------------------------------

    async def _acknowledged(self, frame: dict[str, Any]) -> None:
        """The client's answer to a heartbeat asks for nothing."""

    async def _heartbeat(self, frame: dict[str, Any]) -> None:
        self.emit({"type": "heartbeat_ack", "id": frame.get("id"), "seq": self.sent_seq})
        if self.entry is not None:
            await presence.keep(self.board, self.entry)

    async def _subscribe(self, asked: dict[str, Any]) -> None:
        """Join first and buffer, then read: no gap and nothing twice."""
        since = asked.get("since_seq")
        self.buffer = self.buffer or []
        head = await self.follow(f"board.{self.board}", self._sink)
        if await self._replay(since, head):
            present = await presence.present(self.board)
            self.emit({"type": "presence.state", "presence": present})
        else:
            await self._send_state()
        waiting, self.buffer = self.buffer or [], None
        for frame in waiting:
            self._send(frame)
        if self.entry is None:
            self.entry = presence.entry_of(self.person, uuid.uuid4().hex)
            viewers = await presence.keep(self.board, self.entry)
            self.is_told = viewers <= presence.CROWD
            self._tell("join", self.entry)

    def _tell(self, change: str, entry: dict[str, Any]) -> None:
        """Announce this viewer; one of a crowd only while he edits, lest others overwrite him."""
        if self.is_told or entry["editing_field"]:
            presence.announce(self.board, change, entry)
            self.is_told = True

    async def _replay(self, since: Any, head: int) -> bool:
        """What happened after ``since``, if it is not too much and still kept."""
        if isinstance(since, bool) or not isinstance(since, int):
            return False
        if not 0 <= head - since <= REPLAY:
            return False
        events = await streams.load_board(self.board, since, REPLAY) if head > since else []
        if head > since and (not events or events[0].seq != since + 1):
            return False
        last = events[-1].seq if events else since
        listed = ",".join(event.text for event in events)
        self.emit_text(
            f'{{"type":"replay","from_seq":{since},"to_seq":{last},"events":[{listed}]}}'
        )
        self.sent_seq = last
        return True

    async def _send_state(self) -> None:
        facts = await database_sync_to_async(sync.state)(self.person, self.board)
        facts["presence"] = await presence.present(self.board)
        self.sent_seq = facts["seq"]
        self.emit(facts)

    async def _perform(self, frame: dict[str, Any]) -> None:
        try:
            op = sync.parse(frame)
            answer = await database_sync_to_async(sync.perform)(self.person, self.board, op)
        except DomainError as error:
            current = await database_sync_to_async(sync.current_task)(
                self.person, self.board, frame.get("task_id")
            )
            answer = sync.refusal(error, frame, current)
        self.emit(answer)

    # --- presence ------------------------------------------------------------

    async def _presence(self, frame: dict[str, Any]) -> None:
        """What the person looks at and edits."""
        if self.entry is None:
            return
        viewing, editing = frame.get("viewing_task_id"), frame.get("editing_field")
        self.entry |= {
            "viewing_task_id": str(viewing)[:36] if viewing else None,
            "editing_field": str(editing)[:40] if editing else None,
        }
        await presence.keep(self.board, self.entry)
        self._tell("update", self.entry)

    frames: ClassVar[Mapping[str, Answer]] = {
        **dict.fromkeys(("heartbeat", "ping"), _heartbeat),
        **dict.fromkeys(("heartbeat_ack", "heartbeat.ack"), _acknowledged),
        **dict.fromkeys(("subscribe", "replay"), _subscribe),
        **dict.fromkeys(sync.OPS, _perform),
        "presence": _presence,
    }

    async def left(self) -> None:
        """The avatar goes."""
        if self.entry is not None and self.board_id is not None:
            await presence.drop(self.board_id, self.entry["connection"])
            self._tell("leave", self.entry)
            self.entry = None

    # --- frames of the board ------------------------------------------------------------

    def _sink(self, _topic: str, frame: Frame) -> None:
        if frame.seq == 0:
            self.emit_text(frame.text)
        elif self.buffer is not None:
            self.buffer.append(frame)
        else:
            self._send(frame)

    def _send(self, frame: Frame) -> None:
        if frame.seq > self.sent_seq:
            self.sent_seq = frame.seq
            self.emit_text(frame.text)

    def last_seq(self) -> int | None:
        """Latest number sent."""
        return self.sent_seq
