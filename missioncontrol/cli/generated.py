"""``mc <tag> <action>``: a command line for every operation of the document."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from missioncontrol.client import Client

from .document import Command, Option
from .exits import OK, UsageError
from .output import Printer
from .values import any_json, flag, read, value_of

#: Words of the client itself; a field of the same name is written with its place before it.
OWN = frozenset({"body", "if-match", "idempotency-key", "help", "all", "after"})


def chosen(known: dict[str, dict[str, Command]], words: Sequence[str]) -> tuple[Command, list[str]]:
    """The operation that the words name, and what follows.

    Raises:
        UsageError: there is none; the message lists what is near.
    """
    tag = words[0]
    actions = known.get(tag)
    if actions is None:
        raise UsageError(f"There is no command {tag}.{_near(tag, known)} Run mc --help.")
    if len(words) == 1 or words[1] in ("-h", "--help"):
        raise UsageError(overview(tag, actions))
    if words[1] not in actions:
        raise UsageError(f"{tag} has no {words[1]}.{_near(words[1], actions)}")
    return actions[words[1]], list(words[2:])


def _near(word: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(word, known, n=3)
    return f" Did you mean {', '.join(close)}?" if close else ""


def overview(tag: str, actions: dict[str, Command]) -> str:
    """The actions of a tag, one a line."""
    lines = [f"Actions of {tag}:"]
    for name, one in actions.items():
        words = " ".join([name, *(f"<{argument}>" for argument in one.arguments)])
        lines.append(f"  {words:<44} {one.summary}")
    return "\n".join(lines)


def parser_of(command: Command) -> argparse.ArgumentParser:
    """The options of one operation."""
    parser = argparse.ArgumentParser(
        prog=f"mc {command.tag} {command.action}",
        description=f"{command.summary} ({command.method} {command.path})",
        allow_abbrev=False,
    )
    for argument in command.arguments:
        parser.add_argument(f"path:{argument}", metavar=argument)
    for option in command.options:
        parser.add_argument(
            f"--{flag_of(option)}",
            dest=f"{option.place}:{option.name}",
            metavar=option.kind.upper(),
            help=_help(option),
        )
    if command.has_body:
        parser.add_argument("--body", metavar="JSON", help="the whole body; @file or @- reads it")
    if command.method == "POST":
        parser.add_argument(
            "--idempotency-key", metavar="KEY", help="a repeat gets the first answer"
        )
    if command.method not in ("GET", "POST"):
        parser.add_argument("--if-match", type=int, metavar="VERSION", help="only this version")
    if command.method == "GET" and any(one.name == "offset" for one in command.options):
        parser.add_argument("--all", action="store_true", help="every page")
    if command.is_stream:
        parser.add_argument("--after", default="", metavar="ID", help="resume after this record")
    return parser


def _help(option: Option) -> str:
    parts = [option.help, "|".join(option.choices)]
    if option.is_required:
        parts.append("required")
    return " · ".join(part for part in parts if part).replace("%", "%%")


def flag_of(option: Option) -> str:
    """The option's name; one that the client itself has is written with its place."""
    name = flag(option.name)
    return f"{option.place}-{name}" if name in OWN else name


def run(caller: Client, command: Command, words: Sequence[str], printer: Printer) -> int:
    """Call the operation with the words as its values.

    Raises:
        UsageError: a value does not fit its type.
        ApiError: the server refused.
    """
    given = vars(parser_of(command).parse_args(list(words)))
    path = command.path
    for argument in command.arguments:
        path = path.replace("{" + argument + "}", quote(given[f"path:{argument}"], safe=""))
    query = _values(command, given, "query")
    if command.is_stream:
        for event in caller.events(path, after=given["after"], **query):
            printer.line({"id": event.id, "event": event.name, "data": event.data})
        return OK
    if given.get("all"):
        printer.show(list(caller.rows(path, **query)))
        return OK
    answer = caller.call(
        command.method,
        path,
        _body(command, given) if command.has_body else None,
        query=query,
        version=given.get("if_match"),
        key=given.get("idempotency_key"),
    )
    if answer.body is not None:
        printer.show(answer.body)
    return OK


def _body(command: Command, given: dict[str, Any]) -> Any:
    fields = _values(command, given, "body")
    raw = given.get("body")
    if raw is None:
        return fields
    whole = any_json(read(raw[1:]) if raw.startswith("@") else raw)
    if fields and not isinstance(whole, dict):
        raise UsageError("--body is no object, so no field can be added to it.")
    return {**whole, **fields} if fields else whole


def _values(command: Command, given: dict[str, Any], place: str) -> dict[str, Any]:
    found: Iterator[tuple[Option, Any]] = (
        (option, given[f"{place}:{option.name}"])
        for option in command.options
        if option.place == place
    )
    return {option.name: value_of(option, word) for option, word in found if word is not None}
