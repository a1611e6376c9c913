"""Invitations: a link for one e-mail address, used once, within 14 days.

What an invitation gives is merged upwards into a membership that exists already: nobody loses
anything by accepting one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from activity import publish as log
from missioncontrol.kernel import clock, jobs, ratelimit
from missioncontrol.kernel.actors import Actor, Role, SystemActor, UserActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from missioncontrol.kernel.secrets import same, seal, token_hash, unseal
from missioncontrol.kernel.unit import service
from orgs import actions, board_access, rules
from orgs.board_access import BoardAccess
from orgs.models import Invite, Membership, Organization, User
from orgs.services import members

LIFE = timedelta(days=14)
TOKEN_PREFIX = "mci_"  # noqa: S105 - a public prefix, no secret
TOKEN_BYTES = 24
MailState = Invite.MailState


@service
def create_invite(
    actor: Actor,
    organization_id: UUID,
    *,
    invited_email: str,
    role: str = "member",
    all_boards_read: bool = False,
    all_boards_write: bool = False,
    board_access_rows: Sequence[BoardAccess] = (),
) -> tuple[Invite, str]:
    """A new invitation and its token; the message with the link is sent by a job.

    Raises:
        Invalid: no e-mail address, an unknown role, or a board of another organization.
        NotFound: not in this organization.
        Forbidden: not an administrator, or ``owner`` offered by somebody who is none.
        Conflict: ``already_member``.
    """
    email = _address(invited_email)
    wanted = rules.parse_role(role)
    organization: Organization = Organization.objects.open_for(actor, organization_id)
    authorize(actor, actions.CREATE_INVITE, organization)
    members.check_role_right(actor, organization.id, before=None, after=wanted)
    rows = _known_boards(organization.id, board_access_rows)
    present = Membership.objects.filter(organization=organization, user__email__iexact=email)
    if present.exists():
        raise Conflict(_("This person is already a member."), code="already_member")
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    wide = all_boards_read or all_boards_write
    invite = Invite.objects.create(
        organization=organization,
        invited_email=email,
        token_hash=token_hash(token),
        token_sealed=seal(token),
        role=wanted.value,
        all_boards_read=wide,
        all_boards_write=all_boards_write,
        board_access=[] if wide else rows,
        created_by_id=actor.id if isinstance(actor, UserActor) else None,
        expires_at=clock.now() + LIFE,
        mail_state=MailState.WAITING if settings.MAIL_IS_ON else MailState.OFF,
    )
    _publish("invite.created", actor, invite, role=wanted.value)
    _wake_mail(invite)
    return invite, token


def _address(raw: str) -> str:
    email = raw.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(
            _("Enter an e-mail address such as mira@example.org."), field="invited_email"
        ) from error
    if len(email) > 254:
        raise Invalid(_("An e-mail address has at most 254 characters."), field="invited_email")
    return email


def _known_boards(organization_id: UUID, rows: Sequence[BoardAccess]) -> list[dict[str, Any]]:
    """The rights as stored, one per board.

    Raises:
        Invalid: a board that is not of the organization.
    """
    rights = {row.board_id: row for row in rows if row.can_read or row.can_write}
    board_access.require_known(organization_id, [row.board_id for row in rows])
    return [
        {"board_id": str(pk), "can_read": True, "can_write": right.can_write}
        for pk, right in rights.items()
    ]


def _wake_mail(invite: Invite) -> None:
    if invite.mail_state == MailState.WAITING:
        from orgs import jobs as own

        jobs.enqueue(own.send_invite, invite.id)


def accept_url(token: str) -> str:
    """Address of the page where the invitation is accepted."""
    return f"{settings.BASE_URL}/invite?token={token}"


@service
def reveal_invites(
    actor: Actor, organization_id: UUID, invite_ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Tokens of pending invitations; every look is recorded.

    Raises:
        NotFound: not in this organization.
        Forbidden: not an administrator, or a token that may only read.
    """
    organization: Organization = Organization.objects.seen_by(actor, organization_id)
    authorize(actor, actions.REVEAL_INVITE, organization)
    found = Invite.objects.pending().filter(organization=organization, pk__in=list(invite_ids))
    tokens = {}
    for invite in found.order_by("created_at", "pk"):
        tokens[invite.id] = unseal(invite.token_sealed)
        _publish("invite.revealed", actor, invite)
    return tokens


@service
def revoke_invite(actor: Actor, invite_id: UUID) -> Invite:
    """Take a pending invitation back; its link leads nowhere from now on.

    Raises:
        NotFound: absent, used, or too old.
        Forbidden: not an administrator.
    """
    invite: Invite = Invite.objects.pending().open_for(actor, invite_id, for_delete=True)
    authorize(actor, actions.REVOKE_INVITE, invite)
    removed = Invite.objects.get(pk=invite.pk)
    invite.delete()
    _publish("invite.revoked", actor, removed)
    return removed


def pending_of(token: str) -> Invite | None:
    """The pending invitation of a token, with its organization; ``None`` if it leads nowhere."""
    digest = token_hash(token.strip())
    found: Invite | None = (
        Invite.objects.pending().select_related("organization", "created_by")
        .filter(token_hash=digest).first()
    )  # fmt: skip
    return found if found is not None and same(found.token_hash, digest) else None


def accept_invite(actor: UserActor, *, token: str, address: str = "") -> Membership:
    """Join by an invitation that is addressed to the caller's verified e-mail address.

    Raises:
        RateLimited: ten attempts from this address within a minute.
        NotFound: unknown, used, revoked or too old; the answer never tells which.
        Forbidden: addressed to somebody else, or the caller has no verified address.
    """
    ratelimit.hit(ratelimit.INVITES, f"address:{address}")
    return _accept(actor, token=token)


@service
def _accept(actor: UserActor, *, token: str) -> Membership:
    if actor.scope == "read":
        raise Forbidden(_("This token may only read."))
    invite = take_pending(token)
    user = User.objects.filter(pk=actor.id, is_active=True).first()
    if user is None:
        raise NotFound
    if verified_email(user) != invite.invited_email:
        raise Forbidden(_refusal(user), code="other_email")
    return use_invite(invite, user)


def take_pending(token: str) -> Invite:
    """The pending invitation of a token, locked; part of a running service.

    Raises:
        NotFound: unknown, used, revoked or too old; the answer never tells which.
    """
    digest = token_hash(token.strip())
    invite: Invite | None = (
        Invite.objects.pending()
        .select_for_update(of=("self",), no_key=True)
        .filter(token_hash=digest)
        .first()
    )
    if invite is None or not same(invite.token_hash, digest):
        raise NotFound
    return invite


def verified_email(user: User) -> str:
    """The address that the person is known to own, in lower case; empty without one."""
    return (user.email or "").strip().lower() if user.email_verified else ""


def _refusal(user: User) -> str:
    if verified_email(user):
        return _("This invitation is for another e-mail address.")
    return _("Your account has no verified e-mail address. An invitation needs one.")


def oldest_for(user: User) -> Invite | None:
    """The oldest pending invitation for a person's verified address, locked.

    One that is being accepted at this moment is passed over: the caller holds the person's row,
    and waiting for another holder of it would never end. An address that only an organization's
    invitation vouches for counts for that organization alone.
    """
    email = verified_email(user)
    if not email:
        return None
    rows = Invite.objects.pending().filter(invited_email=email)
    if user.email_vouched_by is not None:
        rows = rows.filter(organization_id=user.email_vouched_by)
    found: Invite | None = (
        rows.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .order_by("created_at", "pk")
        .first()
    )
    return found


def use_invite(invite: Invite, user: User) -> Membership:
    """Join by a locked invitation; part of a running service."""
    actor = UserActor(id=user.id, name=user.display_name, email=user.email)
    member = _merge(actor, invite, user)
    invite.accepted_by = user
    invite.accepted_at = clock.now()
    invite.save(update_fields=["accepted_by", "accepted_at", "updated_at"])
    User.objects.filter(pk=user.pk, active_organization__isnull=True).update(
        active_organization_id=invite.organization_id
    )
    _publish("invite.accepted", actor, invite, user_id=str(user.id), role=member.role)
    return member


def _merge(actor: UserActor, invite: Invite, user: User) -> Membership:
    """The membership with everything that it had and everything that the invitation gives."""
    member = (
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .filter(organization_id=invite.organization_id, user=user)
        .first()
    )
    if member is None:
        member = members.join(
            actor,
            invite.organization,
            user,
            role=Role(invite.role),
            all_boards_read=invite.all_boards_read,
            all_boards_write=invite.all_boards_write,
        )
    else:
        members.raise_to(
            actor,
            member,
            role=Role(invite.role),
            all_boards_read=invite.all_boards_read,
            all_boards_write=invite.all_boards_write,
        )
    _merge_boards(invite, member)
    return member


def _merge_boards(invite: Invite, member: Membership) -> None:
    organization_id, user_id = invite.organization_id, member.user_id
    present = {
        right.board_id: right
        for right in board_access.rights_of(organization_id, [user_id]).get(user_id, [])
    }
    wanted = dict(present)
    given = {UUID(row["board_id"]): bool(row["can_write"]) for row in invite.board_access}
    known = board_access.names_of(organization_id, list(given)) if given else {}
    for board_id, can_write in given.items():
        if board_id in known:
            before = present.get(board_id)
            writes = can_write or (before is not None and before.can_write)
            wanted[board_id] = BoardAccess(board_id, can_read=True, can_write=writes)
    if member.all_boards_write:
        wanted = {}  # a flag for all boards makes rights on single ones meaningless
    if wanted != present:
        who = SystemActor("invitation accepted", organization_id)
        board_access.replace(who, organization_id, user_id, list(wanted.values()))


@service
def record_mail(invite_id: UUID, *, error: str = "", is_final: bool = False) -> None:
    """Note how the message went: sent, to be tried again, or given up."""
    state = MailState.SENT if not error else MailState.FAILED if is_final else MailState.WAITING
    Invite.objects.filter(pk=invite_id).update(mail_state=state, mail_error=error[:300])


def _publish(event: str, actor: Actor, invite: Invite, **data: Any) -> None:
    log.publish(
        event, actor=actor, target=invite, organization_id=invite.organization_id, data=data
    )
