"""Approvals through their API: asked, decided once, reopened, withdrawn, expired."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from activity.models import ActivityEvent, AuditEntry
from boards.models import Task
from governance import gates, services
from governance.models import Approval, ApprovalTask
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import AgentActor, AgentRole
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid
from tests import factories
from tests.clients import stranger
from tests.world import World


def ask(world: World, *tasks: Task, **fields: Any) -> Approval:
    """A pending request of ann about tasks of board A1."""
    fields.setdefault("action_type", "deploy")
    fields.setdefault("payload", {"reason": "release", "metadata": {"env": "prod"}})
    return services.create_approval(
        fields.pop("actor", None) or world.actor(world.ann),
        organization_id=world.org.pk,
        board_id=world.board.pk,
        tasks=[services.TaskRef(t.pk, t.title) for t in tasks],
        **fields,
    )


def worker(world: World) -> AgentActor:
    """The board's worker as an actor."""
    return AgentActor(
        world.worker.pk, "WA", world.org.pk, AgentRole.WORKER, world.board.pk, world.gateway.pk
    )


def types_of(world: World) -> list[str]:
    """Event types of the organization, in order."""
    rows = ActivityEvent.objects.filter(organization_id=world.org.pk).order_by("seq")
    return list(rows.values_list("type", flat=True))


def test_an_approval_has_the_fields_of_both_call_styles(world: World) -> None:
    task = factories.make_task(world.board, "Ship it")
    approval = ask(world, task, confidence=72.5, rubric_scores={"tests": 40})
    found = world.as_ann.get(f"/approvals/{approval.pk}").expect(200).json
    assert found["status"] == "pending"
    assert found["action"] == found["action_type"] == "deploy"
    assert found["reason"] == "release"
    assert found["metadata"] == {"env": "prod"}
    assert (found["task_id"], found["task_ids"], found["task_titles"]) == (
        str(task.pk), [str(task.pk)], ["Ship it"],
    )  # fmt: skip
    assert found["comment"] is None
    assert found["resolved_at"] is None
    assert found["confidence"] == 72.5
    assert found["created_at"].endswith("Z")
    assert (found["command"], found["gateway_id"], found["answer_state"]) == (None, None, None)


@pytest.mark.parametrize("base", ["/approvals/{a}", "/boards/{b}/approvals/{a}"])
@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_a_decision_is_stored_and_recorded(world: World, base: str, status: str) -> None:
    task = factories.make_task(world.board)
    approval = ask(world, task)
    path = base.format(a=approval.pk, b=world.board.pk)
    answer = world.as_ann.patch(path, {"status": status, "comment": "Looks right"}).expect(200)
    assert answer.json["status"] == status
    assert answer.json["comment"] == "Looks right"
    assert answer.json["resolved_at"]
    assert answer.json["decided_by_user_id"] == str(world.ann.pk)
    assert types_of(world)[-2:] == ["approval.requested", "approval.resolved"]
    event = ActivityEvent.objects.get(type="approval.resolved")
    assert event.data["status"] == status
    assert event.data["task_ids"] == [str(task.pk)]
    assert event.data["pending_approvals_count"] == 0
    assert event.data["task_counts"] == [
        {"task_id": str(task.pk), "approvals_count": 1, "approvals_pending_count": 0}
    ]
    assert AuditEntry.objects.filter(event_id=event.pk).exists()
    assert gates.approved_for(task.pk) is (status == "approved")


def test_the_same_decision_again_changes_nothing(world: World) -> None:
    approval = ask(world)
    for _ in range(2):
        world.as_ann.patch(f"/approvals/{approval.pk}", {"status": "approved"}).expect(200)
    assert types_of(world).count("approval.resolved") == 1


def test_another_decision_needs_reopening_first(world: World) -> None:
    approval = ask(world)
    path = f"/approvals/{approval.pk}"
    world.as_ann.patch(path, {"status": "approved", "comment": "yes"}).expect(200)
    assert world.as_ann.patch(path, {"status": "rejected"}).expect(409).code == "already_decided"
    reopened = world.as_ann.patch(path, {"status": "pending"}).expect(200).json
    assert (reopened["status"], reopened["resolved_at"]) == ("pending", None)
    assert (reopened["comment"], reopened["decided_by_user_id"]) == (None, None)
    world.as_ann.patch(path, {"status": "rejected"}).expect(200)
    assert types_of(world)[-3:] == ["approval.resolved", "approval.reopened", "approval.resolved"]


def test_only_admins_reopen(world: World) -> None:
    factories.grant(world.board, world.bob, "write")
    approval = ask(world)
    path = f"/approvals/{approval.pk}"
    world.as_bob.patch(path, {"status": "approved"}).expect(200)
    world.as_bob.patch(path, {"status": "pending"}).expect(403)
    world.as_ann.patch(path, {"status": "pending"}).expect(200)


def test_reopening_meets_a_newer_request_about_the_task(world: World) -> None:
    task = factories.make_task(world.board)
    first = ask(world, task)
    world.as_ann.patch(f"/approvals/{first.pk}", {"status": "rejected"}).expect(200)
    second = ask(world, task)
    answer = world.as_ann.patch(f"/approvals/{first.pk}", {"status": "pending"}).expect(409)
    assert answer.json["message"] == "Each task can have only one pending approval."
    assert answer.json["conflicts"] == [{"task_id": str(task.pk), "approval_id": str(second.pk)}]


@pytest.mark.scenario("CORE-61")
def test_a_task_has_one_pending_request(world: World) -> None:
    task, other = factories.make_task(world.board), factories.make_task(world.board)
    first = ask(world, task)
    with pytest.raises(Conflict) as refused:
        ask(world, other, task)
    assert refused.value.extra["conflicts"] == [
        {"task_id": str(task.pk), "approval_id": str(first.pk)}
    ]
    assert Approval.objects.count() == 1


@pytest.mark.scenario("CORE-60")
@pytest.mark.parametrize("base", ["/approvals/{a}", "/boards/{b}/approvals/{a}"])
def test_agents_never_decide(world: World, base: str) -> None:
    approval = ask(world, actor=worker(world))
    path = base.format(a=approval.pk, b=world.board.pk)
    for client in (world.as_worker, world.as_lead):
        client.get(path).expect(200)
        client.patch(path, {"status": "approved"}).expect(403)
    world.as_ann.patch(path, {"status": "approved"}).expect(200)


@pytest.mark.scenario("CORE-60")
def test_under_four_eyes_the_requester_does_not_decide(world: World, settings: Any) -> None:
    factories.grant(world.board, world.bob, "write")
    settings.APPROVAL_FOUR_EYES = True
    approval = ask(world)
    path = f"/approvals/{approval.pk}"
    assert world.as_ann.patch(path, {"status": "approved"}).expect(403).code == "four_eyes"
    world.as_bob.patch(path, {"status": "approved"}).expect(200)


@pytest.mark.scenario("CORE-29")
def test_other_tenants_find_nothing(world: World) -> None:
    approval = ask(world)
    unknown = world.as_eve.get(f"/approvals/{uuid4()}").expect(404).json
    paths = [
        f"/approvals/{approval.pk}",
        f"/boards/{world.board.pk}/approvals/{approval.pk}",
        f"/boards/{world.other_board.pk}/approvals/{approval.pk}",
    ]
    for client in (world.as_eve, world.as_other_lead):
        for path in paths:
            found = client.get(path).expect(404).json
            assert {**found, "request_id": ""} == {**unknown, "request_id": ""}
            client.post(f"{path}/cancel").expect(404)
    for path in paths:
        world.as_eve.patch(path, {"status": "approved"}).expect(404)
    assert world.as_eve.get("/approvals").items == []
    stranger().get(paths[0]).expect(401)
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_the_board_in_the_address_must_be_its_own(world: World) -> None:
    approval = ask(world)
    world.as_ann.get(f"/boards/{world.second_board.pk}/approvals/{approval.pk}").expect(404)


def test_a_reader_sees_and_does_not_decide(world: World) -> None:
    approval = ask(world)
    world.as_bob.get(f"/approvals/{approval.pk}").expect(200)
    world.as_bob.patch(f"/approvals/{approval.pk}", {"status": "approved"}).expect(403)


def test_without_a_board_the_admins_decide(world: World) -> None:
    factories.grant(world.board, world.bob, "write")
    approval = factories.make_approval(world.org)
    world.as_bob.get(f"/approvals/{approval.pk}").expect(404)
    world.as_ann.patch(f"/approvals/{approval.pk}", {"status": "rejected"}).expect(200)


@pytest.mark.parametrize(
    "body", [{"status": None}, {}, {"status": "cancelled"}, {"status": "approved", "x": 1}]
)
def test_a_decision_of_the_wrong_shape_is_refused(world: World, body: dict[str, Any]) -> None:
    approval = ask(world)
    world.as_ann.patch(f"/approvals/{approval.pk}", body).expect(422)


def test_a_stale_decision_is_told_the_present_state(world: World) -> None:
    approval = ask(world)
    path = f"/approvals/{approval.pk}"
    seen = world.as_ann.get(path).headers["ETag"]
    world.as_ann.patch(path, {"status": "approved"}, headers={"If-Match": seen}).expect(200)
    answer = world.as_ann.patch(path, {"status": "rejected"}, headers={"If-Match": seen})
    assert answer.expect(412).json["current"]["status"] == "approved"


def test_the_requester_or_an_admin_withdraws(world: World) -> None:
    own = ask(world, actor=worker(world))
    world.as_lead.post(f"/approvals/{own.pk}/cancel").expect(403)
    world.as_bob.post(f"/approvals/{own.pk}/cancel").expect(403)
    assert world.as_worker.post(f"/approvals/{own.pk}/cancel").expect(200).json["status"] == (
        "cancelled"
    )
    world.as_worker.post(f"/approvals/{own.pk}/cancel").expect(200)
    other = ask(world, actor=worker(world))
    world.as_ann.post(f"/approvals/{other.pk}/cancel").expect(200)
    decided = ask(world)
    services.resolve_approval(world.actor(world.ann), decided.pk, status="approved")
    assert world.as_ann.post(f"/approvals/{decided.pk}/cancel").expect(409).code == (
        "already_decided"
    )
    assert types_of(world).count("approval.cancelled") == 2


def test_undecided_counts_as_refused(world: World) -> None:
    task = factories.make_task(world.board)
    late = ask(world, task, expires_at=clock.now() - timedelta(seconds=1))
    open_ = ask(world, expires_at=clock.now() + timedelta(hours=1))
    answer = world.as_ann.patch(f"/approvals/{late.pk}", {"status": "approved"})
    assert answer.expect(409).code == "approval_expired"
    assert services.expire_due() == 1
    assert services.expire_due() == 0
    late.refresh_from_db()
    open_.refresh_from_db()
    assert (late.status, open_.status) == ("expired", "pending")
    assert not gates.approved_for(task.pk)
    assert types_of(world).count("approval.expired") == 1
    ask(world, task)


def test_the_inbox_filters(world: World) -> None:
    task = factories.make_task(world.board, "Migrate the ledger")
    first = ask(world, task)
    second = ask(world, action_type="restart", payload={"reason": "stuck queue"})
    services.resolve_approval(world.actor(world.ann), second.pk, status="approved")
    factories.make_approval(world.org, world.second_board)

    def ids(query: str) -> list[str]:
        return [row["id"] for row in world.as_ann.get(f"/approvals?{query}").expect(200).items]

    assert ids(f"board_id={world.board.pk}") == [str(second.pk), str(first.pk)]
    assert ids(f"board_id={world.board.pk}&status=pending") == [str(first.pk)]
    assert set(ids("status=approved,rejected")) == {str(second.pk)}
    assert ids("q=ledger") == [str(first.pk)]
    assert ids("q=stuck") == [str(second.pk)]
    assert ids(f"task_id={task.pk}") == [str(first.pk)]
    assert ids("source=gateway") == []
    assert len(world.as_bob.get("/approvals").items) == 2
    for bad in ("status=open", "source=x", "board_id=x", "limit=0", "unknown=1"):
        world.as_ann.get(f"/approvals?{bad}").expect(422)


def test_pages_cost_the_same_queries_whatever_their_length(
    world: World, django_assert_max_num_queries: Any
) -> None:
    def fill(count: int) -> None:
        rows = [factories.make_approval(world.org, world.board) for _ in range(count)]
        ApprovalTask.objects.bulk_create(
            ApprovalTask(approval=row, task_id=uuid4(), title="A task") for row in rows
        )

    client = world.as_ann
    fill(1)
    with django_assert_max_num_queries(6) as small:
        client.get("/approvals").expect(200)
    fill(30)
    with django_assert_max_num_queries(len(small.captured_queries)):
        page = client.get("/approvals").expect(200)
    assert page.json["total"] == 31
    assert all(row["task_titles"] == ["A task"] for row in page.items)


def test_a_deleted_task_takes_only_its_own_request_along(world: World) -> None:
    gone, stays = factories.make_task(world.board), factories.make_task(world.board)
    shared = ask(world, gone, stays)
    services.forget_task(world.actor(world.ann), gone.pk)
    shared.refresh_from_db()
    assert shared.status == "pending"
    assert list(shared.task_links.values_list("task_id", flat=True)) == [stays.pk]
    services.forget_task(world.actor(world.ann), stays.pk)
    shared.refresh_from_db()
    assert shared.status == "cancelled"


def test_gates_know_when_and_which(world: World) -> None:
    task = factories.make_task(world.board)
    assert gates.newest_for(task.pk) is None
    approval = ask(world, task)
    assert gates.pending_for([task.pk]) == {task.pk: approval.pk}
    assert gates.newest_for(task.pk) == ("pending", approval.pk)
    services.resolve_approval(world.actor(world.ann), approval.pk, status="approved")
    assert gates.pending_for([task.pk]) == {}
    assert gates.approved_for(task.pk)
    assert not gates.approved_for(task.pk, after=clock.now())


@pytest.mark.parametrize("fields", [{"action_type": " "}, {"payload": {}}, {"confidence": 101}])
def test_a_request_needs_action_reason_and_sane_numbers(
    world: World, fields: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        ask(world, **fields)
    assert not Approval.objects.exists()


def test_a_reader_of_the_board_cannot_ask(world: World) -> None:
    with pytest.raises(Forbidden):
        ask(world, actor=world.actor(world.bob))


def test_an_agent_asks_in_its_own_name(world: World) -> None:
    approval = ask(world, actor=worker(world), agent_id=UUID(int=1), agent_name="Mallory")
    assert (approval.agent_id, approval.agent_name) == (world.worker.pk, "WA")
