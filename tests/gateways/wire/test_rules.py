"""Pure rules of the wire: versions, causes, delays, redaction, frames, identities."""

import ssl

import pytest

from gateways.wire import config_patch
from gateways.wire.backoff import Backoff, may_retry
from gateways.wire.errors import (
    AlreadyExistsError,
    Cause,
    GatewayCallError,
    GatewayClosed,
    GatewayConnectError,
    GatewayError,
    RemoteNotFoundError,
    StaleHashError,
    UnknownMethodError,
    call_error,
    cause_of_tls,
    handshake_error,
)
from gateways.wire.frames import Event, Response, parse_frame, parse_hello
from gateways.wire.identity import (
    DeviceIdentity,
    SignedFacts,
    decode_base64url,
    device_id_of,
    signature_payload,
    verify_signature,
)
from gateways.wire.redact import redact_json, redact_text
from gateways.wire.target import ClientInfo, Target, parse_endpoint
from gateways.wire.version import VersionFinding, judge_version

TOKEN = "mca_" + "Ab3-_" * 8 + "xyz"


@pytest.mark.scenario("CORE-77")
@pytest.mark.parametrize(
    ("version", "is_compatible"),
    [
        ("2026.2.8", False),
        ("2026.02.9", True),
        ("v2026.2.9-1", True),
        ("dev", False),
        (None, False),
    ],
)
def test_the_version_rule(version, is_compatible):
    verdict = judge_version(version)
    assert verdict.is_compatible is is_compatible
    assert is_compatible or "2026.02.9" in verdict.text


@pytest.mark.parametrize(
    ("version", "minimum", "finding"),
    [
        ("2026.1.30", "", VersionFinding.OK),
        ("2026.1.29", "  ", VersionFinding.TOO_OLD),
        ("2026.9.6", "latest", VersionFinding.BAD_MINIMUM),
        ("", "2026.2.9", VersionFinding.UNKNOWN),
        ("2026.13.1", "2026.2.9", VersionFinding.MALFORMED),
        ("2026.1.32", "2026.1.1", VersionFinding.MALFORMED),
        ("2026.2.9-beta", "2026.2.9", VersionFinding.MALFORMED),
        ("2026.10.1", "2026.9.30", VersionFinding.OK),
        ("2026.2.9", "2026.2.9-1", VersionFinding.TOO_OLD),
        ("2026.2.9-2", "2026.2.9-1", VersionFinding.OK),
    ],
)
def test_versions_compare_as_numbers(version, minimum, finding):
    assert judge_version(version, minimum).finding is finding


@pytest.mark.parametrize(
    ("code", "details", "cause"),
    [
        ("INVALID_REQUEST", {"code": "AUTH_TOKEN_MISMATCH"}, Cause.TOKEN),
        ("INVALID_REQUEST", {"code": "AUTH_RATE_LIMITED"}, Cause.RATE_LIMITED),
        ("INVALID_REQUEST", {"code": "PROTOCOL_MISMATCH"}, Cause.VERSION),
        ("INVALID_REQUEST", {"code": "DEVICE_AUTH_SIGNATURE_EXPIRED"}, Cause.DEVICE),
        ("INVALID_REQUEST", {"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED"}, Cause.ORIGIN),
        ("NOT_PAIRED", {"code": "PAIRING_REQUIRED"}, Cause.PAIRING),
        ("NOT_PAIRED", {"code": "DEVICE_IDENTITY_REQUIRED"}, Cause.TOKEN),
        ("UNAVAILABLE", {"reason": "startup-sidecars"}, Cause.STARTING),
        ("INVALID_REQUEST", {}, Cause.PROTOCOL),
    ],
)
def test_handshake_errors_are_sorted_by_code(code, details, cause):
    assert handshake_error({"code": code, "message": "no", "details": details}).cause is cause


@pytest.mark.parametrize(
    ("message", "details", "kind"),
    [
        ('agent "x" already exists', None, AlreadyExistsError),
        ('agent "x" not found', None, RemoteNotFoundError),
        ("unknown method: x", None, UnknownMethodError),
        ("config changed since last load; re-run config.get and retry", None, StaleHashError),
        ("AGENTS.md changed", {"type": "agent_file_conflict"}, StaleHashError),
        ("approval gone", {"reason": "APPROVAL_NOT_FOUND"}, RemoteNotFoundError),
    ],
)
def test_call_errors_become_the_narrowest_class(message, details, kind):
    error = call_error("m", {"code": "INVALID_REQUEST", "message": message, "details": details})
    assert type(error) is kind


def test_call_errors_carry_what_the_gateway_said():
    error = call_error(
        "config.patch",
        {
            "code": "UNAVAILABLE",
            "message": "busy",
            "details": {"reason": "rate-limit"},
            "retryable": True,
            "retryAfterMs": 1500,
        },
    )
    assert (error.method, error.code, error.reason) == ("config.patch", "UNAVAILABLE", "rate-limit")
    assert (error.retryable, error.retry_after_ms) == (True, 1500)


def test_tls_errors_tell_certificate_from_wrong_port():
    assert cause_of_tls(ssl.SSLCertVerificationError(1, "self signed")) is Cause.TLS
    wrong = ssl.SSLError(1, "wrong version")
    wrong.reason = "WRONG_VERSION_NUMBER"
    assert cause_of_tls(wrong) is Cause.WRONG_PORT


@pytest.mark.parametrize(
    ("error", "retries"),
    [
        (GatewayConnectError("down"), True),
        (GatewayClosed(1012, "service restart"), True),
        (GatewayClosed(1006, ""), True),
        (GatewayError("no", cause=Cause.TOKEN), False),
        (GatewayError("no", cause=Cause.PAIRING), False),
        (GatewayError("no", cause=Cause.PROTOCOL), False),
        (GatewayError("no", cause=Cause.DEVICE), False),
        (GatewayCallError("no", retryable=True), True),
        (GatewayCallError("no", retryable=False), False),
    ],
)
def test_only_passing_troubles_are_retried(error, retries):
    assert may_retry(error) is retries


def test_delays_double_up_to_thirty_seconds():
    backoff = Backoff(draw=lambda: 0.0)
    assert [backoff.next_delay() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next_delay() == 1


def test_delays_vary_and_obey_the_gateway():
    assert Backoff(draw=lambda: 1.0, jitter=0.3).next_delay() == pytest.approx(0.7)
    limited = GatewayError("slow down", cause=Cause.RATE_LIMITED, retry_after_ms=300_000)
    assert Backoff().next_delay(limited) == 300
    starting = GatewayError("starting", cause=Cause.STARTING, retry_after_ms=500)
    backoff = Backoff(draw=lambda: 0.0)
    assert [backoff.next_delay(starting) for _ in range(3)] == [0.5, 0.5, 0.5]
    assert backoff.next_delay() == 1


@pytest.mark.parametrize(
    "text",
    [
        f"curl -H 'X-Agent-Token: {TOKEN}' http://x",
        f'{{"token":"{TOKEN}"}}',
        f"cut short {TOKEN[:14]}…",
        f"AUTH_TOKEN={TOKEN}\n",
    ],
)
def test_agent_tokens_are_redacted_wherever_they_stand(text):
    cleaned = redact_text(text)
    assert TOKEN[4:12] not in cleaned
    assert "[redacted]" in cleaned


def test_given_secrets_are_redacted_in_nested_values():
    value = {"a": [f"x {TOKEN}", {"S3CRET-token": "S3CRET-token!"}], "n": 5, "b": None}
    assert redact_json(value, ["S3CRET-token", "x"]) == {
        "a": ["x [redacted]", {"[redacted]": "[redacted]!"}],
        "n": 5,
        "b": None,
    }


def test_an_identity_survives_storage():
    identity = DeviceIdentity.create()
    stored = identity.to_dict()
    assert DeviceIdentity.from_dict({**stored, "device_id": "wrong"}) == identity
    assert identity.private_key not in repr(identity)
    raw = decode_base64url(identity.public_key)
    assert len(raw) == 32
    assert identity.device_id == device_id_of(raw)


@pytest.mark.parametrize("stored", [{}, {"private_key": "short"}, {"private_key": "&&&"}])
def test_a_broken_identity_is_refused(stored):
    with pytest.raises(ValueError, match=r".+"):
        DeviceIdentity.from_dict(stored)


def test_the_signature_binds_every_fact():
    identity = DeviceIdentity.create()
    facts = SignedFacts(
        "gateway-client", "backend", "operator", ["a", "b"], 17, "s", "n", " LinuX "
    )
    assert signature_payload("id", facts) == (
        "v3|id|gateway-client|backend|operator|a,b|17|s|n|linux|"
    )
    block = identity.sign(facts)
    assert verify_signature(block["publicKey"], block["signature"], facts)
    other = SignedFacts("gateway-client", "backend", "operator", ["b", "a"], 17, "s", "n", "linux")
    assert not verify_signature(block["publicKey"], block["signature"], other)


@pytest.mark.parametrize("raw", ["nonsense", "[]", '{"type":"req"}', b"\xff"])
def test_foreign_frames_are_refused(raw):
    with pytest.raises(GatewayError):
        parse_frame(raw)


def test_frames_tolerate_missing_parts():
    assert parse_frame('{"type":"event","event":"tick"}') == Event("tick", {}, None)
    broken = parse_frame('{"type":"res","id":"1","ok":false}')
    assert isinstance(broken, Response)
    assert broken.error is not None
    hello = parse_hello({"type": "hello-ok"})
    assert (hello.version, hello.max_payload_bytes, hello.tick_interval_ms) == (
        "",
        26_214_400,
        30_000,
    )
    with pytest.raises(GatewayError):
        parse_hello({"type": "hello"})


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        (["operator.admin"], ()),
        (["operator.write"], ("operator.approvals",)),
        ([], ("operator.read", "operator.write", "operator.approvals")),
    ],
)
def test_scopes_imply_others(scopes, missing):
    hello = parse_hello({"type": "hello-ok", "auth": {"scopes": scopes}})
    wanted = ("operator.read", "operator.write", "operator.approvals")
    assert hello.missing_scopes(wanted) == missing


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://host", ("ws", "host", 80)),
        ("wss://host", ("wss", "host", 443)),
        ("http://h:18789/x", ("ws", "h", 18789)),
        ("ws://[::1]:5", ("ws", "::1", 5)),
    ],
)
def test_addresses_are_read(url, expected):
    endpoint = parse_endpoint(url)
    assert (endpoint.scheme, endpoint.host, endpoint.port) == expected


@pytest.mark.parametrize(
    "url",
    ["", "ftp://h", "ws://", "ws://u:p@h", "ws://h?token=x", "ws://h#x", "ws://h:99999", "ws://["],
)
def test_bad_addresses_are_refused(url):
    with pytest.raises(GatewayConnectError):
        parse_endpoint(url)


def test_secrets_stay_out_of_representations():
    target = Target("ws://h", token="S3CRET-1", device_token="S3CRET-2")
    assert "S3CRET" not in repr(target)
    assert ClientInfo().to_params()["id"] == "gateway-client"


def test_config_differences_are_minimal():
    config = {"a": {"b": 1, "c": {"d": 2}}, "gone": 1}
    patch = {"a": {"b": 1, "c": {"d": 3, "e": 4}}, "gone": None, "never": None}
    assert config_patch.difference(config, patch) == {
        "a": {"c": {"d": 3, "e": 4}},
        "gone": None,
    }
