"""Signed-in browsers: remembered so that their owner can end them, one or all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Forbidden
from missioncontrol.kernel.unit import service
from orgs.models import SignInLink, User
from orgs.services import users
from orgs.signin.models import BrowserSession

SEEN_EVERY = timedelta(minutes=10)


def live(actor: UserActor) -> QuerySet[Any]:
    """The person's sessions that are still good, newest use first."""
    stored = Session.objects.filter(
        session_key=OuterRef("session_key"), expire_date__gt=clock.now()
    )
    rows = BrowserSession.objects.visible_to(actor).filter(Exists(stored))
    return rows.order_by("-last_seen_at", "-pk")


@service
def remember(
    user_id: UUID, session_key: str, *, way: str, browser: str, address: str
) -> BrowserSession:
    """Note a session that was just opened; rows of sessions that have run out go."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    BrowserSession.objects.filter(user_id=user_id).exclude(Exists(alive)).delete()
    row: BrowserSession = BrowserSession.objects.create(
        user_id=user_id,
        session_key=session_key,
        way=way[:20],
        browser=browser[:200],
        address=address[:64],
        last_seen_at=clock.now(),
    )
    return row


@service
def note_seen(session_key: str) -> None:
    """Note that the session is in use."""
    BrowserSession.objects.filter(session_key=session_key).update(last_seen_at=clock.now())


@service
def rename_key(before: str, after: str) -> None:
    """Follow a session whose key was changed."""
    BrowserSession.objects.filter(session_key=before).update(session_key=after)


@service
def forget(session_key: str) -> None:
    """A session was ended by its own browser; its open sockets ask again and close."""
    row = BrowserSession.objects.filter(session_key=session_key).first()
    if row is not None:
        row.delete()
        users.note_rights_changed(row.user_id)


@service
def end(actor: UserActor, session_id: UUID) -> None:
    """End one of one's own sessions, wherever it is.

    Raises:
        Forbidden: called with a token that may not do everything itself.
        NotFound: not one's own.
    """
    _require_admin_scope(actor)
    row: BrowserSession = BrowserSession.objects.open_for(actor, session_id, for_delete=True)
    Session.objects.filter(session_key=row.session_key).delete()
    users.publish_own(actor, User.objects.get(pk=actor.id), "auth.session_ended")
    row.delete()
    users.note_rights_changed(actor.id)


@service
def end_all(actor: UserActor, *, except_key: str = "") -> int:
    """End all of one's own sessions, except perhaps the one that asks; returns how many.

    Raises:
        Forbidden: called with a token that may not do everything itself.
    """
    _require_admin_scope(actor)
    rows = BrowserSession.objects.visible_to(actor).exclude(session_key=except_key)
    keys = list(rows.values_list("session_key", flat=True))
    ended, _per_table = Session.objects.filter(session_key__in=keys).delete()
    rows.filter(session_key__in=keys).delete()
    if ended:
        users.publish_own(
            actor, User.objects.get(pk=actor.id), "auth.sessions_ended", data={"count": ended}
        )
        users.note_rights_changed(actor.id)
    return ended


@service
def clear() -> None:
    """Drop what has run out: sessions, their entries, one-time links."""
    Session.objects.filter(expire_date__lt=clock.now()).delete()
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    BrowserSession.objects.exclude(Exists(alive)).delete()
    SignInLink.objects.filter(expires_at__lt=clock.now()).delete()


def _require_admin_scope(actor: UserActor) -> None:
    if actor.scope != "admin":
        raise Forbidden(_("This token may not end sessions."))
