"""One move, several doors: the same outcome, the same stored state, the same events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from activity.models import ActivityEvent
from boards import services
from boards.models import Board, Task
from boards.sync import CODES
from missioncontrol.kernel.actors import SystemActor
from tests.boards.sockets import BoardSocket
from tests.clients import Client
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = SystemActor("test")
Outcome = tuple[str, str, list[str]]


def plain(world: World) -> Task:
    """A free task."""
    return services.create_task(ROOT, world.board.pk, title="Plain")


def blocked(world: World) -> Task:
    """A task that waits for another."""
    return services.create_task(
        ROOT, world.board.pk, title="Blocked", depends_on_task_ids=[plain(world).pk]
    )


def under(**rules: Any) -> Callable[[World], Task]:
    """A free task on a board with these rules."""

    def prepare(world: World) -> Task:
        Board.objects.filter(pk=world.board.pk).update(**rules)
        return plain(world)

    return prepare


def awaited(world: World) -> Task:
    """A task with a pending approval on a board that then holds it."""
    task = under(block_status_changes_with_pending_approval=True)(world)
    services.request_approval(
        ROOT, world.board.pk, task_id=task.pk, action_type="x", lead_reasoning="y"
    )
    return task


MOVED, DECIDED = ["task.moved"], ["task.moved", "task.decided"]
PEOPLE: dict[str, tuple[str, Callable[[World], Task], str, str, str, list[str]]] = {
    "start": ("ann", plain, "in_progress", "ok", "in_progress", MOVED),
    "alias": ("ann", plain, "INBOX", "ok", "todo", []),
    "finish": ("ann", plain, "done", "ok", "done", DECIDED),
    "reader": ("bob", plain, "in_progress", "forbidden", "todo", []),
    "blocked": ("ann", blocked, "in_progress", "task_blocked_cannot_transition", "todo", []),
    "review": (
        "ann", under(require_review_before_done=True), "done", "review_required", "todo", [],
    ),
    "approval": (
        "ann", under(approval_gate_scope="everyone"), "done", "approval_required", "todo", [],
    ),
    "pending": ("ann", awaited, "review", "pending_approval_blocks_status", "todo", []),
    "comment": (
        "ann", under(comment_required_for_review=True), "review", "comment_required", "todo", [],
    ),
    "nowhere": ("ann", plain, "later", "invalid", "todo", []),
}  # fmt: skip
AGENTS: dict[str, tuple[str, Callable[[World], Task], str, str, str, list[str]]] = {
    "worker-claims": ("worker", plain, "in_progress", "ok", "in_progress", MOVED),
    "worker-finishes": ("worker", plain, "done", "approval_required", "todo", []),
    "worker-blocked": (
        "worker", blocked, "in_progress", "task_blocked_cannot_transition", "todo", [],
    ),
    "worker-led": (
        "worker", under(only_lead_can_change_status=True), "in_progress", "only_lead", "todo", [],
    ),
    "lead-starts": ("lead", plain, "in_progress", "task_transition_forbidden", "todo", []),
    "stranger": ("other_lead", plain, "in_progress", "not_found", "todo", []),
}  # fmt: skip


def outcome(task: Task, code: str, before: int) -> Outcome:
    """What became of it: code, stored status, types of the events since."""
    task.refresh_from_db()
    events = ActivityEvent.objects.filter(task_id=task.pk, seq__gt=before).order_by("seq")
    return code, task.status, list(events.values_list("type", flat=True))


def last_seq(world: World) -> int:
    """Last number of the organization."""
    rows = ActivityEvent.objects.filter(organization_id=world.org.pk).order_by("-seq")
    return rows.values_list("seq", flat=True).first() or 0


def over_http(
    world: World, case: tuple[str, Callable[[World], Task], str, str, str, list[str]], path: str
) -> Outcome:
    """Through a REST address."""
    who, prepare, to = case[:3]
    task = prepare(world)
    before = last_seq(world)
    client: Client = getattr(world, f"as_{who}")
    answer = client.patch(path.format(board=world.board.pk, task=task.pk), {"status": to})
    return outcome(task, answer.code if answer.status >= 400 else "ok", before)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", ["/tasks/{task}", "/boards/{board}/tasks/{task}", "/api/tasks/{task}"]
)
@pytest.mark.parametrize("name", PEOPLE)
def test_people_over_rest(name: str, path: str) -> None:
    assert over_http(build_world(), PEOPLE[name], path) == PEOPLE[name][3:]


@pytest.mark.parametrize(
    "path", ["/agent/boards/{board}/tasks/{task}", "/boards/{board}/tasks/{task}", "/tasks/{task}"]
)
@pytest.mark.parametrize("name", AGENTS)
def test_agents_over_rest(name: str, path: str) -> None:
    assert over_http(build_world(), AGENTS[name], path) == AGENTS[name][3:]


@pytest.fixture
async def ground() -> AsyncGenerator[World]:
    """Both tenants, made and left in the thread in which sockets touch the database."""
    world = await sync_to_async(build_world)()
    yield world
    await sync_to_async(connections.close_all)()


@pytest.mark.parametrize("name", PEOPLE)
async def test_people_over_the_socket(ground: World, name: str) -> None:
    who, prepare, to, code, status, events = PEOPLE[name]
    task = await sync_to_async(prepare)(ground)
    before = await sync_to_async(last_seq)(ground)
    socket = BoardSocket(ground.board.pk, getattr(ground, f"{who}_token"))
    await socket.open()
    answer = await socket.op("task.move", task_id=str(task.pk), status=to)
    found = await sync_to_async(outcome)(task, answer.get("reason", "ok"), before)
    assert found == (code, status, events)
    assert answer["type"] == ("op.ok" if code == "ok" else "op.error")
    assert answer.get("code", "") in {"", *(word for _kind, word in CODES)}
    await socket.close()
