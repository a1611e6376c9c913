"""Rules of roles and names, without a database."""

from __future__ import annotations

import pytest

from missioncontrol.kernel.actors import Role
from missioncontrol.kernel.errors import Invalid
from orgs import rules

M, A, O = Role.MEMBER, Role.ADMIN, Role.OWNER  # noqa: E741 - a table of three letters


@pytest.mark.parametrize(
    ("raw", "role"),
    [("member", M), (" Admin ", A), ("OWNER", O), ("", M), (None, M), ("  ", M)],
)
def test_roles_are_read_kindly(raw: str | None, role: Role) -> None:
    assert rules.parse_role(raw) is role


@pytest.mark.parametrize("raw", ["superuser", "own er", "0"])
def test_unknown_roles_are_refused(raw: str) -> None:
    with pytest.raises(Invalid):
        rules.parse_role(raw)


@pytest.mark.parametrize(
    ("own", "before", "after", "may"),
    [
        (M, M, M, False),
        (M, M, A, False),
        (A, M, A, True),
        (A, A, M, True),
        (A, M, O, False),
        (A, O, M, False),
        (A, None, O, False),
        (A, None, M, True),
        (O, M, O, True),
        (O, O, M, True),
        (O, None, O, True),
    ],
)
def test_only_owners_touch_the_role_of_owners(
    own: Role,
    before: Role | None,
    after: Role,
    may: bool,
) -> None:
    assert rules.may_give_role(own, before=before, after=after) is may


def test_personal_names_count_up() -> None:
    assert [rules.personal_name(n) for n in (1, 2, 3)] == ["Personal", "Personal 2", "Personal 3"]
