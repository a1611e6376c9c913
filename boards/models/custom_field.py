"""Custom fields of an organization and the boards that ask for them.

The values stand on the task (``Task.custom_field_values``, by key); each board carries a copy of
the fields bound to it (``Board.custom_fields``), so reading and writing tasks asks nothing more.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from boards import querysets
from boards.models.board import Board
from missioncontrol.kernel.models import TenantEntity, Versioned


class CustomField(TenantEntity, Versioned):
    """A fact that tasks of some boards have beside the usual ones."""

    class Type(models.TextChoices):
        """What a value is."""

        TEXT = "text", _("Text")
        TEXT_LONG = "text_long", _("Long text")
        INTEGER = "integer", _("Whole number")
        DECIMAL = "decimal", _("Number")
        BOOLEAN = "boolean", _("Yes or no")
        DATE = "date", _("Date")
        DATE_TIME = "date_time", _("Date and time")
        URL = "url", _("Web address")
        JSON = "json", _("JSON")

    class Visibility(models.TextChoices):
        """Where pages show it."""

        ALWAYS = "always", _("Always")
        IF_SET = "if_set", _("When it has a value")
        HIDDEN = "hidden", _("Never")

    field_key = models.CharField(max_length=200)
    label = models.CharField(max_length=200)
    field_type = models.CharField(max_length=9, choices=Type.choices, default=Type.TEXT)
    ui_visibility = models.CharField(
        max_length=6, choices=Visibility.choices, default=Visibility.ALWAYS
    )
    validation_regex = models.CharField(max_length=500, null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    required = models.BooleanField(default=False)
    default_value: Any = models.JSONField(null=True, blank=True)
    boards = models.ManyToManyField(Board, related_name="field_bindings")

    objects = querysets.CustomFieldQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "field_key"], name="field_key_once"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def target(self) -> Target:
        """How events name the field."""
        return Target("custom_field", self.id, self.label)
