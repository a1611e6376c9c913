"""``/ws/updates``: the organization's events as ids, for pages that refresh their fragments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from channels.db import database_sync_to_async

from activity import streams
from boards.models import Board, BoardGroup
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Forbidden
from missioncontrol.kernel.hub import Frame
from missioncontrol.kernel.sockets import Answer, Socket

REPLAY = 1000


class UpdatesConsumer(Socket):
    """Frames ``{type: "event", id: seq, payload}`` of everything the person may see.

    The client subscribes with ``{"type": "subscribe", "payload": {"since_seq": n}}``; more than
    1 000 missed events answer ``reset``, and the page reloads.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization_id: UUID | None = None
        self.scopes: set[str] = set()
        self.sees_organization = False
        self.sent_seq = 0
        self.buffer: list[Frame] | None = []

    async def admitted(self) -> None:
        """People only, in their active organization."""
        if not isinstance(self.actor, UserActor) or self.actor.organization_id is None:
            raise Forbidden
        self.organization_id = self.actor.organization_id
        self.sees_organization = self.actor.is_admin_in(self.organization_id)
        self.scopes = await self._readable()

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
    def _readable(self) -> set[str]:
        """Ids of the boards and groups whose events the person gets."""
        found: set[str] = set()
        for kind in (Board, BoardGroup):
            rows = kind.objects.visible_to(self.person).filter(organization_id=self.home)
            found |= {str(pk) for pk in rows.values_list("pk", flat=True)}
        return found

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
    def permission_epoch(self) -> Any:
        """The person's rights and the set of boards."""
        from orgs.models import Membership, User

        epoch = User.objects.filter(pk=self.person.id, is_active=True).values_list(
            "permission_epoch", flat=True
        )
        boards = Board.objects.filter(organization_id=self.home).order_by("-created_at")
        member = Membership.objects.filter(
            user_id=self.person.id, organization_id=self.home
        ).values_list("role", "all_boards_read", "all_boards_write")
        return (epoch.first(), boards.values_list("pk", flat=True).first(), member.first())

    @property
    def person(self) -> UserActor:
        """Who reads; only people are admitted."""
        if not isinstance(self.actor, UserActor):
            raise Forbidden
        return self.actor

    @property
    def home(self) -> UUID:
        """The organization whose events are read."""
        if self.organization_id is None:
            raise Forbidden
        return self.organization_id

    async def _subscribe(self, frame: dict[str, Any]) -> None:
        asked = (frame.get("payload") or {}).get("since_seq")
        since = asked if isinstance(asked, int) else None
        head = await self.follow(f"org.{self.home}", self._sink)
        start = head if since is None or since > head else since
        self.sent_seq = start
        if head - start > REPLAY:
            self.sent_seq = head
            self.emit({"type": "reset", "id": head})
        elif head > start:
            for missed in await streams.load_organization(self.home, start, REPLAY):
                self._send(missed)
        self.emit({"type": "subscribed", "id": self.sent_seq})
        waiting, self.buffer = self.buffer or [], None
        for heard in waiting:
            self._send(heard)

    frames: ClassVar[Mapping[str, Answer]] = {"subscribe": _subscribe}

    def _sink(self, _topic: str, frame: Frame) -> None:
        if self.buffer is not None:
            self.buffer.append(frame)
        else:
            self._send(frame)

    def _send(self, frame: Frame) -> None:
        if frame.seq <= self.sent_seq:
            return
        self.sent_seq = frame.seq
        if frame.scope in self.scopes or (not frame.scope and self.sees_organization):
            self.emit_text(frame.text)

    def last_seq(self) -> int | None:
        """Latest number seen."""
        return self.sent_seq
