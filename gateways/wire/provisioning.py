"""Remote steps of setting an agent up, each safe to repeat.

Every function takes an open client, does one thing on the gateway and raises a ``GatewayError``
when it could not. None of them knows the product's models.

Source: OpenClaw gateway protocol 4, sections agents, workspace files, sessions, chat, config.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateways.wire.client import GatewayClient
from gateways.wire.config_patch import (
    Heartbeat,
    difference,
    drop_path,
    has_path,
    rejected_paths,
    wanted_patch,
)
from gateways.wire.errors import (
    AlreadyExistsError,
    CallTimeout,
    GatewayCallError,
    InvalidConfigError,
    RemoteNotFoundError,
    StaleHashError,
    UnsupportedFileError,
)
from gateways.wire.sessions import abort_chat, delete_session, has_active_run, send_chat
from gateways.wire.visibility import FIRST_PAUSE_SECONDS, VISIBLE_WITHIN_SECONDS, when_visible

_HASH_TRIES = 5
#: Workspace file that is never shown to the model and therefore holds the agent's token.
HEADER_FILE = "BOOTSTRAP.md"
#: Names that the gateway lets clients write.
WRITABLE_FILES = ("AGENTS.md", "SOUL.md", "USER.md", "IDENTITY.md", "BOOTSTRAP.md", "MEMORY.md")


@dataclass(frozen=True, slots=True)
class EnsuredAgent:
    """Outcome of ``ensure_agent``."""

    agent_id: str
    workspace: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class FilesReport:
    """Outcome of ``write_files``: names by what happened to them."""

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """Outcome of ``patch_config``.

    Attributes:
        is_changed: whether a patch was sent and taken.
        changed_paths: config paths that the gateway reported as changed.
        skipped_keys: wanted paths that this gateway rejects.

    """

    is_changed: bool
    changed_paths: tuple[str, ...] = ()
    skipped_keys: tuple[str, ...] = ()


async def ensure_agent(
    client: GatewayClient,
    *,
    agent_id: str,
    workspace: str = "",
    display_name: str = "",
    model: str | None = None,
    visible_within_seconds: float = VISIBLE_WITHIN_SECONDS,
) -> EnsuredAgent:
    """Create the agent if it is missing, wait until it is visible, set its name.

    Args:
        client: an open connection.
        agent_id: the remote id, already in slug form; it is sent as the name at creation, so that
            the gateway derives this very id.
        workspace: absolute path on the gateway's host; empty leaves it to the gateway.
        display_name: shown name, default the id.
        model: model of the agent; empty gives the choice back to the gateway, None leaves it
            as it is. The gateway takes any name, also of a model that it does not have.
        visible_within_seconds: how long a new agent may stay unknown.

    Raises:
        GatewayCallError: refused, or the gateway derived another id.
        RemoteNotFoundError: still not visible after ``visible_within_seconds``.

    """
    is_new = await _create_agent(client, agent_id, workspace)
    change: dict[str, Any] = {"agentId": agent_id, "name": display_name or agent_id}
    if model is not None:
        change["model"] = model or None
    await when_visible(
        lambda: client.call("agents.update", change), within_seconds=visible_within_seconds
    )
    listed = await when_visible(
        lambda: client.call("agents.files.list", {"agentId": agent_id}),
        within_seconds=visible_within_seconds,
    )
    return EnsuredAgent(agent_id, str(listed.get("workspace") or workspace), is_new)


async def _create_agent(client: GatewayClient, agent_id: str, workspace: str) -> bool:
    params: dict[str, Any] = {"name": agent_id}
    if workspace.startswith("/"):
        params["workspace"] = workspace
    try:
        created = await client.call("agents.create", params)
    except AlreadyExistsError:
        return False
    if created.get("agentId") != agent_id:
        raise GatewayCallError(
            f"The gateway made agent {created.get('agentId')!r} of {agent_id!r}",
            method="agents.create",
        )
    return True


async def write_files(
    client: GatewayClient,
    agent_id: str,
    files: Mapping[str, str],
    *,
    keep_existing: Sequence[str] = (),
) -> FilesReport:
    """Write workspace files whose content differs.

    Args:
        client: an open connection.
        agent_id: the remote id.
        files: content by name.
        keep_existing: names that are written only when the gateway reports them as missing.

    Raises:
        GatewayCallError: a file was refused for another reason than its name.

    """
    outcome: dict[str, list[str]] = {"written": [], "unchanged": [], "kept": [], "unsupported": []}
    for name, content in files.items():
        try:
            result = await _write_file(client, agent_id, name, content, keep=name in keep_existing)
        except UnsupportedFileError:
            result = "unsupported"
        outcome[result].append(name)
    return FilesReport(**{key: tuple(names) for key, names in outcome.items()})


async def _write_file(
    client: GatewayClient, agent_id: str, name: str, content: str, *, keep: bool
) -> str:
    digest = content_hash(content)
    for attempt in range(_HASH_TRIES):
        file = await read_file(client, agent_id, name)
        if file is not None and keep:
            return "kept"
        if file is not None and file.hash == digest:
            return "unchanged"
        params = {"agentId": agent_id, "name": name, "content": content}
        if file is not None and file.hash:
            params["expectedHash"] = file.hash
        try:
            await client.call("agents.files.set", params)
        except StaleHashError:
            if attempt == _HASH_TRIES - 1:
                raise
            continue
        return "written"
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """A workspace file as the gateway holds it."""

    name: str
    content: str
    hash: str


async def read_file(client: GatewayClient, agent_id: str, name: str) -> WorkspaceFile | None:
    """A workspace file, None when it is missing.

    Raises:
        UnsupportedFileError: clients may not read this name.
        RemoteNotFoundError: no such agent.

    """
    params = {"agentId": agent_id, "name": name}
    answer = await when_visible(
        lambda: client.call("agents.files.get", params), within_seconds=VISIBLE_WITHIN_SECONDS
    )
    file = answer.get("file") or {}
    if file.get("missing"):
        return None
    return WorkspaceFile(name, str(file.get("content") or ""), str(file.get("hash") or ""))


async def write_header_file(
    client: GatewayClient, agent_id: str, headers: Mapping[str, str]
) -> bool:
    """Give an agent a file of HTTP headers for ``curl -H @BOOTSTRAP.md``; False when unchanged.

    That way its token stands in no command, transcript or prompt: of the names that clients may
    write, this one alone is never shown to the model. The gateway removes it once, when the first
    turn completes the workspace's set-up; therefore the set-up is completed first, by a command
    that runs no model. Write the other files of a new agent before.

    Source: seen on gateway 2026.9.6.

    Raises:
        GatewayCallError: refused.

    """
    content = "".join(f"{name}: {value}\n" for name, value in headers.items())
    current = await read_file(client, agent_id, HEADER_FILE)
    if current is not None and current.content == content:
        return False
    is_ours = current is not None and current.content.startswith(tuple(headers))
    if current is not None and not is_ours:
        await _complete_setup(client, agent_id)
    await write_files(client, agent_id, {HEADER_FILE: content})
    return True


async def _complete_setup(client: GatewayClient, agent_id: str) -> None:
    key = f"agent:{agent_id}:setup"
    await send_chat(client, key, "/status", idempotency_key=str(uuid.uuid4()))
    loop = asyncio.get_running_loop()
    deadline = loop.time() + VISIBLE_WITHIN_SECONDS
    while loop.time() < deadline and (
        await read_file(client, agent_id, HEADER_FILE) is not None
        or await has_active_run(client, key)
    ):
        await asyncio.sleep(FIRST_PAUSE_SECONDS)
    # A slow gateway may still work on it; a session that stays behind is no failed setup.
    with contextlib.suppress(GatewayCallError):
        await delete_session(client, key)


def content_hash(content: str) -> str:
    """The gateway's hash of a file content."""
    return hashlib.sha256(content.encode()).hexdigest()


async def patch_config(
    client: GatewayClient,
    *,
    heartbeats: Mapping[str, Heartbeat | None] | None = None,
    set_visibility: bool = True,
    exec_mode: str | None = None,
) -> ConfigReport:
    """Bring the gateway's configuration to what is wanted; sends nothing when nothing differs.

    Args:
        client: an open connection.
        heartbeats: heartbeat block by remote agent id; None removes the block. Other keys of the
            agents stay.
        set_visibility: add the missing keys of ``channels.defaults.heartbeatVisibility``.
        exec_mode: ``tools.exec.mode`` to set; only on an operator's explicit wish.

    Raises:
        InvalidConfigError: rejected for more than unknown optional keys.
        StaleHashError: the configuration kept changing meanwhile.
        CallTimeout: two patches were not answered.

    """
    skipped: list[str] = []
    is_unanswered = False
    for attempt in range(_HASH_TRIES):
        is_last = attempt == _HASH_TRIES - 1
        current = await client.call("config.get", {})
        config = current.get("config") or {}
        patch = wanted_patch(
            config, heartbeats or {}, set_visibility=set_visibility, exec_mode=exec_mode
        )
        for path in skipped:
            drop_path(patch, path)
        patch = difference(config, patch)
        if not patch:
            return ConfigReport(is_changed=is_unanswered, skipped_keys=tuple(skipped))
        try:
            answer = await _send_patch(client, patch, current.get("hash"))
        except CallTimeout:
            # It may have taken effect all the same: look, and send it once more if it did not.
            if is_unanswered or is_last:
                raise
            is_unanswered = True
        except StaleHashError:
            if is_last:
                raise
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        except InvalidConfigError as error:
            rejected = [p for p in rejected_paths(error) if has_path(patch, p)]
            if not rejected or is_last:
                raise
            skipped += rejected
        else:
            paths = tuple(str(p) for p in answer.get("changedPaths") or ())
            return ConfigReport(not answer.get("noop"), paths, tuple(skipped))
    raise AssertionError("unreachable")


async def _send_patch(
    client: GatewayClient, patch: Mapping[str, Any], base_hash: object
) -> dict[str, Any]:
    answer = await client.call("config.patch", {"raw": json.dumps(patch), "baseHash": base_hash})
    return answer if isinstance(answer, dict) else {}


async def delete_agent(client: GatewayClient, agent_id: str, *, delete_files: bool = True) -> bool:
    """Delete an agent with its sessions; False when there was none.

    Never call it with an id that Mission Control did not create. A run is aborted first: deleting
    an agent under a running turn leaves the gateway with a database that blocks its next restart.
    """
    with contextlib.suppress(GatewayCallError):
        await abort_chat(client, f"agent:{agent_id}:main")
    try:
        await client.call("agents.delete", {"agentId": agent_id, "deleteFiles": delete_files})
    except RemoteNotFoundError:
        return False
    return True


async def allow_command(client: GatewayClient, agent_id: str, path: str) -> bool:
    """Let an agent run one program without questions; False when it may already.

    Only on an operator's explicit wish: the exec policy belongs to the gateway's operator.

    Raises:
        StaleHashError: the document kept changing meanwhile.

    """
    for attempt in range(_HASH_TRIES):
        current = await client.call("exec.approvals.get", {})
        document = json.loads(json.dumps(current.get("file") or {"version": 1}))
        agent = document.setdefault("agents", {}).setdefault(agent_id, {})
        rows = agent.setdefault("allowlist", [])
        if any(isinstance(row, dict) and row.get("pattern") == path for row in rows):
            return False
        rows.append({"pattern": path})
        try:
            params = {"file": document, "baseHash": current.get("hash")}
            await client.call("exec.approvals.set", params)
        except StaleHashError:
            if attempt == _HASH_TRIES - 1:
                raise
            continue
        return True
    raise AssertionError("unreachable")
