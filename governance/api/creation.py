"""Where creation is handled: ``boards`` knows the tasks that a request names and registers here.

Both methods of ``/approvals`` share one address, and an adapter never imports one of a higher app.
"""

from __future__ import annotations

from collections.abc import Callable

from rest_framework.response import Response

from missioncontrol.kernel.api import ApiView
from missioncontrol.kernel.errors import NotFound

Create = Callable[[ApiView], Response]
_create: Create | None = None


def register(create: Create) -> None:
    """Name the handler of ``POST /approvals``; it gets the running view."""
    global _create  # noqa: PLW0603 - one registration at start
    _create = create


def create(view: ApiView) -> Response:
    """Hand a creation to its owner."""
    if _create is None:
        raise NotFound
    return _create(view)
