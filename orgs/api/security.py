"""How the person signs in: second factor, passkeys, signed-in browsers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.middleware.csrf import get_token
from rest_framework import exceptions as drf
from rest_framework.response import Response

from missioncontrol.kernel import ratelimit
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.errors import Forbidden, Invalid, Unauthenticated
from missioncontrol.kernel.ratelimit import client_ip
from missioncontrol.kernel.schemas import Acknowledged
from orgs import credentials, sessions
from orgs.api import security_schemas as schemas
from orgs.api import shapes
from orgs.api.schemas import UserOut
from orgs.models import User
from orgs.services import browser_sessions, passkeys, second_factor, sign_in
from orgs.signin import browsers, totp
from orgs.signin.models import BrowserSession, Passkey

#: What a passkey's ceremony needs when the browser answers; taken out of the session by the answer.
ADDING, SIGNING_IN = "passkey_adding", "passkey_signing_in"


def require_json(request: HttpRequest) -> None:
    """A form of another site can send a text body, but not this type without asking first.

    Raises:
        UnsupportedMediaType: another type.
    """
    kind = request.META.get("CONTENT_TYPE", "")
    if not kind.startswith("application/json"):
        raise drf.UnsupportedMediaType(kind)


def _secret(data: dict[str, Any], *fields: str) -> Response:
    answer = ok(data)
    answer.secret_fields = fields  # type: ignore[attr-defined]  # kept out of replays
    return answer


class OwnPassword(ApiView):
    """``/users/me/password``."""

    @operation(
        tags=["users"],
        summary="Set another password",
        request=schemas.PasswordIn,
        response=Acknowledged,
    )
    def put(self, request: HttpRequest) -> Response:
        """Every other browser is signed out; a personal token may not do it."""
        given = self.read(schemas.PasswordIn)
        inner = self.request._request  # noqa: SLF001 - Django's own request
        user = sign_in.change_password(self.user, current=given.current, new=given.new)
        if inner.META.get("HTTP_AUTHORIZATION"):
            browser_sessions.end_all(self.user)
        else:
            sessions.keep_session(inner, user)
        return done()


class SecondFactorView(ApiView):
    """``/users/me/second-factor``."""

    @operation(tags=["users"], summary="Own second factor", response=schemas.FactorOut)
    def get(self, _request: HttpRequest) -> Response:
        """Whether it is on, and how many recovery codes are left."""
        state = second_factor.state_of(User.objects.get(pk=self.user.id))
        return ok(
            {
                "is_on": state.is_on,
                "is_offered": state.is_offered,
                "recovery_codes_left": state.codes_left,
            }
        )

    @operation(tags=["users"], summary="Begin a second factor", response=schemas.FactorBegun)
    def post(self, _request: HttpRequest) -> Response:
        """A secret for a code generator; its first code turns it on."""
        secret = second_factor.begin(self.user)
        account = User.objects.get(pk=self.user.id)
        address = totp.address(secret, account.email or account.username)
        return _secret({"secret": secret, "address": address}, "secret", "address")

    @operation(tags=["users"], summary="Turn the second factor off", request=schemas.CodeIn)
    def delete(self, _request: HttpRequest) -> Response:
        """Needs one more code."""
        second_factor.disable(self.user, code=self.read(schemas.CodeIn).code)
        return done()


class SecondFactorConfirm(ApiView):
    """``/users/me/second-factor/confirm``."""

    @operation(
        tags=["users"],
        summary="Turn the second factor on",
        request=schemas.CodeIn,
        response=schemas.RecoveryCodes,
    )
    def post(self, _request: HttpRequest) -> Response:
        """The first code confirms the generator; the answer holds the recovery codes, this once."""
        codes = second_factor.confirm(self.user, code=self.read(schemas.CodeIn).code)
        return _secret({"recovery_codes": codes}, "recovery_codes")


class RecoveryCodesView(ApiView):
    """``/users/me/second-factor/recovery-codes``."""

    @operation(
        tags=["users"],
        summary="Make new recovery codes",
        request=schemas.CodeIn,
        response=schemas.RecoveryCodes,
    )
    def post(self, _request: HttpRequest) -> Response:
        """The old ones prove nothing any more."""
        codes = second_factor.renew_codes(self.user, code=self.read(schemas.CodeIn).code)
        return _secret({"recovery_codes": codes}, "recovery_codes")


def _passkey(row: Passkey) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "is_synced": row.is_synced,
        "last_used_at": iso(row.last_used_at),
        "created_at": iso(row.created_at),
    }


def _browser(view: ApiView) -> HttpRequest:
    """The request of a signed-in browser, whose session both halves of a ceremony share.

    Raises:
        Forbidden: called with a token.
    """
    inner: HttpRequest = view.request._request  # noqa: SLF001 - Django's own request
    if inner.META.get("HTTP_AUTHORIZATION"):
        raise Forbidden("A passkey is added in a signed-in browser, not with a token.")
    return inner


class Passkeys(ApiView):
    """``/users/me/passkeys``."""

    @operation(tags=["users"], summary="Own passkeys", response=list[schemas.PasskeyOut])
    def get(self, _request: HttpRequest) -> Response:
        """Newest first."""
        return self.listing(Passkey.objects.visible_to(self.user).newest_first(), _passkey)

    @operation(
        tags=["users"],
        summary="Add a passkey",
        request=schemas.PasskeyCreate,
        response=schemas.PasskeyOut,
    )
    def post(self, request: HttpRequest) -> Response:
        """Keep what the browser made for the options it was given before, in the same session."""
        inner = _browser(self)
        given = self.read(schemas.PasskeyCreate)
        row = passkeys.add(
            self.user,
            passkeys.require_site(inner.get_host()),
            name=given.name,
            state=_taken(inner, ADDING),
            answer=given.credential,
        )
        return ok(_passkey(row), location=f"{request.path}/{row.id}")


class PasskeyAddOptions(ApiView):
    """``/users/me/passkeys/options``."""

    @operation(tags=["users"], summary="Begin to add a passkey", response=schemas.PasskeyOptions)
    def post(self, _request: HttpRequest) -> Response:
        """Argument of ``navigator.credentials.create``."""
        inner = _browser(self)
        site = passkeys.require_site(inner.get_host())
        options, state = passkeys.begin_adding(self.user, site)
        inner.session[ADDING] = state
        return ok({"publicKey": options})


class PasskeyDetail(ApiView):
    """``/users/me/passkeys/{id}``."""

    @operation(tags=["users"], summary="Remove a passkey")
    def delete(self, _request: HttpRequest, passkey_id: UUID) -> Response:
        """It signs nobody in from now on."""
        passkeys.remove(self.user, passkey_id)
        return done()


def _taken(request: HttpRequest, name: str) -> dict[str, Any]:
    """What was kept of a ceremony; it counts once.

    Raises:
        Invalid: ``not_begun``.
    """
    state = request.session.pop(name, None)
    if not isinstance(state, dict):
        raise Invalid("Ask for the options first, with the same session.", code="not_begun")
    return state


class PasskeySignInOptions(ApiView):
    """``/auth/passkey/options``."""

    open_door = True

    @operation(
        tags=["auth"], summary="Begin to sign in by passkey", response=schemas.PasskeyOptions
    )
    def post(self, request: HttpRequest) -> Response:
        """Argument of ``navigator.credentials.get``."""
        require_json(request)
        inner = self.request._request  # noqa: SLF001 - Django's own request
        ratelimit.hit(ratelimit.PROBES, f"passkey:{client_ip(inner)}")
        options, state = passkeys.begin_signing_in(passkeys.require_site(inner.get_host()))
        inner.session[SIGNING_IN] = state
        return ok({"publicKey": options})


class PasskeySignIn(ApiView):
    """``/auth/passkey``."""

    open_door = True

    @operation(
        tags=["auth"],
        summary="Sign in by passkey",
        request=schemas.PasskeyAnswer,
        response=UserOut,
        refusals=(401,),
    )
    def post(self, request: HttpRequest) -> Response:
        """Set the session cookie; unsafe calls then need the CSRF token as ``X-CSRFToken``."""
        require_json(request)
        given = self.read(schemas.PasskeyAnswer)
        inner = self.request._request  # noqa: SLF001 - Django's own request
        user = sign_in.sign_in_with_passkey(
            passkeys.require_site(inner.get_host()),
            state=_taken(inner, SIGNING_IN),
            answer=given.credential,
            address=client_ip(inner),
        )
        sessions.open_session(inner, user, way="passkey", is_complete=True)
        actor = credentials.actor_of(user.id)
        if actor is None:
            raise Unauthenticated
        return ok({**shapes.user(user, actor), "csrf_token": get_token(inner)})


class Sessions(ApiView):
    """``/users/me/sessions``."""

    @operation(tags=["users"], summary="Signed-in browsers", response=list[schemas.SessionOut])
    def get(self, _request: HttpRequest) -> Response:
        """Last used first."""
        return self.listing(browser_sessions.live(self.user), self._shape)

    @operation(tags=["users"], summary="Sign out everywhere", response=schemas.SessionsEnded)
    def delete(self, _request: HttpRequest) -> Response:
        """All browsers, except the one that asks."""
        return ok({"ended": browser_sessions.end_all(self.user, except_key=self._own_key)})

    @property
    def _own_key(self) -> str:
        """Key of the session that asks; empty for a call with a token, which never reads it."""
        inner = self.request._request  # noqa: SLF001 - Django's own request
        if inner.META.get("HTTP_AUTHORIZATION") or inner.META.get("HTTP_X_AGENT_TOKEN"):
            return ""
        return inner.session.session_key or ""

    def _shape(self, row: BrowserSession) -> dict[str, Any]:
        return {
            "id": row.id,
            "browser": browsers.words(row.browser),
            "address": row.address,
            "way": row.way,
            "is_current": row.session_key == self._own_key,
            "last_seen_at": iso(row.last_seen_at),
            "created_at": iso(row.created_at),
        }


class SessionDetail(ApiView):
    """``/users/me/sessions/{id}``."""

    @operation(tags=["users"], summary="Sign one browser out")
    def delete(self, _request: HttpRequest, session_id: UUID) -> Response:
        """Its pages, streams and sockets end."""
        browser_sessions.end(self.user, session_id)
        return done()
