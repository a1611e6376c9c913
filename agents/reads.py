"""Agents as rows and as a page, read in a fixed number of queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents import rules
from agents.hints import hint_of
from agents.models import Agent, AgentBeat
from agents.strip import SHOWN, strip
from boards.models import Task
from gateways.findings import said
from missioncontrol.kernel import clock, words
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.signs import state_sign

ACTIVE = (Task.Status.IN_PROGRESS, Task.Status.REVIEW, Task.Status.TODO)
CARE = {"error", "late", "offline"}
#: Views of the list: which shown states each holds.
VIEWS: dict[str, Callable[[str], bool]] = {
    "care": lambda state: state in CARE,
    "online": lambda state: state not in {*CARE, "draft"},
}
SETUP: dict[str, str | Promise] = {
    "none": gettext_lazy("Not needed"),
    "pending": gettext_lazy("Under way"),
    "ready": gettext_lazy("Ready"),
    "failed": gettext_lazy("Failed"),
}
SHORT_ID = 8
SIGHT = ("id", "status", "last_seen_at", "gateway_seen_at", "heartbeat_config")


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent in a list."""

    agent: Agent
    state: str
    beats: list[str]
    now: str

    def __getattr__(self, name: str) -> Any:
        """Facts of the agent itself."""
        return getattr(self.agent, name)

    @property
    def role(self) -> str:
        """Worker, lead or main."""
        return str(self.agent.agent_type)

    @property
    def since(self) -> datetime | None:
        """Last sign of life."""
        return rules.last_sign(self.agent)

    @property
    def board_name(self) -> str:
        """Board that it works on."""
        return self.agent.board.name if self.agent.board else ""

    @property
    def gateway_name(self) -> str:
        """Gateway that it runs on."""
        return self.agent.gateway.name if self.agent.gateway else ""

    @property
    def is_attached(self) -> bool:
        """Whether it has a gateway to run on."""
        return self.agent.gateway_id is not None

    @property
    def is_waiting(self) -> bool:
        """Woken, and its first call is not here yet."""
        return bool(self.agent.checkin_deadline_at and self.agent.wake_attempts)

    @property
    def error(self) -> str:
        """Why its setup failed, in the gateway's words."""
        return said(self.agent.last_provision_error or "")

    @property
    def error_title(self) -> str:
        """What failed."""
        if self.state == "offline":
            return _("It does not answer")
        return _("It could not be set up on its gateway")

    @property
    def error_hint(self) -> str:
        """What to do next."""
        return hint_of(self.agent.last_provision_code)

    @property
    def provision_word(self) -> str | Promise:
        """State of its setup."""
        agent = self.agent
        return SETUP[rules.provision_state(agent.status, agent.work, agent.last_provision_error)]

    @property
    def interval_words(self) -> str:
        """How often it means to call."""
        every = rules.heartbeat_seconds(self.agent.heartbeat_config)
        if every is None:
            return _("heartbeats are off")
        return _("last 16 · every %(length)s") % {"length": words.duration_words(every)}

    @property
    def every_words(self) -> str:
        """How often it means to call, in a table."""
        every = rules.heartbeat_seconds(self.agent.heartbeat_config)
        return words.duration_words(every) if every else _("off")

    @property
    def id_short(self) -> str:
        """First part of the id."""
        return f"{str(self.agent.id)[:SHORT_ID]}…"

    @property
    def session_short(self) -> str:
        """Session key without its middle."""
        key = self.agent.session_key
        return f"{key[:16]}…{key[-8:]}"

    @property
    def model(self) -> str:
        """Model that it was told to use."""
        return str((self.agent.config or {}).get("model") or "")


def agent_rows(agents: Sequence[Agent], reader: UserActor) -> list[AgentRow]:
    """Agents with strip and present work; two more queries, whatever their number.

    Work on boards that the reader may not read is not named.
    """
    now = clock.now()
    beats = _beats([agent.id for agent in agents], now)
    work = _work([agent.id for agent in agents], reader)
    return [
        AgentRow(
            agent=agent,
            state=shown_state(agent, now),
            beats=strip(beats[agent.id], interval_seconds=_interval(agent), now=now),
            now=_now(agent, work.get(agent.id)),
        )
        for agent in agents
    ]


def state_words(rows: Iterable[AgentRow]) -> str:
    """How many agents are in which state, those that answer first."""
    counts = Counter(row.state for row in rows)
    order = sorted(counts, key=lambda state: (state != "online", state not in CARE, state))
    return " · ".join(f"{counts[state]} {str(state_sign(state).word).lower()}" for state in order)


def shown_state(agent: Agent, now: datetime) -> str:
    """State that people see: late is shown only, never stored."""
    state = rules.displayed(agent, now=now)
    is_late = rules.is_late(agent.heartbeat_config, rules.last_sign(agent), now)
    return "late" if state == "online" and is_late else state


def states(agents: QuerySet[Agent]) -> dict[UUID, str]:
    """State that people see of each, from no more columns than it takes."""
    now = clock.now()
    seen = agents.select_related(None).only(*SIGHT)
    return {agent.id: shown_state(agent, now) for agent in seen}


def _interval(agent: Agent) -> int:
    return int(rules.heartbeat_seconds(agent.heartbeat_config) or 0)


def _beats(ids: Iterable[UUID], now: datetime) -> dict[UUID, list[tuple[datetime, bool]]]:
    place = Window(RowNumber(), partition_by=["agent_id"], order_by="-at")
    recent = AgentBeat.objects.filter(agent_id__in=list(ids), at__gte=now - timedelta(hours=24))
    rows = recent.annotate(place=place).filter(place__lte=SHOWN).order_by("at")
    found: dict[UUID, list[tuple[datetime, bool]]] = defaultdict(list)
    for agent_id, at, late in rows.values_list("agent_id", "at", "late"):
        found[agent_id].append((at, late))
    return found


def _work(ids: Iterable[UUID], reader: UserActor) -> dict[UUID, tuple[str, str]]:
    tasks: QuerySet[Task] = Task.objects.visible_to(reader)
    tasks = tasks.filter(assigned_agent_id__in=list(ids), status=Task.Status.IN_PROGRESS)
    rows = tasks.order_by("in_progress_at").values_list("assigned_agent_id", "key", "title")
    return {agent_id: (key, title) for agent_id, key, title in rows}


def _now(agent: Agent, task: tuple[str, str] | None) -> str:
    if agent.status == Agent.Status.ERROR:
        return next(iter(said(agent.last_provision_error or "").splitlines()), "")
    if task is not None:
        return f"{task[0]} {task[1]}"
    if agent.gateway_id is None:
        return _("No gateway yet")
    return _("No task in progress")


@dataclass(frozen=True, slots=True)
class TaskInHand:
    """A task that an agent holds."""

    board_id: UUID
    key: str
    title: str
    status: str
    is_blocked: bool
    since: datetime


def tasks_in_hand(agent: Agent, reader: UserActor) -> list[TaskInHand]:
    """Open tasks of an agent on boards that the reader may read, those in progress first."""
    order = {status: place for place, status in enumerate(ACTIVE)}
    tasks: QuerySet[Task] = Task.objects.visible_to(reader)
    tasks = tasks.filter(assigned_agent_id=agent.id, status__in=ACTIVE)
    blocked = set(
        tasks.filter(dependency_links__isnull=False)
        .exclude(dependency_links__depends_on__status=Task.Status.DONE)
        .values_list("pk", flat=True)
    )
    found = [
        TaskInHand(
            board_id=task.board_id,
            key=task.key,
            title=task.title,
            status=task.status,
            is_blocked=task.pk in blocked,
            since=task.review_at or task.in_progress_at or task.created_at,
        )
        for task in tasks.order_by("rank")[:50]
    ]
    return sorted(found, key=lambda task: order[Task.Status(task.status)])
