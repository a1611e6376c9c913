"""Workspace files of agents and texts to them: strict Jinja2 templates in a sandbox.

Values that people typed are data: they lose control characters, and where one line is meant they
become one line, so that nobody's description can pose as a connection fact.

Source: core specification 15; gateway protocol 4.3 (file names), 4.9 (single plain commands).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings
from django.utils.translation import gettext as _
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateways.wire.provisioning import HEADER_FILE
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.errors import Invalid
from orgs.models import Membership, User

from . import rules, souls
from .models import Agent

MAX_FILE_CHARS = 20_000
#: A description or comment in a message is cut to this.
QUOTE_CHARS = 500
FOLDER = "agent_files"
#: Written on every run; the others only when missing, unless an operator asks to overwrite.
OVERWRITTEN = ("AGENTS.md", "SOUL.md", "IDENTITY.md")
KEPT = ("USER.md", "MEMORY.md")
FILE_NAMES = (*OVERWRITTEN, *KEPT)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\x85]")
_GAPS = re.compile(r"\n{3,}")
_PROFILE = (
    "role", "communication_style", "emoji", "autonomy_level", "verbosity", "output_format",
    "update_cadence", "purpose", "personality", "custom_instructions",
)  # fmt: skip
_RULES = (
    "require_approval_for_done", "require_review_before_done", "comment_required_for_review",
    "block_status_changes_with_pending_approval", "only_lead_can_change_status",
)  # fmt: skip


#: Custom fields of a board that its agents are told of.
MOST_FIELDS = 25


def clean(value: Any) -> str:
    """Text without control characters; ``None`` is nothing."""
    return _CONTROL.sub("", str(value)).replace("\r\n", "\n") if value is not None else ""


def clip(value: Any, most: int = 500) -> str:
    """At most ``most`` characters, the last three of a cut text being dots."""
    text = clean(value).strip()
    return text if len(text) <= most else text[: most - 3] + "..."


def line(value: Any, most: int = 200) -> str:
    """One line of at most ``most`` characters."""
    return clip(" ".join(clean(value).split()), most)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(settings.BASE_DIR / "templates" / FOLDER),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )
    environment.filters |= {"line": line, "clip": clip}
    return environment


def _render(name: str, values: Mapping[str, Any]) -> str:
    text = _environment().get_template(name).render(**values)
    return _GAPS.sub("\n\n", text).strip() + "\n"


def _render_own(template: str, values: Mapping[str, Any], field: str) -> str:
    """Render a template that an operator wrote.

    Raises:
        Invalid: it does not render, names what does not exist, or grows too long.
    """
    try:
        text = _environment().from_string(template).render(**values)
    except (
        TemplateError,
        SecurityError,
        ArithmeticError,
        TypeError,
        ValueError,
        LookupError,
    ) as fault:
        detail = _("The template does not render: %(reason)s") % {"reason": line(fault, 300)}
        raise Invalid(detail, code="template_error", field=field) from fault
    text = clean(text).strip() + "\n"
    if len(text) > MAX_FILE_CHARS:
        raise Invalid(_("The text is longer than 20 000 characters."), code="too_long", field=field)
    return text


def _person(organization_id: Any) -> dict[str, str]:
    owner = (
        User.objects.filter(
            memberships__organization_id=organization_id,
            memberships__role=Membership.RoleChoice.OWNER,
        )
        .order_by("memberships__created_at", "pk")
        .first()
    )
    fields = ("name", "preferred_name", "pronouns", "timezone", "notes", "context")
    return {f"user_{name}": clean(getattr(owner, name)) if owner else "" for name in fields}


def _board(agent: Agent) -> dict[str, Any]:
    board = agent.board
    metrics = board.success_metrics if board else None
    values: dict[str, Any] = {
        "board_id": str(board.id) if board else "",
        "board_name": clean(board.name) if board else "",
        "board_type": board.board_type if board else "",
        "board_objective": clean(board.objective) if board else "",
        "board_success_metrics": orjson.dumps(metrics).decode() if metrics else "",
        "board_target_date": (iso(board.target_date) or "") if board else "",
        "board_goal_confirmed": "true" if board and board.goal_confirmed else "false",
        "board_rule_max_agents": board.max_agents if board else 0,
        "board_fields": list(board.custom_fields)[:MOST_FIELDS] if board else [],
    }
    for name in _RULES:
        values[f"board_rule_{name}"] = "true" if board and getattr(board, name) else "false"
    return values


def variables(agent: Agent, *, workspace: str = "") -> dict[str, Any]:
    """Everything that a template may name. Needs ``agent.board`` and ``agent.gateway`` loaded.

    The token is no variable: it stands in a header file that no model sees (decision 0010).
    """
    profile = rules.identity_of(agent.agent_type, agent.identity_profile)
    return {
        "agent_name": clean(agent.name),
        "agent_id": str(agent.id),
        "session_key": agent.session_key,
        "main_session_key": f"agent:mc-gateway-{agent.gateway_id}:main",
        "base_url": settings.BASE_URL.rstrip("/"),
        "auth_header_file": HEADER_FILE,
        "workspace_root": clean(agent.gateway.workspace_root) if agent.gateway else "",
        "workspace_path": line(workspace, 500),
        "is_main_agent": agent.agent_type == Agent.Type.MAIN,
        "is_board_lead": agent.agent_type == Agent.Type.LEAD,
        "agent_description": clean(agent.description),
        "agent_capabilities": ", ".join(clean(c) for c in agent.capabilities or []),
        "agent_config_json": orjson.dumps(agent.config or {}).decode(),
        **{f"identity_{name}": clean(profile.get(name)) for name in _PROFILE},
        **_person(agent.organization_id),
        **_board(agent),
        **souls.variables(agent),
    }


def render_files(agent: Agent, *, workspace: str = "") -> dict[str, str]:
    """Every workspace file of an agent by name.

    Raises:
        Invalid: an own template does not render, or a file grows past 20 000 characters.
    """
    values = variables(agent, workspace=workspace)
    files = {
        "AGENTS.md": _render(f"AGENTS.{agent.agent_type}.md.j2", values),
        "SOUL.md": _render("SOUL.md.j2", values),
        "IDENTITY.md": _render("IDENTITY.md.j2", values),
        "USER.md": _render("USER.md.j2", values),
        "MEMORY.md": _render(f"MEMORY.{agent.agent_type}.md.j2", values),
    }
    if agent.soul_template:
        files["SOUL.md"] = _render_own(agent.soul_template, values, "soul_template")
    if agent.identity_template:
        files["IDENTITY.md"] = _render_own(agent.identity_template, values, "identity_template")
    long = [name for name, text in files.items() if len(text) > MAX_FILE_CHARS]
    if long:
        raise Invalid(
            _("%(name)s grows past 20 000 characters.") % {"name": long[0]}, code="too_long"
        )
    return files


def linked_block(agent: Agent) -> str:
    """What an adopted agent has to know, for its own AGENTS.md."""
    return _render("LINKED.md.j2", variables(agent))


def kept_on_update(agent: Agent) -> tuple[str, ...]:
    """Files that an update leaves alone when they exist; a main agent's USER.md is rewritten."""
    return ("MEMORY.md",) if agent.agent_type == Agent.Type.MAIN else KEPT


def check_templates(agent: Agent) -> None:
    """Refuse own templates that cannot be rendered, before they are stored.

    Raises:
        Invalid: with the field and the reason.
    """
    if not (agent.soul_template or agent.identity_template):
        return
    values = variables(agent)
    for field in ("soul_template", "identity_template"):
        template = getattr(agent, field)
        if template:
            _render_own(template, values, field)


def heartbeat_prompt(agent: Agent, *, undelivered: Sequence[str] = ()) -> str:
    """What the gateway sends the agent at every heartbeat, messages that got lost included."""
    values = {
        "agent_name": agent.name,
        "is_main_agent": agent.agent_type == Agent.Type.MAIN,
        "is_board_lead": agent.agent_type == Agent.Type.LEAD,
        "undelivered": list(undelivered),
    }
    return _render("heartbeat.txt.j2", values).strip()


def wake_text(agent: Agent, *, is_new: bool) -> str:
    """Greeting after a setup, and every later wake."""
    values = {
        "agent_name": agent.name,
        "is_main_agent": agent.agent_type == Agent.Type.MAIN,
        "board_name": agent.board.name if agent.board else "",
        "is_new": is_new,
    }
    return _render("wake.txt.j2", values)


def message_text(
    agent: Agent,
    *,
    head: str,
    facts: Sequence[tuple[str, Any]],
    action: str,
    quote: str = "",
    quote_most: int = QUOTE_CHARS,
    block: str = "",
) -> str:
    """A message to an agent: head, facts one per line, a quoted text or block, what to do.

    Args:
        quote_most: Characters that the quoted text is cut to.
    """
    profile = rules.identity_of(agent.agent_type, agent.identity_profile)
    values = {
        "head": head,
        "facts": [(name, value) for name, value in facts if value not in (None, "")],
        "quote": clip(quote, quote_most),
        "block": clean(block),
        "agent_name": agent.name,
        "agent_role": line(profile.get("role"), 80),
        "action": action,
    }
    return _render("message.txt.j2", values)


def interview_text(agent: Agent, template: str, facts: Mapping[str, Any]) -> str:
    """What a gateway's own agent is told in an interview about somebody's board."""
    return _render(template, {**variables(agent), **facts})
