"""Events are numbered without gaps, append-only, and the audit chain shows every change."""

from __future__ import annotations

import uuid

import pytest
from django.db import IntegrityError, connection, transaction

from activity import audit
from activity.models import ActivityEvent, AuditEntry, EventStream
from activity.publish import Target, publish
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.unit import service

pytestmark = pytest.mark.django_db

ORG = uuid.uuid4()
ME = SystemActor("test")


@service
def record(count: int, *, fail: bool = False) -> None:
    """Publish some facts, perhaps fail afterwards."""
    for n in range(count):
        publish(
            "gateway.created",
            actor=ME,
            target=Target("gateway", uuid.uuid4(), f"g{n}"),
            organization_id=ORG,
            data={"n": n, "text": "网关 é", "x": 1.5},
        )
    if fail:
        raise ValueError("after publish")


def test_events_are_numbered_in_order() -> None:
    record(3)
    record(2)
    assert list(ActivityEvent.objects.order_by("seq").values_list("seq", flat=True)) == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert EventStream.objects.get(pk=ORG).last_seq == 5


def test_failed_service_leaves_neither_event_nor_number() -> None:
    record(1)
    with pytest.raises(ValueError, match="after publish"):
        record(2, fail=True)
    assert ActivityEvent.objects.count() == 1
    assert EventStream.objects.get(pk=ORG).last_seq == 1


def test_publish_outside_a_service_raises() -> None:
    with pytest.raises(RuntimeError, match="outside a service"):
        publish(
            "gateway.created", actor=ME, target=Target("gateway", None, "x"), organization_id=ORG
        )


@pytest.mark.parametrize("table", ["activity_activityevent", "activity_auditentry"])
@pytest.mark.parametrize(
    "sql", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_tables_are_append_only(table: str, sql: str) -> None:
    record(1)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql.format(table))
    assert AuditEntry.objects.count() == 1


def test_chain_holds_and_shows_a_changed_entry() -> None:
    record(4)
    assert audit.verify(ORG).holds
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE activity_auditentry DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE activity_auditentry SET body = replace(body, %s, %s) WHERE number = 3",
            ['"n":2', '"n":9'],
        )
    verdict = audit.verify(ORG)
    assert [f.number for f in verdict.findings] == [3]


def test_chain_shows_a_removed_tail() -> None:
    record(3)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE activity_auditentry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM activity_auditentry WHERE number = 3")
    assert not audit.verify(ORG).holds
