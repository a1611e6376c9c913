"""What boards and groups remember: notes that last, and what is said in their chats."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from boards import querysets
from boards.models.board import Board, BoardGroup
from missioncontrol.kernel.models import TenantEntity


class Memory(TenantEntity):
    """A note, or with the tag ``chat`` a message."""

    content = models.TextField()
    tags: Any = models.JSONField(null=True, blank=True)
    is_chat = models.BooleanField(default=False)
    #: Where it comes from, in the writer's words; of an agent always its name.
    source = models.CharField(max_length=200, null=True, blank=True)
    author_kind = models.CharField(max_length=10)
    author_id = models.UUIDField(null=True, blank=True)
    author_name = models.CharField(max_length=200)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.author_name}: {self.content[:60]}"


class BoardMemory(Memory):
    """A note or a message of one board."""

    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="memories")

    objects = querysets.BoardMemoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "board memories"
        indexes: ClassVar = [
            models.Index(fields=["board", "is_chat", "-created_at"], name="board_memory_newest"),
            models.Index(fields=["board", "-created_at"], name="board_memory_by_time"),
        ]


class GroupMemory(Memory):
    """A note or a message of a group of boards."""

    board_group = models.ForeignKey(BoardGroup, on_delete=models.CASCADE, related_name="memories")

    objects = querysets.GroupMemoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "group memories"
        indexes: ClassVar = [
            models.Index(
                fields=["board_group", "is_chat", "-created_at"], name="group_memory_newest"
            ),
            models.Index(fields=["board_group", "-created_at"], name="group_memory_by_time"),
        ]
