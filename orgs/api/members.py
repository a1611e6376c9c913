"""Members of the active organization."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from rest_framework.response import Response

from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.authz import allowed, authorize
from missioncontrol.kernel.errors import NotFound
from orgs import actions
from orgs.api import schemas, shapes
from orgs.api.organizations import active_id
from orgs.board_access import BoardAccess, rights_of
from orgs.models import Membership
from orgs.services import members


class _MemberView(ApiView):
    """A member of the active organization, found by his id."""

    def member(self, member_id: UUID) -> Membership:
        """The row.

        Raises:
            NotFound: not a member of the active organization.
        """
        rows = Membership.objects.filter(organization_id=active_id(self.user), pk=member_id)
        row: Membership | None = rows.select_related("user").first()
        if row is None:
            raise NotFound
        return row

    def shape(self, row: Membership) -> dict[str, object]:
        """The row with its rights on boards."""
        rights = rights_of(row.organization_id, [row.user_id])
        return shapes.member(row, rights.get(row.user_id, []))


class Members(ApiView):
    """``/organizations/me/members``."""

    @operation(tags=["members"], summary="Members", response=list[schemas.MemberOut])
    def get(self, _request: HttpRequest) -> Response:
        """By e-mail address and name; other people's board access for administrators only."""
        organization_id = active_id(self.user)
        rows = Membership.objects.filter(organization_id=organization_id)
        rows = rows.select_related("user").in_order()
        answer = self.listing(rows, shapes.member)
        listed = answer.data["items"] if isinstance(answer.data, dict) else answer.data
        self._add_rights(organization_id, listed)
        return answer

    def _add_rights(self, organization_id: UUID, listed: list[dict[str, object]]) -> None:
        wide = self.user.is_admin_in(organization_id)
        seen = [m for m in listed if wide or m["user_id"] == self.user.id]
        rights = rights_of(organization_id, [UUID(str(m["user_id"])) for m in seen])
        for entry in seen:
            entry["board_access"] = shapes.board_access(rights.get(UUID(str(entry["user_id"])), []))


class OwnMember(_MemberView):
    """``/organizations/me/member``."""

    @operation(tags=["members"], summary="Own membership", response=schemas.MemberOut)
    def get(self, _request: HttpRequest) -> Response:
        """With the own rights on boards."""
        facts = self.user.memberships[active_id(self.user)]
        return ok(self.shape(self.member(facts.member_id)))

    @operation(tags=["members"], summary="Leave the organization")
    def delete(self, _request: HttpRequest) -> Response:
        """409 for the last owner, and for the only member, who deletes it instead."""
        members.leave_organization(self.user, active_id(self.user))
        return done()


class MemberDetail(_MemberView):
    """``/organizations/me/members/{id}``."""

    @operation(tags=["members"], summary="One member", response=schemas.MemberOut)
    def get(self, _request: HttpRequest, member_id: UUID) -> Response:
        """For himself and for administrators."""
        row = self.member(member_id)
        if row.user_id != self.user.id or not allowed(self.user, actions.VIEW_MEMBERS, row):
            authorize(self.user, actions.VIEW_MEMBER, row)
        return ok(self.shape(row))

    @operation(
        tags=["members"],
        summary="Change a role",
        request=schemas.MemberPatch,
        response=schemas.MemberOut,
    )
    def patch(self, _request: HttpRequest, member_id: UUID) -> Response:
        """For administrators; an owner's role for owners only."""
        given = self.read(schemas.MemberPatch)
        self.member(member_id)
        return ok(self.shape(members.change_role(self.user, member_id, role=given.role)))

    @operation(tags=["members"], summary="Remove a member")
    def delete(self, _request: HttpRequest, member_id: UUID) -> Response:
        """For administrators; an owner by owners only, nobody himself."""
        self.member(member_id)
        members.remove_member(self.user, member_id)
        return done()


class MemberAccess(_MemberView):
    """``/organizations/me/members/{id}/access``."""

    @operation(
        tags=["members"],
        summary="Replace rights on boards",
        request=schemas.AccessPut,
        response=schemas.MemberOut,
    )
    def put(self, _request: HttpRequest, member_id: UUID) -> Response:
        """For administrators; a board of another organization refuses the whole."""
        given = self.read(schemas.AccessPut)
        self.member(member_id)
        row = members.change_access(
            self.user,
            member_id,
            all_boards_read=given.all_boards_read,
            all_boards_write=given.all_boards_write,
            board_access_rows=[
                BoardAccess(a.board_id, a.can_read or a.can_write, a.can_write)
                for a in given.board_access
            ],
        )
        return ok(self.shape(row))
