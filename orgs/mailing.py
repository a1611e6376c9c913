"""Sending the messages of invitations: claimed by a lease, tried again while the server is away."""

from __future__ import annotations

import smtplib
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from missioncontrol.kernel import clock, jobs, leases
from missioncontrol.kernel.secrets import unseal

from .models import Invite
from .services import invites

log = structlog.get_logger(__name__)
RETRY_SECONDS = (60, 300, 1500, 7200, 43_200)
BATCH = 100


def send_invite(invite_id: UUID) -> bool:
    """Send one waiting message; ``False`` when another worker has it or it has to wait."""
    owner = leases.owner_name()
    waiting = Invite.objects.pending().filter(mail_state=Invite.MailState.WAITING)
    if not leases.claim(waiting, invite_id, owner):
        return False
    pause: float | None = None
    try:
        with leases.renewing(Invite, invite_id, owner):
            pause = _send(invite_id)
    finally:
        leases.release(Invite, invite_id, owner, retry_in_seconds=pause)
    return pause is None


def _send(invite_id: UUID) -> float | None:
    """Seconds until the next try, ``None`` when the message is settled."""
    invite = (
        Invite.objects.select_related("organization", "created_by").filter(pk=invite_id).first()
    )
    if invite is None:
        return None
    try:
        invite_message(invite).send()
    except (smtplib.SMTPException, OSError) as error:
        return _failed(invite, error)
    invites.record_mail(invite.pk)
    return None


def _failed(invite: Invite, error: Exception) -> float | None:
    """Note the failure; an address that the server refuses for good is not tried again."""
    refused = isinstance(error, smtplib.SMTPRecipientsRefused)
    is_final = refused or invite.attempts > len(RETRY_SECONDS)
    log.warning("invite.mail_failed", invite=str(invite.pk), error=type(error).__name__)
    invites.record_mail(invite.pk, error=_reason(error), is_final=is_final)
    return None if is_final else float(RETRY_SECONDS[max(invite.attempts, 1) - 1])


def _reason(error: Exception) -> str:
    """What a person is told: the kind of failure, never what the server was sent."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "The mail server refused the address."
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "The mail server refused the sign-in. Check SMTP_URL."
    return "The mail server could not be reached."


def invite_message(invite: Invite) -> EmailMessage:
    """The message, in the language of the person who invites."""
    inviter = invite.created_by
    with translation.override((inviter.language if inviter else "") or "en"):
        context = {
            "organization": invite.organization.name,
            "inviter": inviter.display_name if inviter else "",
            "role": invite.get_role_display(),
            "url": invites.accept_url(unseal(invite.token_sealed)),
            "days": max(1, (invite.expires_at - clock.now()).days),
        }
        subject = _("Invitation to %(name)s") % {"name": invite.organization.name}
        text = render_to_string("orgs/mail/invite.txt", context)
    return EmailMessage(
        subject=" ".join(subject.split()),
        body=text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[invite.invited_email],
    )


def sweep() -> int:
    """Wake a worker for each due message; returns how many."""
    from . import jobs as own

    waiting = Invite.objects.pending().filter(mail_state=Invite.MailState.WAITING)
    due = list(leases.due(waiting).order_by("created_at").values_list("pk", flat=True)[:BATCH])
    for pk in due:
        jobs.enqueue_now(own.send_invite, pk)
    return len(due)
