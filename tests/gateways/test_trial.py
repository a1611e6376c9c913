"""A connection is tried from the form before anything is saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from activity.models import ActivityEvent
from gateways.models import Gateway
from gateways.simulator.thread import SimulatedGatewayThread
from missioncontrol.kernel.models import IdempotencyRecord
from tests.gateways.linking import TOKEN, make_real
from tests.pages.conftest import HTMX, browser
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(world: World) -> Browser:
    return browser(world.ann)


def proposal(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "", "url": url, "token": TOKEN, "form_key": "abc", **more}


def test_a_good_connection_is_usable_and_nothing_is_stored(
    ann: Browser, simulator: SimulatedGatewayThread
) -> None:
    before = Gateway.objects.count()
    answer = ann.post("/gateways/test", proposal(simulator.url), **HTMX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "usable" in text
    assert "not usable yet" not in text
    assert TOKEN not in text
    assert Gateway.objects.count() == before
    event = ActivityEvent.objects.get(type="gateway.checked")
    assert event.data["status"] == "online"


def test_the_page_without_script_shows_the_same_and_keeps_what_was_typed(
    ann: Browser, simulator: SimulatedGatewayThread
) -> None:
    answer = ann.post("/gateways/test", proposal(simulator.url, name="Harbour"))
    text = answer.content.decode()
    assert "Connection test" in text
    assert 'value="Harbour"' in text
    assert 'action="/gateways/new"' in text


def test_a_trial_is_asked_again_with_the_same_form(
    ann: Browser, simulator: SimulatedGatewayThread
) -> None:
    for _ in range(2):
        assert "usable" in ann.post("/gateways/test", proposal(simulator.url)).content.decode()
    assert ActivityEvent.objects.filter(type="gateway.checked").count() == 2
    assert not IdempotencyRecord.objects.exists()


def test_a_wrong_token_says_what_to_do(ann: Browser, simulator: SimulatedGatewayThread) -> None:
    text = ann.post("/gateways/test", proposal(simulator.url, token="wrong")).content.decode()
    assert "not usable yet" in text
    assert "gateway.auth.token" in text


def test_an_unusable_address_is_a_field_error(ann: Browser) -> None:
    answer = ann.post("/gateways/test", proposal("ftp://example.org"), **HTMX)
    assert "The connection was not tested." in answer.content.decode()
    assert "#id_url" in answer.content.decode()


def test_a_stored_gateway_is_tried_with_its_own_token(
    world: World, ann: Browser, simulator: SimulatedGatewayThread
) -> None:
    gateway = make_real(world.org, simulator.url, name="Workshop")
    address = f"/gateways/{gateway.pk}/test"
    text = ann.post(address, proposal(simulator.url, token="")).content.decode()
    assert "not usable yet" not in text
    assert "Connection test" in text
    gateway.refresh_from_db()
    assert gateway.last_checked_at is None


def test_trials_are_for_admins(world: World, simulator: SimulatedGatewayThread) -> None:
    assert browser(world.bob).post("/gateways/test", proposal(simulator.url)).status_code == 403
    address = f"/gateways/{world.gateway.pk}/test"
    assert browser(world.eve).post(address, proposal(simulator.url)).status_code == 404
