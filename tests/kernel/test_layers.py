"""Calls with a token pass the browsers' layers by, and lose nothing by it."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from tests.world import World

pytestmark = pytest.mark.django_db
ORGANIZATIONS = "/api/v1/organizations"


def signed_in(world: World) -> Browser:
    browser = Browser()
    browser.force_login(world.ann)
    return browser


def bearer(token: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def test_a_session_does_not_help_a_wrong_token(world: World) -> None:
    browser = signed_in(world)
    assert browser.get(ORGANIZATIONS).status_code == 200
    assert browser.get(ORGANIZATIONS, **bearer("wrong")).status_code == 401
    assert browser.get(ORGANIZATIONS, HTTP_X_AGENT_TOKEN="mca_wrong").status_code == 401


def test_a_page_is_no_call_whatever_it_shows(world: World) -> None:
    browser = signed_in(world)
    assert browser.get("/boards", **bearer("wrong")).status_code == 200
    assert Browser().get("/boards", **bearer(world.ann_token)).status_code == 302


def test_a_browser_with_a_token_gets_the_browsable_answer(world: World) -> None:
    wanted = {"HTTP_ACCEPT": "text/html", **bearer(world.ann_token)}
    answer = Browser().get(ORGANIZATIONS, **wanted)
    assert answer.status_code == 200
    assert world.org.name in answer.content.decode()


def test_a_call_is_answered_in_its_language_not_in_the_last_ones(world: World) -> None:
    def refusal(**headers: str) -> str:
        answer = Browser().post(
            ORGANIZATIONS, "{", content_type="application/json",
            **bearer(world.ann_token), **headers,
        )  # fmt: skip
        return str(answer.json()["detail"])

    chinese = refusal(HTTP_ACCEPT_LANGUAGE="zh-hans")
    assert Browser().get("/sign-in", HTTP_ACCEPT_LANGUAGE="zh-hans").status_code == 200
    english = refusal()
    assert english == "The body is not valid JSON."
    assert chinese != english
