"""A busy connection is not asked each time; an idle or failed one is."""

from __future__ import annotations

import pytest
from django.db import connections

from missioncontrol.kernel.postgres import base

pytestmark = pytest.mark.django_db(transaction=True)


def wrapper() -> base.DatabaseWrapper:
    """The connection itself, behind Django's proxy."""
    found = connections["default"]
    assert isinstance(found, base.DatabaseWrapper)
    return found


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the real health checks."""
    asked: list[int] = []

    def usable(_self: base.DatabaseWrapper) -> bool:
        asked.append(1)
        return True

    connection = wrapper()
    connection.ensure_connection()
    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", usable)
    connection.health_check_enabled = True
    connection.found_alive_at = 0.0
    return asked


def _request() -> None:
    connection = wrapper()
    connection.health_check_done = False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_the_second_request_within_a_second_is_not_checked(checks: list[int]) -> None:
    _request()
    _request()
    assert len(checks) == 1


def test_an_idle_connection_is_checked(checks: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "TRUSTED_SECONDS", 0.0)
    _request()
    _request()
    assert len(checks) == 2


def test_a_connection_that_failed_is_checked(
    checks: list[int],
) -> None:
    _request()
    wrapper().errors_occurred = True
    _request()
    wrapper().errors_occurred = False
    assert len(checks) == 2
