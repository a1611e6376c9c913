"""From a session or a bearer token to a person, in one query with all his memberships.

The local token is compared in constant time; personal tokens are found by their SHA-256; Clerk's
session tokens by their signature. No right is cached: one that was taken away is gone with the
next request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from missioncontrol.kernel import clock, credentials
from missioncontrol.kernel.actors import Actor, MembershipFacts, Role, Scope, UserActor
from missioncontrol.kernel.authz import Action, register_question
from missioncontrol.kernel.errors import Forbidden
from missioncontrol.kernel.secrets import same, token_hash
from orgs.signin import clerk
from orgs.signin.claims import ExternalPerson

TOKEN_PREFIX = "mct_"  # noqa: S105 - a public prefix, no secret
LOCAL_USER = "local-auth-user"
LOCAL_EMAIL = "admin@home.local"
LOCAL_NAME = "Local User"
USED_EVERY = timedelta(seconds=60)

_ROLES: Mapping[str, Role] = {role.value: role for role in Role}
_PERSON = (
    "u.id, u.username, u.name, u.preferred_name, u.email, u.active_organization_id, "
    "u.is_super_admin, m.organization_id, m.id, m.role, m.all_boards_read, m.all_boards_write"
)
_MEMBERSHIPS = "LEFT JOIN orgs_membership m ON m.user_id = u.id"
_OLDEST_FIRST = "ORDER BY m.created_at, m.id"
_BY_ID = (
    f"SELECT {_PERSON}, u.password, u.language, u.timezone FROM orgs_user u {_MEMBERSHIPS} "  # noqa: S608 - constants
    f"WHERE u.id = %s AND u.is_active {_OLDEST_FIRST}"
)
_LOCAL = (
    f"SELECT {_PERSON} FROM orgs_user u {_MEMBERSHIPS} "  # noqa: S608 - constants
    f"WHERE u.clerk_user_id = '{LOCAL_USER}' AND u.is_active {_OLDEST_FIRST}"
)
_BY_TOKEN = (
    f"SELECT {_PERSON}, t.id, t.scope, t.last_used_at, t.expires_at FROM orgs_apitoken t "  # noqa: S608 - constants
    f"JOIN orgs_user u ON u.id = t.user_id {_MEMBERSHIPS} "
    "WHERE t.token_hash = %s AND u.is_active AND t.revoked_at IS NULL "
    f"AND (t.expires_at IS NULL OR t.expires_at > now()) {_OLDEST_FIRST}"
)
_BY_CLERK = (
    f"SELECT {_PERSON}, u.email_verified FROM orgs_user u {_MEMBERSHIPS} "  # noqa: S608 - constants
    f"WHERE u.clerk_user_id = %s AND u.is_active {_OLDEST_FIRST}"
)
Row = Sequence[Any]


def _rows(sql: str, parameters: list[Any] | None = None) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[Row] = cursor.fetchall()
    return found


def _actor(rows: list[Row], organization_id: UUID | None, scope: Scope = "admin") -> UserActor:
    """Actor of the joined rows; active is the wanted, the chosen, or the oldest organization."""
    user = rows[0]
    memberships = {
        row[7]: MembershipFacts(row[7], row[8], _ROLES[row[9]], row[10], row[11])
        for row in rows
        if row[7] is not None
    }
    active = next((o for o in (organization_id, user[5]) if o in memberships), None)
    if active is None:
        active = next(iter(memberships), None)
    return UserActor(
        id=user[0],
        name=user[3] or user[2] or user[1],
        email=user[4],
        organization_id=active,
        memberships=memberships,
        scope=scope,
        is_super_admin=user[6],
    )


def _scoped(actor: UserActor, organization_id: UUID | None) -> UserActor:
    """Refuse a named organization that is not his: creations must not land in another one."""
    if organization_id is not None and organization_id not in actor.memberships:
        raise Forbidden(_("No org access"), code="no_org_access")
    return actor


def from_session(
    user_id: UUID, organization_id: UUID | None, session_hash: str | None = None
) -> UserActor | None:
    """Person of a browser session; ``None`` when inactive or the password changed since."""
    rows = _rows(_BY_ID, [user_id])
    if not rows or (session_hash is not None and not _fits(session_hash, rows[0][12])):
        return None
    language, time_zone = rows[0][13:15]
    return replace(_actor(rows, organization_id), language=language, time_zone=time_zone)


def _fits(session_hash: str, password: str) -> bool:
    """Django's session hash, computed from the stored password without loading the model."""
    salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
    expected = salted_hmac(salt, password, algorithm="sha256").hexdigest()
    return constant_time_compare(session_hash, expected)


def is_local_token(token: str) -> bool:
    """Whether this is the installation's token, while that way of signing in is on."""
    expected = settings.LOCAL_AUTH_TOKEN
    return "local" in settings.AUTH_MODES and bool(expected) and same(token, expected)


def from_local_token(token: str, organization_id: UUID | None) -> UserActor | None:
    """The built-in operator; made at first use, with a personal organization."""
    if not is_local_token(token):
        return None
    rows = _rows(_LOCAL)
    if not rows or rows[0][7] is None or not rows[0][4] or not rows[0][2]:
        from .services import users

        users.ensure_local_user()
        rows = _rows(_LOCAL)
        if not rows:
            return None
    return _scoped(_actor(rows, organization_id), organization_id)


def from_personal_token(token: str, organization_id: UUID | None) -> UserActor | None:
    """Person of an access token that is neither revoked nor expired."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    rows = _rows(_BY_TOKEN, [token_hash(token)])
    if not rows:
        return None
    token_id, scope, last_used_at, ends_at = rows[0][12:16]
    _touch(token_id, last_used_at)
    actor = replace(_actor(rows, organization_id, scope), ends_at=ends_at)
    return _scoped(actor, organization_id)


def from_clerk_token(token: str, organization_id: UUID | None) -> UserActor | None:
    """Person of a Clerk session; made at the first call, with an organization.

    Raises:
        Unavailable: Clerk's keys cannot be read.
    """
    claims = clerk.claims_of(token) if "clerk" in settings.AUTH_MODES else None
    if claims is None:
        return None
    rows = _rows(_BY_CLERK, [claims["sub"]])
    if not rows or rows[0][7] is None or not (rows[0][2] and rows[0][4] and rows[0][12]):
        rows = _completed(claims, rows)
    if not rows:
        return None
    ends_at = datetime.fromtimestamp(claims["exp"] + settings.CLERK_LEEWAY, UTC)
    return _scoped(replace(_actor(rows, organization_id), ends_at=ends_at), organization_id)


def _completed(claims: dict[str, Any], rows: list[Row]) -> list[Row]:
    """Make the person, or fill in what he lacks when Clerk knows more by now."""
    from .services import external

    person = clerk.completed(clerk.person(claims))
    if rows and rows[0][7] is not None and not _knows_more(person, rows[0]):
        return rows
    external.ensure_clerk_user(person)
    return _rows(_BY_CLERK, [claims["sub"]])


def _knows_more(person: ExternalPerson, row: Row) -> bool:
    is_new_address = person.is_email_verified and not row[12]
    return bool((person.name and not row[2]) or (person.email and not row[4]) or is_new_address)


def _touch(token_id: UUID, last_used_at: datetime | None) -> None:
    """Note the use, at most once a minute."""
    now = clock.now()
    if last_used_at is not None and now - last_used_at < USED_EVERY:
        return
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orgs_apitoken SET last_used_at = %s WHERE id = %s", [now, token_id])


def actor_of(user_id: UUID, organization_id: UUID | None = None) -> UserActor | None:
    """Person with his rights of this moment, for services that act in his name."""
    rows = _rows(_BY_ID, [user_id])
    return _actor(rows, organization_id) if rows else None


def ask_role(actor: Actor, action: Action, row: Any) -> None:
    """Question 3 of the permission order: the role in the row's organization.

    Raises:
        Forbidden: the role is not enough, or a ``write`` token would change an administrator's
            matter; what a ``read`` token reads, it reads as well.
    """
    if action.role is None or not isinstance(actor, UserActor):
        return
    is_change = action.role.rank >= Role.ADMIN.rank and not action.reads_only
    if actor.scope == "write" and is_change:
        raise Forbidden(_("This token may not administer."), action=action.name)
    role = actor.role_in(getattr(row, "organization_id", None))
    if role is None or role.rank < action.role.rank:
        raise Forbidden(_REFUSED[action.role], action=action.name)


_REFUSED = {
    Role.MEMBER: gettext_lazy("No org access"),
    Role.ADMIN: gettext_lazy("Organization admin access required"),
    Role.OWNER: gettext_lazy("Only organization owners may do this"),
}


def register() -> None:
    """Register the resolvers and the role question."""
    credentials.register_session(from_session)
    credentials.register_bearer(from_local_token)
    credentials.register_bearer(from_personal_token)
    credentials.register_bearer(from_clerk_token)
    register_question(10, ask_role)
