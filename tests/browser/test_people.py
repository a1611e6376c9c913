"""People: invited and joined, given boards and losing them, organizations made and left."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.story import accounts
from tests.story.api import Api
from tests.story.filling import make_board
from tests.story.windows import Windows


def invite(page: Page, address: str, role: str = "Member") -> str:
    """Invite somebody on the page; returns the link to pass on."""
    page.goto("/organization")
    page.get_by_role("link", name="Invite somebody").click()
    dialog = page.get_by_role("dialog", name="Invite somebody")
    dialog.get_by_label("E-mail address").fill(address)
    dialog.get_by_label("Role").select_option(label=role)
    dialog.get_by_role("button", name="Invite").click()
    shown = page.locator("#invites [data-mc-copy]")
    expect(shown).to_be_visible()
    link = shown.get_attribute("data-mc-copy")
    assert link is not None
    return link


def newcomer(windows: Windows, name: str) -> Page:
    """A second browser with somebody else in it."""
    page = windows.open(signed_in=False).page
    accounts.sign_in(page, name)
    return page


def test_invited_person_joins_and_access_follows_at_once(
    windows: Windows, api: Api, people: dict[str, str]
) -> None:
    """The link leads in; a board appears and disappears as the admin decides."""
    board = make_board(api, "Night shift of the harbour")
    admin, other = windows.open(), newcomer(windows, "mira")
    link = invite(admin.page, people["mira"])
    other.goto(link)
    other.get_by_role("button", name="Accept the invitation").click()
    expect(other.locator("body.mc-app")).to_be_visible()
    other.goto("/boards")
    expect(other.get_by_role("link", name="Night shift of the harbour")).to_have_count(0)

    admin.page.goto("/organization/access")
    admin.page.get_by_role("link", name="Mira Okafor").click()
    admin.page.get_by_label("Night shift of the harbour").select_option(label="Read")
    admin.page.get_by_role("button", name="Change access").click()
    expect(admin.page.locator("[data-mc-toast]")).to_be_visible()
    other.reload()
    other.get_by_role("link", name="Night shift of the harbour").click()
    expect(other.locator("h1")).to_contain_text("Night shift of the harbour")
    expect(other.get_by_role("link", name="New task")).to_have_count(0)

    admin.page.goto("/organization/access")
    row = admin.page.locator("tr", has_text="Mira Okafor")
    expect(row.locator(".mc-badge", has_text="Read")).to_be_visible()
    row.get_by_role("link").click()
    admin.page.get_by_label("Night shift of the harbour").select_option(label="No access")
    admin.page.get_by_role("button", name="Change access").click()
    expect(admin.page.locator("[data-mc-toast]")).to_be_visible()
    answer = other.goto(f"/boards/{board['id']}")
    assert answer is not None
    assert answer.status == 404
    assert admin.complaints == []


def test_invitation_for_another_address_says_so(windows: Windows, people: dict[str, str]) -> None:
    """Who is signed in with another address is told, and can sign in as somebody else."""
    admin = windows.open().page
    link = invite(admin, "somebody.else@people.example")
    other = newcomer(windows, "tomas")
    other.goto(link)
    expect(other.get_by_text("This invitation is for another e-mail address.")).to_be_visible()
    other.get_by_role("button", name="Sign in as somebody else").click()
    expect(other.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    expect(other).to_have_url(re.compile("next=/invite"))
    admin.locator("tr", has_text="somebody.else").get_by_role("button", name="Revoke").click()
    expect(admin.locator("tr", has_text="somebody.else")).to_have_count(0)
    other.goto(link)
    expect(other.get_by_role("heading", level=1)).to_have_text("This invitation leads nowhere")


def test_organization_is_made_switched_and_deleted(
    windows: Windows, people: dict[str, str]
) -> None:
    """A fresh organization says what to do first; it goes only by its typed name."""
    page = newcomer(windows, "tomas")
    page.locator(".mc-org").click()
    page.get_by_role("link", name="New organization").click()
    page.get_by_label("Name", exact=True).fill("Harbour watch")
    page.get_by_role("button", name="Create organization").click()
    expect(page.locator(".mc-org")).to_contain_text("Harbour watch")
    for address, title in (
        ("/agents", "No agents yet"),
        ("/gateways", "No gateways yet"),
        ("/skills/marketplace", "No skills yet"),
        ("/organization/webhooks", "No outbound webhooks yet"),
        ("/notifications", "No notifications yet"),
    ):
        page.goto(address)
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        if address != "/notifications":
            expect(page.locator(".mc-state a.mc-btn")).to_be_visible()
    page.goto("/organization/edit")
    page.get_by_role("link", name="Delete organization").click()
    dialog = page.get_by_role("dialog")
    button = dialog.get_by_role("button", name="Delete organization")
    expect(button).to_be_disabled()
    dialog.get_by_label("Type Harbour watch to confirm").fill("Harbour watch")
    button.click()
    expect(page.locator(".mc-org")).not_to_contain_text("Harbour watch")


def test_role_is_changed_and_the_person_removed(
    windows: Windows, api: Api, people: dict[str, str]
) -> None:
    """A member becomes an admin, sees the admin's pages, and is removed."""
    admin, other = windows.open().page, newcomer(windows, "lea")
    other.goto(invite(admin, people["lea"]))
    other.get_by_role("button", name="Accept the invitation").click()
    expect(other.locator("body.mc-app")).to_be_visible()
    refused = other.goto("/gateways")
    assert refused is not None
    assert refused.status == 403
    admin.goto("/organization")
    admin.get_by_role("link", name="Lea Okafor").click()
    admin.get_by_label("Role").select_option(label="Admin")
    admin.get_by_role("button", name="Change role").click()
    expect(admin.locator(".mc-head .mc-badge").first).to_have_text("Admin")
    answer = other.goto("/gateways")
    assert answer is not None
    assert answer.status == 200
    admin.get_by_role("button", name="Remove from the organization").click()
    admin.get_by_role("dialog").get_by_role("button", name="Remove member").click()
    expect(admin).to_have_url(re.compile("/organization$"))
    expect(admin.get_by_role("link", name="Lea Okafor")).to_have_count(0)
    gone = other.goto("/gateways")
    assert gone is not None
    assert gone.status in {200, 403}
    home = str(api.get("/organizations/me")["name"])
    expect(other.locator(".mc-org .mc-cut")).not_to_have_text(home)
