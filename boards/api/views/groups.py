"""Board groups."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Lower
from rest_framework.request import Request
from rest_framework.response import Response

from boards import services
from boards.api import schemas, shapes
from boards.api.views.boards import group_snapshot
from boards.api.views.shared import prefix_of
from boards.models import BoardGroup
from missioncontrol.kernel.api import ApiView, done, ok, operation

TAGS = ("board-groups",)


class GroupListView(ApiView):
    """Groups by name."""

    @operation(tags=TAGS, summary="Visible groups by name", response=list[schemas.GroupOut])
    def get(self, request: Request) -> Response:
        """List."""
        rows: QuerySet[Any] = BoardGroup.objects.visible_to(self.actor)
        rows = rows.filter(organization_id=self.user.organization_id)
        return self.listing(rows.order_by(Lower("name"), "id"), shapes.group)

    @operation(
        tags=TAGS, summary="Create a group", request=schemas.GroupIn, response=schemas.GroupOut
    )
    def post(self, request: Request) -> Response:
        """Create."""
        body = self.read(schemas.GroupIn)
        group = services.create_group(
            self.user,
            body.organization_id,
            name=body.name,
            slug=body.slug,
            description=body.description,
        )
        location = f"{prefix_of(self)}/board-groups/{group.pk}"
        return ok(shapes.group(group), version=group.version, location=location)


class GroupView(ApiView):
    """One group."""

    @operation(tags=TAGS, summary="A group", response=schemas.GroupOut)
    def get(self, request: Request, group_id: UUID) -> Response:
        """Read."""
        group = BoardGroup.objects.seen_by(self.actor, group_id)
        return ok(shapes.group(group), version=group.version)

    @operation(
        tags=TAGS, summary="Change a group", request=schemas.GroupPatch, response=schemas.GroupOut
    )
    def patch(self, request: Request, group_id: UUID) -> Response:
        """Change."""
        group = services.update_group(
            self.user,
            group_id,
            changes=self.read(schemas.GroupPatch).given(),
            expected_version=self.expected_version(),
        )
        return ok(shapes.group(group), version=group.version)

    @operation(tags=TAGS, summary="Delete a group and its memory; its boards stay")
    def delete(self, request: Request, group_id: UUID) -> Response:
        """Notes and chat of the group go for good; the agents of its boards are told."""
        services.delete_group(self.user, group_id, expected_version=self.expected_version())
        return done()


class GroupSnapshotView(ApiView):
    """A group with its readable boards."""

    @operation(
        tags=TAGS, summary="A group with its boards and tasks", response=schemas.GroupSnapshot
    )
    def get(self, request: Request, group_id: UUID) -> Response:
        """Read."""
        wanted = self.query(schemas.SnapshotFilter)
        group = BoardGroup.objects.seen_by(self.actor, group_id)
        return ok(group_snapshot(self.actor, group, wanted))
