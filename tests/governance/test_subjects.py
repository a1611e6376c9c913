"""What a request asks for, in words."""

from __future__ import annotations

import pytest

from activity.models import ActivityEvent
from activity.reads import event_rows
from governance.models import Approval, ApprovalTask
from governance.subjects import action_words, subject_of, subjects
from missioncontrol.kernel import clock
from tests import factories as f
from tests.world import World

TASKS = ["REL-7 Certificate inventory", "REL-8 Dry run", "REL-9 Report"]


@pytest.mark.parametrize(
    ("machine", "people"),
    [
        ("deploy_to_staging", "Deploy to staging"),
        ("task.done", "Task done"),
        ("deploy", "Deploy"),
        ("Rotate the keys of API v2", "Rotate the keys of API v2"),
        ("向客户发送邮件", "向客户发送邮件"),
        ("...", "..."),
    ],
)
def test_action_words(machine: str, people: str) -> None:
    assert action_words(machine) == people


@pytest.mark.parametrize(
    ("action", "named", "subject"),
    [
        ("task.done", 1, "Finish REL-7 Certificate inventory"),
        ("mark_task_done", 1, "Finish REL-7 Certificate inventory"),
        ("task.complete", 3, "Finish REL-7 Certificate inventory and 2 more"),
        ("task.reopen", 1, "Send REL-7 Certificate inventory back"),
        ("store.delete", 1, "Store delete: REL-7 Certificate inventory"),
        ("deploy_to_staging", 1, "Deploy to staging: REL-7 Certificate inventory"),
        ("deploy_to_staging", 0, "Deploy to staging"),
    ],
)
def test_subject(action: str, named: int, subject: str) -> None:
    assert subject_of(Approval(action_type=action), TASKS[:named]) == subject


def test_a_command_stands_for_itself() -> None:
    asked = Approval(source="gateway", action_type="exec", command="rm -r build")
    assert subject_of(asked, TASKS) == "rm -r build"


def test_the_timeline_names_approvals_as_the_inbox_does(world: World) -> None:
    task = f.make_task(world.board)
    asked = f.make_approval(world.org, world.board, action_type="task.done")
    ApprovalTask.objects.create(approval=asked, task_id=task.id, title="REL-7 Certificates")
    event = ActivityEvent.objects.create(
        organization_id=world.org.id, type="approval.requested", actor_kind="user",
        actor_name="Ann", target_kind="approval", target_id=asked.id, target_title="task.done",
        at=clock.now(), seq=1_000_000,
    )  # fmt: skip
    assert subjects([asked]) == {asked.id: "Finish REL-7 Certificates"}
    row = event_rows([event], with_raw=True)[0]
    assert "Finish REL-7 Certificates" in row.sentence
    assert event.target_title == "task.done"


def test_a_deleted_approval_keeps_the_name_in_the_record(world: World) -> None:
    asked = f.make_approval(world.org, world.board, action_type="task.done")
    event = ActivityEvent(
        organization_id=world.org.id, type="approval.requested", actor_name="Ann",
        target_kind="approval", target_id=asked.id, target_title="task.done", at=clock.now(),
    )  # fmt: skip
    asked.delete()
    assert "task.done" in event_rows([event])[0].sentence
