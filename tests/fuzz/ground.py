"""The rows that generated calls work on: two tenants, and several of everything in the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents.models import Agent
from gateways.models import Gateway
from gateways.simulator.thread import SimulatedGatewayThread
from missioncontrol.kernel import clock
from missioncontrol.kernel.secrets import new_token, seal
from tests import factories
from tests.clients import Client
from tests.world import World, build_world

COPIES = 6
GATEWAY_TOKEN = "gateway-token-of-generated-calls-0123456789"
NO_GATEWAY = "ws://127.0.0.1:9"


@dataclass(frozen=True)
class Ground:
    """Credentials, and where the calls land first."""

    organization_id: str
    owner_token: str
    reader_token: str
    outsider_token: str
    lead_token: str
    worker_token: str
    main_token: str
    board_id: str
    second_board_id: str
    gateway_id: str


def lay() -> Ground:
    """Write the rows into the database that Django is connected to."""
    world = build_world()
    main_token = new_token("mca_")
    factories.make_agent(
        world.org, "Main", agent_type="main", gateway=world.gateway, token=main_token,
        status="online",
    )  # fmt: skip
    for number in range(COPIES):
        _copies(world, number)
    group = factories.make_group(world.org, "Company")
    world.board.board_group = group
    world.board.save(update_fields=["board_group"])
    _through_the_api(world, str(group.pk))
    return Ground(
        str(world.org.pk), world.ann_token, world.bob_token, world.eve_token,
        world.lead_token, world.worker_token, main_token,
        str(world.board.pk), str(world.second_board.pk), str(world.gateway.pk),
    )  # fmt: skip


def _copies(world: World, number: int) -> None:
    """One more of what has no life of its own."""
    group = factories.make_group(world.org, f"Group {number}")
    board = factories.make_board(
        world.org, f"Board {number}", board_group=group, gateway=world.gateway
    )
    factories.make_agent(world.org, f"Agent {number}", board=board, gateway=world.gateway)
    factories.make_agent(world.org, f"Pool agent {number}")
    factories.make_gateway(world.org, f"Gateway {number}")
    person = factories.make_user(f"person{number}")
    factories.make_member(world.org, person)
    factories.make_invite(world.org, f"guest{number}@example.org")
    factories.make_token(world.ann)
    own = factories.make_organization(f"Spare {number}")
    factories.make_member(own, world.ann, "owner")
    for _ in range(COPIES):
        task = factories.make_task(world.board)
        factories.make_comment(task, author_kind="user", author_id=world.ann.pk)


def _through_the_api(world: World, group_id: str) -> None:
    """What leaves events, and what only services know how to make."""
    ann = Client(bearer=world.ann_token, headers={"X-Organization-Id": str(world.org.pk)})
    board, gateway = str(world.board.pk), str(world.gateway.pk)
    boards = f"/boards/{board}"
    tasks = [_made(ann, f"{boards}/tasks", {"title": f"Story {n}"}) for n in range(COPIES)]
    approval = {"action_type": "deploy", "lead_reasoning": "Tested.", "confidence": 80}
    for task in tasks:
        _made(ann, f"/tasks/{task['id']}/comments", {"message": "A word."})
        _made(world.as_lead, f"/agent{boards}/approvals", approval)
    for number in range(3):
        _made(ann, f"{boards}/memory", {"content": f"Note {number}", "tags": ["chat"]})
        _made(ann, f"/board-groups/{group_id}/memory", {"content": f"Plan {number}"})
        _made(ann, "/tags", {"name": f"Tag {number}"})
        field = {"field_key": f"field_{number}", "label": "Field", "board_ids": [board]}
        _made(ann, "/organizations/me/custom-fields", field)
        _webhooks(ann, boards, number)
        period = ("day", "week", "month")[number]
        _made(ann, "/budgets", {"scope": "organization", "limit": "10", "period": period})
        _made(ann, f"/tasks/{tasks[number]['id']}/execute", {})
        channel = {"type": "webhook", "name": "Own", "address": "https://hooks.example.org/hook"}
        _made(ann, "/notifications/channels", channel)
    _made(ann, f"/gateways/{gateway}/templates/syncs", {})
    _skills(ann)


def _webhooks(ann: Client, boards: str, number: int) -> None:
    hook = _made(ann, f"{boards}/webhooks", {"description": "Build server"})
    _made(Client(), f"{boards}/webhooks/{hook['id']}", {"build": number})
    _made(ann, "/webhook-endpoints", {"name": "Out", "url": "https://hooks.example.org/events"})


def _skills(ann: Client) -> None:
    source = "https://github.com/example/skills"
    _made(ann, "/skills/marketplace", {"source_url": f"{source}/tree/main/one"})
    _made(ann, "/skills/packs", {"source_url": source})


def _made(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, body)
    assert answer.status < 300, (path, answer.status, answer.json)
    return dict(answer.json or {})


def attach(ground: Ground, simulator: SimulatedGatewayThread) -> None:
    """The first gateway answers, and has the agents of the first board; no other can be reached."""
    Gateway.objects.filter(pk=ground.gateway_id).update(
        url=simulator.url, token_sealed=seal(GATEWAY_TOKEN), token_hint=GATEWAY_TOKEN[-4:]
    )
    here = Agent.objects.filter(gateway_id=ground.gateway_id)
    here.update(provisioned_at=clock.now())
    here.filter(agent_type="main").update(linked_remote_id="main")
    world = simulator.gateway.world
    for agent in here.exclude(agent_type="main").filter(board_id=ground.board_id):
        world.add_agent(agent.remote_id, agent.name, f"{world.state_dir}/{agent.pk}", lag_seconds=0)
    owner = Client(bearer=ground.owner_token, headers={"X-Organization-Id": ground.organization_id})
    _made(owner, f"/boards/{ground.second_board_id}/onboarding/start", {})
