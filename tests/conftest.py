"""What every test may rely on: clean Redis, no leftover request context."""

from collections.abc import Generator

import pytest
import structlog
from django.conf import settings
from redis import Redis

from missioncontrol.kernel import ratelimit
from tests.world import world

__all__ = ["world"]


@pytest.fixture(scope="session")
def redis_client() -> Generator[Redis]:
    """The Redis database of this test process."""
    with Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture(autouse=True)
def _clean_between_tests(request: pytest.FixtureRequest, redis_client: Redis) -> Generator[None]:
    """Empty Redis after tests that reached the database, and forget bound log fields."""
    yield
    ratelimit.memory.clear()
    structlog.contextvars.clear_contextvars()
    fixtures = {"db", "transactional_db", "live_server"} & set(request.fixturenames)
    if fixtures or request.node.get_closest_marker("django_db"):
        redis_client.flushdb()


@pytest.fixture(autouse=True, scope="session")
def _flush_past_the_guards() -> Generator[None]:
    """Let the test runner empty append-only tables between transactional tests."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    original = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        guarded = [
            "SELECT set_config('missioncontrol.purge', 'on', false)",
            *sql_list,
            "SELECT set_config('missioncontrol.purge', 'off', false)",
        ]
        original(self, guarded)

    DatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]
    yield
    DatabaseOperations.execute_sql_flush = original  # type: ignore[method-assign]
