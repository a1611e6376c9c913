"""Passkeys: made in a person's device, kept as a public key, enough by themselves to sign in.

The device asks for a finger, a face or a number (user verification), so a passkey is two factors.
Source: W3C Web Authentication Level 2, sections 7.1 and 7.2.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.utils.translation import gettext as _
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from missioncontrol.kernel.unit import service
from orgs import credentials
from orgs.models import User
from orgs.services import second_factor, users
from orgs.signin.models import Passkey

log = structlog.get_logger(__name__)
MOST = 20
#: What the library raises for an answer that is malformed or does not prove anything.
FAULTS = (ValueError, KeyError, TypeError, AttributeError, AssertionError, IndexError)


@dataclass(frozen=True, slots=True)
class Site:
    """The name that passkeys belong to, and the origins whose pages may use them."""

    name: str
    origins: frozenset[str]

    @property
    def server(self) -> Fido2Server:
        """The checks of the protocol for this site."""
        entity = PublicKeyCredentialRpEntity(name="Mission Control", id=self.name)
        return Fido2Server(entity, verify_origin=lambda origin: origin in self.origins)


def site_at(host: str) -> Site | None:
    """The site as a browser reaches it; ``None`` at an address, since passkeys need a name.

    Args:
        host: Host and port of the request, already checked against the allowed ones.
    """
    base = urlsplit(settings.BASE_URL)
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return Site("localhost", frozenset({f"http://{host}", f"https://{host}"}))
    own = base.hostname or ""
    if name != own or _is_address(own):
        return None
    return Site(own, frozenset({f"{base.scheme}://{base.netloc}"}))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def require_site(host: str) -> Site:
    """The site, or why there are no passkeys here.

    Raises:
        Conflict: ``no_host_name``.
    """
    site = site_at(host)
    if site is None:
        raise Conflict(
            _("Passkeys need the name of this site. Open it as %(u)s.")
            % {"u": settings.BASE_URL.replace("127.0.0.1", "localhost")},
            code="no_host_name",
        )
    return site


# --- adding and removing ----------------------------------------------------------------------


def begin_adding(actor: UserActor, site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the browser's ``credentials.create`` wants, and what is kept until it answers.

    Raises:
        Forbidden: called with a token that may not do everything itself.
        NotFound: the account is gone.
        Conflict: ``external_sign_in``, or ``too_many``.
    """
    user = _own(actor)
    known = list(Passkey.objects.filter(user=user))
    if len(known) >= MOST:
        raise Conflict(
            _("You have %(n)s passkeys; remove one first.") % {"n": MOST}, code="too_many"
        )
    options, state = site.server.register_begin(
        PublicKeyCredentialUserEntity(
            id=user.id.bytes, name=user.username, display_name=user.display_name
        ),
        credentials=[_descriptor(row) for row in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options)["publicKey"], state


def _own(actor: UserActor) -> User:
    if actor.scope != "admin":
        raise Forbidden(_("This token may not change how you sign in."))
    user = User.objects.filter(pk=actor.id, is_active=True).first()
    if user is None:
        raise NotFound
    if not second_factor.is_offered(user):
        raise Conflict(
            _("You sign in through another service. Add the passkey there."),
            code="external_sign_in",
        )
    return user


def _descriptor(row: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        type=PublicKeyCredentialType.PUBLIC_KEY, id=websafe_decode(row.credential_id)
    )


@service
def add(
    actor: UserActor, site: Site, *, name: str, state: Mapping[str, Any], answer: Mapping[str, Any]
) -> Passkey:
    """Keep the public key that the device made.

    Raises:
        Forbidden, NotFound, Conflict: as for :func:`begin_adding`; ``passkey_known``.
        Invalid: blank name, or an answer that proves nothing.
    """
    user = _own(actor)
    name = name.strip()
    if not 1 <= len(name) <= 120:
        raise Invalid(_("A name has 1 to 120 characters."), field="name")
    try:
        response = RegistrationResponse.from_dict(answer)
        proved = site.server.register_complete(state, response)
        public = proved.credential_data
        key = websafe_encode(public.credential_id) if public else ""
    except FAULTS as error:
        log.warning("auth.passkey_refused", reason=str(error)[:200])
        raise _unproved() from error
    if public is None or len(key) > 1400:
        raise _unproved()
    row, is_new = Passkey.objects.get_or_create(
        credential_id=key,
        defaults={
            "user": user,
            "name": name,
            "public_data": bytes(public),
            "sign_count": proved.counter,
            "transports": _transports(answer),
            "is_synced": proved.is_backed_up(),
        },
    )
    if not is_new:
        raise Conflict(_("This passkey is known already."), code="passkey_known")
    _publish(actor, user, "auth.passkey_added", row)
    return row


def _transports(answer: Mapping[str, Any]) -> list[str]:
    inner = answer.get("response")
    listed = inner.get("transports") if isinstance(inner, Mapping) else None
    words = listed if isinstance(listed, list) else []
    return [word for word in words if isinstance(word, str) and len(word) < 20][:8]


@service
def remove(actor: UserActor, passkey_id: UUID) -> None:
    """Forget one of one's own passkeys.

    Raises:
        Forbidden: called with a token that may not do everything itself.
        NotFound: not one's own.
    """
    if actor.scope != "admin":
        raise Forbidden(_("This token may not change how you sign in."))
    row: Passkey = Passkey.objects.open_for(actor, passkey_id, for_delete=True)
    _publish(actor, row.user, "auth.passkey_removed", row)
    row.delete()


def _publish(actor: UserActor, user: User, event: str, row: Passkey) -> None:
    from activity import publish as log_book

    home = users.home_of(user)
    if home is not None:
        log_book.publish(event, actor=actor, target=row, organization_id=home)


# --- signing in -------------------------------------------------------------------------------


def begin_signing_in(site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the browser's ``credentials.get`` wants, and what is kept until it answers."""
    options, state = site.server.authenticate_begin(
        user_verification=UserVerificationRequirement.REQUIRED
    )
    return dict(options)["publicKey"], state


@service
def prove(site: Site, *, state: Mapping[str, Any], answer: Mapping[str, Any]) -> User | None:
    """The person whose passkey answered, or nobody. A counter that went back proves a copy."""
    try:
        response = AuthenticationResponse.from_dict(answer)
        key = websafe_encode(response.raw_id)
    except FAULTS:
        return None
    row = (
        Passkey.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .filter(credential_id=key, user__is_active=True)
        .first()
    )
    if row is None or not _may_sign_in(row.user) or not _is_proved(site, row, state, response):
        return None
    data = response.response.authenticator_data
    handle = response.response.user_handle
    if handle is not None and handle != row.user_id.bytes:
        return None
    if (data.counter or row.sign_count) and data.counter <= row.sign_count:
        log.warning("auth.passkey_copied", passkey=str(row.id))
        return None
    row.sign_count, row.last_used_at = data.counter, clock.now()
    row.save(update_fields=["sign_count", "last_used_at", "updated_at"])
    user: User = row.user
    return user


def _is_proved(
    site: Site, row: Passkey, state: Mapping[str, Any], response: AuthenticationResponse
) -> bool:
    try:
        known = AttestedCredentialData(bytes(row.public_data))
        site.server.authenticate_complete(state, [known], response)
    except FAULTS as error:
        log.warning("auth.passkey_refused", reason=str(error)[:200])
        return False
    return True


def _may_sign_in(user: User) -> bool:
    """The way of signing in that the person has is on."""
    mode = "local" if user.clerk_user_id == credentials.LOCAL_USER else "password"
    return mode in settings.AUTH_MODES and second_factor.is_offered(user)


def _unproved() -> Invalid:
    return Invalid(
        _("The device's answer could not be confirmed. Try again."), code="passkey_unproved"
    )
