"""Members of an organization: joining, roles, board access, leaving."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from activity import publish as log
from missioncontrol.kernel.actors import Actor, Role, UserActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from missioncontrol.kernel.unit import service
from orgs import actions, board_access, rules
from orgs.board_access import BoardAccess
from orgs.models import Membership, Organization, User
from orgs.services.users import note_rights_changed


def _locked(actor: Actor, member_id: UUID) -> Membership:
    """A membership under its organization's lock, so that owners are counted once at a time.

    Raises:
        NotFound: not in an organization of the actor.
    """
    found: Membership = Membership.objects.seen_by(actor, member_id)
    Organization.objects.open_for(actor, found.organization_id)
    member = (
        Membership.objects.visible_to(actor)
        .select_related("user", "organization")
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=found.pk)
        .first()
    )
    if member is None:
        raise NotFound
    locked: Membership = member
    return locked


def _own_role(actor: Actor, organization_id: UUID) -> Role:
    role = actor.role_in(organization_id) if isinstance(actor, UserActor) else Role.OWNER
    return role or Role.MEMBER


def _keep_an_owner(member: Membership) -> None:
    others = Membership.objects.owners_of(member.organization_id).exclude(pk=member.pk)
    if member.role == Role.OWNER.value and not others.exists():
        raise Invalid(
            _("Organization must have at least one owner"), code="last_owner", field="role"
        )


@service
def add_member(
    actor: Actor,
    organization_id: UUID,
    *,
    user_id: UUID,
    role: str = "member",
    all_boards_read: bool = False,
    all_boards_write: bool = False,
) -> Membership:
    """Take a person into an organization.

    Raises:
        NotFound: unknown organization or person.
        Forbidden: not an administrator, or ``owner`` given by somebody who is none.
        Invalid: an unknown role.
        Conflict: ``already_member``.
    """
    wanted = rules.parse_role(role)
    organization: Organization = Organization.objects.open_for(actor, organization_id)
    authorize(actor, actions.ADD_MEMBER, organization)
    check_role_right(actor, organization.id, before=None, after=wanted)
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFound
    return join(
        actor,
        organization,
        user,
        role=wanted,
        all_boards_read=all_boards_read,
        all_boards_write=all_boards_write,
    )


def join(
    actor: Actor,
    organization: Organization,
    user: User,
    *,
    role: Role,
    all_boards_read: bool,
    all_boards_write: bool,
) -> Membership:
    """Insert a membership and tell of it; part of a running service.

    Raises:
        Conflict: ``already_member``.
    """
    try:
        with transaction.atomic():
            member = Membership.objects.create(
                organization=organization,
                user=user,
                role=role.value,
                all_boards_read=all_boards_read or all_boards_write,
                all_boards_write=all_boards_write,
            )
    except IntegrityError as error:
        raise Conflict(_("This person is already a member."), code="already_member") from error
    note_rights_changed(user.id)
    log.publish(
        "member.added",
        actor=actor,
        target=member,
        organization_id=organization.id,
        data={"user_id": str(user.id), "role": role.value},
    )
    return member


def raise_to(
    actor: Actor,
    member: Membership,
    *,
    role: Role,
    all_boards_read: bool,
    all_boards_write: bool,
) -> None:
    """Give a locked membership what it lacks and take nothing; part of a running service."""
    before = Role(member.role)
    flags = (member.all_boards_read, member.all_boards_write)
    if role.rank > before.rank:
        member.role = role.value
    member.all_boards_write = member.all_boards_write or all_boards_write
    member.all_boards_read = member.all_boards_read or all_boards_read or member.all_boards_write
    now = (member.all_boards_read, member.all_boards_write)
    if member.role == before.value and now == flags:
        return
    member.save(update_fields=["role", "all_boards_read", "all_boards_write", "updated_at"])
    note_rights_changed(member.user_id)
    if member.role != before.value:
        _publish_role(actor, member, before)
    if now != flags:
        _publish_access(actor, member, [])


def _publish_role(actor: Actor, member: Membership, before: Role) -> None:
    log.publish(
        "member.role_changed",
        actor=actor,
        target=member,
        organization_id=member.organization_id,
        data={"user_id": str(member.user_id), "role": member.role, "previous": before.value},
    )


def _publish_access(actor: Actor, member: Membership, rights: Sequence[BoardAccess]) -> None:
    log.publish(
        "member.access_changed",
        actor=actor,
        target=member,
        organization_id=member.organization_id,
        data={
            "user_id": str(member.user_id),
            "all_boards_read": member.all_boards_read,
            "all_boards_write": member.all_boards_write,
            "board_access": [
                {"board_id": str(r.board_id), "can_write": r.can_write} for r in rights[:100]
            ],
        },
    )


def check_role_right(
    actor: Actor, organization_id: UUID, *, before: Role | None, after: Role
) -> None:
    """Whether the actor may give ``after`` to somebody who has ``before``.

    Raises:
        Forbidden: the role of an owner, touched by somebody who is none.
    """
    if not rules.may_give_role(_own_role(actor, organization_id), before=before, after=after):
        raise Forbidden(_("Only owners can give or take the role of an owner"))


@service
def change_role(actor: Actor, member_id: UUID, *, role: str) -> Membership:
    """Give a member another role.

    Raises:
        Invalid: an unknown role; ``last_owner`` when nobody would own the organization.
        NotFound: no such member.
        Forbidden: not an administrator, or an owner's role touched by somebody who is none.
    """
    wanted = rules.parse_role(role)
    member = _locked(actor, member_id)
    authorize(actor, actions.CHANGE_ROLE, member)
    before = Role(member.role)
    check_role_right(actor, member.organization_id, before=before, after=wanted)
    if before is wanted:
        return member
    if wanted is not Role.OWNER:
        _keep_an_owner(member)
    member.role = wanted.value
    member.save(update_fields=["role", "updated_at"])
    note_rights_changed(member.user_id)
    _publish_role(actor, member, before)
    return member


@service
def change_access(
    actor: Actor,
    member_id: UUID,
    *,
    all_boards_read: bool,
    all_boards_write: bool,
    board_access_rows: Sequence[BoardAccess] = (),
) -> Membership:
    """Replace a member's rights on boards.

    A flag for all boards makes rights on single boards meaningless, so these go.

    Raises:
        NotFound: no such member.
        Forbidden: not an administrator.
        Invalid: a board of another organization; nothing is changed.
    """
    member = _locked(actor, member_id)
    authorize(actor, actions.CHANGE_ACCESS, member)
    wide = all_boards_read or all_boards_write
    rights = [] if wide else list(board_access_rows)
    organization_id, user_id = member.organization_id, member.user_id
    board_access.require_known(organization_id, [row.board_id for row in board_access_rows])
    board_access.replace(actor, organization_id, user_id, rights)
    member.all_boards_read = wide
    member.all_boards_write = all_boards_write
    member.save(update_fields=["all_boards_read", "all_boards_write", "updated_at"])
    note_rights_changed(member.user_id)
    _publish_access(actor, member, rights)
    return member


@service
def remove_member(actor: Actor, member_id: UUID) -> None:
    """Take a member out of the organization; what he made stays, his grants on boards go.

    Raises:
        NotFound: no such member.
        Forbidden: not an administrator, oneself, or an owner by somebody who is none.
        Invalid: ``last_owner``.
    """
    member = _locked(actor, member_id)
    authorize(actor, actions.REMOVE_MEMBER, member)
    if member.user_id == actor.id:
        raise Forbidden(_("You cannot remove yourself. Ask another administrator."))
    if member.role == Role.OWNER.value:
        if _own_role(actor, member.organization_id) is not Role.OWNER:
            raise Forbidden(_("Only owners can remove owners"))
        _keep_an_owner(member)
    end_membership(actor, member, "member.removed")


@service
def leave_organization(actor: UserActor, organization_id: UUID) -> None:
    """End one's own membership; what one made stays, grants on boards go.

    Raises:
        NotFound: not a member.
        Forbidden: a token that may only read.
        Conflict: ``last_owner``, there must be another owner first; ``sole_member``, an
            organization without anybody is deleted, not left.
    """
    organization: Organization = Organization.objects.open_for(actor, organization_id)
    authorize(actor, actions.LEAVE_ORGANIZATION, organization)
    member = (
        Membership.objects.select_related("user", "organization")
        .select_for_update(of=("self",), no_key=True)
        .filter(organization=organization, user_id=actor.id)
        .first()
    )
    if member is None:
        raise NotFound
    _check_leaving(member)
    end_membership(actor, member)


def _check_leaving(member: Membership) -> None:
    others = Membership.objects.filter(organization_id=member.organization_id).exclude(pk=member.pk)
    if not others.exists():
        raise Conflict(
            _("You are the only member. Delete the organization instead."), code="sole_member"
        )
    if member.role == Role.OWNER.value and not others.filter(role=Role.OWNER.value).exists():
        raise Conflict(
            _("You are the last owner. Make somebody else an owner first."), code="last_owner"
        )


def end_membership(actor: Actor, member: Membership, event: str = "member.left") -> None:
    """Delete a locked membership and tell of it; part of a running service."""
    user, organization_id, about = member.user, member.organization_id, member.target
    member.delete()
    _fall_back(user, organization_id)
    note_rights_changed(user.id)
    log.publish(
        event,
        actor=actor,
        target=about,
        organization_id=organization_id,
        data={"user_id": str(user.id)},
    )


def _fall_back(user: User, organization_id: UUID) -> None:
    """Make the oldest other membership the active one."""
    if user.active_organization_id == organization_id:
        oldest = Membership.objects.filter(user=user).order_by("created_at", "pk").first()
        user.active_organization_id = oldest.organization_id if oldest else None
        user.save(update_fields=["active_organization", "updated_at"])
