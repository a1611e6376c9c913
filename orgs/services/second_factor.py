"""Second factor: a code generator with recovery codes, asked for after password or token."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import is_password_usable
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from missioncontrol.kernel import clock, ratelimit
from missioncontrol.kernel.actors import Actor, UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from missioncontrol.kernel.secrets import seal, unseal
from missioncontrol.kernel.unit import service
from orgs import credentials
from orgs.models import User
from orgs.services import users
from orgs.signin import totp
from orgs.signin.models import RecoveryCode, SecondFactor


class State(NamedTuple):
    """What the owner sees of his second factor."""

    is_on: bool
    is_offered: bool
    codes_left: int


def is_offered(user: User) -> bool:
    """Whether this installation itself proves who the person is; other services have their own."""
    return user.clerk_user_id == credentials.LOCAL_USER or is_password_usable(user.password)


def is_in_force(user_id: UUID) -> bool:
    """Whether a code is asked for when the person signs in."""
    return SecondFactor.objects.filter(user_id=user_id, confirmed_at__isnull=False).exists()


def state_of(user: User) -> State:
    """The person's second factor."""
    left = RecoveryCode.objects.filter(user=user, used_at__isnull=True).count()
    return State(is_in_force(user.id), is_offered(user), left)


def pending_secret(user_id: UUID) -> str:
    """The secret that waits for its first code; empty when none does."""
    row = SecondFactor.objects.filter(user_id=user_id, confirmed_at__isnull=True).first()
    return unseal(row.sealed_secret) if row else ""


def _own(actor: UserActor) -> User:
    """The caller's own row, locked.

    Raises:
        Forbidden: called with a token that may not do everything itself.
        NotFound: the account is gone.
    """
    if actor.scope != "admin":
        raise Forbidden(_("This token may not change how you sign in."))
    user = (
        User.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=actor.id, is_active=True)
        .first()
    )
    if user is None:
        raise NotFound
    return user


@service
def begin(actor: UserActor) -> str:
    """A new secret for the code generator; nothing is asked for until a code confirmed it.

    Raises:
        Forbidden, NotFound: as for every change of one's own account.
        Conflict: ``already_on``, or ``external_sign_in`` for people whom another service proves.
    """
    user = _own(actor)
    if not is_offered(user):
        raise Conflict(
            _("You sign in through another service. Turn the second step on there."),
            code="external_sign_in",
        )
    if is_in_force(user.id):
        raise Conflict(_("Your second factor is on already."), code="already_on")
    secret = totp.new_secret()
    SecondFactor.objects.update_or_create(
        user=user, defaults={"sealed_secret": seal(secret), "last_step": 0}
    )
    return secret


def confirm(actor: UserActor, *, code: str) -> list[str]:
    """Turn the second factor on by its first code; the recovery codes are never shown again.

    Raises:
        RateLimited: ten wrong codes within 15 minutes.
        Invalid: a wrong code.
        Conflict: ``not_begun``.
    """
    with _Counted(actor.id):
        return _confirm(actor, code)


@service
def _confirm(actor: UserActor, code: str) -> list[str]:
    user = _own(actor)
    row = SecondFactor.objects.filter(user=user, confirmed_at__isnull=True).first()
    if row is None:
        raise Conflict(_("Start by showing the code to your generator."), code="not_begun")
    if not _take_code(row, code):
        raise _wrong()
    row.confirmed_at = clock.now()
    row.save(update_fields=["confirmed_at", "updated_at"])
    users.publish_own(actor, user, "auth.second_factor_enabled")
    return _new_codes(user)


def renew_codes(actor: UserActor, *, code: str) -> list[str]:
    """New recovery codes; the old ones prove nothing any more.

    Raises:
        RateLimited: ten wrong codes within 15 minutes.
        Invalid: a wrong code.
        Conflict: ``not_on``.
    """
    with _Counted(actor.id):
        return _renew_codes(actor, code)


@service
def _renew_codes(actor: UserActor, code: str) -> list[str]:
    user = _own(actor)
    _require_code(user, code)
    users.publish_own(actor, user, "auth.recovery_codes_renewed")
    return _new_codes(user)


def disable(actor: UserActor, *, code: str) -> None:
    """Turn the second factor off, with one more code.

    Raises:
        RateLimited: ten wrong codes within 15 minutes.
        Invalid: a wrong code.
        Conflict: ``not_on``.
    """
    with _Counted(actor.id):
        _disable(actor, code)


@service
def _disable(actor: UserActor, code: str) -> None:
    user = _own(actor)
    _require_code(user, code)
    _remove(user)
    users.publish_own(actor, user, "auth.second_factor_disabled")


@service
def reset(actor: Actor, user_id: UUID) -> User:
    """Remove the second factor of somebody who lost it; a repair by a super admin, recorded.

    Raises:
        Forbidden: not the system or a super admin.
        NotFound: no such person.
        Conflict: ``not_on``.
    """
    is_root = isinstance(actor, UserActor) and actor.is_super_admin and actor.scope == "admin"
    if actor.kind != "system" and not is_root:
        raise Forbidden(_("Only a super admin may do this."))
    user = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFound
    if not is_in_force(user.id):
        raise _not_on()
    _remove(user)
    users.publish_own(actor, user, "auth.second_factor_reset")
    return user


def _remove(user: User) -> None:
    RecoveryCode.objects.filter(user=user).delete()
    SecondFactor.objects.filter(user=user).delete()


@service
def use_code(user_id: UUID, code: str) -> str:
    """Use a code up at sign-in; returns ``code``, ``recovery``, or nothing for a wrong one."""
    row = (
        SecondFactor.objects.select_for_update(of=("self",), no_key=True)
        .filter(user_id=user_id, confirmed_at__isnull=False)
        .first()
    )
    if row is None:
        return ""
    if _take_code(row, code):
        return "code"
    if _take_recovery_code(user_id, code):
        user = User.objects.get(pk=user_id)
        actor = UserActor(id=user.id, name=user.display_name)
        users.publish_own(actor, user, "auth.recovery_code_used")
        return "recovery"
    return ""


def _require_code(user: User, code: str) -> None:
    row = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    if row is None:
        raise _not_on()
    if not _take_code(row, code) and not _take_recovery_code(user.id, code):
        raise _wrong()


def _take_code(row: SecondFactor, code: str) -> bool:
    """Whether the code is a fresh one of the generator; its step is then used up."""
    step = totp.matching_step(
        unseal(row.sealed_secret),
        totp.plain(code),
        now=clock.now().timestamp(),
        after=row.last_step,
    )
    if step is None:
        return False
    row.last_step = step
    row.save(update_fields=["last_step", "updated_at"])
    return True


def _take_recovery_code(user_id: UUID, code: str) -> bool:
    unused = RecoveryCode.objects.filter(
        user_id=user_id, code_hash=_hash(user_id, code), used_at__isnull=True
    )
    return unused.update(used_at=clock.now()) == 1


def _new_codes(user: User) -> list[str]:
    codes = totp.new_recovery_codes()
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(user=user, code_hash=_hash(user.id, code)) for code in codes]
    )
    return codes


def _hash(user_id: UUID, code: str) -> str:
    """Keyed, since fifty bits alone could be tried out by whoever reads the table."""
    key = settings.FIELD_ENCRYPTION_KEY or settings.SECRET_KEY
    text = f"{user_id}:{totp.plain(code)}"
    return salted_hmac("orgs.recovery", text, secret=key, algorithm="sha256").hexdigest()


def _wrong() -> Invalid:
    return Invalid(
        _("This code is wrong or was used. Wait for the next one."), field="code", code="wrong_code"
    )


def _not_on() -> Conflict:
    return Conflict(_("There is no second factor to change."), code="not_on")


class _Counted:
    """Counts wrong codes of a person; what ends well does not count."""

    def __init__(self, user_id: UUID) -> None:
        self._subject = f"code:{user_id}"

    def __enter__(self) -> None:
        ratelimit.hit(ratelimit.SIGN_IN, self._subject, must_count=True)

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is not Invalid:
            ratelimit.forgive(ratelimit.SIGN_IN, self._subject)
