"""Shape of what people type about members, their boards, and invitations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from missioncontrol.kernel.actors import Role
from missioncontrol.kernel.forms import KitForm, dress
from orgs.board_access import BoardAccess
from orgs.models import Membership

CHOSEN, READ, WRITE = "chosen", "read", "write"
REACH = [
    (CHOSEN, _("Only the boards chosen below")),
    (READ, _("All boards, read only")),
    (WRITE, _("All boards")),
]
RIGHTS = [("", _("No access")), (READ, _("Read")), (WRITE, _("Read and write"))]
BOARD = "board_"


class RegisterForm(KitForm):
    """The account of an invited person; his address stands in the invitation."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        help_text=_("At least 10 characters."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class BoardsForm(KitForm):
    """Which boards somebody may use: all of them, or one by one."""

    reach = forms.ChoiceField(label=_("Boards"), choices=REACH, initial=CHOSEN)

    def offer(self, boards: Mapping[UUID, str], rights: Sequence[BoardAccess] = ()) -> None:
        """Name the boards that can be chosen, with the present rights."""
        present = {r.board_id: WRITE if r.can_write else READ for r in rights}
        for board_id, name in boards.items():
            field = forms.ChoiceField(
                label=name, choices=RIGHTS, required=False, initial=present.get(board_id, "")
            )
            dress(field)
            self.fields[f"{BOARD}{board_id}"] = field

    @property
    def boards(self) -> list[BoundField]:
        """One field per board."""
        return [self[name] for name in self.fields if name.startswith(BOARD)]

    def access(self) -> dict[str, Any]:
        """The answer as services take it."""
        given = self.cleaned_data
        reach = given["reach"]
        rows = [
            BoardAccess(UUID(name.removeprefix(BOARD)), can_read=True, can_write=right == WRITE)
            for name, right in given.items()
            if name.startswith(BOARD) and right and reach == CHOSEN
        ]
        return {
            "all_boards_read": reach in (READ, WRITE),
            "all_boards_write": reach == WRITE,
            "board_access_rows": rows,
        }


def reach_of(member: Membership) -> str:
    """How far a member's flags reach."""
    if member.all_boards_write:
        return WRITE
    return READ if member.all_boards_read else CHOSEN


def roles_for(own: Role | None) -> list[tuple[str, Any]]:
    """Roles that somebody of this role may give."""
    owner = Membership.RoleChoice.OWNER
    return [(v, w) for v, w in Membership.RoleChoice.choices if v != owner or own is Role.OWNER]


class InviteForm(BoardsForm):
    """A new invitation."""

    invited_email = forms.CharField(
        label=_("E-mail address"),
        max_length=320,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"))
    field_order = ["invited_email", "role", "reach"]

    def offer_roles(self, own: Role | None) -> None:
        """Name the roles that can be given."""
        self.fields["role"].choices = roles_for(own)  # type: ignore[attr-defined]


class RoleForm(KitForm):
    """Another role."""

    role = forms.ChoiceField(label=_("Role"))

    def offer_roles(self, own: Role | None) -> None:
        """Name the roles that can be given."""
        self.fields["role"].choices = roles_for(own)  # type: ignore[attr-defined]


class OrganizationForm(KitForm):
    """An organization's facts."""

    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(
        label=_("Description"), required=False, max_length=100_000, widget=forms.Textarea
    )
