"""The only doors to rows: ``visible_to`` lists, ``seen_by`` reads one, ``open_for`` changes one."""

from __future__ import annotations

from typing import Any, Self, TypeVar
from uuid import UUID

from django.db import models

from .actors import Actor
from .errors import NotFound

M = TypeVar("M", bound=models.Model)


class VisibleQuerySet(models.QuerySet[M]):
    """A queryset that knows who may see what. Subclasses define :meth:`visible_to`."""

    def visible_to(self, actor: Actor) -> Self:
        """Rows that the actor may see; a system actor sees all."""
        raise TypeError(f"{type(self).__name__} must define visible_to")

    def seen_by(self, actor: Actor, pk: Any) -> M:
        """One row to read.

        Raises:
            NotFound: absent, invisible, or no id at all.
        """
        row = self.visible_to(actor).filter(pk=as_uuid(pk)).first()
        if row is None:
            raise NotFound
        return row

    def open_for(self, actor: Actor, pk: Any, *, for_delete: bool = False) -> M:
        """One row to change, locked until the end of the transaction.

        Visibility is asked first without a lock, so that the locking query is a plain primary-key
        read. ``for_delete`` takes the full lock, since rows that point here must not appear.

        Raises:
            NotFound: absent, invisible, or no id at all.
        """
        key = as_uuid(pk)
        row = (
            self.visible_to(actor)
            .select_for_update(of=("self",), no_key=not for_delete)
            .filter(pk=key)
            .first()
        )
        if row is None:
            raise NotFound
        return row


def as_uuid(raw: Any) -> UUID:
    """An id from a path.

    Raises:
        NotFound: not a UUID; a malformed id in a path names nothing.
    """
    if isinstance(raw, UUID):
        return raw
    try:
        return UUID(str(raw))
    except ValueError as error:
        raise NotFound from error
