"""Workspace files of an agent as its gateway holds them: list, read, write.

The file that holds the agent's token is not among them, and a token that turns up elsewhere is
redacted. What is written to SOUL.md or IDENTITY.md also becomes the agent's own template, so a
setup keeps it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from agents import actions, workspace
from agents.models import Agent
from gateways import rpc
from gateways.wire import provisioning
from gateways.wire.redact import redact_text
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Conflict, Invalid, NotFound
from missioncontrol.kernel.unit import service

from . import setup, tokens

FILE_NAMES = tuple(name for name in provisioning.WRITABLE_FILES if name != provisioning.HEADER_FILE)
_OWN_TEMPLATE = {"SOUL.md": "soul_template", "IDENTITY.md": "identity_template"}


def _readable(actor: Actor, agent_id: UUID, action: authz.Action) -> Agent:
    agent: Agent = Agent.objects.select_related("board", "gateway").seen_by(actor, agent_id)
    authz.authorize(actor, action, agent)
    if agent.gateway_id is None or agent.provisioned_at is None:
        raise Conflict(_("This agent has no workspace yet."), code="no_workspace")
    return agent


def _named(name: str) -> str:
    if name not in FILE_NAMES:
        raise NotFound(_("There is no such workspace file."))
    return name


def list_files(actor: Actor, agent_id: UUID) -> list[dict[str, Any]]:
    """Workspace files: name, whether it exists, size in bytes, time of change.

    Raises:
        NotFound: agent not visible.
        Forbidden: not an admin.
        Conflict: ``no_workspace``.
        GatewayUnavailable, RemoteFailed: from the gateway.
    """
    agent = _readable(actor, agent_id, actions.READ_FILES)
    about = {"agentId": agent.remote_id}
    with rpc.session(_gateway(agent)) as session:
        listed = session.call("agents.files.list", about).get("files") or []
        rows = {str(row.get("name")): row for row in listed}
        for name in FILE_NAMES:
            if name not in rows:  # a gateway lists IDENTITY.md never
                rows[name] = session.call("agents.files.get", {**about, "name": name})["file"]
    return [_row(rows[name]) for name in FILE_NAMES]


def _gateway(agent: Agent) -> UUID:
    if agent.gateway_id is None:
        raise Conflict(_("This agent has no workspace yet."), code="no_workspace")
    return agent.gateway_id


def _row(row: dict[str, Any]) -> dict[str, Any]:
    name, changed = str(row["name"]), row.get("updatedAtMs")
    return {
        "name": name,
        "missing": bool(row.get("missing")),
        "size": int(row.get("size") or 0),
        "updated_at": datetime.fromtimestamp(changed / 1000, UTC) if changed else None,
        "kept_on_update": name not in workspace.OVERWRITTEN,
    }


def read_file(actor: Actor, agent_id: UUID, name: str) -> str:
    """Text of one workspace file without its secrets; a missing file is empty.

    Raises:
        As :func:`list_files`; NotFound also for a name that no workspace has.
    """
    agent = _readable(actor, agent_id, actions.READ_FILES)
    wanted = _named(name)
    with rpc.session(_gateway(agent)) as session:
        file = session.run(lambda client: provisioning.read_file(client, agent.remote_id, wanted))
    return redact_text(file.content, (tokens.token_to_write(agent),)) if file else ""


def write_file(actor: Actor, agent_id: UUID, name: str, *, content: str) -> None:
    """Write one workspace file.

    Raises:
        As :func:`read_file`; Invalid: longer than 20 000 characters.
    """
    agent = _readable(actor, agent_id, actions.WRITE_FILES)
    wanted = _named(name)
    text = workspace.clean(content)
    if len(text) > workspace.MAX_FILE_CHARS:
        raise Invalid(_("The text is longer than 20 000 characters."), field="content")
    with rpc.session(_gateway(agent)) as session:
        session.run(
            lambda client: provisioning.write_files(client, agent.remote_id, {wanted: text})
        )
    _keep(actor, agent_id, wanted, text)


@service
def _keep(actor: Actor, agent_id: UUID, name: str, text: str) -> None:
    """Record the change; an own template makes it last."""
    agent: Agent = Agent.objects.open_for(actor, agent_id)
    field = _OWN_TEMPLATE.get(name)
    if field is not None:
        setattr(agent, field, literal(text) if text.strip() else None)
        agent.version += 1
        agent.save(update_fields=[field, "version", "updated_at"])
    setup.note("agent.updated", actor, agent, changes=[name])


def literal(text: str) -> str:
    """A template that renders to this very text."""
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
    return "{% raw %}" + text.replace("{% endraw %}", "") + "{% endraw %}"
