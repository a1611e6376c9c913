"""``manage.py import_predecessor``: everything comes over, once, and keeps working."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from activity.models import ActivityEvent
from agents.credentials import resolve
from agents.models import Agent, ImportedToken
from boards.models import Board, BoardMemory, BoardWebhook, Task, TaskComment
from boards.querysets import board_q
from gateways.models import Gateway
from governance.models import Approval
from missioncontrol.kernel import credentials, secrets
from orgs.models import Invite, Membership, Organization, User
from tests.clients import Client
from tests.moving import predecessor
from tests.moving.predecessor import Predecessor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def there() -> Iterator[Predecessor]:
    """A database of the original product beside ours."""
    settings, name = connection.settings_dict, f"predecessor_{uuid4().hex[:12]}"
    base = psycopg.conninfo.make_conninfo(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname="postgres",
    )
    parts = psycopg.conninfo.conninfo_to_dict(base)
    with psycopg.connect(base, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    url = (
        f"postgresql+psycopg://{parts['user']}:{parts.get('password', '')}@/{name}"
        f"?host={parts['host']}&port={parts.get('port', 5432)}"
    )
    try:
        yield predecessor.build(url.replace("+psycopg", ""))
    finally:
        with psycopg.connect(base, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name}")  # sends an autovacuum away by itself


def moved_in(there: Predecessor, *, apply: bool = True, reasons: bool = False) -> str:
    """Run the command and return what it prints."""
    out = StringIO()
    url = there.url.replace("postgresql://", "postgresql+psycopg://")
    call_command("import_predecessor", url, apply=apply, reasons=reasons, stdout=out)
    return out.getvalue()


def line(report: str, table: str) -> list[int]:
    """Numbers of one table: read, moved, there, left."""
    return _numbers(report)[table][:4]


def _numbers(report: str) -> dict[str, list[int]]:
    """Numbers of every table: read, moved, there, left, joined."""
    rows = (row for row in report.splitlines()[1:] if row and not row.startswith(" "))
    found = {row[:38].strip(): [int(n) for n in row[38:].split() if n.isdigit()] for row in rows}
    return {table: numbers for table, numbers in found.items() if len(numbers) == 5}


def test_a_dry_run_changes_nothing_and_says_what_would_happen(there: Predecessor) -> None:
    report = moved_in(there, apply=False)
    assert line(report, "tasks") == [3, 3, 0, 0]
    assert "Nothing was changed" in report
    assert not Organization.objects.exists()
    assert not ActivityEvent.objects.exists()


@pytest.mark.scenario("CORE-90")
def test_a_dump_is_imported_and_an_agent_checks_in(there: Predecessor) -> None:
    report = moved_in(there)
    for table in ("organizations", "boards", "agents", "tasks", "tags", "board_memory"):
        read, moved, _there, left = line(report, table)
        assert (read, left) == (moved, 0)
    # Every row of every table is accounted for; an empty installation holds none of them yet.
    for table, (read, moved, known, left, joined) in _numbers(report).items():
        assert read == moved + known + left + joined, table
        assert known == 0, table
    assert _numbers(report)["tag_assignments"] == [1, 0, 0, 0, 1]
    assert not Task.objects.exclude(status__in=["todo", "in_progress", "review", "done"]).exists()
    worker = Client(agent_token=there.worker_token)
    worker.post("/agent/heartbeat", {"status": "online"}).expect(200)
    assert Agent.objects.get(pk=there.id("worker")).status == "online"


def test_everything_comes_over_with_its_ids(there: Predecessor) -> None:
    report = moved_in(there)
    board = Board.objects.get(pk=there.id("board"))
    assert (board.organization_id, board.gateway_id) == (there.id("org"), there.id("gateway"))
    assert (board.require_approval_for_done, board.max_agents) == (False, 3)
    first, second, third = Task.objects.filter(board=board).order_by("number")
    assert [task.status for task in (first, second, third)] == ["todo", "in_progress", "done"]
    assert (first.pk, first.key) == (there.id("inbox"), f"{board.key}-1")
    assert (first.tag_ids, first.custom_field_values) == ([there.id("tag")], {"severity": 3})
    assert first.created_at.isoformat() == "2026-03-01T10:00:00+00:00"
    assert [link.depends_on_id for link in first.dependency_links.all()] == [second.pk]
    assert [spec["key"] for spec in board.custom_fields] == ["severity"]
    assert board.next_task_number == 4
    assert line(report, "activity_events") == [3, 2, 0, 1]


def test_people_keep_their_rights(there: Predecessor) -> None:
    moved_in(there)
    mia = credentials.from_session(there.id("mia"), None)
    assert mia is not None
    assert Board.objects.filter(board_q(mia, "write")).filter(pk=there.id("board")).exists()
    member = Membership.objects.get(user_id=there.id("local"))
    assert (member.role, member.all_boards_write) == ("owner", True)
    invite = Invite.objects.get(pk=there.id("invite"))
    assert invite.invited_email == "new@example.com"
    assert secrets.unseal(invite.token_sealed) == "t" * 32


def test_secrets_are_sealed_and_work(there: Predecessor) -> None:
    moved_in(there)
    gateway = Gateway.objects.get(pk=there.id("gateway"))
    assert secrets.unseal(gateway.token_sealed) == "gateway-token-1234"
    webhook = BoardWebhook.objects.get(pk=there.id("webhook"))
    assert secrets.unseal(webhook.secret_sealed) == "hush"


def test_the_record_comes_over(there: Predecessor) -> None:
    moved_in(there)
    comment = TaskComment.objects.get(pk=there.id("comment"))
    assert (comment.message, comment.author_name) == ("On it.", "Worker")
    assert Task.objects.get(pk=there.id("inbox")).comments_count == 1
    approval = Approval.objects.get(pk=there.id("approval"))
    assert approval.status == "approved"
    assert {link.task_id for link in approval.task_links.all()} == {
        there.id("inbox"),
        there.id("done"),
    }
    assert BoardMemory.objects.get(pk=there.id("note")).content == "Deploy on Fridays."
    past = ActivityEvent.objects.filter(type="history.imported").order_by("seq")
    assert {event.data["event_type"] for event in past} == {"task.comment", "task.created"}
    assert ActivityEvent.objects.filter(type="data.imported").count() == 1


def test_agents_come_in_with_the_token_that_they_have(there: Predecessor) -> None:
    moved_in(there)
    agents = {agent.name: agent for agent in Agent.objects.all()}
    assert {name: agent.agent_type for name, agent in agents.items()} == {
        "Lead": "lead",
        "Worker": "worker",
        "Main": "main",
    }
    assert resolve("x" * 43) is None
    actor = resolve(there.worker_token)
    assert actor is not None
    assert actor.id == there.id("worker")
    assert not ImportedToken.objects.filter(agent_id=actor.id).exists()
    again = resolve(there.worker_token)
    assert again is not None
    assert ImportedToken.objects.count() == 2


def test_a_second_import_adds_only_what_is_new(there: Predecessor) -> None:
    moved_in(there)
    Task.objects.filter(pk=there.id("inbox")).update(title="Changed here")
    there.add("tasks", id=there.id("late"), board_id=there.id("board"), title="Late one",
              status="review", priority="low", created_at="2026-04-01 00:00:00",
              updated_at="2026-04-01 00:00:00")  # fmt: skip
    report = moved_in(there)
    assert line(report, "tasks") == [4, 1, 3, 0]
    assert line(report, "users") == [2, 0, 2, 0]
    assert line(report, "activity_events") == [3, 0, 2, 1]
    assert Task.objects.get(pk=there.id("inbox")).title == "Changed here"
    late = Task.objects.get(pk=there.id("late"))
    assert late.number not in {1, 2, 3}


def test_the_built_in_operator_stays_one_person(there: Predecessor) -> None:
    own = User.objects.create_user("operator", clerk_user_id="local-auth-user")
    report = moved_in(there)
    assert line(report, "users") == [2, 1, 0, 1]
    assert "under another id" in report
    assert Membership.objects.filter(organization_id=there.id("org"), user=own).exists()
    assert Task.objects.get(pk=there.id("done")).created_by_id == own.pk


def test_what_has_no_place_is_named_with_its_reason(there: Predecessor) -> None:
    there.add("tasks", id=there.id("orphan"), board_id=uuid4(), title="Orphan", status="inbox")
    there.add("tags", organization_id=there.id("org"), name="Again", slug="urgent", color="0")
    report = moved_in(there, reasons=True)
    assert f"{there.id('orphan')}: its board is not there" in report
    assert line(report, "local_experiments") == [1, 0, 0, 1]
    assert "this product has no place for it" in report
    assert line(report, "tags") == [2, 1, 0, 1]
    assert "the database refuses" in report


def test_a_taken_name_gets_an_addition(there: Predecessor) -> None:
    Organization.objects.create(name="personal")
    moved_in(there)
    assert Organization.objects.get(pk=there.id("org")).name == "Personal 2"


def test_another_database_is_refused() -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_predecessor", "postgresql://nobody@127.0.0.1:1/none")
    settings = connection.settings_dict
    empty = (
        f"postgresql://{settings['USER']}:{settings['PASSWORD']}@/postgres"
        f"?host={settings['HOST']}&port={settings['PORT']}"
    )
    with pytest.raises(CommandError, match="no database of the original product"):
        call_command("import_predecessor", empty)
