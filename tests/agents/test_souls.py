"""The souls directory: bundled roles, a source with a cached list, and the soul of a role."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client as Browser

from agents import souls, workspace
from agents.models import Agent, SoulIndex, SoulText
from agents.souls import Entry
from missioncontrol.kernel import clock
from tests import factories
from tests.world import World

SITE_MAP = """<urlset><url><loc>{base}/souls/kim/night-watch</loc></url>
<url><loc>{base}/souls/kim/release-captain</loc></url><url><loc>{base}/about</loc></url>
<url><loc>https://evil.example/souls/x/y</loc></url>
<url><loc>{base}/souls/kim/..%2f</loc></url></urlset>"""


class Source:
    """A directory on loopback; ``status`` makes it fail."""

    def __init__(self) -> None:
        self.status, self.asked = 200, [""]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status = outer.status
                if self.path == "/sitemap.xml":
                    body = SITE_MAP.format(base=outer.url)
                elif self.path.startswith("/api/souls/kim/"):
                    body = "# Night watch\r\nQuiet.\x00"
                else:
                    status, body = 404, ""
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def source(settings: Any) -> Iterator[Source]:
    found = Source()
    settings.SOULS_DIRECTORY_URL, settings.OUTBOUND_ALLOW_PRIVATE = found.url, True
    thread = threading.Thread(target=found.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_bundled_roles_are_found_and_read_by_people_and_agents(world: World) -> None:
    for client in (world.as_bob, world.as_worker):
        found = client.get("/souls-directory/search?q=TEST").expect(200).items
        assert [row["slug"] for row in found] == ["tester"]
        text = client.get("/souls-directory/mission-control/tester").expect(200).json
        assert text["content"].startswith("# Tester")
        assert client.get("/souls-directory/mission-control/tester.md").json == text
    world.as_bob.get("/souls-directory/mission-control/nobody").expect(404)
    world.as_bob.get("/souls-directory/other/tester").expect(404)
    world.as_bob.get("/souls-directory/mission-control/a%20b").expect(422)
    world.as_bob.get("/souls-directory/search?limit=0").expect(422)
    assert len(world.as_bob.get("/souls-directory/search?limit=2").items) == 2


def test_a_source_is_listed_cached_and_served_stale(world: World, source: Source) -> None:
    found = world.as_ann.get("/souls-directory/search?q=kim/").expect(200).items
    assert [row["slug"] for row in found] == ["night-watch", "release-captain"]
    assert found[0]["page_url"] == f"{source.url}/souls/kim/night-watch"
    world.as_ann.get("/souls-directory/search?q=kim").expect(200)
    assert source.asked.count("/sitemap.xml") == 1
    source.status = 500
    old = clock.now() - timedelta(hours=2)
    SoulIndex.objects.update(fetched_at=old, tried_at=old)
    assert len(world.as_ann.get("/souls-directory/search?q=kim").expect(200).items) == 2
    assert source.asked.count("/sitemap.xml") == 2
    world.as_ann.get("/souls-directory/search?q=kim").expect(200)
    assert source.asked.count("/sitemap.xml") == 2


def test_a_text_of_the_source_is_cleaned_kept_and_served_stale(
    world: World, source: Source
) -> None:
    path = "/souls-directory/kim/night-watch"
    assert world.as_ann.get(path).expect(200).json["content"] == "# Night watch\nQuiet."
    source.status = 500
    SoulText.objects.update(fetched_at=clock.now() - timedelta(hours=2))
    world.as_ann.get(path).expect(200)
    world.as_ann.get("/souls-directory/kim/other-one").expect(502)


def test_a_source_that_never_answered_is_502_on_both_routes(world: World, source: Source) -> None:
    source.status = 500
    world.as_ann.get("/souls-directory/search?q=x").expect(502)
    world.as_ann.get("/souls-directory/kim/night-watch").expect(502)
    world.as_ann.get("/souls-directory/mission-control/tester").expect(200)


def entries(*slugs: str) -> list[Entry]:
    return [Entry("h", slug, "", "") for slug in slugs]


@pytest.mark.parametrize(
    ("role", "slug"),
    [
        ("Tester", "tester"),
        ("Release", "release-captain"),
        ("Captain", "release-captain"),
        ("Engineer of software things", "software-engineer"),
        ("Generalist", None),
        ("software", "software-engineer"),
        ("  ", None),
    ],
)
def test_a_role_finds_its_soul(role: str, slug: str | None) -> None:
    known = entries("tester", "release-captain-of-all", "release-captain", "software-engineer")
    found = souls.match(role, known)
    assert (found.slug if found else None) == slug


def test_a_worker_gets_the_text_of_its_role(world: World) -> None:
    agent = factories.make_agent(
        world.org, "Tess", board=world.board, gateway=world.gateway,
        identity_profile={"role": "Tester"},
    )  # fmt: skip
    text = workspace.render_files(agent)["SOUL.md"]
    assert "Tess" in text
    assert "Begin with the promise" in text
    agent.soul_template = "Mine."
    assert workspace.render_files(agent)["SOUL.md"] == "Mine.\n"
    agent.soul_template, agent.agent_type = None, Agent.Type.LEAD
    assert "Begin with the promise" not in workspace.render_files(agent)["SOUL.md"]


def test_a_setup_fetches_the_text_of_its_role_and_survives_a_dead_source(
    world: World, source: Source
) -> None:
    agent = factories.make_agent(
        world.org, "Nils", board=world.board, gateway=world.gateway,
        identity_profile={"role": "Night watch"},
    )  # fmt: skip
    source.status = 500
    souls.prepare(agent)
    assert "Quiet." not in workspace.render_files(agent)["SOUL.md"]
    source.status = 200
    SoulIndex.objects.all().delete()
    souls.prepare(agent)
    assert "Quiet." in workspace.render_files(agent)["SOUL.md"]


def test_souls_on_pages_and_in_the_agent_form(world: World) -> None:
    ann = Browser()
    ann.force_login(world.ann)
    assert "software-engineer" in ann.get("/souls?q=engineer").content.decode()
    page = ann.get("/souls/mission-control/tester").content.decode()
    assert "/agents/new?soul=mission-control/tester" in page
    form = ann.get("/agents/new?soul=mission-control/tester").content.decode()
    assert '<option value="mission-control/tester" selected>' in form
    body = {"name": "Tess", "board_id": "", "agent_type": "worker", "every": "10m"}
    ann.post("/agents/new", {**body, "soul": "mission-control/tester"})
    agent = Agent.objects.get(name="Tess")
    assert (agent.soul_template or "").startswith("# Tester")
    ann.post(f"/agents/{agent.pk}/edit", {**body, "soul": "own", "soul_template": "Calm."})
    assert Agent.objects.get(pk=agent.pk).soul_template == "Calm."
    ann.post(f"/agents/{agent.pk}/edit", {**body, "soul": ""})
    assert Agent.objects.get(pk=agent.pk).soul_template is None
