"""Permanent connections: every gateway is held by one process, under a lease (ruling 21).

The holder reviews the gateway's exec approvals, reports its state, and passes its events to
:mod:`gateways.events`. Entry point of the process role ``link``: :func:`run_forever`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import structlog
from django.db import Error as DatabaseError

from . import bridge, leases
from .connection import Link
from .db_threads import DatabaseThreads, connection_facts
from .leases import Held
from .records import CHANNEL

log = structlog.get_logger(__name__)
ANSWER_POLL_SECONDS = 1.0
LISTEN_RETRY_SECONDS = 2.0
#: Sending stops this long before the lease ends by the local clock.
SAFETY_SECONDS = 0.5


def run_forever(stop: threading.Event) -> None:
    """Hold the gateways that are free, until ``stop`` is set; then give them back."""
    asyncio.run(Manager().run(stop))


class Manager:
    """Claims leases and keeps one :class:`Link` for each."""

    def __init__(self, owner: str = "") -> None:
        self.owner = owner or leases.owner_name()
        self.links: dict[UUID, Link] = {}
        self._lease_thread = DatabaseThreads("link-lease", 1)
        self._work = DatabaseThreads("link-work", 6)
        self._handlers = DatabaseThreads("link-events", 6)
        self._valid_until = 0.0
        self._hurry = asyncio.Event()

    def may_send(self) -> bool:
        """Whether the leases are surely still ours, by the local monotonic clock."""
        return time.monotonic() < self._valid_until - SAFETY_SECONDS

    async def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set."""
        log.info("link.started", owner=self.owner)
        async with _announced(stop) as stopping:
            tasks = [
                asyncio.create_task(self._keep_leases()),
                asyncio.create_task(self._poll_answers()),
                asyncio.create_task(self._listen()),
            ]
            ended = asyncio.create_task(stopping.wait())
            try:
                await asyncio.wait({ended, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (ended, *tasks):
                    task.cancel()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
                await self._give_back()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _give_back(self) -> None:
        await asyncio.gather(*(link.close() for link in self.links.values()))
        self.links.clear()
        with contextlib.suppress(DatabaseError):
            await self._lease_thread.run(leases.release_all, self.owner)
        for pool in (self._lease_thread, self._work, self._handlers):
            await asyncio.to_thread(pool.close)
        log.info("link.stopped", owner=self.owner)

    async def _keep_leases(self) -> None:
        """Renew and claim every 2 s; without an answer of the database nothing is held."""
        while True:
            asked_at = time.monotonic()
            try:
                held = await self._lease_thread.run(leases.renew_and_claim, self.owner)
            except DatabaseError as error:
                log.warning("link.lease_not_renewed", error=type(error).__name__)
                if not self.may_send():
                    await self._adopt([])
            else:
                self._valid_until = asked_at + leases.LEASE_SECONDS
                await self._adopt(held)
            passed = time.monotonic() - asked_at
            with contextlib.suppress(TimeoutError):
                rest = max(0.1, leases.RENEW_SECONDS - passed)
                await asyncio.wait_for(self._hurry.wait(), rest)
            self._hurry.clear()

    async def _adopt(self, held: list[Held]) -> None:
        """Let go of lost leases, start new ones, restart those with changed settings."""
        wanted = {h.gateway_id: h for h in held}
        for gateway_id, link in list(self.links.items()):
            if wanted.get(gateway_id) != link.held:
                del self.links[gateway_id]
                await link.close()
        for gateway_id, lease in wanted.items():
            if gateway_id not in self.links:
                link = Link(lease, self.owner, self._work, self._handlers, self.may_send)
                self.links[gateway_id] = link
                link.start()

    async def _poll_answers(self) -> None:
        """Find answers whose wake-up was lost."""
        while True:
            await asyncio.sleep(ANSWER_POLL_SECONDS)
            online = [g for g, link in self.links.items() if link.is_online]
            if not online:
                continue
            try:
                waiting = await self._work.run(bridge.gateways_with_answers, online)
            except DatabaseError as error:
                log.warning("link.answers_not_read", error=type(error).__name__)
                continue
            for gateway_id in waiting:
                self._wake(gateway_id)

    def _wake(self, gateway_id: UUID) -> None:
        link = self.links.get(gateway_id)
        if link is not None:
            link.wake()

    async def _listen(self) -> None:
        """Hear the wake-ups that services send at commit; the polls cover what is lost."""
        while True:
            try:
                await self._hear()
            except psycopg.Error as error:
                log.warning("link.not_listening", error=type(error).__name__)
            await asyncio.sleep(LISTEN_RETRY_SECONDS)

    async def _hear(self) -> None:
        opened = await psycopg.AsyncConnection.connect(**connection_facts(), autocommit=True)
        async with opened:
            await opened.execute(f"LISTEN {CHANNEL}")
            async for notice in opened.notifies():
                word, _space, raw = notice.payload.partition(" ")
                with contextlib.suppress(ValueError):
                    self._obey(word, UUID(raw))

    def _obey(self, word: str, gateway_id: UUID) -> None:
        link = self.links.get(gateway_id)
        if word == "changed" or link is None:
            self._hurry.set()
        elif word == "answer":
            link.wake()
        elif not link.is_online:
            link.restart()


@contextlib.asynccontextmanager
async def _announced(stop: threading.Event) -> AsyncIterator[asyncio.Event]:
    """The thread's event as one of this loop."""
    loop, seen, left = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def watch() -> None:
        while not left.is_set():
            if stop.wait(0.2):
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(seen.set)
                return

    thread = threading.Thread(target=watch, name="link-stop", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        left.set()
