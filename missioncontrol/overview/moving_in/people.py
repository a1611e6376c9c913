"""People, organizations, memberships and invitations of the original product as rows of ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Model

from boards.models import BoardUserObjectPermission
from boards.querysets import permission_ids
from missioncontrol.kernel import secrets
from missioncontrol.overview.moving_in.source import Row
from missioncontrol.overview.moving_in.state import Left, Moved
from orgs.models import Invite, Membership, Organization, User

INVITE_DAYS = 14
ROLES = set(Membership.RoleChoice.values)


def user(row: Row, moved: Moved) -> Model:
    """A person; whoever is known by the same Clerk id keeps the id that he has here."""
    clerk_id = row.get("clerk_user_id") or None
    known = User.objects.filter(clerk_user_id=clerk_id).first() if clerk_id else None
    moved.users[row["id"]] = known.pk if known else row["id"]
    if known is not None and known.pk != row["id"]:
        raise Left("this person is here already, under another id; all references were led there")
    email = (row.get("email") or "").strip().lower() or None
    made = User(
        id=row["id"],
        username=str(clerk_id or row["id"])[:150],
        clerk_user_id=clerk_id,
        email=email,
        **{
            name: row.get(name) or ""
            for name in ("name", "preferred_name", "pronouns", "timezone", "notes", "context")
        },
        is_super_admin=bool(row.get("is_super_admin")),
    )
    made.set_unusable_password()
    return made


def organization(row: Row, moved: Moved) -> Model:
    """An organization; a name that is taken here gets an addition."""
    moved.organizations.add(row["id"])
    name = (row.get("name") or "").strip()[:180] or "Unnamed"
    others = Organization.objects.exclude(pk=row["id"])
    candidate, number = name, 1
    while others.filter(name__iexact=candidate).exists():
        number += 1
        candidate = f"{name} {number}"
    return Organization(id=row["id"], name=candidate, description=row.get("description"))


def member(row: Row, moved: Moved) -> Model:
    """A membership."""
    organization_id = moved.organization(row["organization_id"])
    user_id = moved.user(row["user_id"])
    if user_id is None:
        raise Left("its person is not there")
    moved.members[row["id"]] = (organization_id, user_id)
    other = Membership.objects.filter(organization_id=organization_id, user_id=user_id)
    if other.exclude(pk=row["id"]).exists():
        raise Left("this person is a member already")
    role = str(row.get("role") or "member").strip().lower()
    return Membership(
        id=row["id"],
        organization_id=organization_id,
        user_id=user_id,
        role=role if role in ROLES else Membership.RoleChoice.MEMBER,
        all_boards_read=bool(row.get("all_boards_read")),
        all_boards_write=bool(row.get("all_boards_write")),
    )


def board_access(row: Row, moved: Moved) -> list[Model]:
    """Rights on one board, as one grant for each right."""
    member_key = row.get("organization_member_id") or row.get("member_id")
    found = moved.members.get(member_key) if member_key else None
    if found is None:
        raise Left("its membership is not there")
    moved.board(row["board_id"])
    wanted = ["write_board"] if row.get("can_write") else []
    wanted += ["read_board"] if row.get("can_read") or row.get("can_write") else []
    if not wanted:
        raise Left("it grants nothing")
    ids = permission_ids()
    keys = {"content_object_id": row["board_id"], "user_id": found[1]}
    grants = BoardUserObjectPermission.objects.filter(**keys)
    have = set(grants.values_list("permission_id", flat=True))
    return [
        BoardUserObjectPermission(**keys, permission_id=ids[name])
        for name in sorted(wanted)
        if ids[name] not in have
    ]


def invite_access(row: Row, moved: Moved) -> list[Model]:
    """What an invitation grants on one board: kept on the invitation itself."""
    moved.board(row["board_id"])
    right = {
        "board_id": str(row["board_id"]),
        "can_read": bool(row.get("can_read")),
        "can_write": bool(row.get("can_write")),
    }
    key = row.get("organization_invite_id") or row.get("invite_id")
    if key is None:
        raise Left("its invitation is not there")
    moved.invites[key].append(right)
    return []


def invite(row: Row, moved: Moved) -> Model:
    """An invitation; its link stays valid for 14 days from when it was made."""
    organization_id = moved.organization(row["organization_id"])
    token = row.get("token")
    if not token:
        raise Left("it has no token")
    facts: dict[str, Any] = {
        name: bool(row.get(name)) for name in ("all_boards_read", "all_boards_write")
    }
    role = str(row.get("role") or "member").strip().lower()
    return Invite(
        id=row["id"],
        organization_id=organization_id,
        invited_email=str(row["invited_email"]).strip().lower(),
        token_hash=secrets.token_hash(token),
        token_sealed=secrets.seal(token),
        role=role if role in ROLES else Membership.RoleChoice.MEMBER,
        board_access=moved.invites.get(row["id"], []),
        created_by_id=moved.user(row.get("created_by_user_id")),
        accepted_by_id=moved.user(row.get("accepted_by_user_id")),
        accepted_at=row.get("accepted_at"),
        expires_at=row["created_at"] + timedelta(days=INVITE_DAYS),
        **facts,
    )
