"""A board's goal, rules and limits on its edit page, and what is recorded of a change."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from activity.models import ActivityEvent, AuditEntry
from agents.models import Agent
from boards.models import Board
from gateways.models import Gateway
from tests import factories
from tests.world import World


def form(world: World, **changes: object) -> dict[str, object]:
    """What the page sends without a change."""
    board = Board.objects.get(pk=world.board.pk)
    present = {
        "name": board.name,
        "key": board.key,
        "description": board.description,
        "board_type": board.board_type,
        "objective": board.objective or "",
        "success_metrics": "",
        "approval_gate_scope": board.approval_gate_scope,
        "require_approval_for_done": "on",
        "max_agents": board.max_agents,
        "execution_policy": board.execution_policy,
        "gateway_id": str(board.gateway_id or ""),
        "board_group_id": "",
        "version": board.version,
    }
    return {**present, **changes}


@pytest.fixture(autouse=True)
def _main_agent(world: World) -> None:
    factories.make_agent(world.org, gateway=world.gateway, agent_type="main")


def test_goal_rules_and_limits_are_saved_and_recorded(world: World, ann: Client) -> None:
    address = f"/boards/{world.board.pk}/edit"
    sent = form(
        world, objective="Ship", success_metrics='{"installs": 20}', goal_confirmed="on",
        execution_policy="on_assign", max_agents=4, wip_review=3, target_date="2030-01-02T03:04",
    )  # fmt: skip
    assert ann.post(address, sent).status_code == 302
    board = Board.objects.get(pk=world.board.pk)
    assert (board.objective, board.success_metrics) == ("Ship", {"installs": 20})
    assert (board.goal_confirmed, board.execution_policy) == (True, "on_assign")
    assert (board.max_agents, board.wip_limits) == (4, {"review": 3})
    told = ActivityEvent.objects.get(type="board.updated").data
    assert told["changes"]["wip_limits"] == {"review": 3}
    assert told["previous"]["wip_limits"] == {}
    policy = ActivityEvent.objects.get(type="board.policy_changed").data
    assert policy["changes"] == {"execution_policy": "on_assign", "max_agents": 4}
    assert policy["previous"] == {"execution_policy": "manual", "max_agents": 1}
    assert AuditEntry.objects.filter(body__contains="board.policy_changed").exists()


def test_who_may_write_changes_name_and_goal_but_no_rule(world: World, bob: Client) -> None:
    address = f"/boards/{world.board.pk}/edit"
    assert bob.get(address).status_code == 403
    factories.grant(world.board, world.bob, "write")
    assert address in bob.get(f"/boards/{world.board.pk}").content.decode()
    page = bob.get(address).content.decode()
    assert 'name="objective"' in page
    for name in ("key", "gateway_id", "max_agents", "require_approval_for_done"):
        assert f'name="{name}"' not in page, name
    assert f"/boards/{world.board.pk}/delete" not in page
    sent = form(world, name="Ours", objective="Ship", max_agents=9, key="OUR", wip_todo=7)
    assert bob.post(address, {**sent, "require_approval_for_done": ""}).status_code == 302
    board = Board.objects.get(pk=world.board.pk)
    assert (board.name, board.objective, board.wip_limits) == ("Ours", "Ship", {"todo": 7})
    assert (board.max_agents, board.key) == (world.board.max_agents, world.board.key)
    assert board.require_approval_for_done
    assert not ActivityEvent.objects.filter(type="board.policy_changed").exists()


def test_large_numbers_of_the_api_can_be_saved_on_the_page(world: World, ann: Client) -> None:
    board = world.as_ann.patch(
        f"/boards/{world.board.pk}",
        {"max_agents": 5_000, "wip_limits": {"todo": 5_000}, "target_date": "2030-01-02T03:04:05Z"},
    ).expect(200)
    sent = form(
        world, description="New", max_agents=5_000, wip_todo=5_000, target_date="2030-01-02T03:04"
    )
    assert ann.post(f"/boards/{world.board.pk}/edit", sent).status_code == 302
    now = world.as_ann.get(f"/boards/{world.board.pk}?include=none").json
    assert now["description"] == "New"
    for name in ("max_agents", "wip_limits", "target_date"):
        assert now[name] == board.json[name], name


@pytest.mark.parametrize("metrics", ["[1]", "{", ""])
def test_a_confirmed_goal_needs_metrics(world: World, ann: Client, metrics: str) -> None:
    sent = form(world, objective="Ship", goal_confirmed="on", success_metrics=metrics)
    assert ann.post(f"/boards/{world.board.pk}/edit", sent).status_code == 422
    assert not Board.objects.get(pk=world.board.pk).goal_confirmed


def test_every_rule_explains_itself(world: World, ann: Client) -> None:
    page = ann.get(f"/boards/{world.board.pk}/edit").content.decode()
    for name in (
        "require_approval_for_done", "approval_gate_scope", "require_review_before_done",
        "comment_required_for_review", "block_status_changes_with_pending_approval",
        "only_lead_can_change_status", "max_agents", "execution_policy", "board_type",
        "success_metrics", "target_date", "goal_confirmed",
    ):  # fmt: skip
        assert f'id="id_{name}_helptext"' in page, name


def test_a_board_on_a_gateway_that_is_away_is_deleted_only_on_purpose(
    ann: Client, world: World
) -> None:
    Gateway.objects.filter(pk=world.gateway.pk).update(status=Gateway.Status.OFFLINE)
    Agent.objects.filter(pk=world.worker.pk).update(
        gateway=world.gateway,
        provision_requested_at=timezone.now(),
        provisioned_at=timezone.now(),
    )
    path, sent = f"/boards/{world.board.pk}/delete", {"confirm_name": world.board.name}
    html = ann.post(path, sent).content.decode()
    assert "cannot be reached now" in html
    assert 'name="force"' in html
    assert Board.objects.filter(pk=world.board.pk).exists()
    assert ann.post(path, {**sent, "force": "1"})["Location"] == "/boards"
