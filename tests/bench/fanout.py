"""Fan-out: one board, many sockets, a stream of changes; age of each frame when it arrives."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import websockets

from .seed import World
from .stack import TOKEN, Stack

BEAT_SECONDS = 25


@dataclass
class Seen:
    """What the sockets received."""

    ages_ms: list[float] = field(default_factory=list)
    gaps: int = 0
    frames: int = 0


async def _reader(url: str, since: int, seen: Seen, ready: asyncio.Semaphore) -> None:
    """One reader who resumes at the present number and beats like a browser."""
    async with websockets.connect(url, compression=None, max_size=None, open_timeout=60) as ws:
        await ws.send(json.dumps({"type": "auth", "token": TOKEN}))
        await ws.send(json.dumps({"type": "subscribe", "since_seq": since}))
        last, beat_at = since, time.monotonic()
        while True:
            if time.monotonic() - beat_at > BEAT_SECONDS:
                await ws.send('{"type": "heartbeat"}')
                beat_at = time.monotonic()
            try:
                text = await asyncio.wait_for(ws.recv(), BEAT_SECONDS)
            except TimeoutError:
                continue
            frame: dict[str, Any] = json.loads(text)
            if frame.get("type") in ("board.state", "replay"):
                ready.release()
                continue
            if frame.get("type") != "task.updated":
                continue
            seen.frames += 1
            if last and frame["seq"] != last + 1:
                seen.gaps += 1
            last = frame["seq"]
            title = (frame.get("changes") or {}).get("title", "")
            if "@" in title:
                seen.ages_ms.append((time.time() - float(title.rpartition("@")[2])) * 1000)


async def _run(
    stack: Stack, world: World, sockets: int, changes: int, pause: float
) -> dict[str, float]:
    url = f"{stack.base.replace('http', 'ws')}/ws/board/{world.board_id}/sync"
    seen, ready = Seen(), asyncio.Semaphore(0)
    head = httpx.get(
        f"{stack.base}/api/v1/boards/{world.board_id}/events?limit=1",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
    ).json()["latest_seq"]
    readers = []
    for n in range(sockets):
        readers.append(asyncio.create_task(_reader(url, head, seen, ready)))
        if n % 25 == 24:
            await asyncio.sleep(0.2)
    for _ in range(sockets):
        await asyncio.wait_for(ready.acquire(), 120)
    before = stack.web.cpu_times()
    async with httpx.AsyncClient(
        base_url=stack.base, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
    ) as http:
        for n in range(changes):
            answer = await http.patch(
                f"/api/v1/boards/{world.board_id}/tasks/{world.task_ids[n % 50]}",
                json={"title": f"change {n} @{time.time()}"},
            )
            answer.raise_for_status()
            await asyncio.sleep(pause)
    for _ in range(100):
        if seen.frames >= sockets * changes:
            break
        await asyncio.sleep(0.1)
    after = stack.web.cpu_times()
    for task in readers:
        task.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    used = after.user + after.system - before.user - before.system
    ages = sorted(seen.ages_ms)
    return {
        "sockets": sockets,
        "frames": seen.frames,
        "expected": sockets * changes,
        "gaps": seen.gaps,
        "p50_ms": statistics.median(ages) if ages else float("nan"),
        "p99_ms": ages[int(len(ages) * 0.99)] if ages else float("nan"),
        "cpu_us_per_frame": used / max(1, seen.frames) * 1e6,
    }


def run(stack: Stack, world: World, sockets: int) -> dict[str, float]:
    """Send 40 changes to that many sockets."""
    return asyncio.run(_run(stack, world, sockets, changes=40, pause=0.25))
