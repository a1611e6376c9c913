"""Super admins, named from the command line: who may open the Django admin."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import Conflict, NotFound
from missioncontrol.kernel.unit import service
from orgs.models import Organization, User
from orgs.services import users


@service
def set_super_admin(
    actor: SystemActor, *, email: str, username: str = "", is_super_admin: bool
) -> tuple[User, bool]:
    """Make the person of an address a super admin, or take that away; recorded.

    Args:
        username: Which account is meant, where the address alone does not say it safely.

    Returns:
        The person, and whether anything changed.

    Raises:
        NotFound: nobody has this address (or this address and name).
        Conflict: ``ambiguous``, ``not_verified``, ``only_vouched``, ``account_closed``,
            ``last_super_admin``.
    """
    user = _meant(email, username)
    if user.is_super_admin == is_super_admin:
        return user, False
    if is_super_admin:
        _require_safe(user, is_named=bool(username))
        users.ensure_organization(user)  # the record is kept where he is at home
        user.refresh_from_db(fields=["active_organization"])
    else:
        _require_another(user)
    user.is_super_admin = is_super_admin
    user.save(update_fields=["is_super_admin", "updated_at"])
    users.note_rights_changed(user.pk)
    event = "user.super_admin_granted" if is_super_admin else "user.super_admin_revoked"
    users.publish_own(actor, user, event)
    return user, True


def _meant(email: str, username: str) -> User:
    rows: QuerySet[User] = User.objects.filter(email__iexact=email.strip())
    if username:
        rows = rows.filter(username=username)
    found = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
    if not found:
        raise NotFound(_("Nobody here has this e-mail address. He has to sign in once first."))
    if len(found) > 1:
        names = ", ".join(sorted(user.username for user in found))
        raise Conflict(
            _("Several accounts have this address. Name the one that is meant: %(names)s.")
            % {"names": names},
            code="ambiguous",
        )
    return found[0]


def _require_safe(user: User, *, is_named: bool) -> None:
    """The address has to be the person's own; who is named is vouched for by the operator."""
    if not user.is_active:
        raise Conflict(_("This account is closed. Reopen it first."), code="account_closed")
    if is_named:
        return
    if not user.email_verified:
        raise Conflict(
            _("Nobody has verified that this address belongs to the account %(name)s.")
            % {"name": user.username},
            code="not_verified",
        )
    if user.email_vouched_by is not None:
        names = Organization.objects.filter(pk=user.email_vouched_by).values_list("name", flat=True)
        raise Conflict(
            _("Only an invitation of %(organization)s says that this address is his.")
            % {"organization": names.first() or "—"},
            code="only_vouched",
        )


def _require_another(user: User) -> None:
    others = User.objects.filter(is_super_admin=True, is_active=True).exclude(pk=user.pk)
    if not others.exists():
        raise Conflict(
            _("This is the last super admin. Make somebody else one first."),
            code="last_super_admin",
        )
