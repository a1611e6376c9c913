"""A skill that was added by its address is looked at by a job, and says how far that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from activity.models import ActivityEvent
from agents import jobs, skill_look, skill_rules, sweeps
from agents.models import Skill
from agents.services import skill_looks
from missioncontrol.kernel import leases
from missioncontrol.kernel.errors import RemoteFailed
from tests.pages.conftest import browser
from tests.world import World

from .test_skills import BAD, GOOD, HOSTS, URL, Local, make_pack, repository

__all__ = ["repository"]
ADDRESS = "https://skills.example/helper/SKILL.md"
Get = Callable[[str], bytes]


def added(world: World, url: str = ADDRESS) -> Skill:
    made = world.as_ann.post("/skills/marketplace", {"source_url": url}).expect(200).json
    assert made["scan_state"] == "waiting"
    return Skill.objects.get(pk=made["id"])


def answering(text: str) -> Get:
    return lambda _url: text.encode()


def away(_url: str) -> bytes:
    raise RemoteFailed("The remote answered 404.", code="fetch_failed")


def shown(world: World, skill: Skill) -> dict[str, Any]:
    found: dict[str, Any] = world.as_ann.get(f"/skills/marketplace/{skill.pk}").expect(200).json
    return found


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"{URL}/tree/main/tools/helper", (URL, "main", "tools/helper")),
        (f"{URL}/blob/trunk/tools/helper/SKILL.md", (URL, "trunk", "tools/helper")),
        (f"{URL}/blob/trunk/SKILL.md", (URL, "trunk", "")),
        (URL, (URL, "main", "")),
        (f"{URL}/tree/--upload-pack=x/a", (URL, "main", "a")),
        (f"{URL}/tree/main/%2e%2e/etc", None),
        (f"{URL}/issues/4", None),
        (f"{URL}/tree", None),
        ("https://example.org/acme/skills/tree/main/a", None),
    ],
)
def test_places(url: str, place: tuple[str, str, str] | None) -> None:
    found = skill_rules.place_of(url, HOSTS)
    assert (found and (found.repository, found.branch, found.folder)) == place


def test_a_file_is_fetched_and_looked_at(world: World) -> None:
    skill = added(world)
    assert skill_look.run(skill.pk, get=answering(BAD))
    found = shown(world, skill)
    assert (found["scan_state"], found["scan_error"]) == ("done", None)
    assert found["scanned_at"]
    assert {"pipe_to_shell", "overrules_instructions"} <= {f["rule"] for f in found["findings"]}
    assert found["content"] == BAD
    assert len(found["provenance"]["sha256"]) == 64
    assert ActivityEvent.objects.get(type="skill.scanned").data["grave"] is True
    assert not skill_look.run(skill.pk, get=away), "once"
    path = f"/skills/marketplace/{skill.pk}/install?gateway_id={world.gateway.pk}"
    refused = world.as_ann.post(path)
    assert refused.status in (404, 409)


def test_a_folder_of_a_repository_is_read_like_a_pack(world: World, repository: Path) -> None:
    skill = added(world, f"{URL}/tree/trunk/tools/helper")
    assert skill_look.run(skill.pk, transport=Local(repository), get=away)
    found = shown(world, skill)
    assert {f["file"] for f in found["findings"]} == {
        "tools/helper/SKILL.md", "tools/helper/run.sh",
    }  # fmt: skip
    assert found["provenance"]["path"] == "tools/helper"
    assert (found["provenance"]["files"], len(found["provenance"]["commit"])) == (2, 40)


@pytest.mark.parametrize("folder", ["no/such", "writing/notes/SKILL"])
def test_a_folder_that_is_not_there_fails(world: World, repository: Path, folder: str) -> None:
    skill = added(world, f"{URL}/tree/trunk/{folder}")
    skill_look.run(skill.pk, transport=Local(repository))
    assert (shown(world, skill)["scan_state"], shown(world, skill)["scan_error"]) == (
        "failed", "skill_missing",
    )  # fmt: skip


def test_a_failure_is_shown_and_can_be_repeated(world: World) -> None:
    skill, ann = added(world), browser(world.ann)
    page = f"/skills/marketplace/{skill.pk}"
    assert "being looked at" in ann.get(page).content.decode()
    skill_look.run(skill.pk, get=away)
    html = ann.get(page).content.decode()
    assert "could not be read" in html
    assert "The remote answered 404." in html
    assert "were not looked at" in html, "no result yet"
    assert ActivityEvent.objects.filter(type="skill.scan_failed").count() == 1
    answer = world.as_ann.post(f"/skills/marketplace/{skill.pk}/scan").expect(202)
    assert (answer.json["scan_state"], answer.json["scan_error"]) == ("waiting", None)
    skill_look.run(skill.pk, get=answering(GOOD))
    assert "Nothing was found" in ann.get(page).content.decode()
    assert ann.post(f"{page}/scan").status_code == 302
    assert shown(world, skill)["scan_state"] == "waiting"
    world.as_bob.post(f"/skills/marketplace/{skill.pk}/scan").expect(403)
    world.as_eve.post(f"/skills/marketplace/{skill.pk}/scan").expect(404)


def test_the_list_and_the_question_say_it(world: World) -> None:
    skill, ann = added(world), browser(world.ann)
    assert "being looked at" in ann.get("/skills/marketplace").content.decode()
    detail = ann.get(f"/skills/marketplace/{skill.pk}").content.decode()
    assert "The look at its files is not finished." in detail
    fragment = f"/skills/marketplace/{skill.pk}/look"
    assert "every 2s" in ann.get(fragment, HTTP_HX_REQUEST="true").content.decode()
    skill_look.run(skill.pk, get=answering(BAD))
    done = ann.get(fragment, HTTP_HX_REQUEST="true")
    assert done["HX-Refresh"] == "true"
    assert "I have read these places" in ann.get(f"/skills/marketplace/{skill.pk}").content.decode()


def test_a_killed_worker_leaves_it_to_the_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill = added(world)
    woken: list[Any] = []
    monkeypatch.setattr(sweeps.jobs, "enqueue_now", lambda job, pk: woken.append((job, pk)))
    sweeps.sweep()
    assert (jobs.scan_skill, str(skill.pk)) in woken
    for _try in range(skill_looks.MOST_ATTEMPTS + 1):
        Skill.objects.filter(pk=skill.pk).update(scan_state="running", lease_until=None)
        owner = leases.owner_name()
        assert leases.claim(Skill.objects.all(), skill.pk, owner)
        leases.release(Skill, skill.pk, owner)
    skill_look.run(skill.pk, get=answering(GOOD))
    assert shown(world, skill)["scan_error"] == "worker_ended"


def test_adding_it_again_looks_again_but_not_at_one_of_a_pack(world: World) -> None:
    skill = added(world)
    skill_look.run(skill.pk, get=answering(GOOD))
    assert added(world).pk == skill.pk
    skill_look.run(skill.pk, get=answering(GOOD))
    Skill.objects.filter(pk=skill.pk).update(pack=make_pack(world))
    again = world.as_ann.post("/skills/marketplace", {"source_url": ADDRESS}).expect(200).json
    assert again["scan_state"] == "done"


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "[::1]"])
def test_the_fetch_goes_to_no_private_address(world: World, address: str) -> None:
    skill = added(world, f"https://{address}/SKILL.md")
    skill_look.run(skill.pk)
    assert shown(world, skill)["scan_error"] == "outbound_blocked"
