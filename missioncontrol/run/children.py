"""The processes that a supervisor forks: what each of them runs, by role."""

import asyncio
import importlib
import inspect
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import structlog

log = structlog.get_logger(__name__)
GRACE_SECONDS = 3


@dataclass(frozen=True)
class Child:
    """A process to keep alive. ``run`` returns when it has ended in good order."""

    name: str
    run: Callable[[], None]


# The parts of the scheduler process. Each entry is a function that runs until the event it is
# given is set, or a coroutine function that runs until it is cancelled.
SCHEDULER_PARTS = (
    "missioncontrol.run.workers.move_due_jobs",
    "missioncontrol.kernel.schedule.run_forever",
    "gateways.link.run_forever",
)
DEMO_PARTS = ("gateways.simulator.demo.run_forever",)


def for_role(role: str, *, listener: socket.socket | None, demo: bool) -> list[Child]:
    """Return the processes of ``role``; ``listener`` is the open socket of the web process."""

    def serve() -> None:
        if listener is None:
            raise ValueError("a web process needs a listening socket")
        run_web(listener)

    web = Child("web", serve)
    workers = [
        Child("worker-short", _work_short),
        Child("worker-long", _work_long),
    ]
    scheduler = Child("scheduler", lambda: run_parts(SCHEDULER_PARTS))
    table = {
        "web": [web],
        "socket": [web],
        "worker": workers,
        "scheduler": [scheduler],
        "all": [web, *workers, scheduler],
    }
    extra = [Child("simulator", lambda: run_parts(DEMO_PARTS))] if demo else []
    return [*table[role], *extra]


def _work_short() -> None:
    from missioncontrol.run import workers

    workers.work(workers.SHORT_QUEUES, forking=False)


def _work_long() -> None:
    from missioncontrol.run import workers

    workers.work(workers.LONG_QUEUES, forking=True)


def run_web(listener: socket.socket) -> None:
    """Serve pages, API, streams and sockets until asked to stop."""
    from django.conf import settings

    serve = {"uvicorn": _serve_with_uvicorn, "daphne": _serve_with_daphne}
    serve[settings.ASGI_SERVER](listener)


def _serve_with_uvicorn(listener: socket.socket) -> None:
    import uvicorn
    from django.conf import settings

    from missioncontrol.asgi import application
    from missioncontrol.socket_protocol import SocketProtocol

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        ws=SocketProtocol,
        ws_per_message_deflate=False,
        ws_max_size=1024 * 1024,
        proxy_headers=bool(settings.TRUSTED_PROXIES),
        forwarded_allow_ips=list(settings.TRUSTED_PROXIES),
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=2048,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _serve_with_daphne(listener: socket.socket) -> None:
    from daphne.server import Server
    from django.conf import settings
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    from missioncontrol.asgi import application

    # Daphne's own reading of a proxy's headers believes whoever sends them.
    plain: Any = application  # the two packages spell the same interface differently
    app = ProxyHeadersMiddleware(plain, trusted_hosts=list(settings.TRUSTED_PROXIES))
    endpoints = [f"fd:fileno={listener.fileno()}"]
    Server(app, endpoints=endpoints, application_close_timeout=GRACE_SECONDS).run()


def run_parts(parts: tuple[str, ...]) -> None:
    """Run each part in a thread of its own; when one fails, end the process as failed."""
    stop, failed = threading.Event(), threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    threads = [
        threading.Thread(target=_run_part, args=(part, stop, failed), name=part, daemon=True)
        for part in parts
    ]
    for thread in threads:
        thread.start()
    while not stop.wait(3600):
        pass
    for thread in threads:
        thread.join(GRACE_SECONDS)
    if failed.is_set():
        os._exit(1)


def _run_part(path: str, stop: threading.Event, failed: threading.Event) -> None:
    module, _, name = path.rpartition(".")
    try:
        function = getattr(importlib.import_module(module), name)
        if inspect.iscoroutinefunction(function):
            asyncio.run(_until(stop, function))
        else:
            function(stop)
    except BaseException:
        failed.set()
        log.exception("scheduler.part_failed", part=path)
        raise
    finally:
        stop.set()


async def _until(stop: threading.Event, function: Callable[[], Any]) -> None:
    """Run a coroutine function until it ends or ``stop`` is set."""
    task = asyncio.ensure_future(function())
    while not stop.is_set() and not task.done():
        await asyncio.wait({task}, timeout=0.5)
    if task.done():
        task.result()
        raise RuntimeError("a part that runs for ever has ended")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
