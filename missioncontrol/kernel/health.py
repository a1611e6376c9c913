"""Liveness, database, readiness and metrics. No login; each really asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from typing import Any

import django_rq
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django_prometheus.exports import ExportToDjangoView
from redis.exceptions import RedisError

from . import clock
from .renderers import dumps
from .secrets import same

CHECK_SECONDS = 2.0
WORKER_SECONDS = 60


def _json(body: dict[str, Any], status: int) -> HttpResponse:
    return HttpResponse(dumps(body), status=status, content_type="application/json")


def live(_request: HttpRequest) -> HttpResponse:
    """The process answers; no dependency is touched."""
    return _json({"ok": True}, 200)


def _bounded(check: Callable[[], str]) -> str:
    """Run a check for at most two seconds in a thread of its own; empty text means fine."""
    result: list[str] = []

    def run() -> None:
        try:
            result.append(check())
        except Exception as error:  # noqa: BLE001 - a health check reports every fault
            result.append(type(error).__name__)
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(CHECK_SECONDS)
    return result[0] if result else f"no answer in {CHECK_SECONDS:.0f} s"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} unapplied" if plan else ""


def _redis() -> str:
    django_rq.get_connection("default").ping()
    return ""


def _layer() -> str:
    import redis

    redis.Redis.from_url(settings.REDIS_URL, socket_timeout=CHECK_SECONDS).ping()
    return ""


def _worker() -> str:
    """Fine when a worker showed itself within the last minute."""
    from rq import Worker

    try:
        workers = Worker.all(connection=django_rq.get_connection("default"))
    except RedisError:
        return "unknown"
    since = clock.now() - timedelta(seconds=WORKER_SECONDS)
    beats = [worker.last_heartbeat for worker in workers if worker.last_heartbeat]
    seen = any((beat if beat.tzinfo else beat.replace(tzinfo=UTC)) >= since for beat in beats)
    return "" if seen else f"no worker seen in {WORKER_SECONDS} s"


def is_database_away() -> bool:
    """Whether the database gives no answer within two seconds."""
    return bool(_bounded(_database))


def database(_request: HttpRequest) -> HttpResponse:
    """The database answers within two seconds."""
    fault = _bounded(_database)
    if fault:
        return _json({"ok": False, "checks": {"database": fault}}, 503)
    return _json({"ok": True}, 200)


def ready(_request: HttpRequest) -> HttpResponse:
    """Everything a request needs; the worker is reported without failing readiness."""
    asked = {
        "database": _database,
        "migrations": _migrations,
        "redis": _redis,
        "channel_layer": _layer,
        "worker": _worker,
    }
    with ThreadPoolExecutor(len(asked)) as together:
        faults = dict(zip(asked, together.map(_bounded, asked.values()), strict=True))
    failed = any(fault for name, fault in faults.items() if name != "worker")
    shown = {name: fault or "ok" for name, fault in faults.items()}
    return _json({"ok": not failed, "checks": shown}, 503 if failed else 200)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, only with ``METRICS_TOKEN`` as bearer; 404 when no token is set."""
    token = settings.METRICS_TOKEN
    given = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ").strip()
    if not token:
        return _json({"ok": False, "detail": "Set METRICS_TOKEN to open this address."}, 404)
    if not same(given, token):
        return _json({"ok": False, "detail": "Unauthorized"}, 401)
    exported: HttpResponse = ExportToDjangoView(request)
    return exported
