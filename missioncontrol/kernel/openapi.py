"""Names of operations in the published schema: stable, unique, readable (agents read them)."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema

_PREFIX = re.compile(r"^/?api/(v1/)?")
_PARAMETER = re.compile(r"\{(\w+)\}")


class Schema(AutoSchema):
    """Operation ids from method and path: ``get_boards``, ``patch_tasks_by_task_ref``."""

    def get_operation_id(self) -> str:
        """Method, then the path's words; a parameter becomes ``by_<name>``."""
        path = _PARAMETER.sub(r"by_\1", _PREFIX.sub("", self.path))
        words = re.sub(r"\W+", "_", path).strip("_")
        return f"{self.method.lower()}_{words}"


def canonical(endpoints: list[Any]) -> list[Any]:
    """Publish ``/api/v1`` alone; ``/api`` has the same operations (core specification 24.2)."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]
