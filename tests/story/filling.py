"""Believable work for an installation, made through the API like everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.story.api import Api
from tests.story.places import Place
from tests.story.waiting import until

TASKS: tuple[tuple[str, str, str, str], ...] = (
    ("Renew the certificate of the shop", "high", "todo", "It ends on **Friday**."),
    ("Move the nightly backup to the new store", "critical", "in_progress", "See `backup.yml`."),
    ("Write the runbook for a full disk", "medium", "review", "One page, with commands."),
    ("Clean up unused images", "low", "done", ""),
    ("把监控面板翻译成中文", "medium", "todo", "标题和图例都要翻译。"),
    ("Find out why the queue of the mailer grows at night and say what it costs", "high", "todo",
     "- look at the graphs\n- ask the people on call\n- write down what you found"),
    ("Rotate the keys of the object store", "high", "in_progress", ""),
    ("Answer the questions of the auditors", "medium", "done", "Sent on Monday."),
)  # fmt: skip
REASON = "All checks are green and the change can be taken back within a minute."


@dataclass
class Filled:
    """Ids of what was made."""

    board_id: str
    other_board_id: str
    group_id: str
    gateway_id: str = ""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    agents: dict[str, str] = field(default_factory=dict)


def make_board(api: Api, name: str, **fields: Any) -> dict[str, Any]:
    """A board without a gateway unless one is named."""
    board: dict[str, Any] = api.post("/boards", {"name": name, **fields})
    return board


def make_task(api: Api, board_id: str, title: str, **fields: Any) -> dict[str, Any]:
    """A task of a board."""
    task: dict[str, Any] = api.post(f"/boards/{board_id}/tasks", {"title": title, **fields})
    return task


def ask(api: Api, board_id: str, task_id: str, action: str, **fields: Any) -> dict[str, Any]:
    """A request for a decision."""
    body = {
        "action_type": action,
        "task_ids": [task_id],
        "confidence": 84,
        "rubric_scores": {"evidence": 40, "reversibility": 44},
        "lead_reasoning": REASON,
        **fields,
    }
    approval: dict[str, Any] = api.post(f"/boards/{board_id}/approvals", body)
    return approval


def fill(api: Api, place: Place | None = None) -> Filled:
    """Two boards with tasks in every column, decisions made and waiting, agents where possible."""
    group = api.post("/board-groups", {"name": "Platform", "description": "What all teams use"})
    gateway_id = _gateway(api, place) if place else ""
    named = {"gateway_id": gateway_id} if gateway_id else {}
    first = make_board(
        api,
        "Platform operations",
        board_group_id=group["id"],
        description="Everything that must run at night.",
        objective="No page between midnight and six",
        max_agents=6,
        **named,
    )
    second = make_board(api, "Website", description="Shop and blog.", board_group_id=group["id"])
    filled = Filled(first["id"], second["id"], group["id"], gateway_id)
    for title, priority, status, text in TASKS:
        fields = {"priority": priority, "status": status, "description": text}
        filled.tasks.append(make_task(api, first["id"], title, **fields))
    last = [filled.tasks[0]["id"]]
    filled.tasks.append(
        make_task(api, first["id"], "Tell the shop", depends_on_task_ids=last, priority="low")
    )
    make_task(api, second["id"], "Measure the first page")
    for number in (0, 2):
        path = f"/boards/{first['id']}/tasks/{filled.tasks[number]['id']}/comments"
        api.post(path, {"message": "Looked at it; the *second* part is the harder one."})
    _decisions(api, filled)
    if gateway_id:
        _agents(api, filled)
    return filled


def _decisions(api: Api, filled: Filled) -> None:
    for number, action in ((1, "deploy"), (6, "rotate_key"), (2, "publish")):
        task = filled.tasks[number]
        filled.approvals.append(ask(api, filled.board_id, task["id"], action))
    decided = {"status": "rejected", "comment": "Not before the audit."}
    api.patch(f"/approvals/{filled.approvals[2]['id']}", decided)


def _gateway(api: Api, place: Place) -> str:
    body = {"name": "Harbour", "url": place.url, "token": place.token}
    return str(api.post("/gateways", body)["id"])


def _agents(api: Api, filled: Filled) -> None:
    for name, kind in (("Ada", "lead"), ("Bert", "worker"), ("Cleo", "worker")):
        body = {"name": name, "board_id": filled.board_id, "agent_type": kind}
        filled.agents[name] = api.post("/agents", body)["id"]

    def online() -> bool:
        rows = api.items("/agents")
        return sum(row["status"] == "online" for row in rows) >= len(filled.agents)

    until(online, "agents are online", seconds=120)
