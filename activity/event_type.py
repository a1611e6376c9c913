"""What is known about one kind of event; the tables of kinds stand in :mod:`activity.types`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of fact.

    Attributes:
        is_of_target: Without a board it is read by the target's readers, not by admins alone.
    """

    name: str
    sentence: Any
    icon: str = "activity"
    wire: str = ""
    audit: bool = False
    frame: str = ""
    is_of_target: bool = False

    def wire_name(self, data: Mapping[str, Any]) -> str:
        """Name in the REST feed."""
        return self.wire.format_map(Blank(data)) if self.wire else self.name


class Blank(dict[str, Any]):
    """Missing keys render as nothing: an old event may lack a newer key."""

    def __missing__(self, key: str) -> str:
        return ""
