"""Who may open which socket, send what over it, and hear what.

A row of ``FRAMES`` names a socket, a type of frame (``connect`` is signing in alone), and the
callers that are answered as the frame asks. A row of ``PLACES`` names where an event happens, and
the callers that the organization's socket tells of it.
"""

from __future__ import annotations

from tests.matrix.table import Row, parse

PEOPLE = "outsider guest stranger reader writer admin owner read_token write_token"
READERS = "reader writer owner read_token write_token"
WRITERS = "writer owner write_token"

FRAMES = f"""
updates connect : {PEOPLE}
updates heartbeat : {PEOPLE}
updates ping : {PEOPLE}
updates subscribe : {PEOPLE}
board connect : {READERS}
board heartbeat : {READERS}
board ping : {READERS}
board heartbeat_ack : {READERS}
board heartbeat.ack : {READERS}
board subscribe : {READERS}
board replay : {READERS}
board presence : {READERS}
board task.move : {WRITERS}
board task.create : {WRITERS}
board task.patch : {WRITERS}
"""

PLACES = f"""
updates board : {READERS}
updates other_board : owner read_token write_token
updates group : {READERS}
updates organization : admin owner read_token write_token
"""

#: Addresses by the names that the rows use.
ADDRESSES = {"updates": "ws/updates", "board": "ws/board/<board>/sync"}
#: What answers a frame; those that are not named here are taken without a word.
ANSWERS = {
    "heartbeat": "heartbeat_ack",
    "ping": "heartbeat_ack",
    "replay": "replay",
    "task.move": "op.ok",
    "task.create": "op.ok",
    "task.patch": "op.ok",
}
SUBSCRIBED = {"updates": "subscribed", "board": "board.state"}
#: Events that readers of their target hear, also when they happen on no board.
OF_TARGET = {"board_group.chatted", "board_group.noted"}


def frames() -> list[Row]:
    """Frames, parsed."""
    return parse(FRAMES)


def places() -> dict[str, frozenset[str]]:
    """Who hears what happens where."""
    return {row.path: row.callers for row in parse(PLACES)}
