"""Deciding from the inbox."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from activity.models import ActivityEvent
from governance.models import Approval
from tests import factories as f
from tests.pages.conftest import HTMX
from tests.world import World


@pytest.fixture
def ask(world: World) -> Approval:
    return f.make_approval(world.org, world.board, action_type="Deploy")


@pytest.mark.parametrize(
    ("decision", "comment", "status", "outcome"),
    [
        ("approved", "", 200, "approved"),
        ("rejected", "Show the figures.", 200, "rejected"),
        ("rejected", "", 422, "pending"),
        ("perhaps", "", 422, "pending"),
    ],
)
def test_decide(
    ann: Client, ask: Approval, decision: str, comment: str, status: int, outcome: str
) -> None:
    answer = ann.post(
        f"/approvals/{ask.id}/decide", {"decision": decision, "comment": comment}, **HTMX
    )
    assert answer.status_code == status
    assert f'id="approval-{ask.id}"' in answer.content.decode()
    ask.refresh_from_db()
    assert ask.status == outcome
    assert ask.comment == (comment or None)
    told = json.loads(answer.get("HX-Trigger", "{}")).get("mc:said", {})
    said = {"approved": "Approved: Deploy", "rejected": "Rejected: Deploy"}
    assert told.get("text") == said.get(outcome)


def test_a_rejection_without_a_reason_opens_the_row(ann: Client, ask: Approval) -> None:
    html = ann.post(
        f"/approvals/{ask.id}/decide", {"decision": "rejected"}, **HTMX
    ).content.decode()
    assert "<details" in html
    assert " open>" in html
    assert "autofocus" in html


def test_decided_meanwhile_by_another(ann: Client, ask: Approval) -> None:
    assert (
        ann.post(f"/approvals/{ask.id}/decide", {"decision": "approved"}, **HTMX).status_code == 200
    )
    again = ann.post(
        f"/approvals/{ask.id}/decide", {"decision": "rejected", "comment": "No."}, **HTMX
    )
    assert again.status_code == 409
    ask.refresh_from_db()
    assert ask.status == "approved"


def test_readers_see_but_do_not_decide(bob: Client, ask: Approval) -> None:
    html = bob.get("/approvals").content.decode()
    assert "Deploy" in html
    assert "/decide" not in html
    answer = bob.post(f"/approvals/{ask.id}/decide", {"decision": "approved"}, **HTMX)
    assert answer.status_code == 403
    ask.refresh_from_db()
    assert ask.status == "pending"


def test_strangers_find_no_request(eve: Client, ask: Approval) -> None:
    assert "Deploy" not in eve.get("/approvals").content.decode()
    assert eve.post(f"/approvals/{ask.id}/decide", {"decision": "approved"}).status_code == 404


def test_deciding_without_script(ann: Client, ask: Approval) -> None:
    answer = ann.post(f"/approvals/{ask.id}/decide", {"decision": "approved"})
    assert answer.status_code == 302
    assert answer["Location"] == "/approvals"
    refused = ann.post(f"/approvals/{ask.id}/decide", {"decision": "rejected"})
    assert refused["Location"] == f"/approvals?open={ask.id}"


def test_a_decision_is_taken_back(ann: Client, ask: Approval) -> None:
    ann.post(f"/approvals/{ask.id}/decide", {"decision": "approved"}, **HTMX)
    assert ann.post(f"/approvals/{ask.id}/reopen", **HTMX).status_code == 200
    ask.refresh_from_db()
    assert ask.status == "pending"


def test_a_request_is_withdrawn_by_who_asked_or_an_admin(
    world: World, ann: Client, bob: Client, ask: Approval
) -> None:
    assert bob.post(f"/approvals/{ask.id}/withdraw", **HTMX).status_code == 403
    assert "/withdraw" not in bob.get("/approvals").content.decode()
    assert f"/approvals/{ask.id}/withdraw" in ann.get("/approvals").content.decode()
    html = ann.post(f"/approvals/{ask.id}/withdraw", **HTMX).content.decode()
    assert "Cancelled" in html
    assert "/withdraw" not in html
    ask.refresh_from_db()
    assert ask.status == "cancelled"
    own = f.make_approval(
        world.org, world.board, requested_by_kind="user", requested_by_id=world.bob.pk
    )
    assert bob.post(f"/approvals/{own.id}/withdraw")["Location"] == "/approvals"
    own.refresh_from_db()
    assert own.status == "cancelled"
    assert ActivityEvent.objects.filter(type="approval.cancelled").count() == 2


def test_the_count_is_what_one_may_decide(
    world: World, ann: Client, bob: Client, ask: Approval
) -> None:
    assert ">1<" in ann.get("/approvals/count", **HTMX).content.decode()
    assert "mc-count" not in bob.get("/approvals/count", **HTMX).content.decode()


def test_a_boards_approvals_are_the_inbox_narrowed(ann: Client, eve: Client, world: World) -> None:
    answer = ann.get(f"/boards/{world.board.pk}/approvals")
    assert answer["Location"] == f"/approvals?board={world.board.pk}"
    assert eve.get(f"/boards/{world.board.pk}/approvals").status_code == 404
