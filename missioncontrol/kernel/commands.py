"""Commands by name: how data (proposals, pipeline stages, suggestions) calls a service.

A command is registered with the schema of its arguments; :func:`run` validates and calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from .actors import Actor
from .errors import Invalid, NotFound
from .schemas import field_errors


@dataclass(frozen=True, slots=True)
class Command:
    """A service that data may name."""

    name: str
    schema: type[BaseModel]
    body: Callable[..., Any]


_commands: dict[str, Command] = {}


def register(name: str, schema: type[BaseModel], body: Callable[..., Any]) -> None:
    """Register ``body(actor, **arguments)`` under ``<app>.<verb_noun>``."""
    _commands[name] = Command(name, schema, body)


def names() -> list[str]:
    """Every registered command, sorted."""
    return sorted(_commands)


def run(name: str, arguments: Mapping[str, Any], actor: Actor) -> Any:
    """Validate the arguments against the command's schema and call it.

    Raises:
        NotFound: no such command.
        Invalid: the arguments do not fit.
        DomainError: whatever the service refuses.
    """
    command = _commands.get(name)
    if command is None:
        raise NotFound(f"No command named {name}.")
    try:
        parsed = command.schema.model_validate(dict(arguments))
    except ValidationError as error:
        raise Invalid("The command's arguments do not fit.", errors=field_errors(error)) from error
    return command.body(actor, **{key: getattr(parsed, key) for key in parsed.model_fields_set})
