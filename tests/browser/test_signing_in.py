"""A passkey from a device in software: added, used, removed, under the strict content policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.story.product import Product
from tests.story.windows import Windows

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def page(windows: Windows) -> Page:
    """A browser with a passkey device."""
    found = windows.open(signed_in=False).page
    session = found.context.new_cdp_session(found)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return found


def test_a_passkey_signs_in(page: Page, windows: Windows, installed: Product) -> None:
    # Passkeys belong to a name, and the product prints a number.
    site = installed.address.replace("127.0.0.1", "localhost")
    page.goto(f"{site}/sign-in?next=/settings/security")
    page.get_by_label("Access token").fill(installed.token)
    page.get_by_role("button", name="Sign in with the token").click()
    page.get_by_label("Name", exact=True).fill("Laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("cell", name="Laptop", exact=True)).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{site}/sign-in?next=/settings/security")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Security", level=1)).to_be_visible()
    expect(page.get_by_role("cell", name="this one")).to_be_visible()

    page.get_by_role("button", name="Remove Laptop").click()
    expect(page.get_by_role("cell", name="Laptop", exact=True)).to_have_count(0)
    page.context.clear_cookies()
    page.goto(f"{site}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("This passkey is not known here.")
    complaints = [text for window in windows.opened for text in window.complaints]
    assert not [text for text in complaints if "401" not in text]
