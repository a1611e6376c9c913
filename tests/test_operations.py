"""Every operation that moved in from the earlier product exists, is documented, and is guarded.

``operations.txt`` lists them as ``METHOD path``; what a path calls its parameters does not matter.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.test_permission_matrix import rows

LISTED = (Path(__file__).parent / "operations.txt").read_text().splitlines()
#: Health checks need no login and stand outside the API; streams answer outside Django's routes.
OPEN = {"GET /health", "GET /healthz", "GET /readyz"}


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}|<[^>]*>", "{}", path)


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, Any]]:
    """Operations of the OpenAPI document by method and path."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return {
        f"{method.upper()} {_plain(path)}": operation
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }


@pytest.mark.parametrize("listed", LISTED)
def test_operation_is_documented(listed: str, documented: dict[str, dict[str, Any]]) -> None:
    operation = documented.get(_plain(listed))
    assert operation is not None, f"{listed} is missing in /openapi.json"
    assert operation.get("summary") or operation.get("description")
    assert any(code.startswith("2") for code in operation["responses"])


def test_every_operation_has_a_row_of_permissions() -> None:
    guarded = {f"{row.method} /api/v1/{_plain(row.path)}" for row in rows()}
    missing = {_plain(listed) for listed in LISTED} - OPEN - guarded
    assert not missing


@pytest.mark.parametrize("role", ["agent-lead", "agent-worker", "agent-main"])
def test_roles_of_agents_are_tags(role: str, documented: dict[str, dict[str, Any]]) -> None:
    tagged = [key for key, operation in documented.items() if role in operation.get("tags", [])]
    assert len(tagged) > 5
    assert all("/agent" in key for key in tagged)
