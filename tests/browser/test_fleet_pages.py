"""Every page of the fleet, of people and of settings, as it must always be."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.pages import faults_at, faults_of
from tests.story.api import Api
from tests.story.filling import make_board
from tests.story.places import Place
from tests.story.waiting import until
from tests.story.windows import Windows

LONG = "Zertifikatsbestandsaufnahmeundverlängerungsbeauftragte"
CLOSED = "ws://127.0.0.1:9"
CLOSED_SITE = "http://127.0.0.1:9/hook"


@dataclass
class Fleet:
    """Ids of what the pages show."""

    gateway: str
    down: str
    agent: str
    failing: str
    session: str
    skill: str
    pack: str
    budget: str
    webhook: str
    member: str
    channel: str
    invite_link: str

    def addresses(self) -> list[str]:
        """Every page of this half for somebody who is signed in."""
        agent, gateway = f"/agents/{self.agent}", f"/gateways/{self.gateway}"
        skills, hooks = "/skills/marketplace", "/organization/webhooks"
        return [
            "/settings", "/settings/security", "/settings/notifications",
            f"/settings/notifications/channels/{self.channel}", "/settings/delete-account",
            "/onboarding", "/notifications", "/notifications?show=unread",
            "/agents", "/agents?sort=-board", "/agents?q=nothing-like-it", "/agents/new", agent,
            f"{agent}/edit", f"{agent}/delete", f"{agent}/files", f"{agent}/files/USER.md",
            f"{agent}/sessions", f"{agent}/session?key={self.session}", f"{agent}/usage",
            f"/agents/{self.failing}", f"/agents/{self.failing}/files",
            "/gateways", "/gateways?sort=-state", "/gateways/new", "/gateways/versions", gateway,
            f"{gateway}/edit", f"{gateway}/delete", f"{gateway}/sessions",
            f"{gateway}/session?key={self.session}", f"{gateway}/inventory", f"{gateway}/device",
            f"{gateway}/log", f"{gateway}/sync", f"{gateway}/discover", f"/gateways/{self.down}",
            f"/gateways/{self.down}/sessions", f"/gateways/{self.down}/device",
            "/organization", "/organization?sort=-joined", "/organization/access",
            f"/organization/members/{self.member}", "/organization/invites/new",
            "/organization/edit", "/organization/new", "/organization/delete",
            hooks, f"{hooks}/new", f"{hooks}/{self.webhook}", f"{hooks}/{self.webhook}/edit",
            skills, f"{skills}?q=nothing-like-it", f"{skills}/new", f"{skills}/{self.skill}",
            "/skills/packs", "/skills/packs/new", f"/skills/packs/{self.pack}",
            f"/skills/packs/{self.pack}/edit", "/souls", "/souls?q=nothing-like-it",
            "/souls/mission-control/code-reviewer", "/usage", "/usage?by=model&days=7",
            "/usage/budgets/new", f"/usage/budgets/{self.budget}/edit", "/jobs",
        ]  # fmt: skip


@pytest.fixture(scope="module")
def fleet(api: Api, place: Place) -> Fleet:
    """Long names, Chinese, a gateway that is down, an agent that cannot be set up."""
    gateway = api.post("/gateways", {"name": "Pier", "url": place.url, "token": place.token})
    away = {"name": f"{LONG} 备用机架", "url": CLOSED, "verify": False}
    down = api.post("/gateways", away)
    board = make_board(api, f"{LONG} 运维", gateway_id=gateway["id"])
    dark = make_board(api, "Dark hall", gateway_id=down["id"])
    agent = api.post("/agents", {"name": "Petra", "board_id": board["id"]})["id"]
    failing = api.post(
        "/agents",
        {"name": LONG, "board_id": dark["id"], "capabilities": ["x" * 60, "公钥基础设施"]},
    )["id"]
    until(lambda: api.get(f"/agents/{agent}")["status"] == "online", "online", seconds=60)
    until(lambda: api.get(f"/agents/{failing}")["last_provision_error"], "failed", seconds=60)
    skill = api.post(
        "/skills/marketplace", {"source_url": "https://example.org/skills/certificates"}
    )
    pack = api.post(
        "/skills/packs", {"source_url": "https://github.com/harbour-of-nowhere/tools", "name": LONG}
    )
    budget = api.post("/budgets", {"scope": "organization", "limit": "25", "currency": "USD"})
    hook = {"name": LONG, "url": f"http://127.0.0.1:9/{'a' * 90}", "event_types": ["task.*"]}
    channel = {"type": "webhook", "name": LONG, "kinds": ["mention"], "address": CLOSED_SITE}
    invited = {"invited_email": "a-very-long-address-of-somebody@a-very-long-name.example"}
    return Fleet(
        gateway=gateway["id"],
        down=down["id"],
        agent=agent,
        failing=failing,
        session=api.get(f"/agents/{agent}")["openclaw_session_id"],
        skill=skill["id"],
        pack=pack["id"],
        budget=budget["id"],
        webhook=api.post("/webhook-endpoints", hook)["id"],
        member=api.items("/organizations/me/members")[0]["id"],
        channel=api.post("/notifications/channels", channel)["id"],
        invite_link=api.post("/organizations/me/invites", invited)["token"],
    )


def test_every_page_of_the_fleet(windows: Windows, cookies: StorageState, fleet: Fleet) -> None:
    """Answered, quiet, one heading, named fields, inside the window, readable in both themes."""
    window = windows.open(signed_in=False, storage_state=cookies)
    faults = faults_at(window.page, fleet.addresses())
    assert not faults, "\n".join(faults)
    assert window.complaints == []


def test_every_page_of_a_stranger(windows: Windows, fleet: Fleet) -> None:
    """The same for sign-in and invitation, before anybody is signed in."""
    window = windows.open(signed_in=False)
    page, faults = window.page, []
    for address in ("/sign-in", "/sign-in?language=zh-hans", f"/invite?token={fleet.invite_link}",
                    "/invite?token=nothing"):  # fmt: skip
        page.goto(address)
        faults += [f"{address}: {fault}" for fault in faults_of(page)]
    assert not faults, "\n".join(faults)
    assert window.complaints == []


def test_refused_forms_lead_to_their_fields(
    windows: Windows, cookies: StorageState, fleet: Fleet
) -> None:
    """An empty form is refused on its page, says which value, and stays inside the window."""
    page = windows.open(signed_in=False, storage_state=cookies).page
    faults = []
    for address in ("/agents/new", "/gateways/new", "/organization/invites/new",
                    "/organization/webhooks/new", "/skills/marketplace/new", "/skills/packs/new",
                    "/usage/budgets/new", "/organization/new"):  # fmt: skip
        page.goto(address)
        page.locator(".mc-save .mc-btn-main").click()
        alert = page.locator("main [role=alert]").first
        expect(alert).to_be_focused()
        expect(page.locator("[aria-invalid=true]").first).to_be_visible()
        expect(alert.locator("a[href^='#']").first).to_be_visible()
        faults += [f"{address}: {fault}" for fault in faults_of(page)]
    assert not faults, "\n".join(faults)


def test_the_fleet_is_run_without_script(
    windows: Windows, cookies: StorageState, fleet: Fleet, place: Place
) -> None:
    """Try a connection, pause an agent, compare a file, delete by typed name: no script runs."""
    window = windows.open(signed_in=False, storage_state=cookies, java_script_enabled=False)
    page = window.page
    page.goto("/gateways/new")
    page.get_by_label("Name", exact=True).fill("Buoy")
    page.get_by_label("Address").fill(place.url)
    page.locator("#id_token").fill(place.token)
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#tried .mc-doctor")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Buoy")
    page.goto(f"/agents/{fleet.agent}")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".mc-head .mc-pill")).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    page.goto(f"/agents/{fleet.agent}/files/USER.md")
    page.locator("textarea").fill("Nothing is known yet.")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator(".mc-diff .add")).to_contain_text(["Nothing is known yet."])
    page.goto("/settings")
    page.locator("#tokens").get_by_label("Name").fill("Made without script")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#tokens")).to_contain_text("mct_")
    page.goto(f"/gateways/{fleet.down}/delete")
    page.get_by_label("Type").fill("another name")
    page.get_by_role("button", name="Remove gateway").click()
    expect(page.locator("#confirm-error")).to_be_visible()
