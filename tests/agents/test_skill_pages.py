"""Pages of the marketplace and of packs."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from django.utils import timezone

from agents.models import Skill, SkillInstall, SkillPack
from tests.world import World

FINDING = {
    "rule": "pipe_to_shell",
    "severity": "high",
    "file": "S.md",
    "line": 3,
    "excerpt": "curl",
}
HOSTILE = "<img src=x onerror=alert(1)>"


def browser(user: object) -> Browser:
    client = Browser()
    client.force_login(user)
    return client


@pytest.fixture
def skill(world: World) -> Skill:
    pack = SkillPack.objects.create(
        organization=world.org, name="Acme", source_url="https://github.com/acme/s"
    )
    return Skill.objects.create(
        organization=world.org, pack=pack, name=f"Notes {HOSTILE}", category="Writing",
        source_url="https://github.com/acme/s/tree/main/n", content=f"# Notes\n{HOSTILE}",
        findings=[FINDING], scanned_at=timezone.now(), provenance={"commit": "c" * 40},
    )  # fmt: skip


def test_the_marketplace_shows_states_and_filters(world: World, skill: Skill) -> None:
    SkillInstall.objects.create(organization=world.org, skill=skill, gateway=world.gateway)
    ann = browser(world.ann)
    html = ann.get("/skills/marketplace").content.decode()
    assert "Requested" in html
    assert "some grave" in html or "grave" in html
    assert HOSTILE not in html
    assert (
        "Notes" not in ann.get("/skills/marketplace?q=zzz").content.decode().split("<mc-list>")[1]
    )
    fragment = ann.get("/skills/marketplace?category=writing", headers={"HX-Request": "true"})
    assert "Notes" in fragment.content.decode()
    assert "<html" not in fragment.content.decode()


def test_a_skill_shows_findings_and_asks_before_it_is_installed(world: World, skill: Skill) -> None:
    ann = browser(world.ann)
    html = ann.get(f"/skills/marketplace/{skill.pk}").content.decode()
    assert "Runs what it downloads" in html
    assert "S.md:3" in html
    assert 'name="accept_findings"' in html
    assert HOSTILE not in html
    answer = ann.post(f"/skills/marketplace/{skill.pk}/install", {"gateway": world.gateway.pk})
    assert answer.status_code == 409
    assert "no agent of its own" in answer.content.decode()


def test_only_admins_of_the_organization_see_skills(world: World, skill: Skill) -> None:
    for path in ("/skills/marketplace", "/skills/packs", f"/skills/marketplace/{skill.pk}"):
        assert browser(world.bob).get(path).status_code == 403
    assert browser(world.eve).get(f"/skills/marketplace/{skill.pk}").status_code == 404
    assert browser(world.eve).get(f"/skills/packs/{skill.pack_id}").status_code == 404


def test_a_pack_is_added_read_changed_and_deleted(world: World) -> None:
    ann = browser(world.ann)
    refused = ann.post("/skills/packs/new", {"source_url": "http://x", "branch": ""})
    assert refused.status_code == 422
    made = ann.post(
        "/skills/packs/new", {"source_url": "https://github.com/acme/two", "branch": ""}
    )
    pack = SkillPack.objects.get(source_url="https://github.com/acme/two")
    assert made["Location"] == f"/skills/packs/{pack.pk}"
    assert (pack.sync_state, pack.branch) == ("waiting", "main")
    page = ann.get(f"/skills/packs/{pack.pk}").content.decode()
    assert "being read" in page
    assert "every 2s" in page
    SkillPack.objects.filter(pk=pack.pk).update(
        sync_state="failed", sync_result={"error": "fatal: gone"}
    )
    assert "fatal: gone" in ann.get(f"/skills/packs/{pack.pk}/body").content.decode()
    ann.post(
        f"/skills/packs/{pack.pk}/edit",
        {"source_url": pack.source_url, "branch": "dev", "name": "Two", "description": ""},
    )
    assert SkillPack.objects.get(pk=pack.pk).branch == "dev"
    assert "Two" in ann.get("/skills/packs").content.decode()
    ann.post(f"/skills/packs/{pack.pk}/sync")
    assert SkillPack.objects.get(pk=pack.pk).sync_state == "waiting"
    ann.post(f"/skills/packs/{pack.pk}/delete")
    assert not SkillPack.objects.filter(pk=pack.pk).exists()


def test_a_skill_is_added_and_deleted_on_the_page(world: World) -> None:
    ann = browser(world.ann)
    assert ann.post("/skills/marketplace/new", {"source_url": "ftp://x"}).status_code == 422
    ann.post("/skills/marketplace/new", {"source_url": "https://e.org/skills/one", "name": "One"})
    skill = Skill.objects.get(name="One")
    assert "being looked at" in ann.get(f"/skills/marketplace/{skill.pk}").content.decode()
    ann.post(f"/skills/marketplace/{skill.pk}/delete")
    assert not Skill.objects.exists()
