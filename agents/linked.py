"""Agents that were on their gateway before and were adopted.

Of their files only one marked block in AGENTS.md is ours, and the header file with the token.
Configuration, heartbeat, label and every other file stay as they are. Core specification 14.3.
"""

from __future__ import annotations

from gateways import rpc
from gateways.wire import provisioning
from missioncontrol.kernel.errors import DomainError, RemoteFailed
from missioncontrol.kernel.secrets import token_hash

from . import workspace
from .models import Agent
from .services import tokens

FILE = "AGENTS.md"
BEGIN, END = "<!-- mission-control:begin -->", "<!-- mission-control:end -->"
TOKEN_HEADER = "X-Agent-Token"  # noqa: S105 - the header's name


def with_block(text: str, block: str) -> str:
    """The text with our block in place of the old one, or at its end."""
    plain = without_block(text).rstrip("\n")
    return f"{plain}\n\n{BEGIN}\n{block.strip()}\n{END}\n".lstrip("\n")


def without_block(text: str) -> str:
    """The text without our block."""
    head, begin, rest = text.partition(BEGIN)
    if not begin:
        return text
    _block, end, tail = rest.partition(END)
    return head.rstrip("\n") + "\n" + tail.lstrip("\n") if end else head.rstrip("\n") + "\n"


def present_text(remote_id: str, session: rpc.Session) -> str:
    """AGENTS.md as the gateway holds it, empty when there is none."""
    found = session.run(lambda client: provisioning.read_file(client, remote_id, FILE))
    return found.content if found else ""


def write(agent: Agent, session: rpc.Session) -> None:
    """Write block and token; nothing else is touched.

    Raises:
        RemoteFailed: the gateway does not take AGENTS.md, or the agent is gone.
    """
    token = tokens.token_to_write(agent)
    text = with_block(present_text(agent.remote_id, session), workspace.linked_block(agent))
    report = session.run(
        lambda client: provisioning.write_files(client, agent.remote_id, {FILE: text})
    )
    if FILE in report.unsupported:
        raise RemoteFailed("The gateway does not accept AGENTS.md.", code="unsupported_file")
    header = {TOKEN_HEADER: token}
    session.run(lambda client: provisioning.write_header_file(client, agent.remote_id, header))
    tokens.record_written(agent.id, token_hash(token))


def release(session: rpc.Session, remote_id: str) -> None:
    """Remove block and token of an adopted agent; one that is gone has none.

    Raises:
        GatewayUnavailable, RemoteFailed: from the gateway.
    """
    name = provisioning.HEADER_FILE
    try:
        text = present_text(remote_id, session)
        held = session.run(lambda client: provisioning.read_file(client, remote_id, name))
        files = {}
        if BEGIN in text:
            files[FILE] = without_block(text)
        if held is not None and held.content.startswith(TOKEN_HEADER):
            files[name] = ""
        session.run(lambda client: provisioning.write_files(client, remote_id, files))
    except RemoteFailed as refusal:
        if refusal.machine_code != "remote_not_found":
            raise


def take_back(agent: Agent) -> bool:
    """Remove block and token from the gateway; ``False`` when it does not answer."""
    if agent.gateway_id is None:
        return False
    try:
        with rpc.session(agent.gateway_id) as session:
            release(session, agent.remote_id)
    except DomainError:
        return False
    return True
