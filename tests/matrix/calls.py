"""A call of the table by one caller: what came of it, with every change undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db import connection, transaction
from django.http import HttpResponse

from tests.clients import Client
from tests.matrix.api_bodies import BODIES
from tests.matrix.stage import MARKS
from tests.matrix.table import Row

T = TypeVar("T")
REFUSED = (401, 403, 404)
_WRITE = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
#: The browser's session, the last use of a token, and an agent's sign of life.
_OF_EVERY_REQUEST = (
    "django_session",
    "orgs_apitoken SET last_used_at",
    "agents_agent",
    "agents_agentbeat",
)


class _Undo(Exception):
    """Ends a call's savepoint."""


def undone(work: Callable[[], T]) -> T:
    """The outcome of some work whose changes are taken back."""
    found: list[T] = []
    try:
        with transaction.atomic():
            found.append(work())
            raise _Undo
    except _Undo:
        return found[0]


@contextmanager
def writes() -> Iterator[list[str]]:
    """Statements that change rows, without those that every request may make."""
    found: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if _WRITE.match(sql) and not any(name in sql for name in _OF_EVERY_REQUEST):
            found.append(sql[:80])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """A value with the stage's ids in place of their names."""
    if isinstance(value, list):
        return [filled(entry, ids) for entry in value]
    return ids[value[1:-1]] if isinstance(value, str) and value.startswith("<") else value


def address(path: str, ids: Mapping[str, str]) -> str:
    """A path of a table with ids."""
    return re.sub(r"<(\w+)>", lambda m: ids[m.group(1)], path)


def call(client: Client, row: Row, ids: Mapping[str, str]) -> HttpResponse:
    """One call of the API's table."""
    path = address(row.path, ids)
    body = {name: filled(value, ids) for name, value in BODIES.get(row.name, {}).items()}
    if row.method == "GET":
        path, body = f"{path}?{urlencode(body)}", {}
    elif path.endswith("/message"):
        path = f"{path}?board_id={ids['board']}"
    client.http.cookies.clear()
    return undone(lambda: client.request(row.method, f"/{path}", body).response)


def status(client: Client, row: Row, ids: Mapping[str, str]) -> int:
    """What such a call answers."""
    return call(client, row, ids).status_code


def leaks(caller: str, answer: HttpResponse, *, besides: Iterable[str] = ()) -> list[str]:
    """Marks in an answer that the caller may not read."""
    if answer.streaming:
        return []
    text = answer.content.decode(errors="replace")
    known = set(besides)
    return [m for m, readers in MARKS.items() if m in text and caller not in readers | known]
