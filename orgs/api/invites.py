"""Invitations into the active organization, and the way in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from rest_framework.response import Response

from missioncontrol.kernel.api import ApiView, ok, operation
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.ratelimit import client_ip
from orgs import actions
from orgs.api import schemas, shapes
from orgs.api.organizations import active_id
from orgs.api.security import require_json
from orgs.board_access import BoardAccess, rights_of
from orgs.models import Invite, Organization
from orgs.services import invites, registration


class Invites(ApiView):
    """``/organizations/me/invites``."""

    @operation(
        tags=["invites"],
        summary="Pending invitations",
        response=list[schemas.InviteOut],
        parameters=schemas.REVEAL_PARAMETERS,
    )
    def get(self, _request: HttpRequest) -> Response:
        """Newest first; with ``reveal=token`` their links too, which is recorded."""
        wanted = self.query(schemas.InviteQuery)
        organization_id = active_id(self.user)
        organization = Organization.objects.seen_by(self.user, organization_id)
        authorize(self.user, actions.LIST_INVITES, organization)
        rows = Invite.objects.pending().filter(organization=organization).newest_first()
        answer = self.listing(rows, shapes.invite)
        if wanted.reveal == "token":
            self._reveal(organization_id, answer)
        return answer

    def _reveal(self, organization_id: UUID, answer: Response) -> None:
        listed = answer.data["items"] if isinstance(answer.data, dict) else answer.data
        ids = [UUID(str(row["id"])) for row in listed]
        tokens = invites.reveal_invites(self.user, organization_id, ids)
        for row in listed:
            row.update(_link(tokens.get(UUID(str(row["id"])), "")))

    @operation(
        tags=["invites"],
        summary="Invite somebody",
        request=schemas.InviteCreate,
        response=schemas.InviteOut,
    )
    def post(self, request: HttpRequest) -> Response:
        """The answer holds the link; it is sent by e-mail where a mail server is set."""
        given = self.read(schemas.InviteCreate)
        row, token = invites.create_invite(
            self.user,
            active_id(self.user),
            invited_email=given.invited_email,
            role=given.role,
            all_boards_read=given.all_boards_read,
            all_boards_write=given.all_boards_write,
            board_access_rows=[
                BoardAccess(a.board_id, a.can_read or a.can_write, a.can_write)
                for a in given.board_access
            ],
        )
        answer = ok({**shapes.invite(row), **_link(token)}, location=f"{request.path}/{row.id}")
        answer.secret_fields = ("token", "accept_url")  # type: ignore[attr-defined]  # not kept
        return answer


def _link(token: str) -> dict[str, Any]:
    return {"token": token, "accept_url": invites.accept_url(token)} if token else {}


class InviteDetail(ApiView):
    """``/organizations/me/invites/{id}``."""

    @operation(tags=["invites"], summary="Revoke an invitation", response=schemas.InviteOut)
    def delete(self, _request: HttpRequest, invite_id: UUID) -> Response:
        """The removed invitation; its link leads nowhere from now on."""
        return ok(shapes.invite(invites.revoke_invite(self.user, invite_id)))


class AcceptInvite(ApiView):
    """``/organizations/invites/accept``."""

    @operation(
        tags=["invites"],
        summary="Accept an invitation",
        request=schemas.InviteAccept,
        response=schemas.MemberOut,
    )
    def post(self, _request: HttpRequest) -> Response:
        """The membership; what one had already stays."""
        given = self.read(schemas.InviteAccept)
        inner = self.request._request  # noqa: SLF001 - Django's own request
        row = invites.accept_invite(self.user, token=given.token, address=client_ip(inner))
        rights = rights_of(row.organization_id, [row.user_id])
        return ok(shapes.member(row, rights.get(row.user_id, [])))


class RegisterByInvite(ApiView):
    """``/organizations/invites/register``."""

    open_door = True

    @operation(
        tags=["invites"],
        summary="Make an account by an invitation and accept it",
        request=schemas.InviteRegister,
        response=schemas.MemberOut,
        refusals=(409,),
    )
    def post(self, request: HttpRequest) -> Response:
        """In password mode, for who has no account yet; then sign in with the e-mail address."""
        require_json(request)
        given = self.read(schemas.InviteRegister)
        inner = self.request._request  # noqa: SLF001 - Django's own request
        _user, row = registration.register_by_invite(
            token=given.token,
            name=given.name,
            password=given.password,
            address=client_ip(inner),
        )
        rights = rights_of(row.organization_id, [row.user_id])
        return ok(shapes.member(row, rights.get(row.user_id, [])))
