"""Signed-in browsers: listed to their owner, ended one by one or all at once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone

from activity.models import ActivityEvent
from orgs import sessions
from orgs.models import SignInLink, User
from orgs.services import browser_sessions, sign_in
from orgs.signin import browsers
from orgs.signin.models import BrowserSession
from tests import factories
from tests.clients import Client
from tests.world import World

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36"


@pytest.fixture
def kim(world: World) -> User:
    """A member with a password."""
    user = factories.make_user("kim", password=PASSWORD)
    factories.make_member(world.org, user)
    return user


def browser_of(name: str = "kim", agent: str = FIREFOX, password: str = PASSWORD) -> Browser:
    browser = Browser(HTTP_USER_AGENT=agent)
    given = {"mode": "password", "username": name, "password": password}
    assert browser.post("/sign-in", given).status_code == 302
    return browser


def is_out(browser: Browser) -> bool:
    return browser.get("/dashboard").status_code == 302


def listed(browser: Browser) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = browser.get("/api/v1/users/me/sessions").json()["items"]
    return rows


def test_own_browsers_are_listed(kim: User, world: World) -> None:
    first, second = browser_of(), browser_of(agent=CHROME)
    rows = {row["browser"]: row for row in listed(first)}
    assert set(rows) == {"Firefox · Linux", "Chrome · Windows"}
    assert rows["Firefox · Linux"]["is_current"]
    assert not rows["Chrome · Windows"]["is_current"]
    assert rows["Firefox · Linux"]["address"] == "127.0.0.1"
    assert "session_key" not in rows["Firefox · Linux"]
    page = second.get("/settings/security").content.decode()
    assert "Firefox · Linux" in page
    assert world.as_ann.get("/users/me/sessions").items == []


def test_one_browser_is_ended(kim: User, world: World) -> None:
    first, second = browser_of(), browser_of(agent=CHROME)
    other = next(row["id"] for row in listed(first) if not row["is_current"])
    world.as_ann.delete(f"/users/me/sessions/{other}").expect(404)
    epoch = User.objects.get(pk=kim.pk).permission_epoch
    assert first.post(f"/settings/security/sessions/{other}/end").status_code == 302
    assert is_out(second)
    assert not is_out(first)
    assert User.objects.get(pk=kim.pk).permission_epoch > epoch
    assert ActivityEvent.objects.filter(type="auth.session_ended").count() == 1


def test_all_others_are_ended(kim: User, world: World) -> None:
    own, *others = [browser_of() for _ in range(3)]
    lee = factories.make_user("lee", password=PASSWORD)
    factories.make_member(world.org, lee)
    stranger = browser_of("lee")
    own.post("/settings/security/sessions/end")
    assert [is_out(browser) for browser in others] == [True, True]
    assert not is_out(own)
    assert not is_out(stranger)
    event = ActivityEvent.objects.get(type="auth.sessions_ended")
    assert event.data["count"] == 2


def test_a_token_ends_them_all(kim: User) -> None:
    browser = browser_of()
    client = Client(bearer=factories.make_token(kim))
    assert client.delete("/users/me/sessions").expect(200).json == {"ended": 1}
    assert is_out(browser)
    assert client.delete("/users/me/sessions").expect(200).json == {"ended": 0}


def test_signing_out_takes_the_entry_away(kim: User) -> None:
    browser = browser_of()
    browser.post("/sign-out")
    assert BrowserSession.objects.count() == 0


def test_a_changed_password_ends_the_others(kim: User) -> None:
    first, second = browser_of(), browser_of()
    given = {"current": PASSWORD, "new": "another long password"}
    assert first.post("/settings/password", given).status_code == 302
    assert not is_out(first)
    assert is_out(second)
    assert [row["is_current"] for row in listed(first)] == [True]


def test_use_is_noted_every_ten_minutes(kim: User, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = browser_of()
    before = BrowserSession.objects.get().last_seen_at
    browser.get("/dashboard")
    assert BrowserSession.objects.get().last_seen_at == before
    later = time.time() + 601
    monkeypatch.setattr(sessions.time, "time", lambda: later)
    browser.get("/dashboard")
    assert BrowserSession.objects.get().last_seen_at > before


def test_a_planted_session_key_is_not_kept(kim: User) -> None:
    browser = Browser()
    browser.get("/sign-in")
    session = browser.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    browser.post("/sign-in", {"mode": "password", "username": "kim", "password": PASSWORD})
    assert browser.session.session_key != planted
    assert "planted" not in browser.session


def test_what_has_run_out_is_dropped(kim: User) -> None:
    kept, gone = browser_of(), browser_of()
    sign_in.issue_sign_in_link()
    past = timezone.now() - timedelta(seconds=1)
    key = gone.session.session_key
    Session.objects.filter(session_key=key).update(expire_date=past)
    SignInLink.objects.update(expires_at=past)
    assert len(listed(kept)) == 1
    browser_sessions.clear()
    assert BrowserSession.objects.get().session_key == kept.session.session_key
    assert not Session.objects.filter(session_key=key).exists()
    assert not SignInLink.objects.exists()
    assert not is_out(kept)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox · Linux"),
        (CHROME, "Chrome · Windows"),
        (CHROME + " Edg/150.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; like Mac OS X) Version/19 Safari/604", "Safari · iPhone"),
        ("curl/8.5", "curl"),
        ("", ""),
    ],
)
def test_browsers_have_names(agent: str, words: str) -> None:
    assert browsers.words(agent) == words


def set_password(browser: Browser, current: str, new: str) -> Any:
    body = {"current": current, "new": new}
    return browser.put("/api/v1/users/me/password", body, content_type="application/json")


def test_a_password_is_changed_through_the_api_too(kim: User) -> None:
    here, elsewhere = browser_of(), browser_of(agent=CHROME)
    wrong = set_password(here, "not this one", "another long password")
    assert (wrong.status_code, wrong.json()["errors"][0]["loc"]) == (422, ["body", "current"])
    weak = set_password(here, PASSWORD, "123")
    assert (weak.status_code, weak.json()["errors"][0]["loc"]) == (422, ["body", "new"])
    assert not is_out(elsewhere)
    assert set_password(here, PASSWORD, "another long password").json() == {"ok": True}
    assert is_out(elsewhere)
    assert not is_out(here)
    assert browser_of(password="another long password")
    assert ActivityEvent.objects.filter(type="user.password_changed").count() == 1


def test_a_token_changes_no_password(kim: User) -> None:
    token = Client(bearer=factories.make_token(kim, scope="write"))
    body = {"current": PASSWORD, "new": "another long password"}
    token.request("PUT", "/users/me/password", body).expect(403)
    kim.refresh_from_db()
    assert kim.check_password(PASSWORD)
