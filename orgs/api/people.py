"""The person himself: profile, session, tokens."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.translation import gettext as _
from rest_framework.response import Response

from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.errors import Unauthenticated
from missioncontrol.kernel.ratelimit import client_ip
from missioncontrol.kernel.schemas import Acknowledged
from orgs import credentials, sessions
from orgs.api import schemas, shapes
from orgs.api.security import require_json
from orgs.models import ApiToken, User
from orgs.services import accounts, second_factor, sign_in, tokens, users


def _actor_of(user: User) -> UserActor:
    actor = credentials.actor_of(user.id)
    if actor is None:
        raise Unauthenticated
    return actor


class Me(ApiView):
    """``/users/me``."""

    @operation(tags=["users"], summary="Own profile", response=schemas.UserOut)
    def get(self, _request: HttpRequest) -> Response:
        """Profile, preferences, active organization."""
        return ok(shapes.user(User.objects.get(pk=self.user.id), self.user))

    @operation(
        tags=["users"],
        summary="Change the own profile",
        request=schemas.ProfilePatch,
        response=schemas.UserOut,
    )
    def patch(self, _request: HttpRequest) -> Response:
        """Only what is given changes; null clears a text."""
        changes = self.read(schemas.ProfilePatch).given()
        return ok(shapes.user(users.update_profile(self.user, changes=changes), self.user))

    @operation(tags=["users"], summary="Delete the own account")
    def delete(self, request: HttpRequest) -> Response:
        """Organizations without another member go with it; 409 for the last owner of others."""
        accounts.close_account(self.user)
        if not request.META.get("HTTP_AUTHORIZATION"):
            sessions.end_session(self.request._request)  # noqa: SLF001 - Django's own request
        return done()


class Bootstrap(ApiView):
    """``/auth/bootstrap``."""

    @operation(tags=["auth"], summary="First call of a client", response=schemas.UserOut)
    def post(self, _request: HttpRequest) -> Response:
        """The person, with a personal organization made if he has none."""
        user = users.bootstrap(self.user)
        return ok(shapes.user(user, _actor_of(user)))


class LoginView(ApiView):
    """``/auth/login``."""

    open_door = True

    @operation(
        tags=["auth"],
        summary="Sign in by name and password",
        request=schemas.Login,
        response=schemas.UserOut,
        refusals=(401,),
    )
    def post(self, request: HttpRequest) -> Response:
        """Set the session cookie; unsafe calls then need the CSRF token as ``X-CSRFToken``."""
        require_json(request)
        given = self.read(schemas.Login)
        inner = self.request._request  # noqa: SLF001 - Django's own request
        user = sign_in.sign_in_with_password(
            given.username, given.password, address=client_ip(inner)
        )
        if second_factor.is_in_force(user.id):
            user = _with_code(user, given.code, address=client_ip(inner))
        sessions.open_session(inner, user, way="password", is_complete=True)
        return ok({**shapes.user(user, _actor_of(user)), "csrf_token": get_token(inner)})


def _with_code(user: User, code: str | None, *, address: str) -> User:
    """The person, if the second factor's code is right; without one the client is told to ask."""
    if not code:
        raise Unauthenticated(
            _("Send the code of your second factor as well."), code="second_factor_required"
        )
    return sign_in.sign_in_with_code(user, code, way="password", address=address)


class LogoutView(ApiView):
    """``/auth/logout``."""

    @operation(tags=["auth"], summary="Sign out", response=Acknowledged)
    def post(self, request: HttpRequest) -> Response:
        """End the session; a call with a token has none and changes nothing."""
        if not request.META.get("HTTP_AUTHORIZATION"):
            sign_in.record_sign_out(self.user)
            sessions.end_session(self.request._request)  # noqa: SLF001 - Django's own request
        return done()


class Tokens(ApiView):
    """``/users/me/tokens``."""

    @operation(tags=["users"], summary="Own access tokens", response=list[schemas.TokenOut])
    def get(self, _request: HttpRequest) -> Response:
        """Newest first, revoked ones included, never their text."""
        rows = ApiToken.objects.visible_to(self.user).newest_first()
        return self.listing(rows, shapes.token)

    @operation(
        tags=["users"],
        summary="Create an access token",
        request=schemas.TokenCreate,
        response=schemas.TokenOut,
    )
    def post(self, request: HttpRequest) -> Response:
        """The answer holds the text, this once."""
        given = self.read(schemas.TokenCreate)
        row, raw = tokens.create_token(
            self.user, name=given.name, scope=given.scope, expires_at=given.expires_at
        )
        answer = ok({**shapes.token(row), "token": raw}, location=f"{request.path}/{row.id}")
        answer.secret_fields = ("token",)  # type: ignore[attr-defined]  # kept out of replays
        return answer


class TokenDetail(ApiView):
    """``/users/me/tokens/{id}``."""

    @operation(tags=["users"], summary="Revoke an access token")
    def delete(self, _request: HttpRequest, token_id: UUID) -> Response:
        """It proves nothing from now on."""
        tokens.revoke_token(self.user, token_id)
        return done()
