"""What a gateway of protocol 4 does: one list, put to the simulated and to the real one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateways.wire import provisioning
from gateways.wire.client import GatewayClient
from gateways.wire.errors import (
    AlreadyExistsError,
    Cause,
    FrameTooLarge,
    GatewayCallError,
    HandshakeRefused,
    InvalidConfigError,
    MissingScopeError,
    RemoteNotFoundError,
    StaleHashError,
    UnknownMethodError,
    UnsupportedFileError,
)
from gateways.wire.frames import ALL_SCOPES
from gateways.wire.identity import SignedFacts
from gateways.wire.target import ClientInfo

from .subject import Subject, new_identity, say, text_of

Check = Callable[[Subject], Awaitable[None]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Add a check to the list."""
    CHECKS.append(function)
    return function


async def _raw(
    subject: Subject, *frames: Any, most: int = 2
) -> tuple[list[dict[str, Any]], int | None]:
    """Send raw frames; the answers and the close code (None while open)."""
    answers: list[dict[str, Any]] = []
    async with connect(subject.url, compression=None, ping_interval=None, proxy=None) as socket:
        json.loads(await socket.recv())
        try:
            for frame in frames:
                await socket.send(frame if isinstance(frame, str) else json.dumps(frame))
            while len(answers) < most:
                answers.append(json.loads(await asyncio.wait_for(socket.recv(), 10)))
        except ConnectionClosed as closed:
            return answers, closed.rcvd.code if closed.rcvd else None
        return answers, None


def _connect_frame(subject: Subject, **changes: Any) -> dict[str, Any]:
    params = {
        "minProtocol": 4,
        "maxProtocol": 4,
        "role": "operator",
        "scopes": ["operator.read"],
        "client": ClientInfo().to_params(),
        "auth": {"token": subject.token},
        **changes,
    }
    return {"type": "req", "id": "1", "method": "connect", "params": params}


@check
async def greets_with_what_it_offers(subject: Subject) -> None:
    async with subject.connected() as (client, _):
        hello = client.hello
        assert hello.version == "2026.9.6"
        assert hello.protocol == 4
        assert hello.boot_id
        assert hello.scopes >= set(ALL_SCOPES)
        assert hello.tick_interval_ms == 30_000
        assert hello.max_payload_bytes == 26_214_400
        assert hello.auth_method == "token"
        assert hello.device_token == ""
        assert {"agents.create", "chat.send", "exec.approval.resolve"} <= hello.methods


@check
async def refuses_a_wrong_token(subject: Subject) -> None:
    with pytest.raises(HandshakeRefused) as refusal:
        await GatewayClient.connect(subject.target(token="wrong", identity=new_identity()))
    assert refusal.value.cause is Cause.TOKEN
    assert refusal.value.detail_code == "AUTH_TOKEN_MISMATCH"
    assert refusal.value.details["canRetryWithDeviceToken"] is True


@check
async def refuses_without_any_credential(subject: Subject) -> None:
    with pytest.raises(HandshakeRefused) as refusal:
        await GatewayClient.connect(subject.target(token=""))
    assert refusal.value.cause is Cause.TOKEN
    assert refusal.value.code == "NOT_PAIRED"
    assert refusal.value.detail_code == "DEVICE_IDENTITY_REQUIRED"


@check
async def refuses_a_device_without_token(subject: Subject) -> None:
    with pytest.raises(HandshakeRefused) as refusal:
        await GatewayClient.connect(subject.target(token="", identity=new_identity()))
    assert refusal.value.cause is Cause.TOKEN


@check
async def refuses_other_protocols(subject: Subject) -> None:
    answers, code = await _raw(subject, _connect_frame(subject, minProtocol=3, maxProtocol=3))
    assert answers[0]["error"]["details"]["code"] == "PROTOCOL_MISMATCH"
    assert answers[0]["error"]["details"]["expectedProtocol"] == 4
    assert code == 1002


@check
async def accepts_a_range_of_protocols(subject: Subject) -> None:
    answers, _ = await _raw(subject, _connect_frame(subject, minProtocol=3, maxProtocol=4), most=1)
    assert answers[0]["ok"] is True


@check
async def wants_connect_first(subject: Subject) -> None:
    frame = {"type": "req", "id": "1", "method": "health", "params": {}}
    answers, code = await _raw(subject, frame)
    assert "first request must be connect" in answers[0]["error"]["message"]
    assert code == 1008


@check
async def refuses_unknown_connect_keys(subject: Subject) -> None:
    answers, code = await _raw(subject, _connect_frame(subject, surprise=1))
    assert answers[0]["error"]["message"].startswith("invalid connect params")
    assert code == 1008


@check
async def closes_on_broken_json(subject: Subject) -> None:
    _, code = await _raw(subject, "{")
    assert code == 1000


@check
async def closes_on_a_huge_first_frame(subject: Subject) -> None:
    answers, code = await _raw(subject, _connect_frame(subject, userAgent="x" * 70_000))
    assert (answers, code) == ([], 1009)


@check
async def checks_the_device_signature(subject: Subject) -> None:
    identity, client = new_identity(), ClientInfo()
    async with connect(subject.url, compression=None, ping_interval=None, proxy=None) as socket:
        challenge = json.loads(await socket.recv())["payload"]
        facts = SignedFacts(
            client_id=client.id,
            client_mode=client.mode,
            role="operator",
            scopes=["operator.admin"],
            signed_at_ms=challenge["ts"],
            secret=subject.token,
            nonce=challenge["nonce"],
            platform=client.platform,
        )
        frame = _connect_frame(subject, device=identity.sign(facts))  # asks for other scopes
        await socket.send(json.dumps(frame))
        answer = json.loads(await socket.recv())
    assert answer["error"]["details"]["code"] == "DEVICE_AUTH_SIGNATURE_INVALID"


@check
async def checks_the_nonce(subject: Subject) -> None:
    facts = SignedFacts(
        client_id="gateway-client",
        client_mode="backend",
        role="operator",
        scopes=["operator.read"],
        signed_at_ms=int(asyncio.get_running_loop().time()),
        secret=subject.token,
        nonce="another",
        platform="linux",
    )
    answers, code = await _raw(subject, _connect_frame(subject, device=new_identity().sign(facts)))
    assert answers[0]["error"]["details"]["code"].startswith("DEVICE_AUTH_")
    assert code == 1008


@check
async def checks_calls_strictly(subject: Subject) -> None:
    async with subject.connected() as (client, _):
        with pytest.raises(UnknownMethodError):
            await client.call("no.such.method")
        for method, params, text in (
            ("agents.list", {"x": 1}, "at root: unexpected property 'x'"),
            ("agents.create", {}, "must have required property 'name'"),
            ("agents.create", {"name": ""}, "must not have fewer than 1 characters"),
            ("agents.files.get", {"agentId": 5, "name": "AGENTS.md"}, "/agentId: must be string"),
        ):
            with pytest.raises(GatewayCallError) as refusal:
                await client.call(method, params)
            assert refusal.value.code == "INVALID_REQUEST"
            assert text in refusal.value.message


@check
async def guards_methods_by_scope(subject: Subject) -> None:
    async with subject.connected(scopes=("operator.read",)) as (client, _):
        await client.call("agents.list")
        with pytest.raises(MissingScopeError) as refusal:
            await client.call("agents.create", {"name": "mc-forbidden"})
        assert refusal.value.code == "FORBIDDEN"
        assert refusal.value.details["missingScope"] == "operator.admin"
        assert refusal.value.cause is Cause.SCOPE


@check
async def refuses_oversized_frames_before_sending(subject: Subject) -> None:
    async with subject.connected() as (client, _):
        text = "x" * client.hello.max_payload_bytes
        with pytest.raises(FrameTooLarge):
            await client.call("wake", {"mode": "now", "text": text})
        assert client.is_open


@check
async def answers_out_of_order(subject: Subject) -> None:
    async with subject.connected() as (client, _):
        answers = await asyncio.gather(
            *(client.call(m) for m in ("config.get", "health", "agents.list") * 5)
        )
        assert [("hash" in a, "ok" in a, "defaultId" in a) for a in answers[:3]] == [
            (True, False, False),
            (False, True, False),
            (False, False, True),
        ]


@check
async def creates_updates_and_deletes_agents(subject: Subject) -> None:
    async with subject.connected() as (client, _):
        agent_id = f"mc-{uuid.uuid4().hex[:8]}"
        made = await provisioning.ensure_agent(client, agent_id=agent_id, display_name="Ünï Worker")
        assert made.is_new
        assert made.workspace.startswith("/")
        with pytest.raises(AlreadyExistsError):
            await client.call("agents.create", {"name": agent_id})
        again = await provisioning.ensure_agent(client, agent_id=agent_id, display_name="B")
        assert not again.is_new
        listed = (await client.call("agents.list"))["agents"]
        assert agent_id in {row["id"] for row in listed}
        assert await provisioning.delete_agent(client, agent_id)
        assert not await provisioning.delete_agent(client, agent_id)
        with pytest.raises(RemoteNotFoundError):
            await client.call("agents.update", {"agentId": agent_id, "name": "x"})


@check
async def keeps_workspace_files(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        listed = await client.call("agents.files.list", {"agentId": agent_id})
        names = {row["name"] for row in listed["files"]}
        assert {"AGENTS.md", "SOUL.md", "USER.md", "BOOTSTRAP.md", "MEMORY.md"} <= names
        assert "TOOLS.md" not in names
        assert await provisioning.read_file(client, agent_id, "MEMORY.md") is None
        for name in ("TOOLS.md", "HEARTBEAT.md", "../AGENTS.md", "agents.md"):
            with pytest.raises(UnsupportedFileError):
                await client.call(
                    "agents.files.set", {"agentId": agent_id, "name": name, "content": "x"}
                )
        text = "# Contract\n\nZeile mit Ü\n"
        files = dict.fromkeys(provisioning.WRITABLE_FILES, text)
        report = await provisioning.write_files(client, agent_id, {**files, "TOOLS.md": "x"})
        assert set(report.written) == set(files)
        assert report.unsupported == ("TOOLS.md",)
        stored = await provisioning.read_file(client, agent_id, "IDENTITY.md")
        assert stored is not None
        assert stored.content == text
        listed = await client.call("agents.files.list", {"agentId": agent_id})
        assert "IDENTITY.md" not in {row["name"] for row in listed["files"]}
        assert stored.hash == hashlib.sha256(text.encode()).hexdigest()
        again = await provisioning.write_files(
            client, agent_id, {"AGENTS.md": text, "USER.md": "new"}, keep_existing=["USER.md"]
        )
        assert (again.unchanged, again.kept) == (("AGENTS.md",), ("USER.md",))


@check
async def guards_files_by_hash(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        params = {"agentId": agent_id, "name": "USER.md", "content": "x", "expectedHash": "0" * 64}
        with pytest.raises(StaleHashError) as refusal:
            await client.call("agents.files.set", params)
        assert refusal.value.details["type"] == "agent_file_conflict"
        current = refusal.value.details["currentHash"]
        await client.call("agents.files.set", {**params, "expectedHash": current})


@check
async def keeps_the_header_file_from_the_first_turn_on(subject: Subject) -> None:
    headers = {"X-Agent-Token": "mca_" + "x" * 43, "Accept": "application/json"}
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        await provisioning.write_files(client, agent_id, {"AGENTS.md": "# Contract\n"})
        assert await provisioning.write_header_file(client, agent_id, headers)
        assert not await provisioning.write_header_file(client, agent_id, headers)
        await say(client, seen, agent_id, "SAY first")
        await say(client, seen, agent_id, "SAY second")
        file = await provisioning.read_file(client, agent_id, provisioning.HEADER_FILE)
        assert file is not None
        assert file.content.splitlines() == [f"{k}: {v}" for k, v in headers.items()]
        changed = {**headers, "X-Agent-Token": "mca_" + "y" * 43}
        assert await provisioning.write_header_file(client, agent_id, changed)
        await say(client, seen, agent_id, "SAY third")
        assert not await provisioning.write_header_file(client, agent_id, changed)
        await provisioning.allow_command(client, agent_id, "/usr/bin/cat")
        end = await say(client, seen, agent_id, "EXEC cat BOOTSTRAP.md")
        assert "y" * 43 in text_of(end)


@check
async def removes_a_first_run_file_that_comes_too_early(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        files = {"AGENTS.md": "# Contract\n", "BOOTSTRAP.md": "X-Agent-Token: early\n"}
        await provisioning.write_files(client, agent_id, files)
        await say(client, seen, agent_id, "SAY first")
        assert await provisioning.read_file(client, agent_id, "BOOTSTRAP.md") is None


@check
async def guards_the_configuration(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        base = (await client.call("config.get"))["hash"]
        block = {"every": "10m", "target": "none", "includeReasoning": True}
        raw = json.dumps({"agents": {"entries": {agent_id: {"heartbeat": block}}}})
        with pytest.raises(StaleHashError):
            await client.call("config.patch", {"raw": raw, "baseHash": "stale"})
        with pytest.raises(InvalidConfigError) as refusal:
            await client.call("config.patch", {"raw": raw, "baseHash": base})
        assert refusal.value.issues[0]["path"] == f"agents.entries.{agent_id}.heartbeat"
        raw = json.dumps({"agents": {"list": [{"id": agent_id}]}})
        with pytest.raises(InvalidConfigError):
            await client.call("config.patch", {"raw": raw, "baseHash": base})
        noop = await client.call("config.patch", {"raw": "{}", "baseHash": base})
        assert noop["noop"] is True
        assert (await client.call("config.get"))["hash"] == base


@check
async def patches_heartbeats_once(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        beats = {agent_id: provisioning.Heartbeat(every="45m", prompt="SAY beat")}
        first = await provisioning.patch_config(client, heartbeats=beats)
        assert first.is_changed
        assert not (await provisioning.patch_config(client, heartbeats=beats)).is_changed
        config = (await client.call("config.get"))["config"]
        stored = config["agents"]["entries"][agent_id]
        assert stored["heartbeat"] == {"every": "45m", "target": "none", "prompt": "SAY beat"}
        assert stored["workspace"]
        shown = config["channels"]["defaults"]["heartbeatVisibility"]
        assert shown == {"showOk": False, "showAlerts": True, "useIndicator": True}
        assert (await provisioning.patch_config(client, heartbeats={agent_id: None})).is_changed


@check
async def skips_keys_that_the_gateway_rejects(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        beat = provisioning.Heartbeat(every="45m", prompt="p", extra={"includeReasoning": False})
        report = await provisioning.patch_config(client, heartbeats={agent_id: beat})
        assert report.is_changed
        assert report.skipped_keys == (f"agents.entries.{agent_id}.heartbeat.includeReasoning",)
