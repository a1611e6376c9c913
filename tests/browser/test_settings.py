"""Own settings: profile, tokens, channels, second factor, browsers, the end of an account."""

from __future__ import annotations

import re
import time

import httpx
import pytest
from playwright.sync_api import Page, expect

from orgs.signin import totp
from tests.orgs.receiver import receiving
from tests.story import accounts
from tests.story.product import Product
from tests.story.windows import Windows


@pytest.fixture
def mira(windows: Windows, people: dict[str, str]) -> Page:
    """Somebody with a password, signed in."""
    page = windows.open(signed_in=False).page
    accounts.sign_in(page, "mira")
    return page


def part(page: Page, name: str) -> Page:
    """Scope of a settings part; named for what it is about."""
    return page.locator(f"#{name}")  # type: ignore[return-value]


def test_profile_time_zone_and_appearance(mira: Page) -> None:
    """What is saved is shown again; the language speaks at once."""
    mira.goto("/settings")
    profile = part(mira, "profile")
    profile.get_by_label(re.compile("^How agents call you")).fill("Mi")
    profile.get_by_label(re.compile("^Time zone")).select_option("Asia/Singapore")
    profile.get_by_role("button", name="Save profile").click()
    expect(mira.locator("[data-mc-toast]")).to_be_visible()
    expect(profile.get_by_label(re.compile("^Time zone"))).to_have_value("Asia/Singapore")
    look = part(mira, "appearance")
    look.get_by_label("Theme").select_option("dark")
    look.get_by_label("Language").select_option("zh-hans")
    look.get_by_role("switch").check()
    look.get_by_role("button", name="Save appearance").click()
    root = mira.locator("html")
    expect(root).to_have_attribute("lang", re.compile("zh", re.I))
    expect(root).to_have_attribute("data-mc-theme", "dark")
    expect(root).to_have_attribute("data-mc-contrast", "high")
    part(mira, "appearance").locator("select[name=language]").select_option("en")
    part(mira, "appearance").locator("button[type=submit]").click()
    expect(root).to_have_attribute("lang", "en")


def test_token_is_created_used_and_revoked(mira: Page, installed: Product) -> None:
    """Shown once, works over the API, and no longer when revoked."""
    mira.goto("/settings")
    tokens = part(mira, "tokens")
    tokens.get_by_role("button", name="Create token").click()
    expect(mira.get_by_role("alert")).to_be_visible()
    expect(tokens.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    tokens.get_by_label("Name").fill("Nightly report")
    tokens.get_by_role("button", name="Create token").click()
    text = tokens.locator("[data-mc-copy]").get_attribute("data-mc-copy")
    headers = {"Authorization": f"Bearer {text}"}
    address = f"{installed.address}/api/v1/users/me"
    assert httpx.get(address, headers=headers, trust_env=False).status_code == 200
    mira.reload()
    expect(tokens.locator("[data-mc-copy]")).to_have_count(0)
    row = tokens.locator("tr", has_text="Nightly report")
    row.get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    assert httpx.get(address, headers=headers, trust_env=False).status_code == 401


def test_channel_is_added_tried_and_silenced(mira: Page) -> None:
    """A test message arrives, and its way stands on the page."""
    with receiving() as receiver:
        mira.goto("/settings/notifications")
        channels = part(mira, "channels")
        channels.get_by_label("Type").select_option("webhook")
        channels.get_by_label("Name").fill("Pager")
        channels.get_by_label(re.compile("^Address")).fill(receiver.url)
        channels.get_by_label("Somebody mentions me").check()
        channels.get_by_role("button", name="Add channel").click()
        expect(channels.get_by_text("Key of the signature.")).to_be_visible()
        channels.get_by_role("button", name="Test").click()
        deadline = time.monotonic() + 30
        while not receiver.requests and time.monotonic() < deadline:
            mira.wait_for_timeout(200)
        assert receiver.requests
        mira.reload()
        expect(channels.get_by_role("cell", name="Sent")).to_be_visible()
    channels.get_by_role("link", name="Edit").click()
    mira.get_by_role("switch", name="On").uncheck()
    mira.get_by_role("button", name="Save channel").click()
    expect(channels.get_by_text("off", exact=True)).to_be_visible()


def test_second_factor_guards_the_next_sign_in(mira: Page, windows: Windows) -> None:
    """Turned on by a code, asked for at the next sign-in, turned off by a recovery code."""
    mira.goto("/settings/security")
    part(mira, "code").get_by_role("button", name="Turn on").click()
    key = mira.locator("[data-mc-copy]").get_attribute("data-mc-copy")
    assert key is not None
    secret = key.replace(" ", "")
    step = int(time.time()) // totp.STEP_SECONDS
    mira.get_by_role("textbox", name="Code").fill("000000")
    mira.get_by_role("button", name="Turn on").click()
    expect(mira.get_by_role("alert")).to_be_visible()
    mira.get_by_role("textbox", name="Code").fill(totp.code_at(secret, step))
    mira.get_by_role("button", name="Turn on").click()
    codes = part(mira, "code").locator("code")
    expect(codes).to_have_count(10)
    spare = codes.first.inner_text()

    other = windows.open(signed_in=False).page
    accounts.sign_in(other, "mira")
    expect(other.get_by_role("heading", level=1)).to_have_text("Enter your code")
    other.get_by_label("Code").fill(totp.code_at(secret, step + 1))
    other.get_by_role("button", name="Sign in").click()
    expect(other.locator("body.mc-app")).to_be_visible()

    mira.goto("/settings/security")
    sessions = part(mira, "sessions")
    expect(sessions.locator("tbody tr")).not_to_have_count(1)
    sessions.get_by_role("button", name="Sign out everywhere else").click()
    expect(sessions.get_by_text("You are signed in nowhere else.")).to_be_visible()
    other.goto("/boards")
    expect(other).to_have_url(re.compile("/sign-in"))
    part(mira, "code").get_by_text("Turn the second factor off").click()
    part(mira, "code").get_by_label("Code").last.fill(spare)
    part(mira, "code").get_by_role("button", name="Turn off").click()
    expect(part(mira, "code").get_by_role("button", name="Turn on")).to_be_visible()


def test_account_goes_by_its_typed_name(windows: Windows, people: dict[str, str]) -> None:
    """Somebody who leaves is signed out, and his password opens nothing any more."""
    page = windows.open(signed_in=False).page
    accounts.sign_in(page, "nuno")
    page.goto("/settings")
    page.get_by_role("link", name="Delete account").click()
    button = page.get_by_role("button", name="Delete account")
    expect(button).to_be_disabled()
    page.get_by_label("Type nuno to confirm").fill("nuno")
    button.click()
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    page.get_by_label("User name").fill("nuno")
    page.get_by_label("Password").fill(accounts.PASSWORD)
    page.get_by_role("button", name="Sign in with a password").click()
    expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong.")


def test_newcomer_without_a_name_is_asked_for_it(windows: Windows, people: dict[str, str]) -> None:
    """Name and time zone first; the browser's own zone is proposed."""
    page = windows.open(signed_in=False, timezone_id="Europe/Lisbon").page
    accounts.sign_in(page, "nameless")
    expect(page.get_by_role("heading", name="Welcome", level=1)).to_be_visible()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Lisbon")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Ines")
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile("/dashboard"))
