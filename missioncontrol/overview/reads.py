"""What the dashboard shows, read in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from activity.models import ActivityEvent
from activity.reads import EventRow, event_rows
from agents.models import Agent
from agents.reads import CARE, AgentRow, agent_rows
from boards.models import Board, Task
from gateways.models import Gateway
from governance.models import Approval
from governance.pages.asks import Ask, asks_of
from missioncontrol.kernel import clock, words
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.pages import home_of
from missioncontrol.kernel.signs import state_sign
from missioncontrol.overview import charts

RANGES = {"24h": 1, "7d": 7, "28d": 28}
DEFAULT_RANGE = "7d"
CHART_DAYS = 28
SPARK_DAYS = 20
MOST_AGENTS = 100
TILES = 9
ASKS = 4
EVENTS = 8
MINUS = "\N{MINUS SIGN}"


class Median(Aggregate):
    """Middle of the values, by the database."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One number with its list."""

    label: str
    value: str
    url: str
    unit: str = ""
    note: str = ""
    points: list[int] = field(default_factory=list)
    state: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page."""

    kpis: list[Kpi]
    chart: charts.Chart
    ticks: list[tuple[float, date]]
    asks: list[Ask]
    waiting: int
    agents: list[AgentRow]
    agents_total: int
    agents_words: str
    gateways: list[Gateway]
    events: list[EventRow]


def dashboard(who: UserActor, range_key: str) -> Dashboard:
    """The dashboard of the active organization, as far as the actor may read it."""
    now = clock.now()
    boards = Board.objects.visible_to(who).filter(organization_id=home_of(who))
    tasks = Task.objects.filter(board_id__in=boards.values("pk"))
    done = _done_by_day(tasks, now)
    rows = agent_rows(list(_agents(who)[:MOST_AGENTS]))
    pending = _pending(who)
    first = list(pending[:ASKS])
    waiting = pending.count()
    gateways = list(
        Gateway.objects.visible_to(who).filter(organization_id=home_of(who)).order_by("name")
    )
    events = _events(who, boards)
    days = RANGES[range_key]
    kpis = [
        _agents_kpi(rows),
        _waiting_kpi(waiting, first, now),
        *_task_kpis(tasks, done, days, now),
        _error_kpi(events, days, now),
        _gateway_kpi(gateways),
    ]
    chart, ticks = _throughput(done, localtime(now).date())
    return Dashboard(
        kpis=kpis,
        chart=chart,
        ticks=ticks,
        asks=asks_of(who, first),
        waiting=waiting,
        agents=sorted(rows, key=_urgency)[:TILES],
        agents_total=len(rows),
        agents_words=_agents_words(rows),
        gateways=gateways,
        events=event_rows(events.order_by("-seq")[:EVENTS]),
    )


def _throughput(
    done: dict[date, int], today: date
) -> tuple[charts.Chart, list[tuple[float, date]]]:
    """The chart of the last days, and where a week begins on it."""
    series = [done.get(today - timedelta(days=n), 0) for n in range(2 * CHART_DAYS - 1, -1, -1)]
    step = (charts.WIDTH - charts.LEFT) / CHART_DAYS
    ticks = [
        (round(charts.LEFT + i * step, 1), today - timedelta(days=CHART_DAYS - 1 - i))
        for i in range(0, CHART_DAYS, 7)
    ]
    return charts.throughput(series[CHART_DAYS:], series[:CHART_DAYS]), ticks


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


def _events(who: UserActor, boards: QuerySet[Board]) -> QuerySet[ActivityEvent]:
    events = ActivityEvent.objects.filter(organization_id=home_of(who))
    return events.visible_to(who, boards=boards.values_list("pk", flat=True))


def _done_by_day(tasks: QuerySet[Task], now: datetime) -> dict[date, int]:
    since = now - timedelta(days=2 * CHART_DAYS)
    finished = tasks.filter(done_at__gte=since).annotate(day=TruncDate("done_at"))
    return dict(finished.values_list("day").annotate(n=Count("id")))


def _urgency(row: AgentRow) -> tuple[int, str]:
    return (0 if row.state in CARE else 1 if row.state == "online" else 2, row.agent.name)


def _agents_words(rows: list[AgentRow]) -> str:
    states = [row.state for row in rows]
    parts = [
        f"{states.count(state)} {str(state_sign(state).word).lower()}"
        for state in ("online", "late", "offline", "error")
        if state in states
    ]
    return " · ".join(parts)


def _agents_kpi(rows: list[AgentRow]) -> Kpi:
    online = sum(1 for row in rows if row.state in {"online", "late"})
    care = sum(1 for row in rows if row.state in CARE)
    note = ngettext("%(n)s needs care", "%(n)s need care", care) % {"n": care} if care else ""
    return Kpi(
        label=_("Agents online"),
        value=str(online),
        unit=_("of %(n)s") % {"n": len(rows)},
        note=note,
        url="/agents?state=care" if care else "/agents",
    )


def _waiting_kpi(waiting: int, first: list[Approval], now: datetime) -> Kpi:
    note = ""
    if first:
        oldest = min(approval.created_at for approval in first)
        note = _("oldest %(age)s") % {"age": words.age_words(oldest, now)}
    return Kpi(
        label=_("Waiting for a person"),
        value=str(waiting),
        note=note,
        url="/approvals",
    )


def _task_kpis(tasks: QuerySet[Task], done: dict[date, int], days: int, now: datetime) -> list[Kpi]:
    open_blocker = Q(dependency_links__isnull=False) & ~Q(
        dependency_links__depends_on__status=Task.Status.DONE
    )
    counts: dict[str, Any] = tasks.aggregate(
        progress=Count("id", filter=Q(status=Task.Status.IN_PROGRESS), distinct=True),
        review=Count("id", filter=Q(status=Task.Status.REVIEW), distinct=True),
        todo=Count("id", filter=Q(status=Task.Status.TODO), distinct=True),
        blocked=Count("id", filter=open_blocker & ~Q(status=Task.Status.DONE), distinct=True),
    )
    return [
        _done_kpi(done, days, localtime(now).date()),
        Kpi(
            label=_("In progress"),
            value=str(counts["progress"]),
            unit=_("of %(n)s open") % {"n": counts["progress"] + counts["review"] + counts["todo"]},
            note=_("%(n)s in review") % {"n": counts["review"]},
            url="/boards",
        ),
        _cycle_kpi(tasks, now - timedelta(days=days)),
        Kpi(
            label=_("Blocked tasks"),
            value=str(counts["blocked"]),
            note=_("by an unfinished task") if counts["blocked"] else "",
            url="/boards",
        ),
    ]


def _done_kpi(done: dict[date, int], days: int, today: date) -> Kpi:
    since, before_since = today - timedelta(days=days), today - timedelta(days=2 * days)
    finished = sum(n for day, n in done.items() if day > since)
    before = sum(n for day, n in done.items() if before_since < day <= since)
    note = _("as many as in the time before") if before else ""
    if finished != before:
        change = f"{finished - before:+d}".replace("-", MINUS)
        note = _("%(change)s on the time before") % {"change": change}
    return Kpi(
        label=_("Done"),
        value=str(finished),
        unit=_("tasks"),
        note=note,
        url="/activity?kind=task",
        points=[done.get(today - timedelta(days=n), 0) for n in range(SPARK_DAYS - 1, -1, -1)],
    )


def _cycle_kpi(tasks: QuerySet[Task], since: datetime) -> Kpi:
    took = ExpressionWrapper(F("done_at") - F("first_in_progress_at"), DurationField())
    cycle = tasks.filter(done_at__gte=since, first_in_progress_at__isnull=False).aggregate(
        middle=Median(took, output_field=DurationField()), n=Count("id")
    )
    middle: timedelta | None = cycle["middle"]
    return Kpi(
        label=_("Cycle time"),
        value=words.duration_words(middle.total_seconds()) if middle else "—",
        unit=_("median") if middle else "",
        note=ngettext("%(n)s task", "%(n)s tasks", cycle["n"]) % {"n": cycle["n"]},
        url="/activity?kind=task",
    )


def _error_kpi(events: QuerySet[ActivityEvent], days: int, now: datetime) -> Kpi:
    recent = events.filter(at__gte=now - timedelta(days=days), task_id__isnull=False)
    counts = recent.aggregate(all=Count("id"), bad=Count("id", filter=Q(type__endswith="failed")))
    share = 100 * counts["bad"] / counts["all"] if counts["all"] else 0
    return Kpi(
        label=_("Error rate"),
        value=f"{share:.1f}" if counts["bad"] else "0",
        unit="%",
        note=_("%(bad)s of %(all)s task events") % counts if counts["all"] else "",
        url="/activity?kind=task",
        state="is-high" if counts["bad"] else "",
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
