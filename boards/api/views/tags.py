"""Tags: list, one, create, change, delete; and the list that agents get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models.functions import Lower
from rest_framework.request import Request
from rest_framework.response import Response

from boards import rows, services
from boards.api import label_schemas as schemas
from boards.api.views.agent import WORKING, for_agents
from boards.api.views.shared import AGENT, answer_page, prefix_of, require_board
from boards.models import Tag
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, array_of, done, ok, operation

TAGS = ("tags",)


def shape(tag: Tag, count: int) -> dict[str, Any]:
    """A tag as the API has it."""
    return {
        "id": tag.pk,
        "organization_id": tag.organization_id,
        "name": tag.name,
        "slug": tag.slug,
        "color": tag.color,
        "description": tag.description,
        "task_count": count,
        "version": tag.version,
        "created_at": tag.created_at,
        "updated_at": tag.updated_at,
    }


def shapes_of(tags: Iterable[Tag]) -> list[dict[str, Any]]:
    """Tags with the number of their tasks, counted in one query."""
    found = list(tags)
    counts: Mapping[UUID, int] = rows.tag_counts([tag.pk for tag in found])
    return [shape(tag, counts.get(tag.pk, 0)) for tag in found]


def short(tag: Tag) -> dict[str, Any]:
    """A tag as tasks show it."""
    return {"id": tag.pk, "name": tag.name, "slug": tag.slug, "color": tag.color}


class TagListView(ApiView):
    """Tags of the active organization."""

    @operation(tags=TAGS, summary="Tags by name", response=schemas.TagPage)
    def get(self, request: Request) -> Response:
        """List."""
        found = Tag.objects.visible_to(self.actor).filter(organization_id=self.user.organization_id)
        found = found.order_by(Lower("name"), "id")
        return answer_page(
            self,
            lambda limit, offset: shapes_of(found[offset : offset + limit]),
            lambda: found.order_by().count(),
        )

    @operation(tags=TAGS, summary="Create a tag", request=schemas.TagIn, response=schemas.TagOut)
    def post(self, request: Request) -> Response:
        """Create; the slug comes from the name when it is blank."""
        given = self.read(schemas.TagIn).given()
        tag = services.create_tag(self.user, given.pop("organization_id", None), **given)
        location = f"{prefix_of(self)}/tags/{tag.pk}"
        return ok(shape(tag, 0), version=tag.version, location=location)


class TagView(ApiView):
    """One tag."""

    @operation(tags=TAGS, summary="A tag", response=schemas.TagOut)
    def get(self, request: Request, tag_id: UUID) -> Response:
        """Read."""
        tag = Tag.objects.seen_by(self.actor, tag_id)
        return ok(shapes_of([tag])[0], version=tag.version)

    @operation(tags=TAGS, summary="Change a tag", request=schemas.TagPatch, response=schemas.TagOut)
    def patch(self, request: Request, tag_id: UUID) -> Response:
        """Change the fields sent."""
        tag = services.update_tag(
            self.user,
            tag_id,
            changes=self.read(schemas.TagPatch).given(),
            expected_version=self.expected_version(),
        )
        return ok(shapes_of([tag])[0], version=tag.version)

    @operation(tags=TAGS, summary="Delete a tag; its tasks lose it")
    def delete(self, request: Request, tag_id: UUID) -> Response:
        """Delete."""
        services.delete_tag(self.user, tag_id, expected_version=self.expected_version())
        return done()


class AgentTagListView(ApiView):
    """Tags that an agent may put on tasks."""

    actor_kinds: ClassVar[frozenset[Kind]] = AGENT

    @for_agents(
        "agent_list_tags", WORKING, intent="task_labels",
        use="Find the id of a tag before you put it on a task.",
        avoid="You only read tasks: they carry their tags.",
        response=array_of(schemas.TagOfTask),
    )  # fmt: skip
    def get(self, request: Request, board_id: UUID) -> Response:
        """A bare list by name."""
        require_board(self.actor, board_id)
        found = Tag.objects.visible_to(self.actor).order_by(Lower("name"), "id")
        return ok([short(tag) for tag in found])
