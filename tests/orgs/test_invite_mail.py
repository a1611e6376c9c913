"""Messages of invitations: sent once, tried again, told as they are."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends import locmem

from missioncontrol.kernel import clock
from orgs import mailing
from orgs.models import Invite, User
from orgs.services import invites
from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mail_is_on(settings: Any) -> None:
    settings.MAIL_IS_ON = True
    settings.DEFAULT_FROM_EMAIL = "Mission Control <mc@example.org>"


def make(world: World) -> Invite:
    invite, _token = invites.create_invite(
        world.actor(world.ann), world.org.id, invited_email="gus@example.org", role="admin"
    )
    return invite


def test_the_message_carries_the_link(world: World) -> None:
    invite = make(world)
    assert invite.mail_state == "waiting"
    assert mailing.send_invite(invite.id)
    assert not mailing.send_invite(invite.id), "sent once"
    (message,) = mail.outbox
    token = invites.reveal_invites(world.actor(world.ann), world.org.id, [invite.id])[invite.id]
    assert message.to == ["gus@example.org"]
    assert message.from_email == "Mission Control <mc@example.org>"
    assert message.subject == "Invitation to Acme"
    assert f"http://testserver/invite?token={token}" in message.body
    assert "Ann invites you to Acme" in message.body
    assert "14 days" in message.body or "13 days" in message.body
    invite.refresh_from_db()
    assert (invite.mail_state, invite.lease_owner) == ("sent", "")


def test_the_message_speaks_as_the_inviter_does(world: World) -> None:
    User.objects.filter(pk=world.ann.pk).update(language="zh-hans")
    mailing.send_invite(make(world).id)
    assert mail.outbox[0].body


def test_a_name_with_a_line_break_adds_no_header(world: World) -> None:
    type(world.org).objects.filter(pk=world.org.pk).update(name="Acme\r\nBcc: x@e.org")
    mailing.send_invite(make(world).id)
    assert mail.outbox[0].subject == "Invitation to Acme Bcc: x@e.org"


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (ConnectionRefusedError(), "waiting", "could not be reached"),
        (smtplib.SMTPAuthenticationError(535, b"no"), "waiting", "Check SMTP_URL"),
        (smtplib.SMTPRecipientsRefused({}), "failed", "refused the address"),
    ],
)
def test_a_failure_is_told_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, state: str, text: str
) -> None:
    def refuse(*_args: object) -> int:
        raise error

    invite = make(world)
    monkeypatch.setattr(locmem.EmailBackend, "send_messages", refuse)
    mailing.send_invite(invite.id)
    invite.refresh_from_db()
    assert (invite.mail_state, invite.lease_owner) == (state, "")
    assert text in invite.mail_error
    assert (invite.next_attempt_at is not None) is (state == "waiting")
    if state == "waiting":
        assert not mailing.send_invite(invite.id), "not due yet"
        monkeypatch.undo()
        Invite.objects.filter(pk=invite.pk).update(next_attempt_at=clock.now() - timedelta(1))
        assert mailing.send_invite(invite.id)
        invite.refresh_from_db()
        assert (invite.mail_state, invite.mail_error) == ("sent", "")


def test_it_is_given_up_after_the_last_pause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> int:
        raise ConnectionRefusedError

    invite = make(world)
    Invite.objects.filter(pk=invite.pk).update(attempts=len(mailing.RETRY_SECONDS))
    monkeypatch.setattr(locmem.EmailBackend, "send_messages", refuse)
    mailing.send_invite(invite.id)
    invite.refresh_from_db()
    assert invite.mail_state == "failed"


@pytest.mark.parametrize("spoil", ["used", "old", "leased"])
def test_what_cannot_be_used_is_not_sent(world: World, spoil: str) -> None:
    invite = make(world)
    now = clock.now()
    changes: dict[str, Any] = {
        "used": {"accepted_at": now},
        "old": {"expires_at": now - timedelta(seconds=1)},
        "leased": {"lease_until": now + timedelta(seconds=30), "lease_owner": "other"},
    }[spoil]
    Invite.objects.filter(pk=invite.pk).update(**changes)
    assert not mailing.send_invite(invite.id)
    assert mail.outbox == []


def test_the_sweep_finds_what_was_not_woken(world: World) -> None:
    make(world)
    factories.make_invite(world.org, "no@example.org")
    assert mailing.sweep() == 1


def test_without_a_server_nothing_waits(world: World, settings: Any) -> None:
    settings.MAIL_IS_ON = False
    assert make(world).mail_state == "off"
    assert mailing.sweep() == 0
