"""Inputs of boards: which fields there are, and what their values must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.apps import apps
from django.utils.translation import gettext as _

from boards import rules
from boards.models import Board, BoardGroup
from gateways.models import Gateway
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Invalid

FIELDS = frozenset(
    {
        "name", "slug", "key", "description", "gateway_id", "board_group_id", "board_type",
        "objective", "success_metrics", "target_date", "goal_confirmed", "goal_source",
        "wip_limits", *rules.POLICY_FIELDS,
    }
)  # fmt: skip
#: Fields that only admins change.
ADMIN_FIELDS = rules.POLICY_FIELDS | {"gateway_id", "board_group_id", "key"}
NULLABLE = frozenset(
    {"gateway_id", "board_group_id", "objective", "success_metrics", "target_date", "goal_source",
     "slug"}
)  # fmt: skip
MAX_TEXT = 100_000
MAX_AGENTS = 10_000
MAX_WIP = 9_999
CHOICES: Mapping[str, list[str]] = {
    "board_type": Board.Type.values,
    "approval_gate_scope": Board.GateScope.values,
    "execution_policy": Board.ExecutionPolicy.values,
}


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values in their stored form.

    Raises:
        Invalid: an unknown field, null where it cannot be, or a value out of bounds.
    """
    wanted = dict(values)
    for name, value in wanted.items():
        if name not in FIELDS:
            raise Invalid(_("Unknown field."), field=name, code="unknown_field")
        if value is None and name not in NULLABLE:
            raise Invalid(_("This field cannot be empty."), field=name)
        check = _CHECKS.get(name)
        if check is not None and value is not None:
            wanted[name] = check(name, value)
    return wanted


def _name(name: str, value: Any) -> str:
    text = str(value).strip()
    if not 1 <= len(text) <= 200:
        raise Invalid(_("A name has 1 to 200 characters."), field=name)
    return text


def _key(name: str, value: Any) -> str:
    text = str(value).strip().upper()
    if not rules.BOARD_KEY.match(text):
        raise Invalid(_("Use 2 to 5 capital letters, for example OPS."), field=name)
    return text


def _text(name: str, value: Any) -> str:
    if len(value) > MAX_TEXT:
        raise Invalid(_("The text is longer than 100 000 characters."), field=name)
    return str(value)


def _short(name: str, value: Any) -> str:
    if len(value) > 60:
        raise Invalid(_("The text is longer than 60 characters."), field=name)
    return str(value)


def _choice(name: str, value: Any) -> str:
    choices = CHOICES[name]
    if value not in choices:
        raise Invalid(_("Choose one of %(choices)s.") % {"choices": ", ".join(choices)}, field=name)
    return str(value)


def _agents(name: str, value: Any) -> int:
    if not 0 <= int(value) <= MAX_AGENTS:
        raise Invalid(_("A number from 0 to 10 000."), field=name)
    return int(value)


def _limits(name: str, value: Any) -> dict[str, int]:
    fits = isinstance(value, Mapping) and all(
        key in rules.STATUSES and isinstance(limit, int) and 0 <= limit <= MAX_WIP
        for key, limit in value.items()
    )
    if not fits:
        raise Invalid(_("Limits are whole numbers by column."), field=name)
    return {key: limit for key, limit in value.items() if limit}


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(_("A JSON object is needed."), field=name)
    return value


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "name": _name,
    "key": _key,
    "description": _text,
    "objective": _text,
    "goal_source": _short,
    "success_metrics": _object,
    "board_type": _choice,
    "approval_gate_scope": _choice,
    "execution_policy": _choice,
    "max_agents": _agents,
    "wip_limits": _limits,
}


def check_goal(board: Board, *, became_goal: bool) -> None:
    """Refuse a confirmed goal, or a board turned into a goal board, without goal and measures.

    Raises:
        Invalid: objective or success metrics are missing.
    """
    confirmed = board.board_type == Board.Type.GOAL and board.goal_confirmed
    if (confirmed or became_goal) and not (board.objective and board.success_metrics):
        raise Invalid(
            _("A confirmed goal needs an objective and success metrics."), field="objective"
        )


def organization_of(actor: Actor, wanted: Mapping[str, Any]) -> UUID | None:
    """Organization that the wanted group and gateway belong to, ``None`` without either.

    Raises:
        Invalid: a group or gateway that does not exist for the actor, or of two organizations.
    """
    homes = []
    if wanted.get("board_group_id"):
        homes.append(_home_of(actor, BoardGroup, wanted["board_group_id"], "board_group_id"))
    if wanted.get("gateway_id"):
        homes.append(_home_of(actor, Gateway, wanted["gateway_id"], "gateway_id"))
        _require_main_agent(wanted["gateway_id"])
    if len(set(homes)) > 1:
        raise contradiction()
    return homes[0] if homes else None


def contradiction() -> Invalid:
    """Group, gateway and organization do not belong together."""
    return Invalid(
        _("Group, gateway and organization do not belong together."), field="organization_id"
    )


def _home_of(actor: Actor, model: Any, pk: UUID, field: str) -> UUID:
    homes = getattr(actor, "memberships", None)
    rows = model.objects.filter(pk=pk)
    if homes is not None:
        rows = rows.filter(organization_id__in=list(homes))
    home: UUID | None = rows.values_list("organization_id", flat=True).first()
    if home is None:
        raise Invalid(_("%(field)s is invalid") % {"field": field}, field=field)
    return home


def check_places(board: Board, changed: Mapping[str, Any]) -> None:
    """Refuse a gateway or group of another organization, and losing the gateway under agents.

    Raises:
        Invalid: in each of these cases.
    """
    agents = apps.get_model("agents", "Agent").objects.filter(board_id=board.pk)
    if "gateway_id" in changed and changed["gateway_id"] is None and agents.exists():
        raise Invalid(
            _("This board has agents; a board with agents keeps its gateway."), field="gateway_id"
        )
    for name, model in (("gateway_id", Gateway), ("board_group_id", BoardGroup)):
        pk = changed.get(name)
        if pk and not model.objects.filter(pk=pk, organization_id=board.organization_id).exists():
            raise Invalid(_("%(field)s is invalid") % {"field": name}, field=name)
    if changed.get("gateway_id"):
        _require_main_agent(changed["gateway_id"])


def _require_main_agent(gateway_id: UUID) -> None:
    mains = apps.get_model("agents", "Agent").objects.filter(gateway_id=gateway_id)
    if not mains.filter(agent_type="main").exists():
        raise Invalid(
            _("gateway must have a gateway main agent before boards can be created or updated"),
            field="gateway_id",
            code="gateway_without_main_agent",
        )


def default_gateway(organization_id: UUID) -> UUID | None:
    """The organization's default gateway, if exactly one is marked and it has a main agent."""
    rows = Gateway.objects.filter(organization_id=organization_id, is_default=True)
    ids = list(rows.values_list("pk", flat=True)[:2])
    agents = apps.get_model("agents", "Agent").objects.filter(agent_type="main")
    if len(ids) == 1 and agents.filter(gateway_id=ids[0]).exists():
        return UUID(str(ids[0]))
    return None
