"""What a gateway of protocol 4 does: one list, put to the simulated and to the real one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateways.wire import provisioning
from gateways.wire.client import GatewayClient
from gateways.wire.errors import (
    AlreadyExistsError,
    AlreadyResolvedError,
    Cause,
    FrameTooLarge,
    GatewayCallError,
    HandshakeRefused,
    InvalidConfigError,
    MissingScopeError,
    MissingScopes,
    RemoteNotFoundError,
    StaleHashError,
    UnknownMethodError,
    UnsupportedFileError,
)
from gateways.wire.frames import ALL_SCOPES
from gateways.wire.identity import SignedFacts
from gateways.wire.target import ClientInfo

from .subject import FORWARDED, Subject, new_identity, say, text_of

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
        files = {name: text for name in provisioning.WRITABLE_FILES}
        report = await provisioning.write_files(client, agent_id, {**files, "TOOLS.md": "x"})
        assert set(report.written) == set(files)
        assert report.unsupported == ("TOOLS.md",)
        stored = await provisioning.read_file(client, agent_id, "IDENTITY.md")
        assert stored is not None
        assert stored.content == text
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
        with pytest.raises(InvalidConfigError):
            raw = json.dumps({"agents": {"list": [{"id": agent_id}]}})
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


@check
async def labels_and_deletes_sessions(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        main, other = f"agent:{agent_id}:main", f"agent:{agent_id}:other"
        assert await provisioning.ensure_session(client, main, label="Board A") == "Board A"
        assert await provisioning.ensure_session(client, main, label="Board A") == "Board A"
        label = await provisioning.ensure_session(client, other, label="Board A")
        assert label.startswith("Board A (")
        row = await provisioning.describe_session(client, main)
        assert row is not None
        assert (row["key"], row["label"], row["isMain"]) == (main, "Board A", True)
        keys = {s["key"] for s in await provisioning.list_sessions(client, agent_id=agent_id)}
        assert keys == {main, other}
        assert await provisioning.delete_session(client, other)
        assert not await provisioning.delete_session(client, other)
        with pytest.raises(GatewayCallError, match="Cannot delete the main session"):
            await provisioning.delete_session(client, main)
        assert await provisioning.describe_session(client, other) is None
        await provisioning.reset_session(client, main)


@check
async def chats_once_per_key(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        key, run_id = f"agent:{agent_id}:main", str(uuid.uuid4())
        sent = await provisioning.send_chat(client, key, "SAY hi there", idempotency_key=run_id)
        assert (sent.run_id, sent.status) == (run_id, "started")
        end = await seen.end_of(run_id)
        assert (end["state"], text_of(end)) == ("final", "hi there")
        assert (end["sessionKey"], end["agentId"]) == (key, agent_id)
        states = [p.payload["state"] for p in seen.events if p.name == "chat"]
        assert states[0] == "status"
        assert "delta" in states
        again = await provisioning.send_chat(client, key, "SAY hi there", idempotency_key=run_id)
        assert again.status == "ok"
        with pytest.raises(GatewayCallError) as refusal:
            await provisioning.send_chat(client, key, "SAY other", idempotency_key=run_id)
        assert refusal.value.reason == "chat-request-conflict"
        history = await provisioning.chat_history(client, key)
        assert [m["role"] for m in history["messages"]] == ["user", "assistant"]
        assert history["messages"][0]["content"] == "SAY hi there"
        assert history["messages"][1]["content"] == [{"type": "text", "text": "hi there"}]
        assert all(m["__openclaw"]["id"] for m in history["messages"])


@check
async def refuses_empty_messages(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        key = f"agent:{agent_id}:main"
        with pytest.raises(GatewayCallError, match="message or attachment required"):
            await provisioning.send_chat(client, key, "", idempotency_key=str(uuid.uuid4()))
        history = await provisioning.chat_history(client, f"agent:{agent_id}:unknown")
        assert history["messages"] == []


@check
async def reports_model_failures(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        end = await say(client, seen, agent_id, "FAIL 400")
        assert end["state"] == "error"
        assert end["errorMessage"]


@check
async def aborts_runs(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        key, run_id = f"agent:{agent_id}:main", str(uuid.uuid4())
        await provisioning.send_chat(client, key, "SLOW 100 200", idempotency_key=run_id)
        await seen.wait_for(
            "chat", lambda p: p.get("runId") == run_id and p.get("state") == "delta"
        )
        assert await provisioning.has_active_run(client, key)
        assert await provisioning.abort_chat(client, key, run_id=run_id)
        end = await seen.end_of(run_id)
        assert (end["state"], end["stopReason"]) == ("aborted", "rpc")
        assert text_of(end).startswith("w1")
        assert not await provisioning.abort_chat(client, key)


@check
async def asks_reviewers_before_commands(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        run_id, key = str(uuid.uuid4()), f"agent:{agent_id}:main"
        await provisioning.send_chat(client, key, "EXEC echo hello", idempotency_key=run_id)
        asked = await seen.wait_for(
            "exec.approval.requested", lambda p: p["request"]["runId"] == run_id
        )
        request = asked["request"]
        assert (request["command"], request["host"]) == ("echo hello", "gateway")
        assert (request["agentId"], request["sessionKey"]) == (agent_id, key)
        assert request["allowedDecisions"] == ["allow-once", "deny"]
        assert asked["expiresAtMs"] - asked["createdAtMs"] == 1_800_000
        pending = await client.call("exec.approval.list")
        assert asked["id"] in {row["id"] for row in pending}
        with pytest.raises(GatewayCallError, match="invalid decision"):
            await _decide(client, asked["id"], "maybe")
        await _decide(client, asked["id"], "deny")
        await _decide(client, asked["id"], "deny")
        with pytest.raises(AlreadyResolvedError):
            await _decide(client, asked["id"], "allow-once")
        with pytest.raises(RemoteNotFoundError):
            await _decide(client, "no-such-approval", "deny")
        resolved = await seen.wait_for("exec.approval.resolved", lambda p: p["id"] == asked["id"])
        assert (resolved["decision"], resolved["resolvedBy"]) == ("deny", "Mission Control")
        end = await seen.end_of(run_id)
        assert "Exec denied" in text_of(end)
        assert "user-denied" in text_of(end)
        record = (await client.call("approval.get", {"id": asked["id"]}))["approval"]
        assert (record["status"], record["decision"], record["reason"]) == (
            "denied",
            "deny",
            "user",
        )


async def _decide(client: GatewayClient, approval_id: str, decision: str) -> None:
    await client.call("exec.approval.resolve", {"id": approval_id, "decision": decision})


@check
async def runs_approved_commands(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        end = await say(client, seen, agent_id, "EXEC echo hello", approve="allow-once")
        assert (end["state"], text_of(end)) == ("final", "RESULT: hello")
        tools = [
            e.payload["data"]["phase"]
            for e in seen.events
            if e.name == "agent" and e.payload.get("stream") == "tool"
        ]
        assert tools[0] == "start"
        assert tools[-1] == "result"


@check
async def denies_commands_without_reviewer(subject: Subject) -> None:
    async with subject.connected(caps=()) as (client, seen), subject.agent(client) as agent_id:
        end = await say(client, seen, agent_id, "EXEC echo hello")
        assert end["state"] == "final"
        assert "denied" in text_of(end).lower()
        assert not [e for e in seen.events if e.name.startswith("exec.approval")]


@check
async def closes_approvals_of_aborted_runs(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        key, run_id = f"agent:{agent_id}:main", str(uuid.uuid4())
        await provisioning.send_chat(client, key, "EXEC echo hello", idempotency_key=run_id)
        asked = await seen.wait_for(
            "exec.approval.requested", lambda p: p["request"]["runId"] == run_id
        )
        await provisioning.abort_chat(client, key)
        resolved = await seen.wait_for("exec.approval.resolved", lambda p: p["id"] == asked["id"])
        assert resolved["decision"] == "deny"
        assert resolved["resolvedBy"] == "approval-scope-closed"


@check
async def runs_allowed_programs_without_questions(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        with pytest.raises(StaleHashError):
            await client.call("exec.approvals.set", {"file": {"version": 1}, "baseHash": "x"})
        path = "/usr/bin/echo"
        assert await provisioning.allow_command(client, agent_id, path)
        assert not await provisioning.allow_command(client, agent_id, path)
        end = await say(client, seen, agent_id, "EXEC echo free")
        assert text_of(end) == "RESULT: free"
        assert not [e for e in seen.events if e.name == "exec.approval.requested"]


@check
async def beats_with_the_configured_prompt(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        beats = {agent_id: provisioning.Heartbeat(every="55m", prompt="SAY the beat")}
        await provisioning.patch_config(client, heartbeats=beats)
        await client.call("sessions.messages.subscribe", {"key": f"agent:{agent_id}:main"})
        await provisioning.wake(client, agent_id=agent_id, text="a task waits")
        end = await seen.wait_for(
            "chat", lambda p: p.get("agentId") == agent_id and p.get("state") == "final"
        )
        assert text_of(end) == "the beat"
        started = await seen.wait_for("agent", lambda p: p.get("agentId") == agent_id)
        assert started["isHeartbeat"] is True
        beat = await seen.wait_for("heartbeat", lambda p: p.get("preview") == "the beat")
        assert (beat["status"], beat["reason"]) == ("skipped", "target-none")


@check
async def keeps_heartbeat_turns_from_those_who_do_not_watch(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        beats = {agent_id: provisioning.Heartbeat(every="55m", prompt="SAY quiet beat")}
        await provisioning.patch_config(client, heartbeats=beats)
        await provisioning.wake(client, agent_id=agent_id, text="a task waits")
        await seen.wait_for("heartbeat", lambda p: p.get("preview") == "quiet beat")
        assert not [e for e in seen.events if e.name == "chat"]


@check
async def withholds_scopes_from_unknown_hosts(subject: Subject) -> None:
    with pytest.raises(MissingScopes) as refusal:
        await GatewayClient.connect(subject.target(headers=FORWARDED))
    assert refusal.value.missing == ALL_SCOPES
    assert not refusal.value.device_sent


@check
async def pairs_devices_of_other_hosts(subject: Subject) -> None:
    identity = new_identity()
    remote = subject.target(headers=FORWARDED, identity=identity)
    async with subject.connected() as (operator, seen):
        with pytest.raises(HandshakeRefused) as refusal:
            await GatewayClient.connect(remote)
        error = refusal.value
        assert (error.cause, error.reason) == (Cause.PAIRING, "not-paired")
        assert error.device_id == identity.device_id
        asked = await seen.wait_for(
            "device.pair.requested", lambda p: p["requestId"] == error.request_id
        )
        assert asked["deviceId"] == identity.device_id
        await operator.call("device.pair.approve", {"requestId": error.request_id})
        async with GatewayClient.connect(remote) as client:
            token = client.hello.device_token
            assert len(token) == 43
        by_device = replace(remote, token="", device_token=token)
        async with GatewayClient.connect(by_device) as client:
            assert client.hello.auth_method == "device-token"
        # The shared secret was changed: the device token takes over by itself.
        async with GatewayClient.connect(replace(by_device, token="changed")) as client:
            assert client.hello.auth_method == "device-token"
        with pytest.raises(HandshakeRefused) as refusal:
            await GatewayClient.connect(replace(by_device, device_token="x" * 43))
        assert refusal.value.detail_code == "AUTH_DEVICE_TOKEN_MISMATCH"
        with pytest.raises(HandshakeRefused) as refusal:
            await GatewayClient.connect(replace(remote, client=ClientInfo(platform="windows")))
        assert (refusal.value.cause, refusal.value.reason) == (Cause.PAIRING, "metadata-upgrade")
        await operator.call("device.pair.remove", {"deviceId": identity.device_id})
        with pytest.raises(HandshakeRefused) as refusal:
            await GatewayClient.connect(remote)
        assert refusal.value.cause is Cause.PAIRING


@check
async def reports_what_it_knows_about_itself(subject: Subject) -> None:
    async with subject.connected() as (client, _):
        status = await _steady(client, "status")
        assert status["runtimeVersion"] == "2026.9.6"
        assert (await client.call("health"))["ok"] is True
        models = (await client.call("models.list"))["models"]
        assert {"id", "name", "provider", "available"} <= models[0].keys()
        logs = await client.call("logs.tail", {"limit": 5})
        assert isinstance(logs["lines"], list)
        assert isinstance(logs["cursor"], int)
        cost = await client.call("usage.cost", {"days": 7})
        assert len(cost["daily"]) == 7
        assert {"date", "input", "output", "totalTokens", "totalCost"} <= cost["daily"][0].keys()
        assert "jobs" in await client.call("cron.list", {"includeDisabled": True})


async def _steady(client: GatewayClient, method: str) -> Any:
    """Call again while the answer is a retryable error (deleting an agent causes some)."""
    for _ in range(40):
        try:
            return await client.call(method)
        except GatewayCallError as error:
            if not error.retryable:
                raise
        await asyncio.sleep(0.25)
    raise AssertionError(f"{method} stays unavailable")


@check
async def restarts_with_notice(subject: Subject) -> None:
    async with subject.connected() as (client, seen):
        boot = client.boot_id
        await client.call("gateway.restart.request", {"reason": "conformance"})
        closed = await asyncio.wait_for(asyncio.shield(client.closed), 60)
        assert closed.code == 1012
        assert any(e.name == "shutdown" for e in seen.events)
    deadline = asyncio.get_running_loop().time() + 90
    while True:
        try:
            async with subject.connected() as (client, _):
                assert client.boot_id != boot
                return
        except GatewayCallError:
            raise
        except Exception:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)
