"""OpenID Connect: the whole way of a browser, and every answer that must not let it in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.test import Client as Browser

from activity.models import ActivityEvent
from orgs.models import Membership, User
from orgs.signin import oidc
from orgs.signin.models import BrowserSession, ExternalIdentity
from tests import factories
from tests.orgs.identity_services import Service, SigningKey, served

pytestmark = pytest.mark.django_db
PERSON = {"email": "kim@example.org", "email_verified": True, "name": "Kim"}


@pytest.fixture
def provider(settings: Any) -> Iterator[Service]:
    """A provider on loopback, named by the settings."""
    with served() as found:
        settings.AUTH_MODES = ("oidc",)
        settings.OIDC_ISSUER = found.url
        settings.OIDC_CLIENT_ID = "mission"
        settings.OIDC_CLIENT_SECRET = "hush"
        settings.OIDC_NAME = "Acme ID"
        oidc.forget()
        yield found
        oidc.forget()


def start(browser: Browser, target: str = "/boards") -> str:
    """Where the browser is sent."""
    answer = browser.get(f"/sign-in/oidc?next={target}")
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def come_back(browser: Browser, given: dict[str, str]) -> Any:
    return browser.get("/sign-in/oidc/return", given)


def sign_in(provider: Service, browser: Browser, **facts: Any) -> Any:
    return come_back(browser, provider.consent(start(browser), {**PERSON, **facts}))


def is_out(browser: Browser) -> bool:
    return browser.get("/dashboard").status_code == 302


def test_a_browser_signs_in(provider: Service) -> None:
    browser = Browser()
    page = browser.get("/sign-in?next=/boards").content.decode()
    assert "Acme ID" in page
    assert "/sign-in/oidc?next=/boards" in page
    address = start(browser)
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{provider.url}/authorize?")
    assert asked["redirect_uri"] == ["http://testserver/sign-in/oidc/return"]
    assert asked["scope"] == ["openid email profile"]

    answer = come_back(browser, provider.consent(address, PERSON))

    assert answer["Location"] == "/boards"
    user = User.objects.get()
    assert (user.email, user.email_verified, user.name) == ("kim@example.org", True, "Kim")
    assert ExternalIdentity.objects.get().issuer == provider.url
    assert Membership.objects.get().role == "owner"
    assert BrowserSession.objects.get().way == "oidc"
    assert not is_out(browser)
    event = ActivityEvent.objects.get(type="auth.signed_in")
    assert event.data["way"] == "oidc"


def test_the_same_subject_is_the_same_person(provider: Service) -> None:
    for address in ("kim@example.org", "kim@other.example"):
        sign_in(provider, Browser(), email=address)
    assert User.objects.get().email == "kim@other.example"
    sign_in(provider, Browser(), sub="s-2")
    assert User.objects.count() == 2


def test_another_issuer_has_other_people(provider: Service, settings: Any) -> None:
    sign_in(provider, Browser())
    with served() as second:
        settings.OIDC_ISSUER = second.url
        assert sign_in(second, Browser()).status_code == 302
    assert User.objects.count() == 2


def test_an_address_never_decides_who_somebody_is(provider: Service) -> None:
    owner = factories.make_user("kim", email="kim@example.org", email_verified=True)
    sign_in(provider, Browser())
    assert User.objects.exclude(pk=owner.pk).count() == 1


def test_an_unverified_address_is_not_taken(provider: Service) -> None:
    acme = factories.make_organization("Acme")
    factories.make_invite(acme, "kim@example.org", token="mci_1")
    sign_in(provider, Browser(), email_verified=False)
    user = User.objects.get(username__startswith="oidc:")
    assert (user.email, user.email_verified) == (None, False)
    assert not Membership.objects.filter(organization=acme).exists()


def test_a_verified_address_accepts_the_invitation(provider: Service) -> None:
    acme = factories.make_organization("Acme")
    factories.make_invite(acme, "kim@example.org", token="mci_1")
    sign_in(provider, Browser())
    assert Membership.objects.get().organization == acme


def test_the_profile_tells_what_the_token_does_not(provider: Service) -> None:
    provider.profiles["userinfo"] = {"sub": "s-1", **PERSON}
    sign_in(provider, Browser(), email=None, email_verified=None, name=None)
    assert User.objects.get().email == "kim@example.org"
    assert provider.asked[-1][2]["authorization"] == "Bearer at"


def test_a_profile_of_somebody_else_is_not_taken(provider: Service) -> None:
    provider.profiles["userinfo"] = {"sub": "s-9", **PERSON}
    sign_in(provider, Browser(), email=None, email_verified=None, name=None)
    assert User.objects.get().email is None


NOW = int(time.time())


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"nonce": "other"}, id="another nonce"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"aud": "other"}, id="for another client"),
        pytest.param({"aud": ["mission", "other"]}, id="for two clients, party unnamed"),
        pytest.param({"azp": "other"}, id="another party"),
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
        pytest.param({"exp": NOW - 3600}, id="expired"),
        pytest.param({"iat": NOW + 3600}, id="of the future"),
        pytest.param({"sub": None}, id="nobody"),
        pytest.param({"sub": ""}, id="empty subject"),
    ],
)
def test_id_tokens_that_prove_nothing(provider: Service, facts: dict[str, Any]) -> None:
    browser = Browser()
    assert sign_in(provider, browser, **facts).status_code == 401
    assert is_out(browser)
    assert not User.objects.exists()


def test_a_token_for_several_clients_names_us_as_its_party(provider: Service) -> None:
    answer = sign_in(provider, Browser(), aud=["mission", "other"], azp="mission")
    assert answer.status_code == 302


def test_signatures_that_prove_nothing(provider: Service) -> None:
    browser = Browser()
    stranger = SigningKey("k1")
    given = provider.consent(start(browser), PERSON, key=stranger)
    assert come_back(browser, given).status_code == 401

    facts = {"iss": provider.url, "aud": "mission", "sub": "s-1", "iat": NOW, "exp": NOW + 300}
    for algorithm, secret in (("none", None), ("HS256", "hush" * 8)):
        address = start(browser)
        nonce = parse_qs(urlsplit(address).query)["nonce"][0]
        forged = jwt.encode(
            {**facts, "nonce": nonce}, secret, algorithm=algorithm, headers={"kid": "k1"}
        )
        given = provider.consent(address, {}, token=forged)
        assert come_back(browser, given).status_code == 401
    assert is_out(browser)


def test_elliptic_keys_and_rotation(provider: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sign_in(provider, Browser()).status_code == 302
    monkeypatch.setattr("orgs.signin.keys.LEAST_SECONDS", 0.0)
    provider.keys = [SigningKey("k2", "ES256")]
    assert sign_in(provider, Browser()).status_code == 302


def test_state_belongs_to_the_browser_that_began(provider: Service) -> None:
    given = provider.consent(start(Browser()), PERSON)
    victim = Browser()
    start(victim)
    assert come_back(victim, given).status_code == 401
    assert is_out(victim)


def test_state_and_code_count_once(provider: Service) -> None:
    browser = Browser()
    given = provider.consent(start(browser), PERSON)
    assert come_back(browser, given).status_code == 302
    browser.post("/sign-out")
    assert come_back(browser, given).status_code == 401


def test_a_code_of_another_sign_in_does_not_fit(provider: Service) -> None:
    """The verifier binds a code to the browser that asked for it."""
    stolen = provider.consent(start(Browser()), PERSON)["code"]
    browser = Browser()
    state = parse_qs(urlsplit(start(browser)).query)["state"][0]
    assert come_back(browser, {"code": stolen, "state": state}).status_code == 401


@pytest.mark.parametrize(
    "given",
    [
        {"error": "access_denied"},
        {},
        {"code": ""},
        {"code": "unknown"},
    ],
)
def test_refusals_of_the_provider_are_told(provider: Service, given: dict[str, str]) -> None:
    browser = Browser()
    state = parse_qs(urlsplit(start(browser)).query)["state"][0]
    answer = come_back(browser, {**given, "state": state})
    assert answer.status_code == 401
    assert 'role="alert"' in answer.content.decode()


def test_an_answer_in_another_issuers_name_is_refused(provider: Service) -> None:
    browser = Browser()
    given = provider.consent(start(browser), PERSON)
    assert come_back(browser, {**given, "iss": "https://evil.example"}).status_code == 401


def test_a_missing_issuer_is_refused_where_the_provider_names_it(provider: Service) -> None:
    provider.document["authorization_response_iss_parameter_supported"] = True
    browser = Browser()
    given = provider.consent(start(browser), PERSON)
    assert come_back(browser, given).status_code == 401
    given = provider.consent(start(browser), PERSON)
    assert come_back(browser, {**given, "iss": provider.url}).status_code == 302


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "ftp://x/"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_an_unusable_discovery_document(provider: Service, document: dict[str, Any]) -> None:
    provider.document.update(document)
    answer = Browser().get("/sign-in/oidc")
    assert answer.status_code == 401
    assert "role" in answer.content.decode()


def test_an_absent_provider_is_told(provider: Service) -> None:
    provider.status = 503
    assert Browser().get("/sign-in/oidc").status_code == 401
    assert "OIDC_ISSUER" in oidc.check()
    provider.status = 200
    oidc.forget()
    assert oidc.check() == ""


def test_ten_minutes_later_the_sign_in_is_forgotten(
    provider: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser()
    given = provider.consent(start(browser), PERSON)
    later = time.time() + 601
    monkeypatch.setattr("orgs.pages.sign_in.time.time", lambda: later)
    assert come_back(browser, given).status_code == 401


def test_a_closed_account_is_not_let_in(provider: Service) -> None:
    sign_in(provider, Browser())
    User.objects.update(is_active=False)
    browser = Browser()
    assert sign_in(provider, browser).status_code == 401
    assert is_out(browser)


def test_the_mode_has_to_be_on(provider: Service, settings: Any) -> None:
    settings.AUTH_MODES = ("password",)
    assert Browser().get("/sign-in/oidc").status_code == 401
    assert Browser().get("/sign-in/oidc/return?state=x&code=y").status_code == 401
    assert provider.asked == []


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_the_way_back_leads_nowhere_else(provider: Service, target: str) -> None:
    browser = Browser()
    given = provider.consent(start(browser, target), PERSON)
    assert come_back(browser, given)["Location"] == "/dashboard"
