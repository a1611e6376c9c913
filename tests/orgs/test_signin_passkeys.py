"""Passkeys: added in a signed-in browser, enough to sign in, and every answer that is not."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from activity.models import ActivityEvent
from orgs.models import User
from orgs.services import passkeys
from orgs.signin.models import BrowserSession, Passkey
from tests import factories
from tests.clients import Client
from tests.orgs.authenticator import BE, BS, UP, UV, Authenticator, b64
from tests.world import World

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
JSON = "application/json"


@pytest.fixture
def kim(world: World) -> User:
    """A member with a password."""
    user = factories.make_user("kim", password=PASSWORD)
    factories.make_member(world.org, user)
    return user


@pytest.fixture
def browser(kim: User) -> Browser:
    """Kim's signed-in browser."""
    client = Browser()
    client.force_login(kim)
    return client


def post(browser: Browser, path: str, body: Any = None) -> Any:
    return browser.post(f"/api/v1/{path}", body or {}, content_type=JSON)


def add(browser: Browser, device: Authenticator, name: str = "Telephone") -> Any:
    options = post(browser, "users/me/passkeys/options").json()["publicKey"]
    given = {"name": name, "credential": device.create(options)}
    return post(browser, "users/me/passkeys", given)


def enter(device: Authenticator, browser: Browser | None = None) -> Any:
    browser = browser or Browser()
    options = post(browser, "auth/passkey/options").json()["publicKey"]
    return post(browser, "auth/passkey", {"credential": device.get(options)})


@pytest.fixture
def device(browser: Browser) -> Authenticator:
    """A device that Kim has added."""
    found = Authenticator()
    assert add(browser, found).status_code == 200
    return found


def test_options_ask_for_a_key_that_knows_its_owner(browser: Browser, kim: User) -> None:
    options = post(browser, "users/me/passkeys/options").json()["publicKey"]
    assert options["rp"] == {"id": "testserver", "name": "Mission Control"}
    assert options["user"]["id"] == b64(kim.id.bytes)
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert (
        post(Browser(), "auth/passkey/options").json()["publicKey"]["userVerification"]
        == "required"
    )


def test_adding_and_signing_in(device: Authenticator, kim: User) -> None:
    other = Browser(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
    answer = enter(device, other)
    assert answer.status_code == 200
    assert answer.json()["username"] == "kim"
    assert other.get("/dashboard").status_code == 200
    row = Passkey.objects.get()
    assert (row.name, row.is_synced, row.transports) == ("Telephone", False, ["internal"])
    assert row.last_used_at is not None
    assert BrowserSession.objects.get().way == "passkey"
    assert ActivityEvent.objects.get(type="auth.signed_in").data["way"] == "passkey"
    assert ActivityEvent.objects.filter(type="auth.passkey_added").count() == 1


def test_a_passkey_is_both_factors(device: Authenticator, kim: User, world: World) -> None:
    from tests.orgs.test_signin_code import turn_on

    turn_on(world, kim)
    other = Browser()
    assert enter(device, other).status_code == 200
    assert other.get("/dashboard").status_code == 200


def test_a_synced_passkey_is_told_apart(browser: Browser) -> None:
    synced = Authenticator()
    synced.flags = UP | UV | BE | BS
    assert add(browser, synced).json()["is_synced"] is True


def bent(device: Authenticator, kind: str) -> None:
    """Let the device answer wrongly in one way."""
    match kind:
        case "another key":
            device.key = Authenticator().key
        case "another origin":
            device.origin = "https://evil.example"
        case "another port":
            device.origin = "http://testserver:8443"
        case "another site":
            device.site = "evil.example"
        case "not verified":
            device.flags = UP
        case "nobody there":
            device.flags = UV
        case "somebody else's":
            device.user_handle = bytes(16)
        case "unknown":
            device.id = bytes(32)


KINDS = (
    "another key", "another origin", "another port", "another site", "not verified",
    "nobody there", "somebody else's", "unknown",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_answers_that_prove_nothing(device: Authenticator, kind: str) -> None:
    bent(device, kind)
    other = Browser()
    answer = enter(device, other)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert other.get("/dashboard").status_code == 302


@pytest.mark.parametrize("kind", ["another origin", "another site", "not verified", "nobody there"])
def test_keys_that_are_not_taken(browser: Browser, kind: str) -> None:
    device = Authenticator()
    bent(device, kind)
    answer = add(browser, device)
    assert (answer.status_code, answer.json()["code"]) == (422, "passkey_unproved")
    assert not Passkey.objects.exists()


@pytest.mark.parametrize("credential", [{}, {"id": 1}, {"id": "x", "response": []}, {"rawId": "%"}])
def test_answers_that_are_none(browser: Browser, credential: dict[str, Any]) -> None:
    post(browser, "users/me/passkeys/options")
    given = {"name": "n", "credential": credential}
    assert post(browser, "users/me/passkeys", given).status_code == 422
    other = Browser()
    post(other, "auth/passkey/options")
    assert post(other, "auth/passkey", {"credential": credential}).status_code == 401


def test_a_challenge_counts_once_and_in_its_own_browser(device: Authenticator) -> None:
    other = Browser()
    options = post(other, "auth/passkey/options").json()["publicKey"]
    answer = {"credential": device.get(options)}
    stranger = Browser()
    assert post(stranger, "auth/passkey", answer).json()["code"] == "not_begun"
    post(stranger, "auth/passkey/options")
    assert post(stranger, "auth/passkey", answer).status_code == 401
    assert post(other, "auth/passkey", answer).status_code == 200
    assert post(other, "auth/passkey", answer).status_code == 422


def test_a_counter_that_goes_back_is_a_copy(device: Authenticator) -> None:
    device.counter = 7
    assert enter(device).status_code == 200
    assert Passkey.objects.get().sign_count == 8
    device.counter = 7
    assert enter(device).status_code == 401
    device.counter = 8
    assert enter(device).status_code == 200


def test_a_known_key_is_not_added_twice(device: Authenticator, browser: Browser) -> None:
    assert add(browser, device).json()["code"] == "passkey_known"
    options = post(browser, "users/me/passkeys/options").json()["publicKey"]
    assert [row["id"] for row in options["excludeCredentials"]] == [b64(device.id)]


def test_there_is_an_end_to_passkeys(
    device: Authenticator, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "MOST", 1)
    assert post(browser, "users/me/passkeys/options").json()["code"] == "too_many"


def test_removing(device: Authenticator, browser: Browser, world: World) -> None:
    row = Passkey.objects.get()
    world.as_ann.delete(f"/users/me/passkeys/{row.id}").expect(404)
    assert browser.get("/api/v1/users/me/passkeys").json()["items"][0]["name"] == "Telephone"
    page = browser.get("/settings/security").content.decode()
    assert "Telephone" in page
    assert browser.post(f"/settings/security/passkeys/{row.id}/remove").status_code == 302
    assert enter(device).status_code == 401
    assert ActivityEvent.objects.filter(type="auth.passkey_removed").count() == 1


def test_closed_accounts_and_closed_modes(device: Authenticator, kim: User, settings: Any) -> None:
    settings.AUTH_MODES = ("local",)
    assert enter(device).status_code == 401
    settings.AUTH_MODES = ("password",)
    User.objects.filter(pk=kim.pk).update(is_active=False)
    assert enter(device).status_code == 401
    User.objects.filter(pk=kim.pk).update(is_active=True)
    assert enter(device).status_code == 200


def test_a_token_adds_none(kim: User) -> None:
    client = Client(bearer=factories.make_token(kim))
    client.post("/users/me/passkeys/options").expect(403)
    client.post("/users/me/passkeys", {"name": "n", "credential": {}}).expect(403)


def test_forms_of_other_sites_reach_nothing(db: None) -> None:
    for path in ("auth/passkey/options", "auth/passkey"):
        answer = Browser().post(f"/api/v1/{path}", "{}", content_type="text/plain")
        assert answer.status_code == 415


@pytest.mark.parametrize(
    ("base", "host", "name"),
    [
        ("https://mc.example", "mc.example", "mc.example"),
        ("https://mc.example:8443", "mc.example:8443", "mc.example"),
        ("https://mc.example", "127.0.0.1:8000", None),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", None),
        ("http://127.0.0.1:8000", "localhost:8000", "localhost"),
        ("http://[::1]:8000", "[::1]:8000", None),
    ],
)
def test_passkeys_belong_to_a_name(settings: Any, base: str, host: str, name: str | None) -> None:
    settings.BASE_URL = base
    site = passkeys.site_at(host)
    assert (site.name if site else None) == name
    if name is None:
        settings.ALLOWED_HOSTS = ["*"]
        answer = Browser(HTTP_HOST=host).post("/api/v1/auth/passkey/options", {}, content_type=JSON)
        assert answer.json()["code"] == "no_host_name"
