"""Personal access tokens: shown once, stored hashed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from activity import publish as log
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor, UserActor
from missioncontrol.kernel.errors import Forbidden, Invalid
from missioncontrol.kernel.secrets import new_token, token_hash
from missioncontrol.kernel.unit import service
from orgs import credentials
from orgs.models import ApiToken
from orgs.services.users import home_of, note_rights_changed


@service
def create_token(
    actor: UserActor, *, name: str, scope: str, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token and its text, which is never shown again.

    Raises:
        Forbidden: called with a token that may not do everything itself.
        Invalid: blank name, unknown scope, or an end in the past.
    """
    _require_admin_scope(actor)
    name = name.strip()
    if not 1 <= len(name) <= 120:
        raise Invalid(_("A name has 1 to 120 characters."), field="name")
    if scope not in ApiToken.ScopeChoice.values:
        raise Invalid(_("The scope is one of read, write, admin."), field="scope")
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid(_("The end lies in the past."), field="expires_at")
    raw = new_token(credentials.TOKEN_PREFIX)
    token = ApiToken.objects.create(
        user_id=actor.id,
        name=name,
        token_hash=token_hash(raw),
        hint=raw[-4:],
        scope=scope,
        expires_at=expires_at,
    )
    _publish(actor, "token.created", token)
    return token, raw


@service
def revoke_token(actor: Actor, token_id: UUID) -> ApiToken:
    """Make a token worthless from now on; a second time changes nothing.

    A person revokes his own; the system (a super admin's repair) anybody's.

    Raises:
        NotFound: not one's own.
        Forbidden: called with a token that may not do everything itself.
    """
    token: ApiToken = ApiToken.objects.open_for(actor, token_id)
    _require_admin_scope(actor)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        token.save(update_fields=["revoked_at", "updated_at"])
        note_rights_changed(token.user_id)
        _publish(actor, "token.revoked", token)
    return token


def _require_admin_scope(actor: Actor) -> None:
    if isinstance(actor, UserActor) and actor.scope != "admin":
        raise Forbidden(_("This token may not manage tokens."))


def _publish(actor: Actor, event: str, token: ApiToken) -> None:
    """Record it where the caller works, or where the token's owner is at home."""
    home = actor.organization_id if isinstance(actor, UserActor) else home_of(token.user)
    if home is not None:
        log.publish(
            event,
            actor=actor,
            target=token,
            organization_id=home,
            data={"scope": token.scope},
        )
