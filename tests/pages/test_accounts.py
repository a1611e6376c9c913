"""Signing in and out, own settings, organizations."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client

from orgs.models import ApiToken, User
from tests import factories as f
from tests.world import World

TOKEN = settings.LOCAL_AUTH_TOKEN


def test_sign_in_by_token_and_out(db: None) -> None:
    browser = Client()
    page = browser.get("/sign-in?next=/boards").content.decode()
    assert 'value="/boards"' in page
    answer = browser.post("/sign-in", {"mode": "local", "token": TOKEN, "next": "/boards"})
    assert answer["Location"] == "/boards"
    assert browser.get("/dashboard").status_code == 200
    assert browser.post("/sign-out")["Location"] == "/sign-in"
    assert browser.get("/dashboard").status_code == 302


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"mode": "local", "token": "x" * 60}, 401),
        ({"mode": "local", "token": "short"}, 422),
        ({"mode": "local"}, 422),
        ({"mode": "password", "username": "ann", "password": "wrong"}, 401),
        ({"mode": "password", "username": "", "password": ""}, 422),
    ],
)
def test_refused_sign_ins(world: World, given: dict[str, str], status: int) -> None:
    browser = Client()
    answer = browser.post("/sign-in", given)
    assert answer.status_code == status
    assert browser.get("/dashboard").status_code == 302


def test_sign_in_by_password(world: World) -> None:
    f.make_user("zoe", password="a long enough password")
    browser = Client()
    given = {"mode": "password", "username": "zoe", "password": "a long enough password"}
    assert browser.post("/sign-in", given)["Location"] == "/dashboard"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_sign_in_leads_nowhere_else(db: None, target: str) -> None:
    answer = Client().post("/sign-in", {"mode": "local", "token": TOKEN, "next": target})
    assert answer["Location"] == "/dashboard"


def test_profile_and_appearance(world: World, ann: Client) -> None:
    ann.post("/settings/profile", {"name": "Ann A", "timezone": "Europe/Berlin"})
    ann.post("/settings/appearance", {"theme": "dark", "next": "/boards"})
    changed = ann.post(
        "/settings/appearance",
        {
            "whole": "1",
            "theme": "dark",
            "density": "cosy",
            "language": "zh-hans",
            "is_high_contrast": "on",
        },
    )
    assert changed.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
    user = User.objects.get(pk=world.ann.id)
    assert (user.name, user.timezone, user.theme, user.density) == (
        "Ann A", "Europe/Berlin", "dark", "cosy",
    )  # fmt: skip
    html = ann.get("/settings").content.decode()
    assert 'data-mc-theme="dark"' in html
    assert 'data-mc-contrast="high"' in html
    assert '<html lang="zh-Hans"' in html


def test_the_account_menu_changes_one_thing(world: World, ann: Client) -> None:
    User.objects.filter(pk=world.ann.id).update(is_high_contrast=True, density="cosy")
    answer = ann.post("/settings/appearance", {"theme": "light", "next": "/agents"})
    assert answer["Location"] == "/agents"
    user = User.objects.get(pk=world.ann.id)
    assert (user.theme, user.density, user.is_high_contrast) == ("light", "cosy", True)


def test_a_token_is_shown_once_and_revoked(world: World, ann: Client) -> None:
    ApiToken.objects.filter(user=world.ann).delete()
    ann.post("/settings/tokens", {"name": "ci", "scope": "read", "expires_in_days": "30"})
    token = ApiToken.objects.get(user=world.ann)
    assert "mct_" in ann.get("/settings").content.decode()
    assert "mct_" not in ann.get("/settings").content.decode()
    ann.post(f"/settings/tokens/{token.id}/revoke")
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_foreign_token_is_not_there(world: World, ann: Client) -> None:
    foreign = ApiToken.objects.filter(user=world.eve).get()
    assert ann.post(f"/settings/tokens/{foreign.id}/revoke").status_code == 404


def test_switching_the_organization(world: World, ann: Client) -> None:
    second = f.make_organization("Second")
    f.make_member(second, world.ann, "owner")
    f.make_board(second, "Only here")
    assert "Only here" not in ann.get("/boards").content.decode()
    assert ann.post("/organization/switch", {"organization_id": str(second.id)}).status_code == 302
    assert "Only here" in ann.get("/boards").content.decode()
    refused = ann.post("/organization/switch", {"organization_id": str(world.other_org.id)})
    assert refused.status_code == 403
    assert ann.post("/organization/switch", {"organization_id": "x"}).status_code == 403


def test_members_are_listed_to_members(world: World, bob: Client) -> None:
    html = bob.get("/organization").content.decode()
    assert "ann@example.org" in html
    assert "eve@example.org" not in html


@pytest.mark.django_db
def test_who_has_no_name_is_asked_for_it_first(client: Client) -> None:
    person = User.objects.create_user("newcomer", "correct horse battery")
    sent = {"mode": "password", "username": "newcomer", "password": "correct horse battery"}
    answer = client.post("/sign-in?next=/boards", sent)
    assert answer["Location"] == "/onboarding?next=/boards"
    assert client.post(answer["Location"], {"name": "", "timezone": ""}).status_code == 422
    named = {"name": "Nora", "timezone": "Europe/Berlin", "next": "/boards"}
    assert client.post("/onboarding", named)["Location"] == "/boards"
    person.refresh_from_db()
    assert (person.name, person.timezone) == ("Nora", "Europe/Berlin")
    away = {"name": "Nora", "timezone": "Europe/Berlin", "next": "https://elsewhere.example"}
    assert client.post("/onboarding", away)["Location"] == "/dashboard"
