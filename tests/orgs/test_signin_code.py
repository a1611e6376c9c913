"""Second factor: turning it on, asked for at every door, used up once, limited, removed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from activity.models import ActivityEvent, AuditEntry
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import Conflict, Forbidden
from orgs.models import User
from orgs.services import second_factor, sign_in, users
from orgs.signin import totp
from orgs.signin.models import BrowserSession, RecoveryCode, SecondFactor
from tests import factories
from tests.clients import Client
from tests.world import World, build_world

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
#: RFC 6238, appendix B, the last six of its eight digits; the secret is "12345678901234567890".
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(timezone.now().replace(second=10), tick=False) as found:
        yield found


@pytest.fixture
def kim(world: World, clock: Any) -> User:
    """A member with a password."""
    user = factories.make_user("kim", password=PASSWORD)
    factories.make_member(world.org, user)
    return user


def code_now(secret: str, steps: int = 0) -> str:
    return totp.code_at(secret, int(timezone.now().timestamp()) // 30 + steps)


def turn_on(world: World, user: User) -> tuple[str, list[str]]:
    """Secret and recovery codes of a second factor that is in force."""
    actor = world.actor(user)
    secret = second_factor.begin(actor)
    return secret, second_factor.confirm(actor, code=code_now(secret, -1))


def post_password(browser: Browser, name: str = "kim", target: str = "/boards") -> Any:
    given = {"mode": "password", "username": name, "password": PASSWORD, "next": target}
    return browser.post("/sign-in", given)


def is_out(browser: Browser) -> bool:
    return browser.get("/dashboard").status_code == 302


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert totp.code_at(RFC_SECRET, at // 30) == code
    assert totp.matching_step(RFC_SECRET, code, now=at, after=0) == at // 30


@pytest.mark.parametrize(
    ("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_clocks_may_differ_by_one_step(steps: int, fits: bool) -> None:
    code = totp.code_at(RFC_SECRET, 1000 + steps)
    assert (totp.matching_step(RFC_SECRET, code, now=1000 * 30, after=0) is not None) is fits


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", "-12345"])
def test_what_is_no_code(code: str) -> None:
    assert totp.matching_step(RFC_SECRET, code, now=0, after=-9) is None


def test_turning_it_on_by_the_pages(world: World, kim: User) -> None:
    browser = Browser()
    post_password(browser)
    assert browser.post("/settings/security/code")["Location"] == "/settings/security/code"
    page = browser.get("/settings/security/code")
    secret = second_factor.pending_secret(kim.id)
    assert totp.grouped(secret) in page.content.decode()
    assert "<svg" in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    assert not second_factor.is_in_force(kim.id)

    wrong = browser.post("/settings/security/code/confirm", {"code": "000000"})
    assert wrong.status_code == 422
    done = browser.post("/settings/security/code/confirm", {"code": code_now(secret)})
    assert done["Location"] == "/settings/security#code"
    shown = browser.get("/settings/security").content.decode()
    again = browser.get("/settings/security").content.decode()
    hidden = "".join(RecoveryCode.objects.values_list("code_hash", flat=True))
    assert RecoveryCode.objects.count() == 10
    assert shown.count('<code class="mono">') == 10
    assert again.count('<code class="mono">') == 0
    assert secret not in hidden + SecondFactor.objects.get().sealed_secret
    assert AuditEntry.objects.filter(body__contains="auth.second_factor_enabled").exists()


def test_the_picture_holds_the_address() -> None:
    address = totp.address(RFC_SECRET, "kim@example.org")
    assert address.startswith("otpauth://totp/Mission%20Control%3Akim%40example.org?secret=GEZ")
    path, side = totp.picture(address)
    assert side > 30
    assert path.startswith("M4 4h1v1h-1z")


def test_a_browser_is_asked_for_the_code(world: World, kim: User) -> None:
    secret, _codes = turn_on(world, kim)
    browser = Browser()
    assert post_password(browser)["Location"] == "/sign-in/code"
    assert is_out(browser)
    assert browser.get("/api/v1/users/me").status_code == 401
    assert not ActivityEvent.objects.filter(type="auth.signed_in").exists()
    assert browser.get("/sign-in/code").status_code == 200
    assert browser.post("/sign-in/code", {"code": "000000"}).status_code == 401
    assert is_out(browser)

    assert browser.post("/sign-in/code", {"code": code_now(secret)})["Location"] == "/boards"
    assert not is_out(browser)
    assert BrowserSession.objects.get().way == "password+code"
    event = ActivityEvent.objects.get(type="auth.signed_in")
    assert event.data["way"] == "password+code"


def test_a_code_counts_once(world: World, kim: User, clock: Any) -> None:
    secret, _codes = turn_on(world, kim)
    code = code_now(secret)
    first, second = Browser(), Browser()
    post_password(first)
    post_password(second)
    assert first.post("/sign-in/code", {"code": code}).status_code == 302
    assert second.post("/sign-in/code", {"code": code}).status_code == 401
    clock.shift(timedelta(seconds=30))
    assert second.post("/sign-in/code", {"code": code}).status_code == 401
    assert second.post("/sign-in/code", {"code": code_now(secret)}).status_code == 302


def test_the_code_that_turned_it_on_is_used_up(world: World, kim: User) -> None:
    actor = world.actor(kim)
    secret = second_factor.begin(actor)
    code = code_now(secret)
    second_factor.confirm(actor, code=code)
    browser = Browser()
    post_password(browser)
    assert browser.post("/sign-in/code", {"code": code}).status_code == 401


def test_a_recovery_code_stands_in_once(world: World, kim: User) -> None:
    _secret, codes = turn_on(world, kim)
    browser = Browser()
    post_password(browser)
    typed = f"  {codes[3].upper().replace('-', ' ')} "
    assert browser.post("/sign-in/code", {"code": typed}).status_code == 302
    assert second_factor.state_of(kim).codes_left == 9
    assert ActivityEvent.objects.filter(type="auth.recovery_code_used").count() == 1
    other = Browser()
    post_password(other)
    assert other.post("/sign-in/code", {"code": codes[3]}).status_code == 401
    assert other.post("/sign-in/code", {"code": codes[4]}).status_code == 302


def test_recovery_codes_of_somebody_else_do_not_fit(world: World, kim: User) -> None:
    turn_on(world, kim)
    lee = factories.make_user("lee", password=PASSWORD)
    factories.make_member(world.org, lee)
    _secret, codes = turn_on(world, lee)
    browser = Browser()
    post_password(browser)
    assert browser.post("/sign-in/code", {"code": codes[0]}).status_code == 401


def test_ten_wrong_codes_close_the_account(world: World, kim: User) -> None:
    secret, _codes = turn_on(world, kim)
    for number in range(10):
        browser = Browser(REMOTE_ADDR=f"192.0.2.{number}")
        post_password(browser)
        assert browser.post("/sign-in/code", {"code": "000000"}).status_code == 401
    browser = Browser(REMOTE_ADDR="192.0.2.99")
    post_password(browser)
    blocked = browser.post("/sign-in/code", {"code": code_now(secret)})
    assert blocked.status_code == 401
    assert is_out(browser)
    assert "Too many requests" in blocked.content.decode()


def test_the_wait_for_a_code_ends(world: World, kim: User, clock: Any) -> None:
    secret, _codes = turn_on(world, kim)
    browser = Browser()
    post_password(browser)
    clock.shift(timedelta(minutes=11))
    answer = browser.post("/sign-in/code", {"code": code_now(secret)})
    assert answer["Location"] == "/sign-in"
    assert is_out(browser)


def test_a_password_changed_meanwhile_ends_the_wait(world: World, kim: User) -> None:
    secret, _codes = turn_on(world, kim)
    browser = Browser()
    post_password(browser)
    kim.set_password("another long password")
    kim.save()
    assert browser.post("/sign-in/code", {"code": code_now(secret)})["Location"] == "/sign-in"


def test_without_a_first_step_there_is_no_second(world: World, kim: User) -> None:
    secret, _codes = turn_on(world, kim)
    browser = Browser()
    assert browser.post("/sign-in/code", {"code": code_now(secret)})["Location"] == "/sign-in"


def test_the_target_stays_on_this_site(world: World, kim: User) -> None:
    secret, _codes = turn_on(world, kim)
    browser = Browser()
    post_password(browser, target="//evil.example")
    done = browser.post("/sign-in/code", {"code": code_now(secret)})
    assert done["Location"] == "/dashboard"


def test_the_operator_of_the_local_token_too(db: None, clock: Any) -> None:
    browser = Browser()
    given = {"mode": "local", "token": settings.LOCAL_AUTH_TOKEN}
    browser.post("/sign-in", given)
    browser.post("/settings/security/code")
    user = User.objects.get(clerk_user_id="local-auth-user")
    secret = second_factor.pending_secret(user.id)
    browser.post("/settings/security/code/confirm", {"code": code_now(secret)})
    other = Browser()
    assert other.post("/sign-in", given)["Location"] == "/sign-in/code"
    link = sign_in.issue_sign_in_link()
    assert Browser().get(f"/sign-in/link/{link}")["Location"] == "/sign-in/code"
    # Programs have no second factor; they hold the token itself.
    Client(bearer=settings.LOCAL_AUTH_TOKEN).get("/users/me").expect(200)


# --- the API ----------------------------------------------------------------------------------


def login(**given: str) -> Any:
    body = {"username": "kim", "password": PASSWORD, **given}
    return Browser().post("/api/v1/auth/login", body, content_type="application/json")


def test_the_api_asks_for_the_code(world: World, kim: User) -> None:
    secret, _codes = turn_on(world, kim)
    refused = login()
    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_required")
    assert login(code="000000").json()["code"] == "wrong_code"
    assert login(code=code_now(secret)).status_code == 200
    assert login(code=code_now(secret)).status_code == 401


def test_the_whole_way_through_the_api(world: World, kim: User, clock: Any) -> None:
    client = Client(bearer=factories.make_token(kim))
    state = {"is_on": False, "is_offered": True, "recovery_codes_left": 0}
    assert client.get("/users/me/second-factor").json == state
    client.post("/users/me/second-factor/confirm", {"code": "123456"}).expect(409)
    begun = client.post("/users/me/second-factor").expect(200).json
    secret = begun["secret"]
    assert secret in begun["address"]
    assert client.post("/users/me/second-factor/confirm", {"code": "000000"}).code == "wrong_code"
    given = {"code": code_now(secret)}
    codes = client.post("/users/me/second-factor/confirm", given).expect(200).json["recovery_codes"]
    assert len(set(codes)) == 10
    assert client.post("/users/me/second-factor").expect(409).code == "already_on"

    renewed = client.post("/users/me/second-factor/recovery-codes", {"code": codes[0]}).expect(200)
    assert not set(renewed.json["recovery_codes"]) & set(codes)
    client.request("DELETE", "/users/me/second-factor", {"code": codes[1]}).expect(422)
    clock.shift(timedelta(seconds=30))
    client.request("DELETE", "/users/me/second-factor", {"code": code_now(secret)}).expect(200)
    assert client.get("/users/me/second-factor").json == state
    assert RecoveryCode.objects.count() == 0
    assert login().status_code == 200


@pytest.mark.parametrize("scope", ["read", "write"])
def test_a_narrow_token_changes_nothing(world: World, kim: User, scope: str) -> None:
    client = Client(bearer=factories.make_token(kim, scope=scope))
    client.get("/users/me/second-factor").expect(200)
    client.post("/users/me/second-factor").expect(403)
    client.request("DELETE", "/users/me/second-factor", {"code": "123456"}).expect(403)
    client.request("DELETE", "/users/me/sessions").expect(403)


def test_people_of_another_service_have_their_own(world: World) -> None:
    user = factories.make_user("eli", clerk_user_id="user_9")
    factories.make_member(world.org, user)
    with pytest.raises(Conflict):
        second_factor.begin(world.actor(user))
    answer = Client(bearer=factories.make_token(user)).post("/users/me/second-factor").expect(409)
    assert answer.code == "external_sign_in"


# --- loss -------------------------------------------------------------------------------------


def test_a_super_admin_removes_a_lost_factor_and_that_is_recorded(world: World, kim: User) -> None:
    turn_on(world, kim)
    root = factories.make_user("root", is_super_admin=True)
    factories.make_member(world.org, root)
    with pytest.raises(Forbidden):
        second_factor.reset(world.actor(world.ann), kim.id)
    browser = Browser()
    browser.force_login(root)
    chosen = {"action": "reset_second_factor", "_selected_action": [str(kim.id)]}
    assert browser.post("/admin/orgs/user/", chosen).status_code == 302
    assert not second_factor.is_in_force(kim.id)
    entry = AuditEntry.objects.get(body__contains="auth.second_factor_reset")
    assert "root" in str(entry.body).lower()
    assert post_password(Browser())["Location"] == "/boards"


def test_a_command_removes_a_lost_factor(world: World, kim: User) -> None:
    from django.core.management import CommandError, call_command

    turn_on(world, kim)
    call_command("reset_second_factor", "kim")
    assert not second_factor.is_in_force(kim.id)
    for name in ("kim", "nobody"):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", name)


def test_secrets_are_not_in_the_record(world: World, kim: User) -> None:
    secret, codes = turn_on(world, kim)
    second_factor.reset(SystemActor("test"), kim.id)
    text = str(list(AuditEntry.objects.values())) + str(list(ActivityEvent.objects.values()))
    assert not any(word in text for word in (secret, *codes))


@pytest.mark.django_db(transaction=True)
def test_a_code_counts_once_for_parallel_sign_ins() -> None:
    world = build_world()
    kim = factories.make_user("kim", password=PASSWORD)
    factories.make_member(world.org, kim)
    actor = world.actor(kim)
    secret = second_factor.begin(actor)
    _codes = second_factor.confirm(actor, code=code_now(secret, -1))
    code, found = code_now(secret), []

    def use() -> None:
        found.append(second_factor.use_code(kim.id, code))
        connection.close()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [""] * 7 + ["code"]
    assert users.home_of(kim) is not None
