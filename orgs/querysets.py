"""Who sees which organization, membership and token."""

from __future__ import annotations

from typing import Any, Self

from django.db.models import QuerySet
from django.db.models.functions import Lower

from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor, UserActor
from missioncontrol.kernel.querysets import VisibleQuerySet


class OrganizationQuerySet(VisibleQuerySet[Any]):
    """Organizations by membership; an agent sees its own."""

    def visible_to(self, actor: Actor) -> Self:
        """Organizations the actor belongs to."""
        if isinstance(actor, UserActor):
            return self.filter(pk__in=list(actor.memberships))
        if actor.kind == "system":
            return self.all()
        return self.filter(pk=actor.organization_id)

    def by_name(self) -> Self:
        """Alphabetical whatever the case of the letters, stable."""
        return self.order_by(Lower("name"), "pk")


class MembershipQuerySet(VisibleQuerySet[Any]):
    """Memberships of the organizations that the actor belongs to."""

    def visible_to(self, actor: Actor) -> Self:
        """Fellow members."""
        if isinstance(actor, UserActor):
            return self.filter(organization_id__in=list(actor.memberships))
        return self.all() if actor.kind == "system" else self.none()

    def in_order(self) -> Self:
        """By e-mail address, then name, as people look for each other."""
        return self.order_by("user__email", "user__name", "pk")

    def owners_of(self, organization_id: Any) -> Self:
        """Owners of one organization."""
        return self.filter(organization_id=organization_id, role="owner")


class InviteQuerySet(VisibleQuerySet[Any]):
    """Invitations into the organizations that the actor belongs to."""

    def visible_to(self, actor: Actor) -> Self:
        """Invitations of one's organizations; what one may do with them is asked separately."""
        if isinstance(actor, UserActor):
            return self.filter(organization_id__in=list(actor.memberships))
        return self.all() if actor.kind == "system" else self.none()

    def pending(self) -> Self:
        """Neither used nor too old."""
        return self.filter(accepted_at__isnull=True, expires_at__gt=clock.now())

    def newest_first(self) -> QuerySet[Any]:
        """Stable order of the list."""
        return self.order_by("-created_at", "-pk")


class ApiTokenQuerySet(VisibleQuerySet[Any]):
    """Personal access tokens: everybody sees his own."""

    def visible_to(self, actor: Actor) -> Self:
        """Own tokens."""
        if isinstance(actor, UserActor):
            return self.filter(user_id=actor.id)
        return self.all() if actor.kind == "system" else self.none()

    def newest_first(self) -> QuerySet[Any]:
        """Stable order of the settings page."""
        return self.order_by("-created_at", "-pk")


class OwnQuerySet(VisibleQuerySet[Any]):
    """Rows that belong to one person: everybody sees his own."""

    def visible_to(self, actor: Actor) -> Self:
        """Own rows."""
        if isinstance(actor, UserActor):
            return self.filter(user_id=actor.id)
        return self.all() if actor.kind == "system" else self.none()

    def newest_first(self) -> Self:
        """Stable order of the settings page."""
        return self.order_by("-created_at", "-pk")
