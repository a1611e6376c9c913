"""Organizations of the caller."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.response import Response

from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.api import ApiView, array_of, done, ok, operation
from missioncontrol.kernel.errors import Forbidden
from orgs import sessions
from orgs.api import schemas, shapes
from orgs.models import Organization
from orgs.services import organizations, users


def active_id(actor: UserActor) -> UUID:
    """Id of the active organization.

    Raises:
        Forbidden: the person belongs to none.
    """
    if actor.organization_id is None:
        raise Forbidden(_("No org access"), code="no_org_access")
    return actor.organization_id


class Organizations(ApiView):
    """``/organizations``."""

    @operation(
        tags=["organizations"], summary="Own organizations", response=list[schemas.OrganizationOut]
    )
    def get(self, _request: HttpRequest) -> Response:
        """By name, with the own role."""
        rows = Organization.objects.visible_to(self.user).by_name()
        return self.listing(rows, lambda row: shapes.own_organization(row, self.user))

    @operation(
        tags=["organizations"],
        summary="Create an organization",
        request=schemas.OrganizationCreate,
        response=schemas.OrganizationOut,
    )
    def post(self, request: HttpRequest) -> Response:
        """The caller owns it, and it becomes his active one."""
        given = self.read(schemas.OrganizationCreate)
        row = organizations.create_organization(
            self.user, name=given.name, description=given.description
        )
        inner = self.request._request  # noqa: SLF001 - Django's own request
        sessions.choose_organization(inner, row.id)
        return ok(shapes.organization(row), location=f"{request.path}/{row.id}")


class OrganizationDetail(ApiView):
    """``/organizations/{id}``."""

    @operation(tags=["organizations"], summary="One organization", response=schemas.OrganizationOut)
    def get(self, _request: HttpRequest, organization_id: UUID) -> Response:
        """For its members; 404 for others."""
        return ok(shapes.organization(Organization.objects.seen_by(self.user, organization_id)))

    @operation(
        tags=["organizations"],
        summary="Change an organization",
        request=schemas.OrganizationPatch,
        response=schemas.OrganizationOut,
    )
    def patch(self, _request: HttpRequest, organization_id: UUID) -> Response:
        """For its administrators."""
        changes = self.read(schemas.OrganizationPatch).given()
        row = organizations.update_organization(self.user, organization_id, changes=changes)
        return ok(shapes.organization(row))

    @operation(tags=["organizations"], summary="Delete an organization")
    def delete(self, _request: HttpRequest, organization_id: UUID) -> Response:
        """For its owners: everything it owns goes with it."""
        organizations.delete_organization(self.user, organization_id)
        return done()


class ActiveOrganization(ApiView):
    """``/organizations/me``."""

    @operation(
        tags=["organizations"], summary="Active organization", response=schemas.OrganizationOut
    )
    def get(self, _request: HttpRequest) -> Response:
        """The one that lists and creations without a parent mean."""
        return ok(shapes.organization(Organization.objects.get(pk=active_id(self.user))))

    @operation(tags=["organizations"], summary="Delete the active organization")
    def delete(self, _request: HttpRequest) -> Response:
        """For its owners."""
        organizations.delete_organization(self.user, active_id(self.user))
        return done()


class OwnList(ApiView):
    """``/organizations/me/list``."""

    @operation(
        tags=["organizations"],
        summary="Own organizations as a bare list",
        response=array_of(schemas.OwnOrganization),
    )
    def get(self, _request: HttpRequest) -> Response:
        """By name."""
        rows = Organization.objects.visible_to(self.user).by_name().values_list("id", "name")
        return ok(
            [
                {
                    "id": pk,
                    "name": name,
                    "role": self.user.role_in(pk),
                    "is_active": pk == self.user.organization_id,
                }
                for pk, name in rows
            ]
        )


class Activate(ApiView):
    """``/organizations/me/active``."""

    @operation(
        tags=["organizations"],
        summary="Choose the active organization",
        request=schemas.ActivePatch,
        response=schemas.OrganizationOut,
    )
    def patch(self, _request: HttpRequest) -> Response:
        """403 when the caller is no member, known or not."""
        row = users.set_active_organization(
            self.user, self.read(schemas.ActivePatch).organization_id
        )
        inner = self.request._request  # noqa: SLF001 - Django's own request
        sessions.choose_organization(inner, row.id)
        return ok(shapes.organization(row))
