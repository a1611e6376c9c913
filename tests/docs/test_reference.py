"""The reference says what the code says."""

from __future__ import annotations

from tests.reference import operations, settings, tables
from tests.reference.pages import document, outdated


def test_the_reference_is_up_to_date() -> None:
    assert outdated() == [], "run: make reference"


def test_every_operation_is_described() -> None:
    found = document()
    page = operations.render(found)
    for path, item in found["paths"].items():
        for method in item:
            assert f"### `{method.upper()} {path.removeprefix('/api/v1')}`" in page


def test_every_setting_that_the_reader_knows_is_described() -> None:
    page = settings.render()
    assert [name for name in settings.by_name() if f"`{name}`" not in page] == []


def test_codes_are_found_where_they_are_raised() -> None:
    page = tables.render_errors()
    assert "| `duplicate_task` | 409 | boards |" in page
    assert "| `malformed_json` | 422 |" in page
