"""What the dashboard shows, read in a fixed number of queries.

The figures are those of :mod:`missioncontrol.overview.metrics`; here stand their words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from activity.models import ActivityEvent
from activity.reads import EventRow, event_rows
from agents.models import Agent
from agents.reads import CARE, AgentRow, agent_rows, state_words
from boards.models import Board, Task, TaskDependency
from gateways.models import Gateway
from governance.models import Approval
from governance.pages.asks import Ask, asks_of
from missioncontrol.kernel import clock, words
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.pages import home_of
from missioncontrol.overview import charts, fleet
from missioncontrol.overview.metrics import Boards, Metrics, boards_of, metrics
from missioncontrol.overview.periods import RANGES

DEFAULT_RANGE = "7d"
MOST_AGENTS = 100
TILES = 9
ASKS = 4
EVENTS = 8
TICKS = 6
GOOD_SHARE_OF_DAYS = 0.75
MUCH_REVIEW = 1
HOUR = 3600

__all__ = ["DEFAULT_RANGE", "RANGES", "Dashboard", "dashboard", "first_step"]


@dataclass(frozen=True, slots=True)
class Kpi:
    """One number with its list."""

    label: str
    value: str
    url: str
    unit: str = ""
    note: str = ""
    points: list[float] = field(default_factory=list)
    state: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a panel; ``state`` is ``is-ok`` or ``is-warn``, or empty."""

    label: str
    value: str
    note: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """Tasks of one status, and their share of all in percent."""

    status: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page."""

    kpis: list[Kpi]
    metrics: Metrics
    workload: list[Load]
    facts: list[Fact]
    chart: charts.Chart
    ticks: list[tuple[float, datetime]]
    asks: list[Ask]
    waiting: int
    agents: list[AgentRow]
    agents_total: int
    agents_words: str
    gateways: list[Gateway]
    health: fleet.Health
    sessions: list[fleet.SessionRow]
    events: list[EventRow]


def dashboard(who: UserActor, range_key: str) -> Dashboard:
    """The dashboard of the active organization, as far as the actor may read it."""
    home = home_of(who)
    boards = boards_of(who, board_id=None, group_id=None)
    found = metrics(boards, range_key, get_current_timezone())
    rows = agent_rows(list(_agents(who)[:MOST_AGENTS]), who)
    pending = _pending(who)
    first = list(pending[:ASKS])
    waiting = pending.count()
    gateways = list(Gateway.objects.visible_to(who).filter(organization_id=home).order_by("name"))
    chart, ticks = _throughput(found)
    return Dashboard(
        kpis=[
            *_first_kpis(found, rows),
            _waiting_kpi(waiting, first),
            _cycle_kpi(found),
            _blocked_kpi(boards),
            _gateway_kpi(gateways),
        ],
        metrics=found,
        workload=_workload(found),
        facts=_facts(found),
        chart=chart,
        ticks=ticks,
        asks=asks_of(who, first),
        waiting=waiting,
        agents=sorted(rows, key=_urgency)[:TILES],
        agents_total=len(rows),
        agents_words=state_words(rows),
        gateways=gateways,
        health=fleet.health_of(gateways),
        sessions=fleet.latest_sessions(gateways) if who.is_admin_in(home) else [],
        events=event_rows(_events(who, boards).order_by("-seq")[:EVENTS]),
    )


def _throughput(found: Metrics) -> tuple[charts.Chart, list[tuple[float, datetime]]]:
    """The chart of the range, and where some of its buckets begin on it."""
    now = [int(value) for value in found.throughput.primary]
    before = [int(value) for value in found.throughput.comparison]
    starts = found.periods.primary.buckets
    step = (charts.WIDTH - charts.LEFT) / len(starts)
    every = -(-len(starts) // TICKS)
    ticks = [
        (round(charts.LEFT + place * step, 1), starts[place])
        for place in range(0, len(starts), every)
    ]
    return charts.throughput(now, before), ticks


@dataclass(frozen=True, slots=True)
class Step:
    """What a new organization needs next."""

    title: str
    text: str
    word: str
    url: str


def first_step(who: UserActor, shown: Dashboard) -> Step | None:
    """The next thing to set up, until agents are there; nothing for people who cannot."""
    if shown.agents_total or not who.is_admin_in(who.organization_id):
        return None
    if not shown.gateways:
        return Step(
            _("First, add a gateway"),
            _("Agents run on it. The connection doctor says what is missing."),
            _("Add gateway"),
            "/gateways/new",
        )
    if not Board.objects.visible_to(who).filter(organization_id=home_of(who)).exists():
        return Step(
            _("Next, create a board"),
            _("It holds the tasks of one goal and the agents that work on it."),
            _("New board"),
            "/boards/new",
        )
    return Step(
        _("Next, create an agent"),
        _("It is set up on the board's gateway and checks in."),
        _("New agent"),
        "/agents/new",
    )


def _agents(who: UserActor) -> QuerySet[Agent]:
    agents: QuerySet[Agent] = Agent.objects.visible_to(who)
    agents = agents.filter(organization_id=home_of(who))
    return agents.select_related("board", "gateway").order_by("name", "id")


def _pending(who: UserActor) -> QuerySet[Approval]:
    approvals: QuerySet[Approval] = Approval.objects.visible_to(who)
    approvals = approvals.filter(organization_id=home_of(who), status=Approval.Status.PENDING)
    return approvals.order_by(F("expires_at").asc(nulls_last=True), "created_at", "id")


def _events(who: UserActor, boards: Boards) -> QuerySet[ActivityEvent]:
    events = ActivityEvent.objects.filter(organization_id=home_of(who))
    return events.visible_to(who, boards=boards.ids)


def _urgency(row: AgentRow) -> tuple[int, str]:
    return (0 if row.state in CARE else 1 if row.state == "online" else 2, row.agent.name)


def _first_kpis(found: Metrics, rows: list[AgentRow]) -> list[Kpi]:
    """The four cards of the core specification, section 20."""
    online = sum(1 for row in rows if row.state in {"online", "late"})
    care = sum(1 for row in rows if row.state in CARE)
    note = ngettext("%(n)s needs care", "%(n)s need care", care) % {"n": care} if care else ""
    latest = int(found.throughput.primary[-1])
    return [
        Kpi(
            label=_("Agents online"),
            value=str(online),
            unit=_("of %(n)s") % {"n": len(rows)},
            note=note,
            url="/agents?state=care" if care else "/agents",
        ),
        Kpi(
            label=_("In progress"),
            value=str(found.status["in_progress"]),
            unit=_("of %(n)s") % {"n": found.total},
            note=_("%(n)s in review") % {"n": found.status["review"]},
            url="/boards",
            points=found.wip["in_progress"].primary,
        ),
        Kpi(
            label=_("Error rate"),
            value=_percent(found.error_rate_pct),
            unit="%",
            note=_latest_words(found, latest),
            url="/activity?kind=task",
            points=found.error_rate.primary,
            state="is-high" if found.events.failed else "",
        ),
        Kpi(
            label=_("Completion speed"),
            value=_per_day(found),
            unit=_("per day"),
            note=_completed_words(found),
            url="/activity?kind=task",
            points=found.throughput.primary,
        ),
    ]


def _percent(share: float) -> str:
    return f"{share:.1f}" if share else "0"


def _per_day(found: Metrics) -> str:
    speed = found.completed / found.periods.range.days
    return f"{speed:.1f}" if found.completed else "0"


def _latest_words(found: Metrics, count: int) -> str:
    """How many tasks the latest bucket completed."""
    sentence = {
        "hour": ngettext("%(n)s completed this hour", "%(n)s completed this hour", count),
        "day": ngettext("%(n)s completed today", "%(n)s completed today", count),
        "week": ngettext("%(n)s completed this week", "%(n)s completed this week", count),
        "month": ngettext("%(n)s completed this month", "%(n)s completed this month", count),
    }[found.periods.range.unit]
    return sentence % {"n": count}


def _completed_words(found: Metrics) -> str:
    now, before = found.completed, found.completed_before
    done = ngettext("%(n)s completed", "%(n)s completed", now) % {"n": now}
    if now == before:
        return done
    return f"{done}, " + _("%(n)s before") % {"n": before}


def _waiting_kpi(waiting: int, first: list[Approval]) -> Kpi:
    note = ""
    if first:
        oldest = min(approval.created_at for approval in first)
        note = _("oldest %(age)s") % {"age": words.age_words(oldest, clock.now())}
    return Kpi(
        label=_("Waiting for a person"),
        value=str(waiting),
        note=note,
        url="/approvals",
    )


def _cycle_kpi(found: Metrics) -> Kpi:
    middle = found.median_hours
    return Kpi(
        label=_("Cycle time"),
        value="—" if middle is None else words.duration_words(middle * HOUR),
        unit="" if middle is None else _("median"),
        note=_("from first start to done"),
        url="/activity?kind=task",
        points=found.cycle_time.primary,
    )


def _blocked_kpi(boards: Boards) -> Kpi:
    is_open = ~Q(task__status=Task.Status.DONE) & ~Q(depends_on__status=Task.Status.DONE)
    links = TaskDependency.objects.filter(is_open, task__board_id__in=boards.ids)
    blocked = links.values("task_id").distinct().count()
    return Kpi(
        label=_("Blocked tasks"),
        value=str(blocked),
        note=_("by an unfinished task") if blocked else "",
        url="/boards",
    )


def _gateway_kpi(gateways: list[Gateway]) -> Kpi:
    online = sum(1 for gateway in gateways if gateway.status == Gateway.Status.ONLINE)
    troubled = [gateway.name for gateway in gateways if gateway.status != Gateway.Status.ONLINE]
    return Kpi(
        label=_("Gateways online"),
        value=str(online),
        unit=_("of %(n)s") % {"n": len(gateways)},
        note=", ".join(troubled[:2]),
        url="/gateways",
    )


def _workload(found: Metrics) -> list[Load]:
    whole = found.total or 1
    return [Load(name, n, round(100 * n / whole, 1)) for name, n in found.status.items()]


def _facts(found: Metrics) -> list[Fact]:
    days = found.periods.range.days
    is_steady = found.active_days >= GOOD_SHARE_OF_DAYS * days
    return [
        Fact(_("Completed"), str(found.completed)),
        Fact(_("Per day"), _per_day(found)),
        Fact(
            _("Error rate"),
            f"{_percent(found.error_rate_pct)} %",
            _("%(bad)s of %(all)s task events")
            % {"bad": found.events.failed, "all": found.events.events},
            "is-warn" if found.events.failed else "is-ok",
        ),
        Fact(
            _("Active days"),
            str(found.active_days),
            _("of %(n)s") % {"n": days},
            "is-ok" if is_steady else "",
        ),
        _backlog(found.status["review"], found.status["in_progress"]),
    ]


def _backlog(review: int, progress: int) -> Fact:
    """Tasks in review for each in progress; without end when nothing is in progress."""
    ratio = review / progress if progress else float("inf") if review else 0.0
    return Fact(
        _("Review backlog"),
        "∞" if ratio == float("inf") else f"{ratio:.1f}" if ratio else "0",
        _("in review for each in progress"),
        "is-warn" if ratio > MUCH_REVIEW else "",
    )
