"""Who sees which approval. Readable boards are supplied by a lookup that ``boards`` registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from django.db.models import Q, QuerySet

from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.querysets import VisibleQuerySet

#: ``(actor, right) -> queryset of board ids``, registered by ``boards``.
_board_ids: Callable[[Actor, str], QuerySet[Any]] | None = None


def register_board_ids(lookup: Callable[[Actor, str], QuerySet[Any]]) -> None:
    """Name the lookup of boards by right."""
    global _board_ids  # noqa: PLW0603 - one registration at start
    _board_ids = lookup


class ApprovalQuerySet(VisibleQuerySet[Any]):
    """Approvals of readable boards; those without a board for the organization's admins."""

    def visible_to(self, actor: Actor) -> Self:
        """Readable approvals."""
        return self._of_boards(actor, "read")

    def decidable_by(self, actor: Actor) -> Self:
        """Approvals on boards with write access, or without a board for admins."""
        return self._of_boards(actor, "write")

    def _of_boards(self, actor: Actor, right: str) -> Self:
        if actor.kind == "system":
            return self.all()
        condition = Q(pk__in=[])
        if _board_ids is not None:
            condition = Q(board_id__in=_board_ids(actor, right))
        if isinstance(actor, UserActor):
            admin_of = [o for o in actor.memberships if actor.is_admin_in(o)]
            return self.filter(condition | Q(board_id__isnull=True, organization_id__in=admin_of))
        if isinstance(actor, AgentActor):
            return self.filter(condition, organization_id=actor.organization_id)
        return self.none()
