"""Members of the organization: list, one member, who may use which board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, Value, When
from django.db.models.functions import Coalesce, Lower, NullIf
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from missioncontrol.kernel.actors import Role, UserActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid
from missioncontrol.kernel.pages import actor, home_of, page, page_of
from missioncontrol.kernel.sorting import sorting
from orgs import actions, board_access, rules
from orgs.models import Membership, Organization
from orgs.pages import invites
from orgs.pages.access_forms import BoardsForm, RoleForm, reach_of
from orgs.services import members

REFUSALS = (Forbidden, Conflict, Invalid)
PAGE_SIZE = 100
LIST = "/organization"
#: People stand by how others call them.
CALLED = Coalesce(
    NullIf("user__preferred_name", Value("")), NullIf("user__name", Value("")), "user__username"
)
RANK = Case(When(role="owner", then=0), When(role="admin", then=1), default=2)
SORTS: dict[str, Any] = {"person": Lower(CALLED), "role": RANK, "joined": "created_at"}


@require_safe
@page
def member_list(request: HttpRequest) -> HttpResponse:
    """Members of the active organization with their roles and boards, and open invitations."""
    return list_page(request)


def list_page(request: HttpRequest, *, status: int = 200, invite_form: Any = None) -> HttpResponse:
    """The list, with a refused invitation on top when there is one."""
    who = actor(request)
    organization = Organization.objects.seen_by(who, home_of(who))
    rows = Membership.objects.filter(organization=organization).select_related("user")
    asked = sorting(request, SORTS, default="person", last=["pk"])
    part = page_of(request, rows.order_by(*asked.order), PAGE_SIZE)
    is_admin = who.is_admin_in(organization.id)
    context = {
        "nav": "members",
        "organization": organization,
        **part,
        **asked.context,
        "total": rows.count(),
        "boards": _board_names(organization.id, part["items"]) if is_admin else {},
        "me": who.id,
        "is_admin": is_admin,
        **(invites.part_of_list(request, who, organization, invite_form) if is_admin else {}),
    }
    return render(request, "orgs/member_list.html", context, status=status)


def _board_names(organization_id: UUID, rows: list[Membership]) -> Mapping[UUID, list[str]]:
    rights = board_access.rights_of(organization_id, [row.user_id for row in rows])
    names = board_access.names_of(organization_id) if rights else {}
    return {
        user_id: [names[right.board_id] for right in held if right.board_id in names]
        for user_id, held in rights.items()
    }


@require_safe
@page
def access_matrix(request: HttpRequest) -> HttpResponse:
    """Members times boards: who may read and who may write."""
    who = actor(request)
    organization = Organization.objects.seen_by(who, home_of(who))
    authorize(who, actions.VIEW_MEMBER, organization)
    rows = Membership.objects.filter(organization=organization).select_related("user").in_order()
    part = page_of(request, rows, PAGE_SIZE)
    names = board_access.names_of(organization.id)
    people = [row.user_id for row in part["items"]]
    rights = board_access.rights_of(organization.id, people)
    lines = [
        (row, [_cell(row, rights.get(row.user_id, []), pk) for pk in names])
        for row in part["items"]
    ]
    context = {"nav": "members", **part, "boards": list(names.values()), "lines": lines}
    return render(request, "orgs/access_matrix.html", context)


def _cell(row: Membership, rights: list[board_access.BoardAccess], board_id: UUID) -> str:
    """``write``, ``read`` or nothing."""
    own = next((right for right in rights if right.board_id == board_id), None)
    if row.all_boards_write or (own is not None and own.can_write):
        return "write"
    return "read" if row.all_boards_read or own is not None else ""


def _seen(who: UserActor, member_id: UUID) -> Membership:
    """A member that the person may look at: himself, or any for admins."""
    rows = Membership.objects.filter(organization_id=home_of(who)).select_related("user")
    row: Membership = rows.seen_by(who, member_id)
    if row.user_id != who.id:
        authorize(who, actions.VIEW_MEMBER, row)
    return row


@require_safe
@page
def member_detail(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """One member: role, boards, the way out."""
    return _detail(request, _seen(actor(request), member_id))


def _detail(
    request: HttpRequest, row: Membership, *, status: int = 200, **forms: Any
) -> HttpResponse:
    who = actor(request)
    own = who.role_in(row.organization_id)
    names = board_access.names_of(row.organization_id)
    rights = board_access.rights_of(row.organization_id, [row.user_id]).get(row.user_id, [])
    is_admin = who.is_admin_in(row.organization_id)
    context = {
        "nav": "members",
        "member": row,
        "me": who.id,
        "is_admin": is_admin,
        "may_change_role": is_admin and _may_touch(own, row),
        "may_remove": is_admin and row.user_id != who.id and _may_touch(own, row),
        "role_form": _role_form(own, row),
        "access_form": _access_form(row, names, rights),
        "rights": [(names[r.board_id], r) for r in rights if r.board_id in names],
        **forms,
    }
    return render(request, "orgs/member_detail.html", context, status=status)


def _may_touch(own: Role | None, row: Membership) -> bool:
    role = Role(row.role)
    return own is not None and rules.may_give_role(own, before=role, after=Role.MEMBER)


def _role_form(own: Role | None, row: Membership, data: Any = None) -> RoleForm:
    form = RoleForm(data, initial={"role": row.role})
    form.offer_roles(own)
    return form


def _access_form(
    row: Membership,
    names: Mapping[UUID, str],
    rights: list[board_access.BoardAccess],
    data: Any = None,
) -> BoardsForm:
    form = BoardsForm(data, initial={"reach": reach_of(row)})
    form.offer(names, rights)
    return form


@require_POST
@page
def member_role(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Give a member another role."""
    who = actor(request)
    row = _seen(who, member_id)
    authorize(who, actions.CHANGE_ROLE, row)
    form = _role_form(who.role_in(row.organization_id), row, request.POST)
    if form.is_valid():
        try:
            members.change_role(who, member_id, role=form.cleaned_data["role"])
        except REFUSALS as refusal:
            form.take(_errors(refusal), str(refusal.detail))
        else:
            messages.success(request, _("The role was changed."))
            return HttpResponseRedirect(f"{LIST}/members/{member_id}")
    return _detail(request, row, status=422, role_form=form)


@require_POST
@page
def member_access(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Replace a member's rights on boards."""
    who = actor(request)
    row = _seen(who, member_id)
    authorize(who, actions.CHANGE_ACCESS, row)
    form = _access_form(row, board_access.names_of(row.organization_id), [], request.POST)
    if form.is_valid():
        try:
            members.change_access(who, member_id, **form.access())
        except REFUSALS as refusal:
            form.take(_errors(refusal), str(refusal.detail))
        else:
            messages.success(request, _("The access was changed."))
            return HttpResponseRedirect(f"{LIST}/members/{member_id}")
    return _detail(request, row, status=422, access_form=form)


@require_POST
@page
def member_remove(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Take a member out of the organization."""
    who = actor(request)
    row = _seen(who, member_id)
    members.remove_member(who, member_id)
    name = row.user.display_name
    messages.success(request, _("%(name)s is no longer a member.") % {"name": name})
    return HttpResponseRedirect(LIST)


def _errors(refusal: Forbidden | Conflict | Invalid) -> list[Any]:
    found: list[Any] = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    return found
