"""Demonstration data: an organization with two boards, six agents and a fortnight behind it.

Everything is made through the services, at the moments that the records then show, so the
demonstration obeys every rule. A second run keeps what is there and wakes the agents again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from agents import services as agents
from agents.models import Agent
from agents.services import budgets, skills, usage
from agents.usage_rules import Used
from boards import talk
from boards.models import Board, BoardMemory, GroupMemory, Task
from boards.services import (
    approvals,
    boards,
    comments,
    custom_fields,
    groups,
    memory,
    moves,
    tags,
    tasks,
    webhooks,
)
from boards.webhook_rules import Incoming
from gateways import services as gateways
from gateways.models import Gateway
from gateways.simulator import demo as simulator
from governance import services as governance
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import AgentActor, AgentRole, UserActor
from orgs import credentials
from orgs.board_access import BoardAccess
from orgs.models import Organization
from orgs.services import invites, organizations, users

NAME = "Northlight Labs"
MAIL_DOMAIN = "northlight.example"


@dataclass(frozen=True, slots=True)
class Story:
    """One task of the past fortnight: when it began, how far it came, what was said."""

    title: str
    days_ago: float
    status: str = "done"
    priority: str = "medium"
    description: str = ""
    comments: tuple[str, ...] = ()
    worker: int = 0
    due_in_days: float | None = None


RELEASE = (
    Story("Connection doctor explains pairing failures", 13, "done", "high",
          comments=("Every cause has its next step now.",)),
    Story("Heartbeat ages in words on every list", 12.5, "done", "low", worker=1),
    Story("Export of the audit trail as signed archive", 11.5, "done", "high"),
    Story("Webhook retries keep their order", 10.8, "done", worker=1,
          comments=("Replayed 2 000 deliveries, none out of order.",)),
    Story("Sign in by one-time link", 9.6, "done", "low"),
    Story("发布说明中文版：补充审批流程", 8.4, "review", "low", worker=1,
          description="把审批收件箱和任务面板的说明翻译成中文，并请产品团队校对。",
          comments=("初稿完成，请校对术语。",)),
    Story("Ages of approvals on the inbox", 5.8, "done", "low"),
    Story("Search finds Chinese titles", 4.6, "done", worker=1),
    Story("Certificate inventory for all gateways", 6.2, "review", "high",
          comments=("Found 14 certificates, two expire in December.",)),
    Story("Draft the rollback drill", 5.1, "todo", "low", due_in_days=6),
    Story("Move the session store without sign-outs", 4.3, "todo", "critical", due_in_days=1,
          description="Switch reads first, then writes. Keep both stores warm for one hour.\n\n"
                      "- copy with `DUMP`/`RESTORE`, TTL kept\n- 失败时自动回滚，并通知值班人员"),
    Story("Rotate the signing keys of the audit chain", 2.6, "todo", "medium", due_in_days=4),
)  # fmt: skip
PAYMENTS = (
    Story("Reconcile refunds of September against the ledger", 13.2, "done", "high"),
    Story("客户数据对账：修复重复记录", 11, "done", "medium", worker=1,
          comments=("重复记录 312 条，已合并。",)),
    Story("Alert on settlement files that arrive late", 9.1, "done", "high"),
    Story("Currency table for the new markets", 7.7, "done", "low", worker=1),
    Story("Limits per market in the payout form", 4.9, "done", "medium"),
    Story("退款页面的加载时间", 3.9, "done", "low", worker=1),
    Story("Reconcile refunds of October against the ledger", 3.4, "review", "high",
          comments=("41 k EUR open, three cases need a person.",)),
    Story("支付超时告警的阈值评审", 2.2, "todo", "medium", due_in_days=3),
    Story("Masking of card numbers in support exports", 1.4, "todo", "critical", due_in_days=2),
)  # fmt: skip
LIVE = (
    ("release", 0, "Count the open connections of every gateway", "high",
     "Report the number per gateway as a comment.\n\nRUN: ss -tan state established"),
    ("release", 1, "检查中文界面的日期格式", "medium", "请抽查十个页面并报告结果。"),
    ("payments", 0, "Compare yesterday's settlement totals", "high",
     "Compare both totals and say whether they agree.\n\nRUN: sha256sum settlement.csv"),
    ("payments", 1, "List refunds that wait longer than a week", "medium", ""),
)  # fmt: skip


TALK = (
    "Installations are counted once a day, at midnight UTC.",
    "**Archive format:** the audit trail is exported as `tar` with one signature per day.",
    "Release candidate 2 is out. 请先检查升级脚本，再合并新的改动。",
    "A customer is called *tenant* in every text of both boards.",
)


@dataclass
class Demo:
    """What one run works with."""

    actor: UserActor
    organization_id: UUID
    start: datetime


def seed() -> bool:
    """Fill the organization, or wake its agents when it is there; ``True`` if it was new."""
    operator = users.ensure_local_user()
    known = Organization.objects.filter(name=NAME).first()
    if known is not None:
        _wake_again(_person(operator.id, known.id), known.id)
        return False
    start = clock.now() - timedelta(days=14)
    with clock.at(start):
        organization = organizations.create_organization(
            _person(operator.id), name=NAME, description="Demonstration"
        )
    run = Demo(_person(operator.id, organization.id), organization.id, start)
    release, payments = _boards(run)
    labels = _labels(run, release, payments)
    _history(run, release, RELEASE, labels)
    _history(run, payments, PAYMENTS, labels)
    gateway = _gateway(run)
    crew = {"release": _crew(run, release, gateway, ("Atlas", "Sage", "Orbit")),
            "payments": _crew(run, payments, gateway, ("Vega", "Nova", "林岚"))}  # fmt: skip
    _talk(run, release, crew["release"][0])
    _authors(release, crew["release"])
    _authors(payments, crew["payments"])
    _waiting_approvals(run, release, crew["release"])
    _webhook(run, release)
    _usage(run, [*crew["release"], *crew["payments"]])
    _people(run, payments)
    for place, worker, title, priority, text in LIVE:
        board = release if place == "release" else payments
        tasks.create_task(
            run.actor, board.id, title=title, priority=priority, description=text or None,
            assigned_agent_id=crew[place][1 + worker].id,
        )  # fmt: skip
    return True


def _person(user_id: UUID, organization_id: UUID | None = None) -> UserActor:
    found = credentials.actor_of(user_id, organization_id)
    if found is None:
        raise LookupError("the built-in operator is missing")
    return found


def _boards(run: Demo) -> tuple[Board, Board]:
    with clock.at(run.start + timedelta(minutes=5)):
        group = groups.create_group(run.actor, run.organization_id, name="Platform")
        release = boards.create_board(
            run.actor, run.organization_id, name="Release 3.0", board_group_id=group.id,
            description="Ship the self-hosted release by 12 December",
            objective="Every team runs its own installation",
            success_metrics={"installations": 20},
        )  # fmt: skip
        payments = boards.create_board(
            run.actor, run.organization_id, name="Payments", board_group_id=group.id,
            description="对账、退款和结算 · reconciliation, refunds, settlement",
            board_type="general",
        )  # fmt: skip
    return release, payments


def _labels(run: Demo, release: Board, payments: Board) -> list[UUID]:
    """Tags of the organization, and two fields that the boards ask for."""
    with clock.at(run.start + timedelta(minutes=10)):
        made = [
            tags.create_tag(run.actor, run.organization_id, name=name, color=color)
            for name, color in (("Security", "#d1323d"), ("界面", "#2f6fdb"), ("Data", "#2c9a61"))
        ]
        custom_fields.create_custom_field(
            run.actor, run.organization_id, field_key="estimate_hours", label="Estimate (hours)",
            field_type="integer", board_ids=[release.id, payments.id],
        )  # fmt: skip
        custom_fields.create_custom_field(
            run.actor, run.organization_id, field_key="runbook", label="Runbook",
            field_type="url", ui_visibility="if_set", board_ids=[release.id],
        )  # fmt: skip
    return [tag.id for tag in made]


def _history(run: Demo, board: Board, stories: tuple[Story, ...], labels: list[UUID]) -> None:
    """Live each story at its time: created, started, commented, reviewed, finished."""
    now = clock.now()
    for place, story in enumerate(stories):
        moment = now - timedelta(days=story.days_ago)
        with clock.at(moment):
            task = tasks.create_task(
                run.actor, board.id, title=story.title, priority=story.priority,
                description=story.description or None,
                tag_ids=labels[place % 4 : place % 4 + 1],
                custom_field_values={"estimate_hours": 2 + place % 5} if place % 2 else None,
                due_at=now + timedelta(days=story.due_in_days) if story.due_in_days else None,
            )  # fmt: skip
        Task.objects.filter(pk=task.id).update(created_at=moment)
        moment = _advance(run, task, story, moment)
        Task.objects.filter(pk=task.id).update(updated_at=moment)


def _advance(run: Demo, task: Task, story: Story, moment: datetime) -> datetime:
    path = ("todo", "in_progress", "review", "done")
    for step in path[1 : path.index(story.status) + 1]:
        moment += timedelta(hours=7 + len(story.title) % 9)
        with clock.at(moment):
            moves.move_task(run.actor, task.id, to=step)
            if step == "in_progress":
                for text in story.comments:
                    comments.add_comment(run.actor, task.id, message=text)
    return moment


def _gateway(run: Demo) -> Gateway:
    place = simulator.facts(Path(settings.DATA_DIR))
    return gateways.create_gateway(
        run.actor, run.organization_id, name="Workshop", url=place.url, token=place.token,
        is_simulated=True, is_default=True,
    )  # fmt: skip


def _crew(run: Demo, board: Board, gateway: Gateway, names: tuple[str, ...]) -> list[Agent]:
    """A lead and two workers, on the demonstration's gateway."""
    boards.update_board(run.actor, board.id, changes={"gateway_id": gateway.id})
    made = []
    for place, name in enumerate(names):
        role: dict[str, Any] = {"role": "Board lead" if place == 0 else "Engineer"}
        made.append(
            agents.create_agent(
                run.actor, name=name, board_id=board.id,
                agent_type="lead" if place == 0 else "worker", identity_profile=role,
                heartbeat_config={"every": "2m"},
            )
        )  # fmt: skip
    return made


def _talk(run: Demo, board: Board, lead: Agent) -> None:
    """What was said and noted; only the lead speaks, so that no agent is told of old talk."""
    said = (
        (3.1, TALK[0], None),
        (2.9, TALK[1], ["decision"]),
        (1.2, TALK[2], [talk.CHAT]),
    )
    actor = AgentActor(
        lead.id, lead.name, run.organization_id, AgentRole.LEAD, board.id, lead.gateway_id
    )
    for days_ago, text, words in said:
        moment = clock.now() - timedelta(days=days_ago)
        with clock.at(moment):
            kept = memory.add_board_memory(actor, board.id, content=text, tags=words)
        BoardMemory.objects.filter(pk=kept.pk).update(created_at=moment)
    moment = clock.now() - timedelta(days=1)
    with clock.at(moment):
        plan = memory.add_group_memory_from_board(actor, board.id, content=TALK[3], tags=["naming"])
    GroupMemory.objects.filter(pk=plan.pk).update(created_at=moment)


def _authors(board: Board, crew: list[Agent]) -> None:
    """Show finished work under the workers' names; nobody is told of work long done."""
    for place, task in enumerate(board.tasks.filter(status="done")):
        Task.objects.filter(pk=task.id).update(assigned_agent_id=crew[1 + place % 2].id)


def _waiting_approvals(run: Demo, board: Board, crew: list[Agent]) -> None:
    for task in board.tasks.filter(status="review").order_by("created_at"):
        approvals.request_approval(
            run.actor, board.id, task_ids=[task.id], action_type="task.done",
            payload={"reason": "Reviewed twice, the evidence stands in the comments."},
            confidence=86, rubric_scores={"correctness": 34, "tests": 28, "risk": 24},
            lead_reasoning=None,
        )  # fmt: skip
    governance.create_approval(
        run.actor, organization_id=run.organization_id, board_id=board.id,
        action_type="deploy_to_staging", payload={"reason": "Nightly build 3.0-rc2 is green."},
        confidence=72, agent_id=crew[0].id, agent_name=crew[0].name,
    )  # fmt: skip


def _webhook(run: Demo, board: Board) -> None:
    """An address for the build server, and what it sent."""
    webhook = webhooks.create_webhook(
        run.actor, board.id,
        description="Build server\nOpen a task for a failed build; otherwise note the result.",
    )  # fmt: skip
    for number, result in ((412, "passed"), (413, "failed")):
        body = f'{{"build": {number}, "branch": "release-3.0", "result": "{result}"}}'
        headers = {"content-type": "application/json", "x-webhook-id": str(number)}
        webhooks.receive_payload(
            board.id, webhook.id, Incoming(body.encode(), headers, "192.0.2.17")
        )


def _usage(run: Demo, crew: list[Agent]) -> None:
    """A fortnight of model answers, a budget over them, and a skill that can be installed."""
    for day in range(14):
        moment = run.start + timedelta(days=day, hours=9)
        with clock.at(moment):
            for place, agent in enumerate(crew):
                tokens = 4000 + 900 * ((day * 7 + place * 5) % 11)
                one = Used(
                    external_id=f"demo-{day}", at=moment, model="scripted-1", provider="simulated",
                    input_tokens=tokens, output_tokens=tokens // 6,
                    cost=Decimal(tokens) * Decimal("0.000012"),
                )  # fmt: skip
                usage.record_used(agent.pk, [one])
    budgets.create_budget(
        run.actor, scope="organization", limit=Decimal(25), period="month", pauses_agents=False
    )
    skills.add_skill(
        run.actor, source_url="https://example.org/skills/release-notes", name="Release notes",
        description="Writes the notes of a release from its finished tasks.",
    )  # fmt: skip


def _people(run: Demo, board: Board) -> None:
    """A colleague who came in by invitation, and two who have not answered yet."""
    read = BoardAccess(board.id, can_read=True, can_write=False)
    mira = f"mira@{MAIL_DOMAIN}"
    invites.create_invite(
        run.actor, run.organization_id, invited_email=mira, board_access_rows=[read]
    )
    users.create_password_user(
        username="mira", password=secrets.token_urlsafe(24), email=mira, name="Mira Okafor",
        is_super_admin=False, email_verified=True,
    )  # fmt: skip
    for name, role in (("jonas", "member"), ("liwei", "admin")):
        invites.create_invite(
            run.actor, run.organization_id, invited_email=f"{name}@{MAIL_DOMAIN}", role=role,
            all_boards_read=True,
        )  # fmt: skip


def _wake_again(actor: UserActor, organization_id: UUID) -> None:
    """A new simulated gateway knows no agent: set every agent up again."""
    for agent in Agent.objects.filter(organization_id=organization_id, gateway__isnull=False):
        agents.retry_agent(actor, agent.id)
