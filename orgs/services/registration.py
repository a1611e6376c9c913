"""The account of an invited person, made by himself where people sign in by password.

The invitation fixes the e-mail address, which is also the user name. Account and membership are one
change: there is no account without the invitation, and the link is used up with it.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from missioncontrol.kernel import ratelimit
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid
from missioncontrol.kernel.unit import service
from orgs.models import Invite, Membership, User
from orgs.services import invites, users


def is_open() -> bool:
    """Whether invited people may make an account here."""
    return "password" in settings.AUTH_MODES


def register_by_invite(
    *, token: str, name: str, password: str, address: str = ""
) -> tuple[User, Membership]:
    """Make the account of the invited address and join with it.

    Raises:
        Forbidden: ``mode_off``, nobody signs in by password here.
        RateLimited: ten attempts from this address within a minute.
        NotFound: unknown, used, revoked or too old; the answer never tells which.
        Invalid: blank name, or a password that is too weak.
        Conflict: ``account_exists``, the address has an account: sign in and accept.
    """
    if not is_open():
        raise Forbidden(_("Sign-in by password is switched off."), code="mode_off")
    ratelimit.hit(ratelimit.INVITES, f"address:{address}", must_count=True)
    return _register(token=token, name=name, password=password)


@service
def _register(*, token: str, name: str, password: str) -> tuple[User, Membership]:
    invite = invites.take_pending(token)
    user = _account(invite, name=name.strip(), password=password)
    if _has_account(invite.invited_email):
        raise _taken()
    try:
        users.insert_user(user)
    except Conflict as conflict:  # the same address, in another organization, at this moment
        raise _taken() from conflict
    member = invites.use_invite(invite, user)
    user.refresh_from_db(fields=["active_organization"])
    actor = UserActor(id=user.id, name=user.display_name, email=user.email)
    users.publish_own(actor, user, "user.registered")
    return user, member


def _account(invite: Invite, *, name: str, password: str) -> User:
    if not 1 <= len(name) <= 200:
        raise Invalid(_("A name has 1 to 200 characters."), field="name")
    user = users.new_password_user(
        username=invite.invited_email,
        password=password,
        email=invite.invited_email,
        name=name,
        email_verified=True,
    )
    user.email_vouched_by = invite.organization_id
    return user


def _has_account(email: str) -> bool:
    """Whether somebody can sign in who may accept an invitation for this address."""
    proven = Q(email__iexact=email, email_verified=True)
    return User.objects.filter(proven | Q(username__iexact=email)).exists()


def _taken() -> Conflict:
    return Conflict(
        _("This e-mail address has an account. Sign in with it and accept the invitation."),
        code="account_exists",
    )
