"""Places of cards within a column. Called under the board's lock, so two moves never collide."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from activity.publish import publish
from boards import rules
from boards.models import Board, Task
from boards.services import opening
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.unit import service

_AFTER = (
    "SELECT a.rank, (SELECT min(n.rank) FROM boards_task n WHERE n.board_id = a.board_id "
    "AND n.status = a.status AND n.rank > a.rank AND n.id <> %(task)s) FROM boards_task a "
    "WHERE a.id = %(anchor)s AND a.board_id = %(board)s AND a.status = %(status)s"
)
_BEFORE = (
    "SELECT (SELECT max(n.rank) FROM boards_task n WHERE n.board_id = a.board_id "
    "AND n.status = a.status AND n.rank < a.rank AND n.id <> %(task)s), a.rank FROM boards_task a "
    "WHERE a.id = %(anchor)s AND a.board_id = %(board)s AND a.status = %(status)s"
)
_END = "SELECT max(rank), NULL FROM boards_task WHERE board_id = %(board)s AND status = %(status)s"
_TOP = "SELECT NULL, min(rank) FROM boards_task WHERE board_id = %(board)s AND status = %(status)s"
Bounds = tuple[str | None, str | None]


def place(
    board_id: UUID,
    status: str,
    *,
    task_id: UUID | None = None,
    present: str | None = None,
    before_id: UUID | None = None,
    after_id: UUID | None = None,
) -> str:
    """Key of a card's place in a column.

    An anchor that is not in the column (any more) is passed over. Without one the card goes to the
    end; in ``done`` to the top, where what was finished last is looked for.

    Args:
        board_id: The locked board.
        status: The column.
        task_id: The card, which is no neighbour of itself.
        present: Its present key in this column; kept when it already lies at the place.
        before_id: The card that comes right after it.
        after_id: The card that comes right before it.
    """
    wanted = (board_id, status, task_id or board_id, before_id, after_id)
    low, high = _bounds(*wanted)
    if present is not None and (low is None or low < present) and (high is None or present < high):
        return present
    try:
        key = rules.rank_between(low, high)
    except ValueError:
        key = ""
    if not key or len(key) > rules.MAX_RANK:
        spread(board_id, status)
        key = rules.rank_between(*_bounds(*wanted))
    return key


def _bounds(
    board_id: UUID, status: str, task_id: UUID, before_id: UUID | None, after_id: UUID | None
) -> Bounds:
    facts: dict[str, Any] = {"board": board_id, "status": status, "task": task_id}
    asked: list[tuple[str, UUID | None]] = [(_AFTER, after_id), (_BEFORE, before_id)]
    with connection.cursor() as cursor:
        for sql, anchor in asked:
            if anchor is not None and anchor != task_id:
                cursor.execute(sql, {**facts, "anchor": anchor})
                row = cursor.fetchone()
                if row is not None:
                    return row[0], row[1]
        cursor.execute(_TOP if status == Task.Status.DONE else _END, facts)
        low, high = cursor.fetchone()
    return low, high


def spread(board_id: UUID, status: str) -> int:
    """Give every card of a column a short key, in the present order; returns how many."""
    ids = list(
        Task.objects.filter(board_id=board_id, status=status)
        .order_by("rank", "id")
        .values_list("pk", flat=True)
    )
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE boards_task t SET rank = fresh.rank "
                "FROM unnest(%s::uuid[], %s::text[]) AS fresh(id, rank) WHERE t.id = fresh.id",
                [ids, rules.spread_ranks(len(ids))],
            )
    return len(ids)


@service
def rerank_column(actor: Actor, board_id: UUID, *, status: str) -> int:
    """Shorten the keys of a column whose keys grew; returns the number of cards.

    Raises:
        NotFound: absent or invisible board.
    """
    board: Board = opening.open_board(actor, board_id)
    count = spread(board.pk, status)
    publish(
        "board.updated",
        actor=actor,
        target=board,
        organization_id=board.organization_id,
        board_id=board.pk,
        data={"version": board.version, "changes": {"ranks": status}, "previous": {}},
    )
    return count
