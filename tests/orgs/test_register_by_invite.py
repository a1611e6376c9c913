"""Invited people without an account make one themselves, where sign-in by password is on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser

from activity.models import ActivityEvent, AuditEntry
from missioncontrol.kernel import clock, ratelimit
from orgs.models import Invite, Membership, User
from orgs.services import invites, members, registration, users
from tests import factories
from tests.clients import Answer, Client, stranger
from tests.world import World, build_world

PASSWORD = "correct horse battery"
MAIL = "mira@example.org"
REGISTER = "/organizations/invites/register"


@pytest.fixture(autouse=True)
def by_password(settings: Any) -> None:
    settings.AUTH_MODES = ("password",)
    ratelimit.memory.clear()


def invite(world: World, email: str = MAIL, **fields: Any) -> str:
    _row, token = invites.create_invite(
        world.actor(world.ann), world.org.id, invited_email=email, **fields
    )
    return token


def register(token: str, name: str = "Mira", password: str = PASSWORD) -> Answer:
    return stranger().post(REGISTER, {"token": token, "name": name, "password": password})


def page(browser: Browser, token: str, **fields: str) -> Any:
    form = {"token": token, "name": "Mira", "password": PASSWORD, **fields}
    return browser.post("/invite/register", form)


def test_account_and_membership_are_made_together(world: World) -> None:
    token = invite(world, role="admin")
    answer = register(token).expect(200)
    user = User.objects.get(username=MAIL)
    assert (user.name, user.email, user.email_verified) == ("Mira", MAIL, True)
    assert user.check_password(PASSWORD)
    assert not user.is_super_admin
    assert (answer.json["user_id"], answer.json["role"]) == (str(user.id), "admin")
    assert [m.organization_id for m in Membership.objects.filter(user=user)] == [world.org.id]
    assert user.active_organization_id == world.org.id
    assert Invite.objects.get().accepted_by_id == user.id
    told = ActivityEvent.objects.filter(organization_id=world.org.id, actor_id=user.id)
    assert {"invite.accepted", "user.registered"} <= set(told.values_list("type", flat=True))
    assert AuditEntry.objects.filter(organization_id=world.org.id).count() >= 3
    again = register(token).expect(404)
    unknown = register("mci_unknown").expect(404)
    assert again.json["detail"] == unknown.json["detail"]


def test_the_page_makes_the_account_and_signs_in(world: World) -> None:
    token, browser = invite(world), Browser()
    shown = browser.get(f"/invite?token={token}").content.decode()
    assert 'action="/invite/register"' in shown
    assert MAIL in shown
    answer = page(browser, token)
    assert (answer.status_code, answer["Location"]) == (302, "/dashboard")
    assert browser.get("/boards").status_code == 200
    browser.post("/sign-out")
    given = {"mode": "password", "username": "Mira@Example.org", "password": PASSWORD}
    assert browser.post("/sign-in", given).status_code == 302


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "password1234"}, "too common"),
        ({"password": "mira@example.org"}, "too similar"),
        ({"name": "   "}, "required"),
    ],
)
def test_the_products_rules_hold(world: World, fields: dict[str, str], text: str) -> None:
    token, browser = invite(world), Browser()
    answer = page(browser, token, **fields)
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert register(token, **fields).status == 422
    assert not User.objects.filter(username=MAIL).exists()
    assert Invite.objects.get().accepted_at is None


@pytest.mark.parametrize("is_verified", [True, False])
def test_who_has_an_account_is_asked_to_sign_in(world: World, is_verified: bool) -> None:
    factories.make_user("mira", email=MAIL.upper(), email_verified=is_verified)
    token, browser = invite(world), Browser()
    before = browser.get(f"/invite?token={token}").content.decode()
    assert "has an account" not in before, "looking at the page tells nothing"
    if not is_verified:  # such an account could not accept, so it is in nobody's way
        register(token).expect(200)
        return
    refused = register(token).expect(409)
    assert refused.code == "account_exists"
    answer = page(browser, token)
    assert answer.status_code == 409
    shown = answer.content.decode()
    assert "Sign in with it" in shown
    assert "/sign-in?next=" in shown
    assert Invite.objects.get().accepted_at is None


def test_only_where_people_sign_in_by_password(world: World, settings: Any) -> None:
    settings.AUTH_MODES = ("oidc",)
    token, browser = invite(world), Browser()
    assert "/invite/register" not in browser.get(f"/invite?token={token}").content.decode()
    assert register(token).expect(403).code == "mode_off"
    assert page(browser, token).status_code == 403
    assert not User.objects.filter(username=MAIL).exists()


@pytest.mark.parametrize("state", ["used", "revoked", "old"])
def test_a_dead_link_makes_no_account(world: World, state: str) -> None:
    token = invite(world)
    if state == "revoked":
        Invite.objects.all().delete()
    else:
        field = "accepted_at" if state == "used" else "expires_at"
        Invite.objects.update(**{field: clock.now() - timedelta(seconds=1)})
    assert register(token).expect(404).json["detail"] == register("x").json["detail"]
    assert page(Browser(), token).status_code == 404
    assert not User.objects.filter(username=MAIL).exists()


def test_attempts_are_limited(world: World) -> None:
    codes = [register(f"mci_{number}").status for number in range(11)]
    assert codes == [404] * 10 + [429]


def test_forms_of_other_sites_do_not_pass(world: World) -> None:
    browser = Browser(enforce_csrf_checks=True)
    token = invite(world)
    assert page(browser, token).status_code == 403
    sent = browser.post(f"/api/v1{REGISTER}", {"token": token, "name": "M", "password": PASSWORD})
    assert sent.status_code == 415


def test_a_signed_in_person_makes_no_second_account(world: World) -> None:
    browser = Browser()
    browser.force_login(world.bob)
    assert page(browser, invite(world)).status_code == 200
    assert not User.objects.filter(username=MAIL).exists()


def test_an_organization_cannot_vouch_towards_others(world: World) -> None:
    """Who invites somebody holds the link: it opens no invitation of another organization."""
    register(invite(world)).expect(200)
    user = User.objects.get(username=MAIL)
    eve = world.actor(world.eve)
    invites.create_invite(eve, world.other_org.id, invited_email=MAIL)
    member = Membership.objects.get(user=user)
    members.remove_member(world.actor(world.ann), member.id)
    users.bootstrap(world.actor(user))
    homes = Membership.objects.filter(user=user).values_list("organization__name", flat=True)
    assert list(homes) == ["Personal"]


@pytest.mark.django_db(transaction=True)
def test_of_parallel_registrations_one_wins(settings: Any) -> None:
    world = build_world()
    token = invite(world)

    def attempt(number: int) -> int:
        try:
            return Client(headers={"X-Forwarded-For": f"10.0.0.{number}"}).post(
                REGISTER, {"token": token, "name": f"M{number}", "password": PASSWORD}
            ).status  # fmt: skip
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(attempt, range(4)))
    assert codes == [200, 404, 404, 404]
    assert User.objects.filter(username=MAIL).count() == 1
    assert Membership.objects.filter(organization=world.org, user__username=MAIL).count() == 1


def test_nothing_stays_of_a_registration_that_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: Any) -> None:
        raise RuntimeError("boom")

    token = invite(world)
    monkeypatch.setattr(registration.invites, "use_invite", fail)
    assert register(token).status == 500
    assert not User.objects.filter(username=MAIL).exists()
    assert Invite.objects.get().accepted_at is None
