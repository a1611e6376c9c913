"""Rows of this app as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.retelling import retold
from orgs.board_access import BoardAccess
from orgs.models import ApiToken, Invite, Membership, Organization, User

_TEXTS = ("name", "preferred_name", "pronouns", "timezone", "notes", "context")


def user(row: User, actor: UserActor) -> dict[str, Any]:
    """A person to himself; empty texts are null."""
    return {
        "id": row.id,
        "username": row.username,
        "clerk_user_id": row.clerk_user_id,
        "email": row.email,
        **{name: getattr(row, name) or None for name in _TEXTS},
        "theme": row.theme,
        "density": row.density,
        "language": row.language,
        "is_high_contrast": row.is_high_contrast,
        "is_super_admin": row.is_super_admin,
        "active_organization_id": row.active_organization_id or actor.organization_id,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def organization(row: Organization) -> dict[str, Any]:
    """An organization."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def own_organization(row: Organization, actor: UserActor) -> dict[str, Any]:
    """An organization with the caller's place in it."""
    return {
        **organization(row),
        "role": actor.role_in(row.id),
        "is_active": row.id == actor.organization_id,
    }


def board_access(rows: Sequence[BoardAccess]) -> list[dict[str, Any]]:
    """Rights on single boards."""
    return [dict(row._asdict()) for row in rows]


def member(row: Membership, rights: Sequence[BoardAccess] = ()) -> dict[str, Any]:
    """A member with the person and his rights on boards."""
    return {
        "id": row.id,
        "organization_id": row.organization_id,
        "user_id": row.user_id,
        "role": row.role,
        "all_boards_read": row.all_boards_read,
        "all_boards_write": row.all_boards_write,
        "user": {
            "id": row.user_id,
            "email": row.user.email,
            "name": row.user.name or None,
            "preferred_name": row.user.preferred_name or None,
        },
        "board_access": board_access(rights),
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def invite(row: Invite) -> dict[str, Any]:
    """An invitation without its token."""
    return {
        "id": row.id,
        "organization_id": row.organization_id,
        "invited_email": row.invited_email,
        "role": row.role,
        "all_boards_read": row.all_boards_read,
        "all_boards_write": row.all_boards_write,
        "board_access": row.board_access,
        "created_by_user_id": row.created_by_id,
        "accepted_by_user_id": row.accepted_by_id,
        "accepted_at": iso(row.accepted_at),
        "expires_at": iso(row.expires_at),
        "mail_state": row.mail_state,
        "mail_error": retold(row.mail_error) or None,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def token(row: ApiToken) -> dict[str, Any]:
    """A personal access token without its text."""
    return {
        "id": row.id,
        "name": row.name,
        "scope": row.scope,
        "hint": row.hint,
        "expires_at": iso(row.expires_at),
        "revoked_at": iso(row.revoked_at),
        "last_used_at": iso(row.last_used_at),
        "created_at": iso(row.created_at),
    }
