"""Queue entry points of boards."""

from __future__ import annotations

from uuid import UUID

from django.db.models.functions import Length
from redis.exceptions import RedisError

from boards import presence, rules, services
from boards.models import Task
from boards.services import webhooks
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.jobs import job


@job("default", timeout_seconds=30)
def sweep_presence() -> int:
    """Remove viewers whose process is gone."""
    try:
        return presence.sweep()
    except RedisError:
        return 0


@job("default", timeout_seconds=120)
def rerank() -> int:
    """Shorten the keys of columns in which one passed 48 characters; returns how many columns."""
    measured = Task.objects.annotate(rank_length=Length("rank"))
    long = measured.filter(rank_length__gt=rules.LONG_RANK)
    columns = sorted(set(long.values_list("board_id", "status")))
    for board_id, status in columns:
        services.rerank_column(SystemActor("rerank"), UUID(str(board_id)), status=status)
    return len(columns)


@job("default", timeout_seconds=300)
def retain_payloads() -> int:
    """Drop what webhooks received longer ago than they keep it; returns how many."""
    return webhooks.retain_payloads()
