"""Tags of an organization; which tasks carry them stands on the task (``Task.tag_ids``)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from activity.publish import Target
from boards import querysets
from missioncontrol.kernel.models import TenantEntity, Versioned

DEFAULT_COLOR = "9e9e9e"


class Tag(TenantEntity, Versioned):
    """A word with a colour that tasks of every board of the organization can carry."""

    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=200)
    color = models.CharField(max_length=6, default=DEFAULT_COLOR)
    description = models.TextField(null=True, blank=True)

    objects = querysets.OwnQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "slug"], name="tag_slug_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the tag."""
        return Target("tag", self.id, self.name)
