"""While a case runs, each transaction of the product is a savepoint inside the case's own.

The product sees what it sees in production: autocommit outside ``atomic``, constraints and commit
hooks at the commit. The end of the case takes everything back, so that every case begins on the
same rows, a failure can be repeated alone, and no case stands in another one's way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from missioncontrol.kernel.postgres import base

#: A savepoint cannot have a level of its own; the export that asks for one reads alone here.
LEVEL = "SET TRANSACTION ISOLATION LEVEL"


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL with cases."""

    in_case = False

    @contextmanager
    def case(self) -> Iterator[None]:
        """Run something and take back what it wrote."""
        self.ensure_connection()
        self._say("BEGIN")
        self.in_case = True
        try:
            with self.execute_wrapper(_without_level):
                yield
        finally:
            self.in_case = False
            self._say("ROLLBACK")
            self.run_on_commit, self.errors_occurred = [], False

    def _say(self, statements: str) -> None:
        with self.wrap_database_errors:
            self.connection.execute(statements)

    def _set_autocommit(self, autocommit: bool) -> None:
        if not self.in_case:
            super()._set_autocommit(autocommit)
        elif not autocommit:
            self._say("SAVEPOINT of_product")

    def _commit(self) -> None:
        if not self.in_case:
            super()._commit()
            return
        self._say(
            "SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT of_product;"
            " SET CONSTRAINTS ALL DEFERRED"
        )

    def _rollback(self) -> None:
        if not self.in_case:
            super()._rollback()
            return
        self._say("ROLLBACK TO SAVEPOINT of_product; RELEASE SAVEPOINT of_product")

    def close_if_unusable_or_obsolete(self) -> None:
        """The connection outlives the requests of a case."""
        if not self.in_case:
            super().close_if_unusable_or_obsolete()

    def close_if_health_check_failed(self) -> None:
        """A broken connection ends the case."""
        if not self.in_case:
            super().close_if_health_check_failed()


def _without_level(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    return None if str(sql).startswith(LEVEL) else execute(sql, params, many, context)
