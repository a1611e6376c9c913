"""Commands that follow from the document: all of it, by distinct names, with the right values."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from missioncontrol.cli import document, generated, values
from missioncontrol.cli.document import Command, Option
from missioncontrol.cli.exits import UsageError
from tests.reference.pages import document as published


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return published()


@pytest.fixture(scope="module")
def commands(api: dict[str, Any]) -> dict[str, dict[str, Command]]:
    return document.commands(api)


def test_every_operation_is_a_command(
    api: dict[str, Any], commands: dict[str, dict[str, Command]]
) -> None:
    wanted = {(method.upper(), path) for path, item in api["paths"].items() for method in item}
    found = {(one.method, one.path) for tag in commands.values() for one in tag.values()}
    assert found == wanted


def test_every_command_has_a_parser_whose_help_can_be_shown(
    commands: dict[str, dict[str, Command]],
) -> None:
    for tag in commands.values():
        for command in tag.values():
            assert command.action in generated.parser_of(command).format_help()


@pytest.mark.parametrize(
    ("tag", "action", "method", "path"),
    [
        ("tasks", "list", "GET", "/tasks"),
        ("tasks", "create", "POST", "/tasks"),
        ("tasks", "show", "GET", "/tasks/{task_ref}"),
        ("tasks", "update", "PATCH", "/tasks/{task_ref}"),
        ("tasks", "assign-agent", "POST", "/tasks/{task_ref}/assign-agent"),
        ("boards", "snapshot", "GET", "/boards/{board_id}/snapshot"),
        ("gateways", "check", "POST", "/gateways/{gateway_id}/check"),
        ("comments", "create", "POST", "/tasks/{task_ref}/comments"),
    ],
)
def test_names_are_those_that_one_would_guess(
    commands: dict[str, dict[str, Command]], tag: str, action: str, method: str, path: str
) -> None:
    found = commands[tag][action]
    assert (found.method, found.path) == (method, f"/api/v1{path}")


def option(kind: str, place: str = "body") -> Option:
    return Option("field", kind, place, is_required=False, choices=(), help="")


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        ("string", "12", "12"),
        ("string", "null", None),
        ("integer", "12", 12),
        ("number", "1.5", 1.5),
        ("boolean", "Yes", True),
        ("boolean", "false", False),
        ("array", "a, b,", ["a", "b"]),
        ("array", '["a,b"]', ["a,b"]),
        ("object", '{"a": 1}', {"a": 1}),
        ("json", "text", "text"),
        ("json", "3", 3),
    ],
)
def test_words_become_values(kind: str, word: str, value: Any) -> None:
    assert values.value_of(option(kind), word) == value


@pytest.mark.parametrize(
    ("kind", "word"), [("integer", "x"), ("boolean", "perhaps"), ("object", "{")]
)
def test_words_that_do_not_fit_are_refused(kind: str, word: str) -> None:
    with pytest.raises(UsageError):
        values.value_of(option(kind), word)


def test_a_query_knows_no_null() -> None:
    assert values.value_of(option("string", "query"), "null") == "null"


def test_the_document_is_kept_for_a_while(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, api: dict[str, Any]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked: list[str] = []

    class Caller:
        def get(self, path: str) -> dict[str, Any]:
            asked.append(path)
            return api

    load = functools.partial(document.load, Caller(), "http://a")  # type: ignore[arg-type]
    assert load()["paths"].keys() == load()["paths"].keys()
    assert asked == ["/openapi.json"]
    load(anew=True)
    assert len(asked) == 2
