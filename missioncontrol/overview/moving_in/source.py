"""The database of the original product, read only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

BATCH = 1000
Row = dict[str, Any]
#: Written by its migration tool and by nobody else.
NOT_DATA = frozenset({"alembic_version"})


class Source:
    """Tables of another database; what is absent there reads as empty."""

    def __init__(self, url: str) -> None:
        """Connect to ``url`` (also in the spelling ``postgresql+psycopg://``).

        Raises:
            psycopg.OperationalError: nobody answers, or the credentials are wrong.
        """
        scheme, _, rest = url.partition("://")
        plain = f"{scheme.partition('+')[0]}://{rest}"
        self._connection = psycopg.connect(plain, row_factory=dict_row, connect_timeout=10)
        self._connection.read_only = True
        self._columns = self._read_columns()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def _read_columns(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        rows = self._connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        )
        for row in rows:
            found.setdefault(row["table_name"], []).append(row["column_name"])
        return found

    @property
    def tables(self) -> set[str]:
        """Names of the tables that hold data."""
        return set(self._columns) - NOT_DATA

    def count(self, table: str) -> int:
        """Rows of a table."""
        query = sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier(table))
        row = self._connection.execute(query).fetchone()
        return int(row["n"]) if row else 0

    def rows(self, table: str) -> Iterator[Row]:
        """Rows of a table, oldest first; times are aware, and none without a zone stays."""
        columns = self._columns.get(table)
        if columns is None:
            return
        keys = [name for name in ("created_at", "id") if name in columns]
        order = sql.SQL(", ").join(sql.Identifier(name) for name in keys)
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
        if keys:
            query = sql.SQL("{} ORDER BY {}").format(query, order)
        with self._connection.cursor(name=f"read_{table}") as cursor:
            cursor.itersize = BATCH
            cursor.execute(query)
            for row in cursor:
                yield {name: _aware(value) for name, value in row.items()}


def _aware(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
