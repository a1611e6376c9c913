"""The model of an agent: what its gateway offers, and the choice of one.

A gateway takes the name of any model and fails at the next turn. So a chosen name is checked here,
and one that only stands in ``config`` is set where the gateway has it. An empty name gives the
choice back to the gateway. Source: core specification 14.1; decision 0011.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from agents import actions
from boards.models import Board
from gateways import rpc
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import DomainError, Invalid

SHOWN = 200
#: A page waits so long for a list; a choice that was sent is worth more.
SECONDS, CHECK_SECONDS = 3.0, 10.0
FIELD = "model"


def offered_by(gateway: Gateway | None, *, seconds: float = SECONDS) -> list[str]:
    """Models that a gateway can run, asked now; none when it does not answer soon."""
    if gateway is None or not rpc.is_usable(gateway):
        return []
    try:
        with rpc.session(gateway.pk, connect_timeout=seconds) as session:
            return offered_on(session, seconds=seconds)
    except DomainError:
        return []


def offered_on(session: rpc.Session, *, seconds: float | None = None) -> list[str]:
    """Models that the gateway of an open session can run.

    Raises:
        GatewayUnavailable, RemoteFailed: from the gateway.
    """
    answer = session.call("models.list", {}, timeout=seconds)
    rows = answer.get("models") if isinstance(answer, dict) else None
    found = [
        f"{row['provider']}/{row['id']}"
        for row in rows or []
        if isinstance(row, dict)
        and row.get("provider")
        and row.get("id")
        and row.get("available") is not False
    ]
    return list(dict.fromkeys(found))[:SHOWN]


def to_set(config: Mapping[str, Any] | None, session: rpc.Session) -> str | None:
    """What is written to the gateway: a model that it has, empty for its own choice, or nothing.

    A bare name stands for the offered model of that name.
    """
    if not config or FIELD not in config:
        return None
    wanted = str(config[FIELD] or "").strip()
    if not wanted:
        return ""
    names = offered_on(session)
    fits = [name for name in names if wanted in (name, name.partition("/")[2])]
    return fits[0] if fits else None


def gateway_of(actor: Actor, board_id: UUID | None) -> Gateway | None:
    """The gateway of a board where the actor may make agents; nobody else has it asked."""
    if board_id is None:
        return None
    boards = Board.objects.select_related("gateway").visible_to(actor)
    board: Board | None = boards.filter(pk=board_id).first()
    if board is None or not authz.allowed(actor, actions.CREATE, board):
        return None
    return board.gateway


def settled(
    given: Mapping[str, Any], *, gateway: Gateway | None, present: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Inputs with the model as part of ``config``; a present choice that is left out is undone.

    Args:
        given: Inputs of a new or changed agent, perhaps with ``model``.
        gateway: Where the agent runs; one that does not answer refuses nothing.
        present: The configuration so far.

    Raises:
        Invalid: ``model_not_offered``, with what is ``offered``.
    """
    changes = dict(given)
    if FIELD not in changes and "config" not in changes:
        return changes
    config = dict(changes["config"] or {}) if "config" in changes else dict(present or {})
    had = (present or {}).get(FIELD)
    if FIELD in changes:
        config[FIELD] = changes.pop(FIELD) or ""
        if config[FIELD] and config[FIELD] != had:
            _require_offered(gateway, config[FIELD])
    elif had is not None:
        config.setdefault(FIELD, "")
    if had is None and config.get(FIELD) == "":
        del config[FIELD]
    changes["config"] = config
    return changes


def _require_offered(gateway: Gateway | None, name: str) -> None:
    names = offered_by(gateway, seconds=CHECK_SECONDS)
    if names and name not in names:
        raise Invalid(
            _("The gateway does not offer the model %(name)s.") % {"name": name[:200]},
            code="model_not_offered",
            field=FIELD,
            offered=names,
        )
