"""Clerk: which tokens prove something, whom they make, and the browser's way through its pages."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import connection
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from missioncontrol.kernel import credentials
from missioncontrol.kernel.errors import RemoteFailed
from orgs.models import Membership, Organization, User
from orgs.signin import clerk, keys
from tests import factories
from tests.clients import Client
from tests.orgs.identity_services import SECRET_KEY, Service, SigningKey, served

pytestmark = pytest.mark.django_db
HOST = "clerk.acme.example"
ISSUER = f"https://{HOST}"
PUBLISHABLE = "pk_live_" + base64.b64encode(f"{HOST}$".encode()).decode().rstrip("=")
COMPLETE = {"email": "kim@example.org", "email_verified": True, "name": "Kim"}


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    """Clerk on loopback, named by the settings."""
    with served() as found:
        settings.AUTH_MODES = ("clerk",)
        settings.CLERK_SECRET_KEY = SECRET_KEY
        settings.CLERK_PUBLISHABLE_KEY = PUBLISHABLE
        settings.CLERK_API_URL = found.url
        clerk.forget()
        yield found
        clerk.forget()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    facts = {"iss": ISSUER, "sub": "user_1", "iat": now, "nbf": now, "exp": now + 60, **changes}
    return {name: value for name, value in facts.items() if value is not None}


def status(token: str) -> int:
    return Client(bearer=token).get("/users/me").status


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def crafted(header: dict[str, Any], body: dict[str, Any], key: bytes = b"") -> str:
    """A token put together by hand, signed with a shared secret or not at all."""
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(body).encode())}"
    signature = hmac.new(key, text.encode(), sha256).digest() if key else b""
    return f"{text}.{b64(signature)}"


def test_the_first_call_makes_the_person_and_his_organization(service: Service) -> None:
    answer = Client(bearer=service.keys[0].sign(claims(**COMPLETE))).get("/users/me").expect(200)

    user = User.objects.get()
    assert (user.clerk_user_id, user.email, user.email_verified, user.name) == (
        "user_1", "kim@example.org", True, "Kim",
    )  # fmt: skip
    assert answer.json["clerk_user_id"] == "user_1"
    assert not user.is_super_admin
    assert not user.has_usable_password()
    assert Membership.objects.get().role == "owner"
    assert "/v1/users/user_1" not in service.paths()


@pytest.mark.scenario("CORE-5")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({}, 200, id="good"),
        pytest.param({"exp": int(time.time()) - 3600}, 401, id="expired"),
        pytest.param({"exp": None}, 401, id="without an end"),
        pytest.param({"iss": "https://clerk.other.example"}, 401, id="another issuer"),
        pytest.param({"iss": None}, 401, id="no issuer"),
        pytest.param({"iat": int(time.time()) + 3600}, 401, id="issued in the future"),
        pytest.param({"nbf": int(time.time()) + 3600}, 401, id="not yet good"),
        pytest.param({"sub": None}, 401, id="nobody"),
        pytest.param({"sub": ""}, 401, id="empty subject"),
        pytest.param({"sub": "local-auth-user"}, 401, id="the built-in operator's name"),
        pytest.param({"sub": 7}, 401, id="subject is no text"),
    ],
)
def test_claims_that_prove_nothing(service: Service, changes: dict[str, Any], code: int) -> None:
    assert status(service.keys[0].sign(claims(**COMPLETE, **changes))) == code
    assert User.objects.exists() is (code == 200)


@pytest.mark.parametrize(("late", "code"), [(5, 200), (15, 401)])
def test_clocks_may_differ_by_the_leeway(
    service: Service, settings: Any, late: int, code: int
) -> None:
    settings.CLERK_LEEWAY = 10.0
    now = int(time.time())
    ended = service.keys[0].sign(claims(**COMPLETE, iat=now - 90, exp=now - late))
    early = service.keys[0].sign(claims(**COMPLETE, iat=now + late))
    assert (status(ended), status(early)) == (code, code)


def test_the_issue_time_is_not_asked_when_switched_off(service: Service, settings: Any) -> None:
    settings.CLERK_VERIFY_IAT = False
    now = int(time.time())
    assert status(service.keys[0].sign(claims(**COMPLETE, iat=now + 600, exp=now + 900))) == 200


@pytest.mark.scenario("CORE-5")
def test_unsigned_tokens_and_tokens_signed_with_the_public_key_prove_nothing(
    service: Service,
) -> None:
    good = claims(**COMPLETE)
    public = service.keys[0].private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    modulus = base64.urlsafe_b64decode(service.keys[0].public["n"] + "==")
    forged = [
        crafted({"alg": "none", "kid": "k1", "typ": "JWT"}, good),
        crafted({"alg": "None", "kid": "k1"}, good),
        crafted({"alg": "HS256", "kid": "k1", "typ": "JWT"}, good, pem),
        crafted({"alg": "HS256", "kid": "k1"}, good, modulus),
        crafted({"alg": "HS256"}, good, SECRET_KEY.encode()),
        crafted({"alg": ["RS256"], "kid": "k1"}, good),
        crafted({"alg": "RS256", "kid": {"a": 1}}, good, pem),
        "a.b.c",
        "..",
    ]
    assert [status(token) for token in forged] == [401] * len(forged)
    assert not User.objects.exists()


def test_another_key_under_the_known_id_proves_nothing(service: Service) -> None:
    assert status(SigningKey("k1").sign(claims(**COMPLETE))) == 401
    assert status(SigningKey("k1", "ES256").sign(claims(**COMPLETE))) == 401


def test_a_changed_claim_breaks_the_signature(service: Service) -> None:
    head, _body, signature = service.keys[0].sign(claims(**COMPLETE)).split(".")
    other = b64(json.dumps(claims(**COMPLETE, sub="user_2")).encode())
    assert status(f"{head}.{other}.{signature}") == 401


def test_keys_are_read_once_and_again_after_a_rotation(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = service.keys[0].sign(claims(**COMPLETE))
    assert [status(old) for _ in range(3)] == [200] * 3
    assert service.paths().count("/v1/jwks") == 1
    headers = service.asked[0][2]
    assert headers["authorization"] == f"Bearer {SECRET_KEY}"

    service.keys = [SigningKey("k2")]
    new = service.keys[0].sign(claims(**COMPLETE))
    assert status(new) == 401  # the keys were read a moment ago
    monkeypatch.setattr(keys, "LEAST_SECONDS", 0.0)
    assert status(new) == 200
    assert status(old) == 401


def test_unknown_key_ids_cannot_make_us_ask_all_the_time(service: Service) -> None:
    status(service.keys[0].sign(claims(**COMPLETE)))
    for number in range(5):
        assert status(SigningKey(f"x{number}").sign(claims())) == 401
    assert service.paths().count("/v1/jwks") == 1


def test_known_keys_go_on_while_the_service_is_away(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = service.keys[0].sign(claims(**COMPLETE))
    assert status(token) == 200
    service.status = 500
    monkeypatch.setattr(keys, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(keys, "LEAST_SECONDS", 0.0)
    assert status(token) == 200


def test_without_any_key_the_answer_is_not_a_refusal(service: Service) -> None:
    service.status = 500
    answer = Client(bearer=service.keys[0].sign(claims(**COMPLETE))).get("/users/me").expect(503)
    assert answer.code == "identity_unavailable"
    assert answer.headers["Retry-After"] == "10"


def test_the_mode_has_to_be_on(service: Service, settings: Any) -> None:
    settings.AUTH_MODES = ("local", "password")
    assert status(service.keys[0].sign(claims(**COMPLETE))) == 401
    assert service.asked == []


@pytest.mark.parametrize(
    ("party", "code"), [("https://app.example", 200), ("https://evil.example", 401), (None, 200)]
)
def test_sessions_of_other_sites_are_refused_where_the_sites_are_named(
    service: Service, settings: Any, party: str | None, code: int
) -> None:
    settings.CLERK_AUTHORIZED_PARTIES = frozenset({"https://app.example"})
    assert status(service.keys[0].sign(claims(**COMPLETE, azp=party))) == code


def test_later_calls_cost_one_query(
    service: Service, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = service.keys[0].sign(claims(**COMPLETE))
    credentials.from_bearer(token, None)
    with django_assert_num_queries(1):
        credentials.from_bearer(token, None)


# --- the person -------------------------------------------------------------------------------

PROFILE = {
    "id": "user_1",
    "first_name": "Kim",
    "last_name": "Doe",
    "primary_email_address_id": "e2",
    "email_addresses": [
        {"id": "e1", "email_address": "old@example.org", "verification": {"status": "verified"}},
        {"id": "e2", "email_address": "kim@example.org", "verification": {"status": "verified"}},
    ],
}


def test_what_the_token_does_not_tell_comes_from_the_profile(service: Service) -> None:
    service.profiles["user_1"] = PROFILE
    assert status(service.keys[0].sign(claims())) == 200
    user = User.objects.get()
    assert (user.email, user.email_verified, user.name) == ("kim@example.org", True, "Kim Doe")


def test_a_slow_or_broken_profile_is_not_fatal(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clerk.remote.TIMEOUT_SECONDS == 5.0
    assert status(service.keys[0].sign(claims())) == 200  # the profile is a 404
    user = User.objects.get()
    assert (user.email, user.email_verified) == (None, False)
    assert [status(service.keys[0].sign(claims())) for _ in range(3)] == [200] * 3
    assert service.paths().count("/v1/users/user_1") == 1


def test_missing_facts_are_filled_in_when_clerk_knows_them(service: Service) -> None:
    status(service.keys[0].sign(claims()))
    service.profiles["user_1"] = PROFILE
    clerk.forget()
    status(service.keys[0].sign(claims()))
    assert User.objects.get().email == "kim@example.org"


def test_an_address_that_is_not_verified_opens_no_invitation(service: Service) -> None:
    acme = factories.make_organization("Acme")
    factories.make_invite(acme, "kim@example.org", token="mci_1")
    token = service.keys[0].sign(claims(email="kim@example.org", name="Kim"))
    assert status(token) == 200
    assert User.objects.get(clerk_user_id="user_1").email_verified is False
    assert not Membership.objects.filter(organization=acme).exists()


def test_a_verified_address_accepts_the_invitation(service: Service) -> None:
    acme = factories.make_organization("Acme")
    factories.make_invite(acme, "kim@example.org", token="mci_1")
    assert status(service.keys[0].sign(claims(**COMPLETE))) == 200
    assert Membership.objects.get().organization == acme


def test_an_address_never_decides_who_somebody_is(service: Service) -> None:
    owner = factories.make_user("kim", email="kim@example.org", email_verified=True)
    assert status(service.keys[0].sign(claims(**COMPLETE))) == 200
    assert User.objects.count() == 2
    assert User.objects.get(pk=owner.pk).clerk_user_id is None


def test_a_closed_account_stays_closed(service: Service) -> None:
    token = service.keys[0].sign(claims(**COMPLETE))
    assert status(token) == 200
    User.objects.update(is_active=False)
    assert status(token) == 401


@pytest.mark.django_db(transaction=True)
def test_parallel_first_calls_make_one_person_and_one_organization(service: Service) -> None:
    token = service.keys[0].sign(claims(**COMPLETE))
    found: list[int] = []

    def call() -> None:
        found.append(status(token))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 6
    assert (User.objects.count(), Organization.objects.count()) == (1, 1)


def test_deleting_the_account_at_clerk(service: Service) -> None:
    service.profiles["user_1"] = PROFILE
    clerk.delete_account("user_1")
    clerk.delete_account("user_1")  # already gone
    assert [call[0] for call in service.asked] == ["DELETE", "DELETE"]
    service.status = 500
    with pytest.raises(RemoteFailed, match="Failed to delete account from Clerk"):
        clerk.delete_account("user_1")


# --- pages ------------------------------------------------------------------------------------


def handshake(service: Service, session: str) -> str:
    lines = ["__client_uat=1; Path=/", f"__session={session}; Path=/; Secure; SameSite=Lax"]
    return service.keys[0].sign({"handshake": lines})


def begin(browser: Browser, target: str = "/boards") -> str:
    """Start at the sign-in page; returns the state that the hosted page is given."""
    answer = browser.get(f"/sign-in/clerk?next={target}")
    there = urlsplit(answer["Location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == "https://accounts.acme.example/sign-in"
    back = urlsplit(parse_qs(there.query)["redirect_url"][0])
    assert back.path == "/sign-in/clerk/return"
    return parse_qs(back.query)["state"][0]


def test_a_browser_signs_in_through_the_hosted_page(service: Service) -> None:
    browser = Browser()
    assert "/sign-in/clerk" in browser.get("/sign-in").content.decode()
    state = begin(browser)

    back = browser.get(f"/sign-in/clerk/return?state={state}&__clerk_db_jwt=dvb_1")
    there = urlsplit(back["Location"])
    assert (there.netloc, there.path) == (HOST, "/v1/client/handshake")
    assert parse_qs(there.query)["__clerk_db_jwt"] == ["dvb_1"]

    session = service.keys[0].sign(claims(**COMPLETE))
    proof = handshake(service, session)
    done = browser.get(f"/sign-in/clerk/return?state={state}&__clerk_handshake={proof}")
    assert done["Location"] == "/boards"
    assert browser.get("/api/v1/users/me").json()["clerk_user_id"] == "user_1"


def test_the_handshake_may_come_as_a_cookie(service: Service) -> None:
    browser = Browser()
    state = begin(browser)
    browser.get(f"/sign-in/clerk/return?state={state}")
    browser.cookies["__clerk_handshake"] = handshake(
        service, service.keys[0].sign(claims(**COMPLETE))
    )
    assert browser.get(f"/sign-in/clerk/return?state={state}")["Location"] == "/boards"


def test_a_browser_that_began_nothing_is_not_signed_in(service: Service) -> None:
    """Else a stranger could sign somebody's browser in as himself."""
    proof = handshake(service, service.keys[0].sign(claims(**COMPLETE)))
    stranger = Browser()
    state = begin(stranger)
    victim = Browser()
    answer = victim.get(f"/sign-in/clerk/return?state={state}&__clerk_handshake={proof}")
    assert answer.status_code == 401
    assert victim.get("/dashboard").status_code == 302


def test_a_state_counts_once(service: Service) -> None:
    browser = Browser()
    state = begin(browser)
    proof = handshake(service, service.keys[0].sign(claims(**COMPLETE)))
    address = f"/sign-in/clerk/return?state={state}&__clerk_handshake={proof}"
    assert browser.get(address).status_code == 302
    browser.post("/sign-out")
    assert browser.get(address).status_code == 401


@pytest.mark.parametrize("kind", ["unsigned", "expired", "empty"])
def test_a_handshake_that_proves_nothing(service: Service, kind: str) -> None:
    browser = Browser()
    state = begin(browser)
    past = int(time.time()) - 600
    session = service.keys[0].sign(claims(**COMPLETE, iat=past, exp=past + 60))
    proof = {
        "unsigned": crafted({"alg": "none"}, {"handshake": [f"__session={session}"]}),
        "expired": handshake(service, session),
        "empty": service.keys[0].sign({"handshake": []}),
    }[kind]
    address = f"/sign-in/clerk/return?state={state}&__clerk_handshake={proof}"
    answer = browser.get(address)
    if answer.status_code == 302:  # one more handshake is asked for, never two
        answer = browser.get(address)
    assert answer.status_code == 401
    assert browser.get("/dashboard").status_code == 302


@pytest.mark.parametrize(
    ("key", "page"),
    [
        ("pk_test_" + base64.b64encode(b"a-b-12.clerk.accounts.dev$").decode(),
         "https://a-b-12.accounts.dev/sign-in"),
        (PUBLISHABLE, "https://accounts.acme.example/sign-in"),
        ("pk_live_nonsense!", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_publishable_key_names_the_hosted_page(settings: Any, key: str, page: str) -> None:
    settings.CLERK_PUBLISHABLE_KEY = key
    settings.CLERK_SIGN_IN_URL = ""
    assert clerk.sign_in_page() == page
