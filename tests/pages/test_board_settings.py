"""A board's goal, rules and limits on its edit page, and what is recorded of a change."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from activity.models import ActivityEvent, AuditEntry
from agents.models import Agent
from boards.models import Board
from gateways.models import Gateway
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
    from tests import factories

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
