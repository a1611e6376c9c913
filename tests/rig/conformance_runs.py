"""Second half of the conformance list: sessions, runs, approvals, pairing, restart."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateways.wire import provisioning, sessions
from gateways.wire.client import GatewayClient
from gateways.wire.errors import (
    AlreadyResolvedError,
    Cause,
    GatewayCallError,
    HandshakeRefused,
    MissingScopes,
    RemoteNotFoundError,
    StaleHashError,
)
from gateways.wire.frames import ALL_SCOPES
from gateways.wire.target import ClientInfo

from .conformance import CHECKS, check
from .subject import FORWARDED, Subject, new_identity, say, text_of

__all__ = ["CHECKS"]


@check
async def labels_and_deletes_sessions(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        main, other = f"agent:{agent_id}:main", f"agent:{agent_id}:other"
        assert await sessions.ensure_session(client, main, label="Board A") == "Board A"
        assert await sessions.ensure_session(client, main, label="Board A") == "Board A"
        label = await sessions.ensure_session(client, other, label="Board A")
        assert label.startswith("Board A (")
        row = await sessions.describe_session(client, main)
        assert row is not None
        assert (row["key"], row["label"], row["isMain"]) == (main, "Board A", True)
        keys = {s["key"] for s in await sessions.list_sessions(client, agent_id=agent_id)}
        assert keys == {main, other}
        assert await sessions.delete_session(client, other)
        assert not await sessions.delete_session(client, other)
        with pytest.raises(GatewayCallError, match="Cannot delete the main session"):
            await sessions.delete_session(client, main)
        assert await sessions.describe_session(client, other) is None
        await sessions.reset_session(client, main)


@check
async def chats_once_per_key(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        key, run_id = f"agent:{agent_id}:main", str(uuid.uuid4())
        sent = await sessions.send_chat(client, key, "SAY hi there", idempotency_key=run_id)
        assert (sent.run_id, sent.status) == (run_id, "started")
        end = await seen.end_of(run_id)
        assert (end["state"], text_of(end)) == ("final", "hi there")
        assert (end["sessionKey"], end["agentId"]) == (key, agent_id)
        states = [p.payload["state"] for p in seen.events if p.name == "chat"]
        assert states[0] == "status"
        assert "delta" in states
        again = await sessions.send_chat(client, key, "SAY hi there", idempotency_key=run_id)
        assert again.status == "ok"
        with pytest.raises(GatewayCallError) as refusal:
            await sessions.send_chat(client, key, "SAY other", idempotency_key=run_id)
        assert refusal.value.reason == "chat-request-conflict"
        history = await sessions.chat_history(client, key)
        assert [m["role"] for m in history["messages"]] == ["user", "assistant"]
        assert history["messages"][0]["content"] == "SAY hi there"
        assert history["messages"][1]["content"] == [{"type": "text", "text": "hi there"}]
        assert all(m["__openclaw"]["id"] for m in history["messages"])


@check
async def refuses_empty_messages(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:
        key = f"agent:{agent_id}:main"
        with pytest.raises(GatewayCallError, match="message or attachment required"):
            await sessions.send_chat(client, key, "", idempotency_key=str(uuid.uuid4()))
        history = await sessions.chat_history(client, f"agent:{agent_id}:unknown")
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
        await sessions.send_chat(client, key, "SLOW 100 200", idempotency_key=run_id)
        await seen.wait_for(
            "chat", lambda p: p.get("runId") == run_id and p.get("state") == "delta"
        )
        assert await sessions.has_active_run(client, key)
        assert await sessions.abort_chat(client, key, run_id=run_id)
        end = await seen.end_of(run_id)
        assert (end["state"], end["stopReason"]) == ("aborted", "rpc")
        assert text_of(end).startswith("w1")
        assert not await sessions.abort_chat(client, key)


@check
async def asks_reviewers_before_commands(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        run_id, key = str(uuid.uuid4()), f"agent:{agent_id}:main"
        await sessions.send_chat(client, key, "EXEC echo hello", idempotency_key=run_id)
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
        await sessions.send_chat(client, key, "EXEC echo hello", idempotency_key=run_id)
        asked = await seen.wait_for(
            "exec.approval.requested", lambda p: p["request"]["runId"] == run_id
        )
        await sessions.abort_chat(client, key)
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
        await sessions.wake(client, agent_id=agent_id, text="a task waits")
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
        await sessions.wake(client, agent_id=agent_id, text="a task waits")
        await seen.wait_for("heartbeat", lambda p: p.get("preview") == "quiet beat")
        assert not [e for e in seen.events if e.name == "chat"]


@check
async def tells_of_silent_turns_in_its_log_of_usage(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        key = f"agent:{agent_id}:main"
        beats = {agent_id: provisioning.Heartbeat(every="55m", prompt="SAY NO_REPLY")}
        await provisioning.patch_config(client, heartbeats=beats)
        await client.call("sessions.subscribe", {})
        spoken = await say(client, seen, agent_id, "SAY aloud")
        await sessions.wake(client, agent_id=agent_id, text="a task waits")
        await seen.wait_for(
            "sessions.changed",
            lambda p: (
                p["sessionKey"] == key and p.get("phase") == "end" and p["runId"] != spoken["runId"]
            ),
        )
        shown = (await sessions.chat_history(client, key))["messages"]
        assert [m["role"] for m in shown] == ["user", "assistant"]
        log, curve = await sessions.usage_log(client, key)
        replies = [row for row in log if row["role"] == "assistant"]
        assert [row["content"] for row in replies] == ["aloud", "NO_REPLY"]
        assert replies[0]["timestamp"] == shown[1]["timestamp"]
        assert [row["tokens"] for row in replies] == [p["totalTokens"] for p in curve]
        assert all(row["cost"] > 0 for row in replies)
        health = await client.call("health", {"probe": True})  # else it may be a minute old
        row = next(row for row in health["agents"] if row["agentId"] == agent_id)
        assert (row["heartbeat"]["enabled"], row["heartbeat"]["every"]) == (True, "55m")
        assert row["sessions"]["recent"][0]["key"] == key


@check
async def gives_words_that_are_no_commands_to_the_model(subject: Subject) -> None:
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        assert text_of(await say(client, seen, agent_id, "/pause")) == "echo: /pause"
        assert "echo:" not in text_of(await say(client, seen, agent_id, "/status"))


@check
async def takes_the_name_of_any_model(subject: Subject) -> None:
    async with subject.connected() as (client, _), subject.agent(client) as agent_id:

        async def model() -> str:
            rows = (await client.call("agents.list"))["agents"]
            return str(next(row for row in rows if row["id"] == agent_id)["model"]["primary"])

        default = await model()
        await provisioning.ensure_agent(client, agent_id=agent_id, model="nobody/has-this")
        await _until_it_is(model, "nobody/has-this")
        await provisioning.ensure_agent(client, agent_id=agent_id)
        assert await model() == "nobody/has-this"
        await provisioning.ensure_agent(client, agent_id=agent_id, model="")
        await _until_it_is(model, default)


async def _until_it_is(ask: Callable[[], Awaitable[str]], wanted: str) -> None:
    async with asyncio.timeout(60):
        while await ask() != wanted:
            await asyncio.sleep(0.2)


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
