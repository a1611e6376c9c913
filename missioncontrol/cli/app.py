"""``mc``: reads the words, calls the server, turns failures into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from missioncontrol import __version__
from missioncontrol.client import ApiError, Client

from . import document, generated, profile, shortcuts
from .exits import OK, USAGE, NoToken, UsageError, code_of
from .output import Printer
from .values import any_json, pair, read

USAGE_TEXT = """usage: mc [--json | --table] [--organization ID] COMMAND ...

Daily commands:
  login, logout, whoami          who you are; the token is kept in a file for you alone
  boards, agents                 what there is
  task create|list|show|move|comment          tasks, by key such as OPS-214
  approvals list|approve|reject|watch         what waits for a decision
  gateways check                 check the connections now

Every operation of the server:
  mc commands                    the list
  mc TAG                         the actions of one part, such as mc tasks
  mc TAG ACTION --help           its options
  mc api METHOD PATH [-f name=text] [-F name=JSON] [-q name=value]

The server and the token can also be given by MC_ADDRESS and MC_TOKEN_FILE (or MC_TOKEN), the
organization by MC_ORGANIZATION. Exit codes: 0 done, 1 refused, 2 usage, 3 not signed in,
4 cannot connect, 5 server error.
"""
#: First words of the shortcuts; their other actions are those of the document.
WITHOUT_SIGN_IN = frozenset({"login", "logout"})
#: Status of a program that was interrupted, or whose reader is gone.
INTERRUPTED, BROKEN_PIPE = 130, 141


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    try:
        return _run(list(sys.argv[1:] if words is None else words))
    except (UsageError, NoToken, ApiError) as error:
        text = str(error) if isinstance(error, UsageError) else f"mc: {error}".replace("\n", " ")
        print(text, file=sys.stderr)  # noqa: T201 - the output
        return code_of(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(words: list[str]) -> int:
    options, rest = _global(words)
    printer = Printer(as_json=options.json or not (options.table or sys.stdout.isatty()))
    if options.version:
        print(f"mc {__version__}")  # noqa: T201 - the output
        return OK
    if options.help or not rest:
        print(USAGE_TEXT)  # noqa: T201 - the output
        return OK if options.help else USAGE
    given = _parsed(rest)
    known = profile.load(
        organization_id=options.organization, needs_token=rest[0] not in WITHOUT_SIGN_IN
    )
    with Client(
        known.address, organization_id=known.organization_id, **known.credential()
    ) as caller:
        if given is not None:
            code: int = given.run(caller, given, printer)
            return code
        return _operation(caller, known, rest, printer, anew=options.refresh)


def _global(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Options before the command, and ``--json``/``--table`` anywhere before ``--``."""
    parser = argparse.ArgumentParser(prog="mc", add_help=False, allow_abbrev=False)
    parser.add_argument("--organization", default="")
    for name in ("--json", "--table", "--version", "--refresh"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    found = parser.parse_args(words)
    rest: list[str] = []
    for number, word in enumerate(found.rest):
        if word == "--":
            rest += found.rest[number:]
            break
        if word in ("--json", "--table"):
            setattr(found, word[2:], True)
        else:
            rest.append(word)
    return found, rest


def _parsed(words: list[str]) -> argparse.Namespace | None:
    """The words of a shortcut or of ``api``; wrong ones end here, before anybody is called."""
    if words[0] == "api":
        return _api_parser().parse_args(words[1:])
    return shortcuts.parser().parse_args(words) if _is_shortcut(words) else None


def _operation(
    caller: Client, known: profile.Profile, words: list[str], printer: Printer, *, anew: bool
) -> int:
    """A command that follows from the document."""
    commands = document.commands(document.load(caller, known.address, anew=anew))
    if words[0] == "commands":
        printer.show([_described(one) for tag in commands.values() for one in tag.values()])
        return OK
    try:
        command, rest = generated.chosen(commands, words)
    except UsageError:
        # The server may have learnt it since the document was kept.
        commands = document.commands(document.load(caller, known.address, anew=True))
        command, rest = generated.chosen(commands, words)
    return generated.run(caller, command, rest, printer)


def _is_shortcut(words: Sequence[str]) -> bool:
    """Whether the words name a shortcut; ``mc boards create`` is an operation of the document."""
    actions = _shortcut_words()
    if words[0] not in actions:
        return False
    own = actions[words[0]]
    if own:
        return words[0] == "task" or (len(words) > 1 and words[1] in own)
    return len(words) == 1 or words[1].startswith("-")


def _shortcut_words() -> dict[str, frozenset[str]]:
    """Words of the shortcuts with their actions, as their parser has them."""
    return {name: _actions(parser) for name, parser in _choices(shortcuts.parser()).items()}


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            return dict(action.choices)
    return {}


def _actions(parser: argparse.ArgumentParser) -> frozenset[str]:
    return frozenset(_choices(parser))


def _described(command: document.Command) -> dict[str, Any]:
    return {
        "name": " ".join([command.tag, command.action]),
        "arguments": " ".join(command.arguments),
        "title": command.summary,
        "method": command.method,
        "path": command.path,
    }


def _api_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mc api", description="Call any address of the API.", allow_abbrev=False
    )
    parser.add_argument("method", type=str.upper)
    parser.add_argument("path", help="relative to /api/v1, or a full path")
    parser.add_argument("-f", action="append", default=[], metavar="NAME=TEXT", dest="texts")
    parser.add_argument("-F", action="append", default=[], metavar="NAME=JSON", dest="values")
    parser.add_argument("-q", action="append", default=[], metavar="NAME=VALUE", dest="query")
    parser.add_argument("--body", metavar="JSON", help="the whole body; @file or @- reads it")
    parser.add_argument("--idempotency-key", metavar="KEY", help="a repeat gets the first answer")
    parser.add_argument("--if-match", type=int, metavar="VERSION")
    parser.set_defaults(run=_api)
    return parser


def _api(caller: Client, given: argparse.Namespace, printer: Printer) -> int:
    """One call by method and path."""
    raw = given.body
    body = any_json(read(raw[1:]) if raw.startswith("@") else raw) if raw is not None else None
    fields: dict[str, Any] = dict(map(pair, given.texts))
    fields |= {name: any_json(text) for name, text in map(pair, given.values)}
    if fields:
        body = {**(body if isinstance(body, dict) else {}), **fields}
    answer = caller.call(
        given.method,
        given.path,
        body,
        query=dict(map(pair, given.query)),
        version=given.if_match,
        key=given.idempotency_key,
    )
    if answer.body is not None:
        printer.show(answer.body)
    return OK
