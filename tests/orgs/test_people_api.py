"""Own profile, personal tokens and sessions over the API."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client as DjangoClient

from activity.models import ActivityEvent
from missioncontrol.kernel import ratelimit
from missioncontrol.kernel.errors import Invalid, RateLimited, Unauthenticated
from missioncontrol.kernel.secrets import token_hash
from orgs.models import ApiToken, SignInLink, User
from orgs.services import sign_in
from tests import factories
from tests.clients import Client
from tests.world import World

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    ratelimit.memory.clear()


@pytest.fixture
def browser(world: World) -> DjangoClient:
    """A browser that checks CSRF as a real one meets it; ann has a password."""
    world.ann.set_password(PASSWORD)
    world.ann.save()
    return DjangoClient(enforce_csrf_checks=True)


def login(browser: DjangoClient, password: str = PASSWORD, username: str = "ann") -> int:
    body = {"username": username, "password": password}
    return browser.post("/api/v1/auth/login", body, content_type="application/json").status_code


def test_a_profile_changes_only_where_told(world: World) -> None:
    answer = world.as_bob.patch(
        "/users/me", {"timezone": "Europe/Berlin", "preferred_name": "Bobby", "notes": None}
    ).expect(200)
    assert (answer.json["timezone"], answer.json["preferred_name"], answer.json["name"]) == (
        "Europe/Berlin",
        "Bobby",
        "Bob",
    )
    assert answer.json["notes"] is None
    event = ActivityEvent.objects.get(type="user.updated")
    assert event.data == {"changed": ["preferred_name", "timezone"]}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"timezone": "Europe/Atlantis"}, id="no such zone"),
        pytest.param({"timezone": "../etc/passwd"}, id="path"),
        pytest.param({"theme": "pink"}, id="no such theme"),
        pytest.param({"email": "x@example.org"}, id="address"),
        pytest.param({"is_super_admin": True}, id="super admin"),
        pytest.param({"active_organization_id": None}, id="active organization"),
        pytest.param({"name": "a\x00b"}, id="NUL"),
    ],
)
def test_what_cannot_be_set_is_refused(world: World, body: dict[str, object]) -> None:
    world.as_bob.patch("/users/me", body).expect(422)
    world.bob.refresh_from_db()
    assert not world.bob.is_super_admin
    assert world.bob.timezone == ""


def test_a_token_is_shown_once_and_stored_hashed(world: World) -> None:
    created = world.as_bob.post("/users/me/tokens", {"name": "CI", "scope": "read"}).expect(200)
    raw = created.json["token"]
    assert raw.startswith("mct_")
    assert ApiToken.objects.get(name="CI").token_hash == token_hash(raw)
    listed = world.as_bob.get("/users/me/tokens").expect(200)
    assert raw not in str(listed.json)
    assert raw not in str(list(ActivityEvent.objects.values()))
    Client(bearer=raw).get("/users/me").expect(200)

    world.as_bob.delete(f"/users/me/tokens/{created.json['id']}").expect(200)

    Client(bearer=raw).get("/users/me").expect(401)
    types = list(ActivityEvent.objects.order_by("seq").values_list("type", flat=True))
    assert types == ["token.created", "token.revoked"]


def test_a_replayed_creation_does_not_repeat_the_text(world: World) -> None:
    key = {"Idempotency-Key": "tok"}
    first = world.as_bob.post("/users/me/tokens", {"name": "CI"}, headers=key).expect(200)
    again = world.as_bob.post("/users/me/tokens", {"name": "CI"}, headers=key).expect(200)
    assert first.json["token"]
    assert again.json["token"] is None


@pytest.mark.parametrize(
    ("scope", "read", "profile", "admin"),
    [("read", 200, 403, 403), ("write", 200, 200, 403), ("admin", 200, 200, 200)],
)
def test_scopes_only_narrow(world: World, scope: str, read: int, profile: int, admin: int) -> None:
    client = Client(bearer=factories.make_token(world.ann, scope))
    client.get("/organizations/me").expect(read)
    client.patch("/users/me", {"pronouns": "they"}).expect(profile)
    client.patch(f"/organizations/{world.org.id}", {"description": scope}).expect(admin)
    client.post("/users/me/tokens", {"name": "more", "scope": "admin"}).expect(admin)


def test_nobody_revokes_the_token_of_another(world: World) -> None:
    token = ApiToken.objects.get(user=world.ann)
    world.as_bob.delete(f"/users/me/tokens/{token.id}").expect(404)
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_token_with_an_end_in_the_past_is_refused(world: World) -> None:
    body = {"name": "old", "expires_at": "2020-01-01T00:00:00Z"}
    world.as_bob.post("/users/me/tokens", body).expect(422)


@pytest.mark.scenario("CORE-6")
def test_a_session_needs_the_csrf_token_and_a_bearer_does_not(
    world: World, browser: DjangoClient
) -> None:
    assert login(browser) == 200
    me = browser.get("/api/v1/users/me")
    assert me.json()["name"] == "Ann"
    body = {"name": "From the browser"}

    bare = browser.post("/api/v1/organizations", body, content_type="application/json")
    token = browser.cookies["csrftoken"].value
    with_token = browser.post(
        "/api/v1/organizations",
        body,
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )
    # The bearer speaks for bob; the cookie of ann in the same browser is not read.
    bearer = browser.post(
        "/api/v1/organizations",
        {"name": "From bob"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {world.bob_token}"},
    )

    assert (bare.status_code, bare.json()["code"]) == (403, "csrf")
    assert with_token.status_code == 200
    assert bearer.status_code == 200
    owners = dict(
        ActivityEvent.objects.filter(type="organization.created").values_list(
            "target_title", "actor_name"
        )
    )
    assert owners == {"From the browser": "Ann", "From bob": "Bob"}


def test_signing_in_starts_a_new_session(world: World, browser: DjangoClient) -> None:
    browser.get("/api/v1/users/me")
    session = browser.session
    session["planted"] = "yes"
    session.save()
    planted = session.session_key
    browser.cookies["sessionid"] = planted

    assert login(browser) == 200

    assert browser.cookies["sessionid"].value != planted
    assert not Session.objects.filter(pk=planted).exists()
    assert "planted" not in browser.session


def test_signing_out_ends_the_session(world: World, browser: DjangoClient) -> None:
    login(browser)
    token = browser.cookies["csrftoken"].value
    assert browser.post("/api/v1/auth/logout").status_code == 403
    done = browser.post("/api/v1/auth/logout", headers={"X-CSRFToken": token})
    assert done.status_code == 200
    assert browser.get("/api/v1/users/me").status_code == 401
    types = list(ActivityEvent.objects.order_by("seq").values_list("type", flat=True))
    assert types == ["auth.signed_in", "auth.signed_out"]


def test_a_form_of_another_site_cannot_sign_a_browser_in(browser: DjangoClient) -> None:
    body = f'{{"username":"ann","password":"{PASSWORD}"}}'
    answer = browser.post("/api/v1/auth/login", body, content_type="text/plain")
    assert answer.status_code == 415
    assert "sessionid" not in browser.cookies


@pytest.mark.parametrize("username", ["ann", "nobody"])
def test_ten_failures_close_the_account_and_the_address(
    world: World, browser: DjangoClient, username: str
) -> None:
    assert [login(browser, "wrong", username) for _ in range(10)] == [401] * 10
    blocked = browser.post(
        "/api/v1/auth/login",
        {"username": "ann", "password": PASSWORD},
        content_type="application/json",
    )
    assert blocked.status_code == 429
    assert int(blocked.headers["Retry-After"]) > 800
    elsewhere = DjangoClient(REMOTE_ADDR="192.0.2.7")
    assert login(elsewhere) == (429 if username == "ann" else 200)
    failures = ActivityEvent.objects.filter(type="auth.sign_in_failed").count()
    assert failures == (10 if username == "ann" else 0)


def test_successes_are_not_counted(world: World, browser: DjangoClient) -> None:
    assert [login(browser) for _ in range(12)] == [200] * 12


def test_password_sign_in_can_be_off(browser: DjangoClient, settings: object) -> None:
    settings.AUTH_MODES = ("local",)  # type: ignore[attr-defined]
    assert login(browser) == 403


def test_a_one_time_link_works_once() -> None:
    code = sign_in.issue_sign_in_link()
    assert code not in str(list(SignInLink.objects.values()))
    assert sign_in.sign_in_with_link(code).clerk_user_id == "local-auth-user"
    with pytest.raises(Unauthenticated):
        sign_in.sign_in_with_link(code)


def test_a_link_of_eleven_minutes_ago_is_too_old() -> None:
    code = sign_in.issue_sign_in_link()
    link = SignInLink.objects.get()
    link.expires_at -= sign_in.LINK_LIFE * 1.1
    link.save()
    with pytest.raises(Unauthenticated):
        sign_in.sign_in_with_link(code)


def test_the_password_changes_only_with_the_present_one(world: World) -> None:
    world.ann.set_password(PASSWORD)
    world.ann.save()
    actor = world.actor(world.ann)
    with pytest.raises(Invalid):
        sign_in.change_password(actor, current="wrong", new="another long password")
    with pytest.raises(Invalid, match="short"):
        sign_in.change_password(actor, current=PASSWORD, new="short")

    sign_in.change_password(actor, current=PASSWORD, new="another long password")

    assert User.objects.get(username="ann").check_password("another long password")
    assert ActivityEvent.objects.filter(type="user.password_changed").count() == 1


def test_guessing_the_present_password_is_limited(world: World) -> None:
    world.ann.set_password(PASSWORD)
    world.ann.save()
    actor = world.actor(world.ann)
    for _ in range(10):
        with pytest.raises(Invalid):
            sign_in.change_password(actor, current="wrong", new="another long password")
    with pytest.raises(RateLimited):
        sign_in.change_password(actor, current=PASSWORD, new="another long password")
