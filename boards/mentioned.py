"""People whom a text means by ``@name``: only those who may read the place where it stands."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from activity.publish import Target, publish
from boards.models import Board
from boards.querysets import grants_of_boards
from boards.talk import person_is_meant
from missioncontrol.kernel.actors import Actor
from orgs.models import Membership

MOST = 20


def tell(
    actor: Actor,
    handles: Collection[str],
    *,
    organization_id: UUID,
    boards: Collection[UUID],
    place: Target,
    board_id: UUID | None = None,
    task_id: UUID | None = None,
    **facts: str,
) -> list[UUID]:
    """Publish ``user.mentioned`` for each person meant; part of a running service.

    Args:
        actor: Who wrote it; he is not told of himself.
        handles: Lower-case handles of the text.
        organization_id: The people's organization.
        boards: A person has to be able to read one of these.
        place: Board, group or task where it was said.
        board_id: The board's stream that shows it.
        task_id: The task it stands on.
        facts: Further ids for whoever reads the event.
    """
    if not handles:
        return []
    told = []
    for member in readers(organization_id, boards):
        person = member.user
        if person.pk == actor.id or not person_is_meant(
            person.email, person.preferred_name, handles
        ):
            continue
        told.append(person.pk)
        publish(
            "user.mentioned",
            actor=actor,
            target=Target("member", member.pk, person.preferred_name or person.name),
            organization_id=organization_id,
            board_id=board_id,
            task_id=task_id,
            data={
                "user_id": str(person.pk),
                "place": place.kind,
                "place_id": str(place.id),
                "title": place.title,
                **facts,
            },
        )
        if len(told) == MOST:
            break
    return told


def readers(organization_id: UUID, boards: Collection[UUID]) -> list[Membership]:
    """Active members, with their accounts, who may read one of the boards."""
    members = Membership.objects.filter(organization_id=organization_id, user__is_active=True)
    wide = Q(all_boards_read=True) | Q(all_boards_write=True)
    granted = grants_of_boards(boards).values("user_id")
    found = members.filter(wide | Q(user_id__in=granted)).select_related("user")
    return list(found.order_by("created_at", "pk"))


def boards_of_group(group_id: UUID) -> list[UUID]:
    """Ids of a group's boards."""
    return list(Board.objects.filter(board_group_id=group_id).values_list("pk", flat=True))
