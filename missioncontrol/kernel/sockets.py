"""Base of every socket: sign-in, limits, hub, refusals, close codes.

A subclass checks its path in :meth:`admitted`, joins topics with :meth:`follow`, and names in
``frames`` who answers what.

Frames out go through a bounded queue with one writer, so a slow reader harms
only himself.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

import orjson
import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils.crypto import constant_time_compare
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from . import clock, credentials, hub, metrics, ratelimit, rights
from .actors import Actor, UserActor
from .errors import (
    DomainError,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from .problems import as_domain_error

log = structlog.get_logger(__name__)

AUTH_SECONDS = 10
SILENCE_SECONDS = 90
#: With the age that a known epoch may have, the longest wait when a ring was lost is under 30 s.
RECHECK_SECONDS = 15
#: Rings of one change come together: wait this long before asking.
GATHER_SECONDS = 0.05
MAX_FRAME_BYTES = 64 * 1024
RATE_PER_SECOND, BURST, STRIKES = 20, 40, 3
MAX_OUTBOUND_FRAMES = 1024
#: Extension of the scope by which the server takes frames that are already encoded.
SHORT_WAY = "missioncontrol.encoded"
#: A method of a socket that answers one type of frame.
Answer = Callable[[Any, dict[str, Any]], Awaitable[None]]
CLOSE = {401: 4001, 403: 4003, 404: 4004, 429: 4029, 503: 1013}


class TokenBucket:
    """20 frames a second, 40 in a burst; three refusals in a minute are too many."""

    def __init__(self) -> None:
        self.tokens, self.at = float(BURST), time.monotonic()
        self.strikes: deque[float] = deque(maxlen=STRIKES)

    def take(self) -> bool:
        """Take one token, or note a strike."""
        now = time.monotonic()
        self.tokens = min(BURST, self.tokens + (now - self.at) * RATE_PER_SECOND)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return True
        self.strikes.append(now)
        return False

    @property
    def struck_out(self) -> bool:
        """Three strikes in 60 seconds."""
        return len(self.strikes) == STRIKES and self.strikes[-1] - self.strikes[0] < 60


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels is untyped
    """One browser's or program's socket."""

    #: Frame types that need no answer from the subclass.
    heartbeat_types: ClassVar[frozenset[str]] = frozenset({"heartbeat", "ping"})
    #: What a signed-in client may send besides, by type, and who answers it.
    frames: ClassVar[Mapping[str, Answer]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor: Actor | None = None
        self.bucket = TokenBucket()
        self.heard_at = time.monotonic()
        self.checked_epoch: Any = None
        self._rung = asyncio.Event()
        self._attended = ""
        self._topics: dict[str, Callable[[str, hub.Frame], None]] = {}
        self._out: deque[str] = deque()
        self._ready = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self._write_now: Callable[[bytes], bool] | None = None
        self._prove: Callable[[UUID | None], Actor | None] | None = None

    # --- what a subclass defines ------------------------------------------------------------

    async def admitted(self) -> None:
        """The actor is known: check his right to this path.

        Raises:
            Forbidden, NotFound: close 4003, 4004.
        """

    async def received(self, frame: dict[str, Any]) -> None:
        """One frame of the client after sign-in."""
        answer = self.frames.get(frame["type"])
        if answer is not None:
            await answer(self, frame)
            return
        payload = {"code": "unknown_type", "status": 422, "detail": "Unknown frame type."}
        self.emit({"type": "error", "id": frame.get("id"), "payload": payload})

    async def permission_epoch(self) -> Any:
        """A value that moves when rights may have changed; asked every 15 s."""
        return None

    async def left(self) -> None:
        """The socket has closed."""

    def last_seq(self) -> int | None:
        """Latest number sent, for the heartbeat's answer."""
        return None

    # --- life ----------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Accept, then sign in by the session cookie, or wait for the first ``auth`` frame."""
        await self.accept()
        short_way = self.scope.get("extensions", {}).get(SHORT_WAY)
        self._write_now = short_way["write"] if short_way else None
        metrics.SOCKETS.labels(type(self).__name__).inc()
        self._spawn(self._write())
        self._spawn(self._watch())
        try:
            self.actor = await self._from_cookie()
            if self.actor is not None:
                await self._admit()
        except Exception as error:  # the socket is open: say why it closes
            known = as_domain_error(error)
            if known is None:
                raise
            await self.refuse(known, close=True)

    async def _admit(self) -> None:
        await self._attend()
        await self.admitted()
        self.checked_epoch = await self.permission_epoch()

    async def _attend(self) -> None:
        """Hear at once when this person's rights change."""
        key = rights.key_of(self.actor)
        if key and not self._attended:
            self._attended = key
            await rights.attend(key, self._rung.set)

    async def _from_cookie(self) -> Actor | None:
        """Actor of the browser's session; the session is read again when rights have changed."""
        self._prove = self._session_actor
        actor: Actor | None = await self._proved(None)
        return actor

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
    def _proved(self, organization_id: UUID | None) -> Actor | None:
        return self._prove(organization_id) if self._prove else None

    def _session_actor(self, organization_id: UUID | None) -> Actor | None:
        from importlib import import_module

        from django.contrib.auth import (
            BACKEND_SESSION_KEY,
            HASH_SESSION_KEY,
            SESSION_KEY,
            get_user_model,
        )

        key = _cookie(self.scope, settings.SESSION_COOKIE_NAME)
        if not key:
            return None
        session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        raw = session.get(SESSION_KEY)
        if not raw or not session.get(BACKEND_SESSION_KEY):
            return None
        user = get_user_model()._default_manager.filter(pk=raw, is_active=True).first()
        if user is None or not constant_time_compare(
            session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
        ):
            return None
        chosen = session.get("organization_id")
        wanted = organization_id or (UUID(chosen) if chosen else None)
        return credentials.from_session(UUID(raw), wanted)

    async def _from_token(self, token: str) -> Actor | None:
        """Actor of a token, which is asked again when rights have changed.

        Raises:
            RateLimited: too many failures from this address.
        """
        prove = self._prove
        self._prove = lambda organization_id: credentials.from_bearer(token, organization_id)
        actor = await self._proved(None) if token else None
        if actor is None:
            self._prove = prove
            kind = "agent" if token.startswith(credentials.AGENT_TOKEN_PREFIX) else "bearer"
            await database_sync_to_async(ratelimit.hit_failure_from)(kind, self._address())
        return actor

    def _address(self) -> str:
        """Address of the client, as behind trusted proxies."""
        headers = {name: value.decode("latin1") for name, value in self.scope.get("headers", ())}
        return ratelimit.address_behind(
            (self.scope.get("client") or ("", 0))[0],
            forwarded_for=headers.get(b"x-forwarded-for", ""),
            forwarded=headers.get(b"forwarded", ""),
        )

    async def disconnect(self, code: int) -> None:
        """Leave every topic and stop the helpers."""
        metrics.SOCKETS.labels(type(self).__name__).dec()
        self._closing = True
        rights.leave(self._attended, self._rung.set)
        for topic, sink in list(self._topics.items()):
            await hub.local_hub().leave(topic, sink)
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await self.left()

    def _spawn(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    # --- in ------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Parse, limit, sign in, dispatch; nothing more once the socket is being closed."""
        if self._closing:
            return
        self.heard_at = time.monotonic()
        if text_data is None:
            await self.end(1003)
            return
        if len(text_data) > MAX_FRAME_BYTES:
            await self.end(1009)
            return
        if not self.bucket.take():
            self.emit(
                {
                    "type": "error",
                    "payload": {
                        "code": "RATE_LIMITED",
                        "status": 429,
                        "detail": "Too many frames.",
                    },
                }
            )
            if self.bucket.struck_out:
                await self.end(4029)
            return
        frame = _object(text_data)
        if frame is None:
            await self.end(4000)
            return
        await self._dispatch(frame)

    async def _dispatch(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        try:
            if kind == "auth":
                await self._auth(frame)
            elif self.actor is None:
                raise Unauthenticated("The first frame must be auth.")
            elif self._has_run_out(self.actor):
                raise Unauthenticated
            elif kind in self.heartbeat_types:
                self.emit({"type": "heartbeat_ack", "id": frame.get("id"), "seq": self.last_seq()})
            else:
                await self.received(frame)
        except Exception as error:
            known = as_domain_error(error)
            if known is None:
                log.exception("socket.failed", frame_type=str(kind)[:40])
                known = DomainError("Internal error.", code="INTERNAL")
            await self.refuse(known, close=isinstance(known, Unauthenticated), frame=frame)

    async def _auth(self, frame: dict[str, Any]) -> None:
        payload = frame.get("payload")
        given = frame.get("token") or (payload.get("token") if isinstance(payload, dict) else "")
        token = str(given or "")
        if self.actor is not None:
            await self._auth_again(token)
            self.emit({"type": "auth_ok", "id": frame.get("id")})
            return
        try:
            self.actor = await self._from_token(token)
            if self.actor is None:
                raise Unauthenticated
            await self._admit()
        except (Forbidden, NotFound, RateLimited) as error:
            await self.refuse(error, close=True, frame=frame)
            return
        self.emit({"type": "auth_ok", "id": frame.get("id")})

    async def _auth_again(self, token: str) -> None:
        """A fresh token of the same person prolongs the socket; anything else ends it."""
        if not token or self.actor is None:
            return
        fresh = await self._from_token(token)
        if fresh is None or (fresh.kind, fresh.id) != (self.actor.kind, self.actor.id):
            raise Unauthenticated
        await self._reload_actor()

    # --- out -----------------------------------------------------------------------------------

    def emit(self, frame: dict[str, Any]) -> None:
        """Queue one frame as JSON."""
        self.emit_text(orjson.dumps(frame, default=str, option=orjson.OPT_UTC_Z).decode())

    def emit_text(self, text: str) -> None:
        """Send one frame of JSON, or queue it while the reader is behind.

        A reader who is 1 024 frames behind is closed and resumes.
        """
        if self._closing:
            return
        if self._write_now is not None and not self._out and self._write_now(_encoded(text)):
            metrics.FRAMES.inc()
            return
        if len(self._out) >= MAX_OUTBOUND_FRAMES:
            self._closing = True
            self._spawn(self.close(1013))
            return
        self._out.append(text)
        self._ready.set()

    async def _write(self) -> None:
        send = self.base_send
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._out:
                await send({"type": "websocket.send", "text": self._out[0]})
                self._out.popleft()  # only now may a later frame take the short way
                metrics.FRAMES.inc()

    async def refuse(
        self, error: DomainError, *, close: bool = False, frame: dict[str, Any] | None = None
    ) -> None:
        """Answer a refusal; with ``close`` end the socket with the code of its status."""
        if close:
            await self.end(CLOSE.get(error.status, 1011))
            return
        self.emit(
            {
                "type": "error",
                "id": (frame or {}).get("id"),
                "payload": {
                    "code": error.machine_code,
                    "status": error.status,
                    "detail": str(error.detail),
                },
            }
        )

    async def end(self, code: int) -> None:
        """Close once."""
        if not self._closing:
            self._closing = True
            await self.close(code)

    # --- topics --------------------------------------------------------------------------------

    async def follow(self, topic: str, sink: Callable[[str, hub.Frame], None]) -> int:
        """Join a topic; returns the number after which the sink receives everything."""
        self._topics[topic] = sink
        return await hub.local_hub().join(topic, sink)

    # --- watch ---------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Close who did not sign in, fell silent, or lost his right."""
        started = time.monotonic()
        while True:
            is_rung = await self._wait_for_ring()
            now = time.monotonic()
            if self.actor is None:
                if now - started > AUTH_SECONDS:
                    await self.end(4008)
                    return
                continue
            if now - self.heard_at > SILENCE_SECONDS:
                await self.end(4008)
                return
            await self._recheck(is_rung=is_rung)
            if self._closing:
                return

    async def _wait_for_ring(self) -> bool:
        """Sleep until the next look at the rights; ``True`` when they have just changed."""
        seconds = 1.0 if self.actor is None else float(RECHECK_SECONDS)
        ends_at = self.actor.ends_at if isinstance(self.actor, UserActor) else None
        if ends_at is not None:
            seconds = min(seconds, max(0.0, (ends_at - clock.now()).total_seconds()) + 0.01)
        try:
            await asyncio.wait_for(self._rung.wait(), seconds)
        except TimeoutError:
            return False
        await asyncio.sleep(GATHER_SECONDS)
        self._rung.clear()
        return True

    async def _recheck(self, *, is_rung: bool) -> None:
        try:
            if self._has_run_out(self.actor):
                raise Unauthenticated
            if is_rung or await self.permission_epoch() != self.checked_epoch:
                await self._reload_actor()
                await self._admit()
        except Exception as error:
            known = as_domain_error(error)
            if known is None:
                raise
            if not isinstance(known, Unavailable):  # asked again at the next round
                await self.refuse(known, close=True)

    @staticmethod
    def _has_run_out(actor: Actor | None) -> bool:
        ends_at = actor.ends_at if isinstance(actor, UserActor) else None
        return ends_at is not None and ends_at <= clock.now()

    async def _reload_actor(self) -> None:
        """Prove the credential anew: the session or token may have been ended.

        Raises:
            Unauthenticated: it proves nothing any more, or somebody else.
        """
        if isinstance(self.actor, UserActor):
            known = self.actor
            fresh = await self._proved(known.organization_id)
            if not isinstance(fresh, UserActor) or fresh.id != known.id:
                raise Unauthenticated
            self.actor = fresh


_last_encoded: tuple[str, bytes] = ("", b"")


def _encoded(text: str) -> bytes:
    """An unmasked text frame; remembers the last one, since a topic's readers all get the same."""
    global _last_encoded  # noqa: PLW0603 - one slot is all a loop over readers needs
    if text is not _last_encoded[0]:
        frame = WireFrame(Opcode.TEXT, text.encode()).serialize(mask=False)
        _last_encoded = (text, frame)
    return _last_encoded[1]


def _object(text: str) -> dict[str, Any] | None:
    """A frame, or ``None`` when it is no JSON object with a text ``type``."""
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        return None
    return frame


def _cookie(scope: Any, name: str) -> str:
    """A cookie of the upgrade request."""
    from http.cookies import SimpleCookie

    for key, value in scope.get("headers", ()):
        if key == b"cookie":
            morsel = SimpleCookie(value.decode("latin1")).get(name)
            return morsel.value if morsel else ""
    return ""
