"""The middle of the story over the API, with processes killed at its turning points."""

from __future__ import annotations

from typing import Any

from tests.story.api import Api
from tests.story.ledger import Ledger
from tests.story.places import Place
from tests.story.product import Product
from tests.story.waiting import NotYet, until

PATIENCE_SECONDS = 180.0
COMMENT = "Go ahead."
#: What a scripted agent says about a task without surprises, once each.
KINDS = ("started", "is complete")


class Campaign:
    """One installation with a board and its agents on a gateway; a round is one task."""

    def __init__(self, product: Product, place: Place) -> None:
        self.product, self.place = product, place
        self.api = Api(product.address, product.token)
        self.ledger = Ledger(product.data)
        self.board_id = self.worker_id = ""

    def set_up(self) -> None:
        """Gateway, board, lead and worker; wait until both agents have checked in."""
        body = {"name": "Harbour", "url": self.place.url, "token": self.place.token}
        gateway = self.api.post("/gateways", body)
        board = self.api.post("/boards", {"name": "Operations", "gateway_id": gateway["id"]})
        self.board_id = board["id"]
        agents = {}
        for name, kind in (("Ada", "lead"), ("Bert", "worker")):
            wanted = {"name": name, "board_id": self.board_id, "agent_type": kind}
            agents[name] = self.api.post("/agents", wanted)["id"]
        self.worker_id = agents["Bert"]
        until(self._all_online, "both agents are online", seconds=PATIENCE_SECONDS)

    def _all_online(self) -> bool:
        states = {row["name"]: row["status"] for row in self.api.items("/agents")}
        if any(states.get(name) != "online" for name in ("Ada", "Bert")):
            raise NotYet(str(states))
        return True

    def round(self, victim: str) -> None:
        """One task from its assignment to its end, with three kills; then everything is counted."""
        title = f"Survive the end of {victim}"
        path = f"/boards/{self.board_id}/tasks"
        task_id = str(self.api.post(path, {"title": title})["id"])
        self.api.patch(f"/tasks/{task_id}", {"assigned_agent_id": self.worker_id})
        self.product.kill(victim)
        until(lambda: self._is_begun(task_id), "task begun", seconds=PATIENCE_SECONDS)
        self.product.kill(victim)
        approval = until(lambda: self._asked(task_id), "approval asked", seconds=PATIENCE_SECONDS)
        decision = {"status": "approved", "comment": COMMENT}
        self.api.patch(f"/approvals/{approval['id']}", decision)
        self.product.kill(victim)
        until(lambda: self._is_done(task_id), "task done", seconds=PATIENCE_SECONDS)
        self.count(task_id)

    def _is_begun(self, task_id: str) -> bool:
        return self.ledger.moves(task_id) == ["in_progress"]

    def _asked(self, task_id: str) -> dict[str, Any] | None:
        rows = self.api.items(f"/boards/{self.board_id}/approvals", status="pending")
        named = [row for row in rows if task_id in row["task_ids"]]
        if not named:
            raise NotYet(self._state(task_id))
        return named[0]

    def _is_done(self, task_id: str) -> bool:
        task = self.api.get(f"/tasks/{task_id}")
        if task["status"] != "done":
            raise NotYet(self._state(task_id))
        return True

    def _state(self, task_id: str) -> str:
        task = self.api.get(f"/tasks/{task_id}")
        said = self.ledger.comments(task_id)
        return f"{task['status']}, {task.get('delivery', '')}, comments: {said}"

    def count(self, task_id: str) -> None:
        """Nothing lost, nothing doubled, no number missing, and the audit chain holds."""
        assert self.ledger.moves(task_id) == ["in_progress", "done"]
        said = self.ledger.comments(task_id)
        assert [kind for kind in KINDS if any(kind in one for one in said)] == list(KINDS), said
        assert len(said) == len(KINDS), said
        assert len(self.ledger.events(task_id, "task.commented")) == len(KINDS)
        asked = self.ledger.approvals(task_id)
        assert [row["status"] for row in asked] == ["approved"]
        assert asked[0]["comment"] == COMMENT
        assert len(self.ledger.events(task_id, "task.assigned")) == 1
        assert self.ledger.gaps() == []
        done = self.product.manage("verify_audit")
        assert done.returncode == 0, done.stdout + done.stderr
