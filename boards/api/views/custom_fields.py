"""Custom fields of the active organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models.functions import Lower
from rest_framework.request import Request
from rest_framework.response import Response

from boards import services
from boards.api import label_schemas as schemas
from boards.api.views.shared import prefix_of
from boards.models import CustomField
from missioncontrol.kernel.api import ApiView, array_of, done, ok, operation

TAGS = ("custom fields",)


def shape(field: CustomField) -> dict[str, Any]:
    """A custom field as the API has it; its boards are loaded."""
    return {
        "id": field.pk,
        "organization_id": field.organization_id,
        "field_key": field.field_key,
        "label": field.label,
        "field_type": field.field_type,
        "ui_visibility": field.ui_visibility,
        "validation_regex": field.validation_regex,
        "description": field.description,
        "required": field.required,
        "default_value": field.default_value,
        "board_ids": sorted(board.pk for board in field.boards.all()),
        "version": field.version,
        "created_at": field.created_at,
        "updated_at": field.updated_at,
    }


class CustomFieldListView(ApiView):
    """Custom fields by label."""

    @operation(
        tags=TAGS,
        summary="Custom fields by label, as a bare list",
        response=array_of(schemas.FieldOut),
    )
    def get(self, request: Request) -> Response:
        """A bare list."""
        found = CustomField.objects.visible_to(self.actor).filter(
            organization_id=self.user.organization_id
        )
        found = found.with_boards(self.actor).order_by(Lower("label"), "field_key")
        return ok([shape(field) for field in found])

    @operation(
        tags=TAGS, summary="Create a field", request=schemas.FieldIn, response=schemas.FieldOut
    )
    def post(self, request: Request) -> Response:
        """Create."""
        given = self.read(schemas.FieldIn).given()
        field = services.create_custom_field(self.user, given.pop("organization_id", None), **given)
        location = f"{prefix_of(self)}/organizations/me/custom-fields/{field.pk}"
        return ok(shape(field), version=field.version, location=location)


class CustomFieldView(ApiView):
    """One custom field."""

    @operation(
        tags=TAGS, summary="Change a field", request=schemas.FieldPatch, response=schemas.FieldOut
    )
    def patch(self, request: Request, field_id: UUID) -> Response:
        """Change what was sent; boards replace the boards of before."""
        field = services.update_custom_field(
            self.user,
            field_id,
            changes=self.read(schemas.FieldPatch).given(),
            expected_version=self.expected_version(),
        )
        return ok(shape(field), version=field.version)

    @operation(tags=TAGS, summary="Delete a field that no task has a value of")
    def delete(self, request: Request, field_id: UUID) -> Response:
        """Delete."""
        services.delete_custom_field(self.user, field_id, expected_version=self.expected_version())
        return done()
