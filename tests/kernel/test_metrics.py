"""``/metrics`` opens with its token alone and counts what happened."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from missioncontrol.kernel import metrics


@pytest.mark.parametrize(
    ("path", "door"),
    [
        ("/api/v1/agent/healthz", "agent"),
        ("/api/agent/healthz", "agent"),
        ("/api/v1/boards", "api"),
        ("/admin/", "admin"),
        ("/boards", "page"),
    ],
)
def test_door(path: str, door: str) -> None:
    assert metrics.door_of(path) == door


def test_without_a_token_the_address_is_closed(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


@pytest.mark.django_db
def test_with_the_token_it_shows_requests(client: Client, settings: LazySettings) -> None:
    settings.METRICS_TOKEN = "m" * 40
    assert client.get("/metrics").status_code == 401
    client.get("/api/v1/boards")
    shown = client.get("/metrics", headers={"Authorization": "Bearer " + "m" * 40})
    assert shown.status_code == 200
    assert b'mc_http_request_seconds_count{door="api",status="401"}' in shown.content
    assert b"mc_auth_failures_total" in shown.content
