"""The story that a newcomer lives through, told once for every kind of gateway.

Two people look at the same installation in two browsers. One sets up a gateway, a board and its
agents and hands out work; the other decides. Agents act on their own, through the agent API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import expect

from tests.story.browsers import Window
from tests.story.ledger import Ledger
from tests.story.person import LONG, Person
from tests.story.places import Place
from tests.story.product import Product
from tests.story.windows import Windows

GATEWAY, BOARD, LEAD, WORKER = "Harbour", "Operations", "Ada", "Bert"
TITLE = "Renew the certificate of the shop"
RISKY = "Look at the free disk space"
COMMAND = "df -h"
COMMENT = "Checked against the runbook; go ahead."


@dataclass
class Story:
    """One installation, one gateway, two browsers; every method is a step, in order."""

    product: Product
    place: Place
    first: Window
    second: Window
    board_id: str = ""
    agents: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.operator = Person(self.first.page)
        self.approver = Person(self.second.page)
        self.ledger = Ledger(self.product.data)

    def sign_in(self) -> None:
        """Step 1: the printed token opens the pages, in both browsers."""
        self.operator.sign_in(self.product.token)
        self.approver.sign_in(self.product.token)

    def set_up_gateway(self) -> None:
        """Step 1: a gateway added on the page, and a doctor without a fault."""
        self.operator.add_gateway(GATEWAY, self.place)
        self.operator.run_doctor()

    def set_up_board(self) -> None:
        """Step 2: a board with a lead and a worker; both come online by their own check-in."""
        self.board_id = self.operator.create_board(BOARD, GATEWAY)
        self.agents[LEAD] = self.operator.create_agent(LEAD, BOARD, "Lead")
        self.agents[WORKER] = self.operator.create_agent(WORKER, BOARD, "Worker")
        self.operator.page.goto("/agents")
        for name, agent_id in self.agents.items():
            self.operator.see_online(agent_id, name)
        beats = self.ledger.rows("SELECT DISTINCT agent_id::text FROM agents_agentbeat")
        assert {row["agent_id"] for row in beats} >= set(self.agents.values())

    def hand_out(self, title: str, description: str = "") -> str:
        """Step 3: a task created and assigned on the board; the agent starts it by itself."""
        key = self.operator.create_task(self.board_id, title, description)
        self.operator.until_live()
        self.operator.assign(WORKER)
        self.operator.see_card_in("in_progress", key)
        stream = self.operator.panel.locator(".mc-comment")
        expect(stream.filter(has_text=WORKER).first).to_be_visible(timeout=LONG)
        return key

    def watch_inbox(self) -> None:
        """The approver looks at the inbox before anything is in it."""
        self.approver.page.goto("/approvals")
        self.approver.until_live()

    def watch_board(self) -> None:
        """The approver looks at the board."""
        self.approver.page.goto(f"/boards/{self.board_id}")
        self.approver.until_live()

    def approve(self, key: str) -> None:
        """Steps 4 and 5: the agent was refused and asks; it appears without reload; approve."""
        ask = self.approver.ask(key)
        expect(ask).to_be_visible(timeout=LONG)
        expect(self.operator.card(key)).to_contain_text("Approval waits for a decision")
        self.approver.unfold(ask)
        expect(ask).to_contain_text(WORKER)
        expect(ask.locator(".mc-facts")).to_contain_text(re.compile(r"\d+ of 100"))
        expect(ask.locator(".mc-md").first).not_to_be_empty()
        self.approver.decide(ask, "Approve", COMMENT)

    def see_done(self, key: str) -> None:
        """Step 6: told of the decision, the agent repeats; the card moves in both browsers."""
        self.watch_board()
        self.operator.see_card_in("done", key, seconds=120)
        self.approver.see_card_in("done", key)

    def deny_command(self) -> None:
        """Step 7: a command of the agent waits in the inbox; denied, the agent says so."""
        ask = self.approver.ask(COMMAND)
        expect(ask).to_be_visible(timeout=LONG)
        expect(ask).to_contain_text("Command on a gateway")
        self.approver.decide(ask, "Reject", "Not on this machine.")
        said = self.operator.panel.locator(".mc-comment").filter(has_text=COMMAND)
        expect(said.first).to_contain_text(re.compile("refused|denied", re.I), timeout=LONG)

    def read_timeline(self, key: str) -> None:
        """Step 8: every step stands in the timeline with actor and time."""
        page = self.operator.page
        page.goto("/activity")
        feed = page.locator("#events")
        task = re.escape(f"{key} {TITLE}")
        steps = (
            rf"added the gateway {GATEWAY}",
            rf"created the board {BOARD}",
            rf"created the agent {WORKER}",
            rf"{LEAD} checked in",
            rf"created .*{task}",
            rf"assigned .*{task}.* to {WORKER}",
            rf"{WORKER} moved .*{task}.* to In progress",
            rf"{WORKER} commented on .*{task}",
            rf"{WORKER} asked for approval",
            r"approved",
            rf"{WORKER} moved .*{task}.* to Done",
            rf"rejected .*{COMMAND}",
        )
        for step in steps:
            row = feed.locator("li", has_text=re.compile(step))
            expect(row.first, step).to_be_visible()
            expect(row.first.locator("time").first, step).to_be_visible()

    def check_audit(self) -> None:
        """Step 8: the chain of the audit holds, and no number of the event log is missing."""
        done = self.product.manage("verify_audit")
        assert done.returncode == 0, done.stdout + done.stderr
        assert self.ledger.gaps() == []

    def check_once(self, task_id: str) -> None:
        """Nothing lost, nothing doubled: one start, one approval, one end, no comment twice."""
        assert self.ledger.moves(task_id) == ["in_progress", "done"]
        comments = self.ledger.comments(task_id)
        assert comments, "the agent said nothing"
        assert len(comments) == len(set(comments)), comments
        asked = [one for one in self.ledger.approvals(task_id) if one["source"] == "request"]
        assert [one["status"] for one in asked] == ["approved"]

    def task_id(self, key: str) -> str:
        """Id of a task by its key."""
        rows = self.ledger.rows("SELECT id::text FROM boards_task WHERE key = %s", key)
        return str(rows[0]["id"])

    def check_quiet(self) -> None:
        """Neither browser complained about anything."""
        assert self.first.complaints + self.second.complaints == []


def tell(windows: Windows, product: Product, place: Place) -> None:
    """Steps 1 to 8."""
    first, second = windows.open(signed_in=False), windows.open(signed_in=False)
    story = Story(product, place, first, second)
    story.sign_in()
    story.set_up_gateway()
    story.set_up_board()
    story.watch_inbox()
    key = story.hand_out(TITLE)
    story.approve(key)
    story.see_done(key)
    story.check_once(story.task_id(key))
    story.watch_inbox()
    story.hand_out(RISKY, f"RUN: {COMMAND}")
    story.deny_command()
    story.read_timeline(key)
    story.check_audit()
    story.check_quiet()
