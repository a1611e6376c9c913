"""The bell, the list, the link of a message, and the settings of channels."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.test import Client

from orgs.models import User
from orgs.notices.models import Notification, NotificationChannel
from tests import factories as f
from tests.pages.conftest import HTMX
from tests.world import World

HOOK = "https://hooks.example/services/T0/secret-path"
SETTINGS = "/settings/notifications"


def note(world: World, user: User, **fields: Any) -> Notification:
    facts: dict[str, Any] = {
        "organization": world.org, "kind": "mention", "subject": "A1-1",
        "actor_name": "Ann", "detail": "<b>look</b>", "path": f"/boards/{world.board.id}",
    }  # fmt: skip
    return Notification.objects.create(user=user, event_id=uuid4(), **{**facts, **fields})


def number(html: str) -> int:
    """The number at the bell."""
    bell = re.search(r'id="bell".*?</a>', html, re.S)
    assert bell is not None
    found = re.search(r'mc-count-beacon">(\d+)', bell[0])
    return int(found[1]) if found else 0


def test_the_bell_counts_what_is_unread(world: World, bob: Client) -> None:
    assert number(bob.get("/boards").content.decode()) == 0
    note(world, world.bob)
    row = note(world, world.bob)
    note(world, world.ann)
    assert number(bob.get("/boards").content.decode()) == 2
    assert number(bob.get("/notifications/bell", **HTMX).content.decode()) == 2
    answer = bob.get(f"/notifications/{row.id}/open")
    assert answer["Location"] == f"/boards/{world.board.id}"
    assert number(bob.get("/boards").content.decode()) == 1
    assert bob.post("/notifications/read")["Location"] == "/notifications"
    assert number(bob.get("/boards").content.decode()) == 0


def test_the_list_escapes_what_people_typed(world: World, bob: Client) -> None:
    note(world, world.bob, subject="<script>alert(1)</script>")
    html = bob.get("/notifications").content.decode()
    assert "<script>alert" not in html
    assert "&lt;b&gt;look" in html
    assert "Nothing unread" not in bob.get("/notifications?show=unread").content.decode()
    bob.post("/notifications/read")
    assert "Nothing unread" in bob.get("/notifications?show=unread").content.decode()


def test_foreign_notifications_are_not_there(world: World, eve: Client) -> None:
    row = note(world, world.bob)
    assert eve.get(f"/notifications/{row.id}/open").status_code == 404
    row.refresh_from_db()
    assert row.read_at is None


def test_one_tap_leads_to_the_approval_after_a_sign_in(world: World) -> None:
    ann = f.make_user("zoe", password="a long enough password")
    f.make_member(world.org, ann, "owner")
    other = f.make_organization("Elsewhere")
    f.make_member(other, ann, "owner")
    User.objects.filter(pk=ann.pk).update(active_organization=other)
    approval = f.make_approval(world.org, world.board, action_type="deploy release 3.2")
    path = f"/approvals?show=all&open={approval.id}"
    row = note(world, ann, kind="approval_waiting", subject_id=approval.id, path=path)
    window = Client()
    link = f"/notifications/{row.id}/open"
    asked = window.get(link)
    assert asked["Location"] == f"/sign-in?next={quote(link)}"
    approval.refresh_from_db()
    assert approval.status == "pending", "looking at a link decides nothing"
    signed_in = window.post(
        "/sign-in",
        {
            "mode": "password",
            "username": "zoe",
            "password": "a long enough password",
            "next": link,
        },
    )
    assert signed_in["Location"] == link
    assert window.get(link)["Location"] == path
    html = window.get(path).content.decode()
    assert "deploy release 3.2" in html, "in the organization of the approval"
    decide = f"/approvals/{approval.id}/decide"
    assert decide in html
    window.post(decide, {"decision": "approved"})
    approval.refresh_from_db()
    assert approval.status == "approved"


def test_an_invitation_is_opened_by_its_own_account_only(world: World, bob: Client) -> None:
    User.objects.filter(pk=world.bob.pk).update(email_verified=True)
    invite = f.make_invite(world.other_org, "bob@example.org", token="mci_tap")
    row = note(
        world, world.bob, kind="invite", organization=world.other_org, subject_id=invite.id, path=""
    )
    assert bob.get(f"/notifications/{row.id}/open")["Location"] == "/invite?token=mci_tap"
    User.objects.filter(pk=world.bob.pk).update(email_verified=False)
    assert bob.get(f"/notifications/{row.id}/open").status_code == 404
    invite.delete()
    assert bob.get(f"/notifications/{row.id}/open").status_code == 404


def test_a_channel_is_added_changed_tried_and_removed(world: World, bob: Client) -> None:
    form = {"type": "webhook", "name": "Ops", "address": HOOK, "kinds": ["mention"]}
    assert bob.post(f"{SETTINGS}/channels", form)["Location"] == SETTINGS
    html = bob.get(SETTINGS).content.decode()
    assert "mcs_" in html
    assert "secret-path" not in html
    assert "mcs_" not in bob.get(SETTINGS).content.decode(), "shown once"
    channel = NotificationChannel.objects.get()
    assert channel.kinds == ["mention"]
    sealed = (channel.address_sealed, channel.secret_sealed)
    edit = f"{SETTINGS}/channels/{channel.id}"
    assert "secret-path" not in bob.get(edit).content.decode()
    bob.post(edit, {"name": "Operations", "kinds": ["mention", "invite"]})
    channel.refresh_from_db()
    assert (channel.name, channel.is_enabled, len(channel.kinds)) == ("Operations", False, 2)
    assert (channel.address_sealed, channel.secret_sealed) == sealed
    assert bob.post(f"{edit}/test")["Location"] == SETTINGS
    assert "On its way" in bob.get(SETTINGS).content.decode()
    bob.post(f"{edit}/delete")
    assert not NotificationChannel.objects.exists()


def test_refused_channels_keep_what_was_typed_but_no_secret(world: World, bob: Client) -> None:
    form = {"type": "telegram", "name": "Phone", "secret": "1:hush", "kinds": ["mention"]}
    answer = bob.post(f"{SETTINGS}/channels", form)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "Enter the chat that the bot writes to." in html
    assert 'value="Phone"' in html
    assert "1:hush" not in html
    assert not NotificationChannel.objects.exists()


def test_foreign_channels_are_not_on_pages(world: World, bob: Client, eve: Client) -> None:
    bob.post(f"{SETTINGS}/channels", {"type": "slack", "name": "S", "address": HOOK})
    edit = f"{SETTINGS}/channels/{NotificationChannel.objects.get().id}"
    assert eve.get(edit).status_code == 404
    assert eve.post(edit, {"name": "mine"}).status_code == 404
    assert eve.post(f"{edit}/test").status_code == 404
    assert eve.post(f"{edit}/delete").status_code == 404
    assert NotificationChannel.objects.get().name == "S"


@pytest.mark.parametrize(
    ("form", "status", "stored"),
    [
        ({"quiet_from": "22:00", "quiet_until": "07:00"}, 302, "22:00:00"),
        ({"quiet_from": "", "quiet_until": ""}, 302, "None"),
        ({"quiet_from": "22:00", "quiet_until": ""}, 422, "None"),
        ({"quiet_from": "noon", "quiet_until": "07:00"}, 422, "None"),
    ],
)
def test_quiet_hours_on_the_page(
    world: World, bob: Client, form: dict[str, str], status: int, stored: str
) -> None:
    assert bob.post(f"{SETTINGS}/quiet", form).status_code == status
    assert str(User.objects.get(pk=world.bob.pk).quiet_from) == stored
