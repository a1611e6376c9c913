"""The end of an account, with what nobody else owns."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from activity import publish as log
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, NotFound
from missioncontrol.kernel.unit import service
from orgs import credentials
from orgs.models import Membership, Organization, User
from orgs.services import members, organizations
from orgs.signin import clerk


def close_account(actor: UserActor) -> None:
    """Delete one's own account, the one at Clerk first; its absence there is fine.

    Raises:
        Forbidden: a token that may not do everything itself.
        NotFound: the account is gone.
        Conflict: ``last_owner`` where others would be left without an owner.
        RemoteFailed: Clerk did not delete it; nothing was changed.
    """
    _require_whole_scope(actor)
    user = User.objects.filter(pk=actor.id).first()
    if user is None:
        raise NotFound
    _shared(Membership.objects.filter(user=user).select_related("organization"))
    subject = user.clerk_user_id
    if "clerk" in settings.AUTH_MODES and subject and subject != credentials.LOCAL_USER:
        clerk.delete_account(subject)
    delete_account(actor)


def _require_whole_scope(actor: UserActor) -> None:
    if actor.scope != "admin":
        raise Forbidden(_("This token may not delete the account."))


@service
def delete_account(actor: UserActor) -> None:
    """Delete one's own account.

    Organizations without anybody else are deleted whole; in the others the membership ends. What
    the person made stays without an author, and the record keeps his name.

    Raises:
        Forbidden: a token that may not do everything itself.
        NotFound: the account is gone.
        Conflict: ``last_owner`` where others would be left without an owner.
    """
    _require_whole_scope(actor)
    # The full locks: organizations without anybody else go, and so does the person.
    list(
        Organization.objects.filter(memberships__user_id=actor.id)
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    own = list(
        Membership.objects.filter(user_id=actor.id)
        .select_related("user", "organization")
        .select_for_update(of=("self",), no_key=True)
        .order_by("organization_id")
    )
    user = User.objects.select_for_update(of=("self",)).filter(pk=actor.id).first()
    if user is None:
        raise NotFound
    shared = _shared(own)
    for member in own:
        if member.pk in shared:
            members.end_membership(actor, member)
            organization_id = member.organization_id
            log.publish("user.deleted", actor=actor, target=user, organization_id=organization_id)
        else:
            organizations.remove(actor, member.organization)
    User.objects.get(pk=user.pk).delete()


def _shared(own: Iterable[Membership]) -> set[UUID]:
    """Ids of the memberships in organizations that live on.

    Raises:
        Conflict: ``last_owner``.
    """
    shared, blocked = set(), []
    for member in own:
        others = Membership.objects.filter(organization_id=member.organization_id)
        roles = set(others.exclude(pk=member.pk).values_list("role", flat=True))
        if roles:
            shared.add(member.pk)
        if roles and member.role == "owner" and "owner" not in roles:
            blocked.append(member.organization)
    if blocked:
        names = ", ".join(organization.name for organization in blocked)
        raise Conflict(
            _("You are the last owner of %(names)s. Make somebody else an owner first.")
            % {"names": names},
            code="last_owner",
            organization_ids=[str(organization.id) for organization in blocked],
        )
    return shared
