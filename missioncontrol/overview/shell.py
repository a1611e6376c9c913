"""What the shell of every page shows: who, where, how it looks, what waits."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from activity.models import EventStream
from governance.models import Approval
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.words import initials
from orgs.models import Organization, User


def shell(_request: HttpRequest, who: UserActor) -> dict[str, Any]:
    """Values of `ui` for a signed-in person; four queries."""
    looks = User.objects.only("theme", "density", "is_high_contrast").get(pk=who.id)
    own = Organization.objects.filter(pk__in=list(who.memberships)).by_name()
    organizations = [
        {"id": pk, "name": name, "is_active": pk == who.organization_id}
        for pk, name in own.values_list("pk", "name")
    ]
    active = next((entry["name"] for entry in organizations if entry["is_active"]), "")
    return {
        "theme": looks.theme,
        "density": looks.density,
        "contrast": "high" if looks.is_high_contrast else "",
        "user_name": who.name,
        "organization": {"name": active, "initials": initials(active)},
        "organizations": organizations,
        "is_admin": who.is_admin_in(who.organization_id),
        "pending_approvals": _waiting(who),
        "last_seq": _last_seq(who),
        "version": settings.VERSION,
    }


def _waiting(who: UserActor) -> int:
    """Approvals that the person may decide; none for somebody without an organization."""
    if who.organization_id is None:
        return 0
    pending = Approval.objects.filter(
        organization_id=who.organization_id, status=Approval.Status.PENDING
    )
    return pending.decidable_by(who).count()


def _last_seq(who: UserActor) -> int:
    """Number of the organization's stream from which the page's socket goes on."""
    if who.organization_id is None:
        return 0
    stream = EventStream.objects.filter(pk=who.organization_id)
    return stream.values_list("last_seq", flat=True).first() or 0
