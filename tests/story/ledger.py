"""What an installation has stored, read past the product: counts that must hold whatever died."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from missioncontrol.run import state as states
from tests.story.waiting import NotYet


class Ledger:
    """Reads the database of a data folder with a connection per question."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of a query.

        Raises:
            NotYet: the database is away.
        """
        services = states.read(self._data)
        assert services is not None
        try:
            with psycopg.connect(services.database_url, row_factory=dict_row) as connection:
                return connection.execute(query, values).fetchall()  # type: ignore[arg-type]
        except psycopg.OperationalError as error:
            raise NotYet(str(error)) from error

    def gaps(self) -> list[str]:
        """Places where the numbers of an event stream are not 1, 2, 3 and so on."""
        by_organization = """
            SELECT organization_id AS stream, count(*) AS n, min(seq) AS low, max(seq) AS high
            FROM activity_activityevent GROUP BY 1"""
        by_board = """
            SELECT board_id AS stream, count(*) AS n, min(board_seq) AS low, max(board_seq) AS high
            FROM activity_activityevent WHERE board_id IS NOT NULL GROUP BY 1"""
        found = self.rows(by_organization) + self.rows(by_board)
        assert found, "nothing has happened"
        return [str(row) for row in found if (row["low"], row["high"]) != (1, row["n"])]

    def events(self, task_id: str, kind: str) -> list[dict[str, Any]]:
        """Events of one type about a task, in order."""
        return self.rows(
            "SELECT * FROM activity_activityevent WHERE task_id = %s AND type = %s ORDER BY seq",
            task_id,
            kind,
        )

    def moves(self, task_id: str) -> list[str]:
        """Where a task was moved, in order."""
        return [str(row["data"].get("to")) for row in self.events(task_id, "task.moved")]

    def comments(self, task_id: str) -> list[str]:
        """Comments on a task, in order."""
        query = "SELECT message FROM boards_taskcomment WHERE task_id = %s ORDER BY created_at, id"
        return [str(row["message"]) for row in self.rows(query, task_id)]

    def approvals(self, task_id: str) -> list[dict[str, Any]]:
        """Approvals that name a task."""
        query = """
            SELECT a.* FROM governance_approval a
            JOIN governance_approvaltask t ON t.approval_id = a.id
            WHERE t.task_id = %s ORDER BY a.created_at"""
        return self.rows(query, task_id)
