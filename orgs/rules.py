"""Pure rules of roles and names."""

from __future__ import annotations

from django.utils.translation import gettext as _

from missioncontrol.kernel.actors import Role
from missioncontrol.kernel.errors import Invalid

PERSONAL = "Personal"


def parse_role(raw: str | None) -> Role:
    """A role as people write it: trimmed, lower-case; blank means member.

    Raises:
        Invalid: no such role.
    """
    text = (raw or "").strip().lower()
    try:
        return Role(text) if text else Role.MEMBER
    except ValueError:
        raise Invalid(
            _("The role is one of member, admin, owner."), field="role", code="unknown_role"
        ) from None


def may_give_role(own: Role, *, before: Role | None, after: Role) -> bool:
    """Whether ``own`` may turn ``before`` into ``after``: only owners touch the role of owners."""
    if Role.OWNER in (before, after):
        return own is Role.OWNER
    return own.rank >= Role.ADMIN.rank


def personal_name(attempt: int) -> str:
    """Name of a personal organization: ``Personal``, then ``Personal 2``, and so on."""
    return PERSONAL if attempt == 1 else f"{PERSONAL} {attempt}"
