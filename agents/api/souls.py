"""The souls directory for people and agents (core specification 22)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from agents import souls
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, ok, operation
from missioncontrol.kernel.schemas import Input, Output

TAGS = ("souls-directory",)


class SoulQuery(Input):
    """What is looked for."""

    q: str = ""
    limit: int = Field(default=20, ge=1, le=100)


class SoulEntryOut(Output):
    """One role."""

    handle: str
    slug: str
    page_url: str
    raw_md_url: str


class SoulFound(Output):
    """Roles that fit."""

    items: list[SoulEntryOut]


class SoulTextOut(Output):
    """The text of a role."""

    handle: str
    slug: str
    content: str


class SearchView(ApiView):
    """Look for a role."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"user", "agent"})

    @operation(tags=TAGS, summary="Search the souls directory", response=SoulFound)
    def get(self, request: Request) -> Response:
        """By a part of ``handle/slug``."""
        asked = self.query(SoulQuery)
        found = souls.search(asked.q, limit=asked.limit)
        return ok({"items": [entry._asdict() for entry in found]})


class SoulTextView(ApiView):
    """One role."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"user", "agent"})

    @operation(tags=TAGS, summary="Read a soul", response=SoulTextOut)
    def get(self, request: Request, handle: str, slug: str) -> Response:
        """The same with or without ``.md`` at the end of the address."""
        return ok({"handle": handle, "slug": slug, "content": souls.text_of(handle, slug)})
