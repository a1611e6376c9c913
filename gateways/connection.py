"""One gateway's permanent connection: reviewer of its commands, source of its events and state."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import Error as DatabaseError

from governance.models import Approval
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import DomainError, NotFound

from . import bridge, events, installation, leases, records, rules, targets
from .db_threads import DatabaseThreads
from .leases import Held
from .models import Gateway
from .wire.advice import advice_for
from .wire.client import GatewayClient
from .wire.errors import (
    AlreadyResolvedError,
    GatewayCallError,
    GatewayError,
    RemoteNotFoundError,
    UnknownMethodError,
)
from .wire.frames import Event
from .wire.redact import redact_text
from .wire.supervise import LinkState, Report, hold
from .wire.target import Target

log = structlog.get_logger(__name__)
Answer = Approval.AnswerState
EVENT_BUFFER = 1000
PING_SECONDS = 60.0
FIRST_PING_SECONDS = 5.0
SESSIONS_WANTED = {"limit": records.LATEST_SESSIONS}
ANSWER_SECONDS = 10.0
REFUSED_RETRY_SECONDS = 30.0
PAUSE_AFTER_FAULT_SECONDS = 1.0
CLOSE_SECONDS = 3.0
_QUIET = (LinkState.CONNECTING, LinkState.STOPPED)


class Link:
    """Holds one gateway as long as its lease is ours."""

    def __init__(
        self,
        held: Held,
        owner: str,
        work: DatabaseThreads,
        handlers: DatabaseThreads,
        may_send: Callable[[], bool],
    ) -> None:
        self.held, self._owner = held, owner
        self._work, self._handlers, self._may_send = work, handlers, may_send
        self._client: GatewayClient | None = None
        self._reach: targets.Reach | None = None
        self._told: records.Seen | None = None
        self._stop, self._again = asyncio.Event(), asyncio.Event()
        self._closing = False
        self._wanted = asyncio.Event()
        self._resync = asyncio.Event()
        self._buffer: asyncio.Queue[Event] = asyncio.Queue(EVENT_BUFFER)
        self._unsaved: tuple[records.Seen, str] | None = None
        self._tried: dict[UUID, float] = {}
        self._answering = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_online(self) -> bool:
        """Whether calls can be made now."""
        return self._client is not None and self._client.is_open

    @property
    def gateway(self) -> Gateway:
        """The gateway as last read."""
        if self._reach is None:
            raise NotFound
        return self._reach.gateway

    @property
    def _secrets(self) -> tuple[str, ...]:
        return self._reach.secrets if self._reach else ()

    def start(self) -> None:
        """Begin to connect."""
        parts = (self._run(), self._send_wanted(), self._handle_events(), self._ping())
        self._tasks = [asyncio.create_task(part) for part in (*parts, self._sync_again())]

    def wake(self) -> None:
        """An answer may wait."""
        self._wanted.set()

    def restart(self) -> None:
        """Connect anew, with what the row says now."""
        self._told = None
        self._again.set()
        self._stop.set()

    async def close(self) -> None:
        """End the connection and everything around it."""
        self._closing = True
        self._stop.set()
        self._again.set()
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(TimeoutError, GatewayError):
                await asyncio.wait_for(client.close(), CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        """Hold the connection; begin anew after a restart, pause after a fault."""
        while not self._closing:
            self._stop, self._again = asyncio.Event(), asyncio.Event()
            try:
                await hold(
                    self._target,
                    on_ready=self._ready,
                    on_event=self._event,
                    on_state=self._state,
                    stop=self._stop,
                    minimum_version=settings.GATEWAY_MIN_VERSION,
                )
            except NotFound:
                return
            except DomainError as refusal:
                await self._cannot(refusal)
            except DatabaseError as error:
                log.warning("link.database_away", error=type(error).__name__)
                await asyncio.sleep(PAUSE_AFTER_FAULT_SECONDS)
            finally:
                self._client = None

    async def _cannot(self, refusal: DomainError) -> None:
        """The row itself forbids a connection (another key, simulated): say so and wait."""
        code = refusal.machine_code
        log.warning("link.refused", gateway=str(self.held.gateway_id), code=code)
        seen = records.Seen(Gateway.Status.ERROR, code=code, detail=str(refusal.detail))
        actor = SystemActor("link")
        with contextlib.suppress(DatabaseError):
            await self._work.run(records.note_status, actor, self.held.gateway_id, seen)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._again.wait(), rules.CHECK_SECONDS)

    async def _target(self) -> Target:
        self._reach = await self._work.run(targets.reach, self.held.gateway_id)
        return self._reach.target

    async def _ready(self, client: GatewayClient) -> None:
        """At every (re)connection: learn what is asked, then send what was decided meanwhile."""
        self._client = client
        await self._watch_sessions(client)
        await self._synchronise(client)
        await self._send_answers()

    async def _watch_sessions(self, client: GatewayClient) -> None:
        """Ask for ``sessions.changed``: heartbeat turns show in nothing else."""
        try:
            await client.call("sessions.subscribe", {})
        except GatewayCallError as error:
            if error.retryable:
                raise
            log.info("link.sessions_not_watched", gateway=str(self.held.gateway_id))

    async def _synchronise(self, client: GatewayClient) -> None:
        try:
            listed = await client.call("exec.approval.list", {})
        except UnknownMethodError:
            return
        rows = listed if isinstance(listed, list) else (listed or {}).get("approvals") or []
        gone = await self._work.run(bridge.take_list, self.gateway, rows, self._secrets)
        for approval_id, external_id in gone:
            record = await self._record(client, external_id)
            await self._work.run(bridge.take_record, self.gateway, approval_id, record)

    async def _record(self, client: GatewayClient, external_id: str) -> Mapping[str, Any] | None:
        """The gateway's durable record of an approval, none when it kept none."""
        try:
            answer = await client.call("approval.get", {"id": external_id})
        except GatewayCallError as error:
            if error.retryable:
                raise
            return None
        record = answer.get("approval", answer) if isinstance(answer, dict) else None
        return record if isinstance(record, dict) else None

    async def _event(self, event: Event) -> None:
        if event.name in ("exec.approval.requested", "exec.approval.resolved"):
            take = (
                bridge.take_requested if event.name.endswith("requested") else bridge.take_resolved
            )
            try:
                await self._work.run(take, self.gateway, event.payload, self._secrets)
            except DatabaseError:
                self._resync.set()
        else:
            self._offer(event)

    def _offer(self, event: Event) -> None:
        """Keep an event for its handlers; events that nobody wants are dropped here."""
        if not events.handlers_of(event.name):
            return
        try:
            self._buffer.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("link.event_dropped", gateway=str(self.held.gateway_id))

    async def _sync_again(self) -> None:
        """What the database could not take is stored when it is back: state, then the list."""
        while True:
            await self._resync.wait()
            await asyncio.sleep(PAUSE_AFTER_FAULT_SECONDS)
            self._resync.clear()
            try:
                if self._unsaved is not None:
                    await self._store(*self._unsaved)
                client = self._client
                if client is not None:  # else the next connection begins with the list
                    await self._synchronise(client)
            except (DatabaseError, GatewayError):
                self._resync.set()

    async def _handle_events(self) -> None:
        """Give events to their handlers, one at a time, in the order of arrival."""
        while True:
            event = await self._buffer.get()
            payload = bridge.cleaned(event.payload, self._secrets)
            for handler in events.handlers_of(event.name):
                try:
                    organization_id = self.gateway.organization_id
                    await self._handlers.run(
                        handler, self.held.gateway_id, organization_id, payload
                    )
                except Exception:
                    log.exception("link.handler_failed", event_name=event.name)

    async def _state(self, report: Report) -> None:
        """Write a changed state down; a database that is away must not end the connection."""
        if report.state in _QUIET:
            return
        if report.state is not LinkState.ONLINE:
            self._client = None
        seen = self._seen(report)
        if seen == self._told:
            return
        try:
            await self._store(seen, report.device_token)
        except DatabaseError as error:
            log.warning("link.state_not_stored", error=type(error).__name__)
            self._unsaved = (seen, report.device_token)
            self._resync.set()

    async def _store(self, seen: records.Seen, device_token: str) -> None:
        await self._work.run(self._note, seen, device_token)
        self._told, self._unsaved = seen, None

    def _note(self, seen: records.Seen, device_token: str) -> None:
        is_online = seen.status == Gateway.Status.ONLINE
        if not leases.holds(self.held, self._owner):
            return
        leases.set_online(self.held, self._owner, is_online=is_online)
        records.note_status(records.actor_of(self.gateway), self.held.gateway_id, seen)
        if device_token:
            records.keep_device_token(self.held.gateway_id, device_token)

    def _seen(self, report: Report) -> records.Seen:
        error = report.error
        if error is None:
            return records.Seen(
                Gateway.Status.ONLINE, version=report.version, boot_id=report.boot_id
            )
        detail = error.message
        if self._reach is not None:
            advice = advice_for(
                error,
                self._reach.target,
                in_container=installation.in_container(),
                origin=settings.BASE_URL,
            )
            detail = f"{error.message.rstrip('.')}. {advice}"
        status = rules.status_of(error.cause)
        if report.state is LinkState.RESTARTING:
            status = Gateway.Status.RESTARTING
        return records.Seen(
            status,
            code=rules.CODE_OF_CAUSE[error.cause],
            detail=redact_text(detail, self._secrets),
            request_id=error.request_id,
        )

    async def _send_wanted(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._send_answers()
            except (DatabaseError, GatewayError) as error:
                log.info("link.answers_delayed", error=type(error).__name__)

    async def _send_answers(self) -> None:
        """Send every decision that waits, while the lease is ours."""
        async with self._answering:
            now = time.monotonic()
            for answer in await self._work.run(bridge.answers_of, self.held, self._owner):
                client = self._client
                if client is None or not client.is_open or not self._may_send():
                    return
                if self._tried.get(answer.approval_id, 0.0) <= now:
                    await self._send_one(client, answer)

    async def _send_one(self, client: GatewayClient, answer: bridge.Answer) -> None:
        """One answer, and what became of it."""
        mark = {"error": "", "decision": answer.decision}
        params = {"id": answer.external_id, "decision": answer.decision}
        try:
            await client.call("exec.approval.resolve", params, timeout=ANSWER_SECONDS)
        except AlreadyResolvedError:
            record = await self._record(client, answer.external_id)
            mark["decision"] = str((record or {}).get("decision") or "")
            # Ours may have arrived just before a connection broke: then it is no foreign decision.
            agrees = mark["decision"].split("-")[0] == answer.decision.split("-", maxsplit=1)[0]
            state = Answer.SENT if agrees else Answer.ELSEWHERE
        except RemoteNotFoundError:
            state = Answer.LOST
        except GatewayCallError as error:
            state = Answer.PENDING
            mark["error"] = redact_text(error.message, self._secrets)
            self._tried[answer.approval_id] = time.monotonic() + REFUSED_RETRY_SECONDS
        else:
            state = Answer.SENT
        await self._work.run(bridge.mark, self.gateway, answer.approval_id, state, **mark)

    async def _ping(self) -> None:
        """Measure the round trip and look at the sessions every minute."""
        pause = FIRST_PING_SECONDS
        while True:
            await asyncio.sleep(pause)
            client = self._client
            if client is None or not client.is_open:
                continue
            pause = PING_SECONDS
            started = time.perf_counter()
            try:
                health = await client.call("health", {}, timeout=ANSWER_SECONDS)
                took = round((time.perf_counter() - started) * 1000, 1)
                if isinstance(health, dict):
                    self._offer(Event("health", health))
                answer = await client.call("sessions.list", SESSIONS_WANTED, timeout=ANSWER_SECONDS)
                await self._work.run(
                    records.add_sample,
                    self.held.gateway_id,
                    status=Gateway.Status.ONLINE,
                    latency_ms=took,
                    sessions=records.sessions_in(answer, self._secrets),
                )
            except (DatabaseError, GatewayError) as error:
                log.info("link.not_measured", error=type(error).__name__)
