"""The daily commands, by hand: sign in, boards, tasks, approvals, agents, gateways."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from missioncontrol.client import ApiError, Client, NotFound

from . import profile
from .exits import OK
from .output import Printer

Run = Callable[[Client, argparse.Namespace, Printer], int]
TASK = ("key", "title", "status", "priority", "assigned_agent_name", "updated_at")
COMMENT = ("created_at", "author_name", "agent_name", "message")
APPROVAL = ("id", "status", "action_type", "requested_by_name", "confidence", "created_at")
AGENT = ("name", "agent_type", "status", "provision_state", "last_seen_at", "id")


def parser() -> argparse.ArgumentParser:
    """The shortcuts as one parser; ``run`` is what each does."""
    root = argparse.ArgumentParser(prog="mc", add_help=False, allow_abbrev=False)
    words = root.add_subparsers(dest="word", required=True)
    login = _add(words, "login", "keep address and token of a server", log_in)
    login.add_argument("--address", help="such as https://mc.example.org")
    login.add_argument("--token-file", help="file that holds the token; else typed or piped in")
    _add(words, "logout", "forget address and token", log_out)
    _add(words, "whoami", "whose token this is", whoami)
    boards = _add(words, "boards", "boards that you can read", list_boards)
    boards.add_argument("--q", help="part of the name")
    agents = _add(words, "agents", "agents and how they are", list_agents)
    agents.add_argument("--status")
    agents.add_argument("--board")
    _tasks(_group(words, "task", "tasks"))
    _approvals(_group(words, "approvals", "requests for approval"))
    gateways = _group(words, "gateways", "gateways")
    check = _add(gateways, "check", "check the connection now", check_gateway)
    check.add_argument("gateway", nargs="?", help="id or name; default every gateway")
    return root


def _group(words: Any, name: str, text: str) -> Any:
    return words.add_parser(name, help=text, allow_abbrev=False).add_subparsers(
        dest="action", required=True
    )


def _add(words: Any, name: str, text: str, run: Run) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = words.add_parser(
        name, help=text, description=text, allow_abbrev=False
    )
    found.set_defaults(run=run)
    return found


def _tasks(words: Any) -> None:
    create = _add(words, "create", "a new task", create_task)
    create.add_argument("title")
    create.add_argument("--board", required=True, help="id, key or name")
    create.add_argument("--description")
    create.add_argument("--priority")
    create.add_argument("--agent", help="id or name of the assignee")
    listed = _add(words, "list", "tasks, newest first", list_tasks)
    listed.add_argument("--board", help="id, key or name")
    listed.add_argument("--status")
    listed.add_argument("--q", help="part of the title, or a key")
    listed.add_argument("--limit", type=int, default=50)
    show = _add(words, "show", "one task", show_task)
    show.add_argument("task", help="id or key, such as OPS-214")
    move = _add(words, "move", "change the status", move_task)
    move.add_argument("task", help="id or key, such as OPS-214")
    move.add_argument("status")
    move.add_argument("--comment")
    move.add_argument("--if-match", type=int, metavar="VERSION")
    comment = _add(words, "comment", "comment on a task", comment_task)
    comment.add_argument("task", help="id or key, such as OPS-214")
    comment.add_argument("message")


def _approvals(words: Any) -> None:
    listed = _add(words, "list", "requests, newest first", list_approvals)
    listed.add_argument("--status", default="pending", help="default pending; all shows every one")
    listed.add_argument("--limit", type=int, default=50)
    for name, status in (("approve", "approved"), ("reject", "rejected")):
        decide = _add(words, name, f"{name} a request", decide_approval)
        decide.add_argument("approval")
        decide.add_argument("--comment")
        decide.set_defaults(status=status)
    watch = _add(words, "watch", "show requests and decisions as they come", watch_approvals)
    watch.add_argument("--board", help="id, key or name")
    watch.add_argument("--after", default="", metavar="ID", help="resume after this record")
    watch.add_argument("--count", type=int, default=0, help="end after so many")


# --- signing in -----------------------------------------------------------------------------


def log_in(_caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """Try the token, then keep it."""
    known = profile.load(needs_token=False)
    address = profile.checked(given.address or known.address)
    found = profile.Profile(address, profile.ask_token(given.token_file))
    with Client(address, **found.credential()) as caller:
        person = _self(caller)
    file = profile.save(found)
    printer.note(f"Signed in to {address} as {person['name']}. The token is kept in {file}.")
    return OK


def log_out(_caller: Client, _given: argparse.Namespace, printer: Printer) -> int:
    """Forget what is kept here; the token itself stays valid."""
    printer.note("Signed out." if profile.forget() else "Nobody was signed in.")
    return OK


def _self(caller: Client) -> dict[str, Any]:
    """A person, or the agent whose token it is."""
    if "X-Agent-Token" not in caller.http.headers:
        found = caller.me()
        return {**found, "name": found.get("name") or found.get("email") or found["id"]}
    found = caller.get("/agent/healthz")
    return {**found, "name": f"agent {found['agent_id']}"}


def whoami(caller: Client, _given: argparse.Namespace, printer: Printer) -> int:
    """The person or agent behind the token."""
    printer.show(_self(caller))
    return OK


# --- boards, agents, gateways -------------------------------------------------------------------


def list_boards(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """Every readable board."""
    printer.show(list(caller.rows("/boards", q=given.q)), ("key", "name", "id"))
    return OK


def list_agents(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """Every visible agent."""
    board = caller.board(given.board)["id"] if given.board else None
    printer.show(list(caller.rows("/agents", status=given.status, board_id=board)), AGENT)
    return OK


def _named(caller: Client, path: str, name: str) -> dict[str, Any]:
    """A row of a list by id or name."""
    rows = list(caller.rows(path))
    found = [row for row in rows if name in (row["id"], row["name"])]
    if len(found) != 1:
        raise NotFound(f"There is no one called {name}.", status=404, code="not_found")
    return found[0]


def check_gateway(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """What the doctor finds, gateway by gateway; refused ones are shown with their reason."""
    if given.gateway:
        row = _named(caller, "/gateways", given.gateway)
        printer.show(caller.post(f"/gateways/{row['id']}/check"))
        return OK
    found = []
    for row in list(caller.rows("/gateways")):
        try:
            answer = caller.post(f"/gateways/{row['id']}/check")
            found.append({"name": row["name"], "id": row["id"], **answer})
        except ApiError as error:
            found.append({"name": row["name"], "id": row["id"], "error": str(error)})
    printer.show(found, ("name", "status", "error", "version", "id"))
    return OK


# --- tasks --------------------------------------------------------------------------------------


def create_task(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """A task on a board."""
    fields = {"description": given.description, "priority": given.priority}
    if given.agent:
        fields["assigned_agent_id"] = _named(caller, "/agents", given.agent)["id"]
    board = caller.board(given.board)["id"]
    said = {name: value for name, value in fields.items() if value is not None}
    printer.show(caller.create_task(board, given.title, **said))
    return OK


def list_tasks(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """Tasks of one board, or of every readable one."""
    board = caller.board(given.board)["id"] if given.board else None
    rows = caller.rows(
        "/tasks", most=given.limit, limit=min(given.limit, 200),
        board_id=board, status=given.status, q=given.q,
    )  # fmt: skip
    printer.show(list(rows), TASK)
    return OK


def show_task(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """A task with its comments."""
    task = caller.task(given.task)
    comments = list(caller.rows(f"/tasks/{task['id']}/comments"))
    if printer.as_json:
        printer.show({**task, "comments": comments})
        return OK
    printer.show(task)
    if comments:
        printer.show(comments, COMMENT)
    return OK


def move_task(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """To another status; the server's rules decide."""
    moved = caller.move_task(
        given.task, given.status, comment=given.comment, version=given.if_match
    )
    printer.show(moved)
    return OK


def comment_task(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """Say something about a task."""
    printer.show(caller.comment(given.task, given.message))
    return OK


# --- approvals ----------------------------------------------------------------------------------


def list_approvals(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """The inbox."""
    status = None if given.status == "all" else given.status
    rows = caller.rows("/approvals", most=given.limit, limit=min(given.limit, 200), status=status)
    printer.show(list(rows), APPROVAL)
    return OK


def decide_approval(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """Approve or reject."""
    printer.show(caller.decide(given.approval, given.status, comment=given.comment))
    return OK


def watch_approvals(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """Follow the stream; a broken connection goes on where it broke."""
    path = "/activity/stream"
    if given.board:
        path = f"/boards/{caller.board(given.board)['id']}/approvals/stream"
    shown = 0
    for event in caller.events(path, after=given.after):
        activity = event.data.get("activity", event.data)
        if not str(activity.get("event_type", "")).startswith("approval."):
            continue
        printer.line({**activity, "record_id": event.id}, ("created_at", "event_type", "message"))
        shown += 1
        if shown == given.count:
            break
    return OK
