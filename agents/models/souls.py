"""What was read from the souls directory that an operator configured."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class SoulIndex(models.Model):
    """The list of a directory as last read; served for longer when it cannot be read again."""

    source_url = models.CharField(max_length=500, primary_key=True)
    #: ``[{handle, slug, page_url, raw_md_url}]``.
    entries: Any = models.JSONField(default=list)
    fetched_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True, default="")

    def __str__(self) -> str:
        return self.source_url


class SoulText(models.Model):
    """The text of one entry as last read."""

    source_url = models.CharField(max_length=500)
    handle = models.CharField(max_length=100)
    slug = models.CharField(max_length=200)
    content = models.TextField()
    fetched_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_url", "handle", "slug"], name="soul_once"),
        ]

    def __str__(self) -> str:
        return f"{self.handle}/{self.slug}"
