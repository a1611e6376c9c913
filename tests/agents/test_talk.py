"""Who is told of chats, pauses and groups, with which words, and what is recorded of it."""

from __future__ import annotations

from typing import Any

import pytest

from activity.models import ActivityEvent
from agents import services
from agents.models import Agent, AgentNotification
from boards import services as boards
from boards.models import Board, BoardGroup
from gateways.simulator.faults import Refused
from missioncontrol.kernel.errors import Conflict
from tests import factories

from .conftest import Stage
from .test_messages import actor_of
from .test_setup import check_in


def add(stage: Stage, name: str, board: Board, kind: str = "worker") -> Agent:
    """An agent that is set up on the simulated gateway and has checked in."""
    who = stage.world.actor(stage.world.ann)
    agent = stage.run(services.create_agent(who, name=name, board_id=board.id, agent_type=kind))
    check_in(stage, agent).expect(200)
    return stage.fresh(agent)


@pytest.fixture
def crew(stage: Stage) -> dict[str, Agent]:
    """A lead and two workers of the board."""
    return {
        "lead": add(stage, "Lea", stage.board, "lead"),
        "atlas": add(stage, "Atlas", stage.board),
        "sage": add(stage, "Sage", stage.board),
    }


def texts(agent: Agent, kind: str) -> list[str]:
    rows = AgentNotification.objects.filter(agent=agent, kind=kind).order_by("created_at")
    return list(rows.values_list("text", flat=True))


def say(stage: Stage, content: str, *, actor: Any = None, tags: tuple[str, ...] = ("chat",)) -> Any:
    who = actor or stage.world.actor(stage.world.ann)
    return boards.add_board_memory(who, stage.board.id, content=content, tags=tags)


def test_a_message_goes_to_the_lead_and_the_mentioned(stage: Stage, crew: dict[str, Agent]) -> None:
    say(stage, "@atlas what about the " + "lamp " * 300)
    stage.settle()
    [lead] = texts(crew["lead"], "board_chat")
    [atlas] = texts(crew["atlas"], "board_chat")
    assert texts(crew["sage"], "board_chat") == []
    assert lead.startswith("BOARD CHAT\n")
    assert atlas.startswith("BOARD CHAT MENTION\n")
    assert f"Live ({stage.board.id})" in atlas
    assert "From: Ann" in atlas
    quoted = atlas.split("\n\n")[1]
    assert len(quoted) == 800
    assert quoted.endswith("...")
    assert f"/api/v1/agent/boards/{stage.board.id}/memory" in atlas
    assert [t for t in stage.chats() if "what about" in t] == [lead, atlas]


def test_the_sender_is_not_told_and_a_note_is_told_to_nobody(
    stage: Stage, crew: dict[str, Agent]
) -> None:
    say(stage, "@atlas @lead I am done", actor=actor_of(crew["atlas"]))
    say(stage, "@atlas decided", tags=())
    stage.settle()
    assert [len(texts(crew[n], "board_chat")) for n in ("lead", "atlas", "sage")] == [1, 0, 0]


def test_a_pause_reaches_everybody_verbatim_and_holds_the_rest(
    stage: Stage, crew: dict[str, Agent]
) -> None:
    say(stage, " /Pause ", actor=actor_of(crew["lead"]))
    say(stage, "@atlas are you there?")
    stage.settle()
    sent = [call.params["message"] for call in stage.methods("chat.send")]
    assert sent.count("/Pause") == 2
    assert texts(crew["lead"], "board_command") == []
    held = AgentNotification.objects.filter(kind="board_chat", agent=crew["atlas"]).get()
    assert held.state == "waiting"
    say(stage, "/resume")
    stage.settle()
    held.refresh_from_db()
    assert held.state == "sent"
    sent = [call.params["message"] for call in stage.methods("chat.send")]
    assert sent.count("/resume") == 3


def test_the_button_says_the_same(stage: Stage, crew: dict[str, Agent]) -> None:
    who = stage.world.actor(stage.world.ann)
    boards.pause_board(who, stage.board.id)
    boards.pause_board(who, stage.board.id)
    stage.settle()
    assert texts(crew["sage"], "board_command") == ["/pause"]
    boards.resume_board(who, stage.board.id)
    stage.settle()
    assert texts(crew["sage"], "board_command") == ["/pause", "/resume"]


def test_nobody_is_woken_on_a_paused_board(stage: Stage, crew: dict[str, Agent]) -> None:
    who = stage.world.actor(stage.world.ann)
    boards.pause_board(who, stage.board.id)
    with pytest.raises(Conflict) as refused:
        services.wake_agent(who, crew["atlas"].id)
    assert refused.value.machine_code == "board_paused"


def test_what_could_not_be_told_is_recorded(stage: Stage, crew: dict[str, Agent]) -> None:
    stage.sim.faults.refuse["chat.send"] = Refused(
        "session locked", code="INVALID_REQUEST", is_retryable=False
    )
    say(stage, "hello")
    stage.settle()
    event = ActivityEvent.objects.get(type="board.chat_notify_failed")
    assert (event.target_id, event.agent_id) == (stage.board.id, crew["lead"].id)
    assert "session locked" in event.data["reason"]


def test_agents_without_a_gateway_are_passed_over(stage: Stage) -> None:
    board = factories.make_board(stage.world.org, "Quiet")
    lead = factories.make_agent(
        stage.world.org, "Solo", board=board, agent_type="lead", status="draft"
    )
    who = stage.world.actor(stage.world.ann)
    boards.add_board_memory(who, board.id, content="anybody?", tags=["chat"])
    stage.settle()
    assert not AgentNotification.objects.filter(agent=lead).exists()


# --- groups -----------------------------------------------------------------------------


@pytest.fixture
def group(stage: Stage, crew: dict[str, Agent]) -> BoardGroup:
    """The board and another with a lead and a worker."""
    made = factories.make_group(stage.world.org, "Platform")
    other = factories.make_board(stage.world.org, "Other", gateway=stage.gateway, board_group=made)
    Board.objects.filter(pk=stage.board.pk).update(board_group=made)
    crew["other_lead"] = add(stage, "Orla", other, "lead")
    crew["vega"] = add(stage, "Vega", other)
    return made


@pytest.mark.parametrize(
    ("content", "tags", "told", "head"),
    [
        ("plan", ("chat",), {"lead", "other_lead"}, "GROUP CHAT"),
        ("@vega plan", ("chat",), {"lead", "other_lead", "vega"}, "GROUP CHAT MENTION"),
        (
            "plan",
            ("broadcast",),
            {"lead", "atlas", "sage", "other_lead", "vega"},
            "GROUP BROADCAST",
        ),
        ("@all plan", (), {"lead", "atlas", "sage", "other_lead", "vega"}, "GROUP BROADCAST"),
        ("plan", ("decision",), set(), ""),
    ],
)
def test_a_group_message_goes_to(
    stage: Stage,
    crew: dict[str, Agent],
    group: BoardGroup,
    content: str,
    tags: tuple[str, ...],
    told: set[str],
    head: str,
) -> None:
    who = stage.world.actor(stage.world.ann)
    boards.add_group_memory(who, group.id, content=content, tags=tags)
    stage.drain()
    heard = {name for name, agent in crew.items() if texts(agent, "group_chat")}
    assert heard == told
    if told:
        last = texts(crew["vega"] if "vega" in told else crew["lead"], "group_chat")[0]
        assert last.startswith(f"{head}\n")
        assert "Group: Platform" in last
        assert "/group-memory" in last


def test_an_agent_is_not_told_its_own_broadcast(
    stage: Stage, crew: dict[str, Agent], group: BoardGroup
) -> None:
    boards.add_group_memory_from_board(
        actor_of(crew["lead"]), stage.board.id, content="all hands", tags=["broadcast"]
    )
    stage.drain()
    assert texts(crew["lead"], "group_chat") == []
    [text] = texts(crew["vega"], "group_chat")
    assert f"/api/v1/boards/{crew['vega'].board_id}/group-memory" in text


def test_joining_and_leaving_is_told_to_all_boards_concerned(
    stage: Stage, crew: dict[str, Agent], group: BoardGroup
) -> None:
    who = stage.world.actor(stage.world.ann)
    boards.update_board(who, stage.board.id, changes={"board_group_id": None})
    stage.settle()
    [left] = texts(crew["vega"], "group_left")
    assert left.startswith("BOARD GROUP UPDATED\n")
    assert "left the group Platform" in left
    assert left.count("\n- ") == 3
    assert len(texts(crew["atlas"], "group_left")) == 1
    boards.update_board(who, stage.board.id, changes={"board_group_id": group.id})
    stage.settle()
    [joined] = texts(crew["vega"], "group_joined")
    assert "joined the group Platform" in joined
    assert joined.split("- ")[1] != left.split("- ")[1]
    events = ActivityEvent.objects.filter(target_id=stage.board.id)
    assert events.filter(type="board.group_leave_notified").count() == 5
    assert events.filter(type="board.group_join_notified").count() == 5
    told = events.filter(type="board.group_join_notified").first()
    assert told is not None
    assert told.data["group"] == "Platform"


def test_the_end_of_a_group_is_told_to_the_agents_of_its_boards(
    stage: Stage, crew: dict[str, Agent], group: BoardGroup
) -> None:
    who = stage.world.actor(stage.world.ann)
    boards.add_group_memory(who, group.id, content="note", tags=())
    stage.settle()
    boards.delete_group(who, group.id)
    stage.settle()
    for agent in crew.values():
        [text] = texts(agent, "group_left")
        assert text.startswith("BOARD GROUP DELETED\n")
        assert f"Group: Platform ({group.id})" in text
        assert "shared notes and chat are deleted" in text
    event = ActivityEvent.objects.get(type="board_group.deleted")
    assert event.data["memories"] == 1
    stage.drain()
    told = ActivityEvent.objects.filter(type="board.group_leave_notified")
    assert told.count() == len(crew)
    assert {e.target_id for e in told} == {agent.board_id for agent in crew.values()}
    assert {e.data["group"] for e in told} == {"Platform"}


# --- changes of the board, and what becomes of messages about tasks ---------------------


def test_the_lead_is_told_each_changed_field(stage: Stage, crew: dict[str, Agent]) -> None:
    who = stage.world.actor(stage.world.ann)
    boards.update_board(
        who, stage.board.id, changes={"objective": "Light everywhere", "name": "Lamps"}
    )
    stage.settle()
    [text] = texts(crew["lead"], "board_updated")
    assert text.startswith("BOARD UPDATED\n")
    assert "- name: Live -> Lamps\n" in text
    assert "- objective: (empty) -> Light everywhere\n" in text
    assert text.index("- name") < text.index("- objective")
    assert ActivityEvent.objects.filter(type="board.lead_notified").count() == 1


def test_every_message_about_a_task_leaves_its_event(stage: Stage, crew: dict[str, Agent]) -> None:
    who = stage.world.actor(stage.world.ann)
    task = boards.create_task(who, stage.board.id, title="Lamp", description="It flickers.")
    stage.settle()
    boards.assign_task(who, task.id, agent_id=crew["atlas"].id)
    boards.move_task(who, task.id, to="in_progress")
    boards.move_task(who, task.id, to="review")
    boards.assign_task(who, task.id, agent_id=crew["atlas"].id)
    stage.settle()
    boards.add_comment(who, task.id, message="It still flickers.")
    boards.move_task(who, task.id, to="in_progress")
    boards.assign_task(who, task.id, agent_id=None)
    boards.move_task(who, task.id, to="todo")
    stage.settle()
    types = set(
        ActivityEvent.objects.filter(task_id=task.id, actor_kind="system").values_list(
            "type", flat=True
        )
    )
    assert {"task.lead_notified", "task.notified", "task.lead_unassigned_notified"} <= types


def test_changes_requested_name_comment_and_description(
    stage: Stage, crew: dict[str, Agent]
) -> None:
    who = stage.world.actor(stage.world.ann)
    Board.objects.filter(pk=stage.board.pk).update(require_approval_for_done=False)
    task = boards.create_task(
        who, stage.board.id, title="Lamp", description="It flickers.",
        assigned_agent_id=crew["atlas"].id,
    )  # fmt: skip
    boards.move_task(actor_of(crew["atlas"]), task.id, to="in_progress")
    boards.move_task(actor_of(crew["atlas"]), task.id, to="review")
    boards.add_comment(actor_of(crew["lead"]), task.id, message="Not yet: measure it.")
    boards.move_task(actor_of(crew["lead"]), task.id, to="todo")
    stage.settle()
    [text] = texts(crew["atlas"], "task_rework")
    assert text.startswith("CHANGES REQUESTED\n")
    assert "Not yet: measure it." in text
    assert "It flickers." in text
    assert "Status: todo" in text
    names = ActivityEvent.objects.filter(task_id=task.id, type__contains="rework")
    assert list(names.values_list("type", flat=True)) == ["task.rework_notified"]


def test_a_lead_that_could_not_be_told_is_recorded(stage: Stage, crew: dict[str, Agent]) -> None:
    stage.sim.faults.refuse["chat.send"] = Refused(
        "session locked", code="INVALID_REQUEST", is_retryable=False
    )
    who = stage.world.actor(stage.world.ann)
    task = boards.create_task(who, stage.board.id, title="Lamp")
    stage.settle()
    event = ActivityEvent.objects.get(type="task.lead_notify_failed", task_id=task.id)
    assert event.data["agent"] == "Lea"


def test_a_wake_that_failed_is_recorded(stage: Stage, crew: dict[str, Agent]) -> None:
    Agent.objects.filter(pk=crew["atlas"].pk).update(status="offline")
    stage.sim.faults.refuse["chat.send"] = Refused(
        "session locked", code="INVALID_REQUEST", is_retryable=False
    )
    who = stage.world.actor(stage.world.ann)
    task = boards.create_task(who, stage.board.id, title="Lamp", assigned_agent_id=crew["atlas"].id)
    stage.settle()
    events = ActivityEvent.objects.filter(task_id=task.id, agent_id=crew["atlas"].id)
    assert set(events.values_list("type", flat=True)) >= {"task.notify_failed", "task.wake_failed"}


@pytest.mark.scenario("CORE-78")
def test_a_sync_right_after_the_setup_leaves_out_paused_boards_alone(stage: Stage) -> None:
    who = stage.world.actor(stage.world.ann)
    other = factories.make_board(stage.world.org, "Other", gateway=stage.gateway)
    here, there = add(stage, "Atlas", stage.board), add(stage, "Vega", other)
    path = f"/gateways/{stage.gateway.id}/templates/sync"

    def synced() -> set[str]:
        for agent in (here, there):
            stage.sim.world.agents[agent.remote_id].files["SOUL.md"] = "old"
        answer = stage.world.as_ann.post(path).expect(200).json
        assert answer["errors"] == []
        assert answer["agents_skipped"] == 0
        fresh = [
            agent.name
            for agent in (here, there)
            if stage.sim.world.agents[agent.remote_id].files["SOUL.md"] != "old"
        ]
        assert answer["agents_updated"] == len(fresh)
        return set(fresh)

    assert synced() == {"Atlas", "Vega"}
    boards.pause_board(who, other.pk)
    assert synced() == {"Atlas"}
    boards.resume_board(who, other.pk)
    assert synced() == {"Atlas", "Vega"}
