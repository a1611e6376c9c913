"""Gateways behind TLS: certificates are checked unless the operator said otherwise."""

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateways.simulator.server import SimulatedGateway
from gateways.wire.client import GatewayClient
from gateways.wire.diagnose import State, diagnose
from gateways.wire.errors import Cause, GatewayConnectError
from gateways.wire.target import Target

TOKEN = "tls-test-token"


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    folder: Path = tmp_path_factory.mktemp("tls")
    path = folder / "gateway.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_an_unknown_certificate_is_refused(self_signed: ssl.SSLContext):
    async with SimulatedGateway(token=TOKEN, tls=self_signed) as gateway:
        with pytest.raises(GatewayConnectError) as error:
            await GatewayClient.connect(Target(gateway.url, token=TOKEN))
        assert error.value.cause is Cause.TLS
        diagnosis = await diagnose(Target(gateway.url, token=TOKEN))
    assert diagnosis.cause is Cause.TLS
    assert [c.key for c in diagnosis.checks if c.state is State.FAIL] == ["tls"]


async def test_an_exception_for_one_gateway_is_shown(self_signed: ssl.SSLContext):
    async with SimulatedGateway(token=TOKEN, tls=self_signed) as gateway:
        target = Target(gateway.url, token=TOKEN, allow_insecure_tls=True)
        async with GatewayClient.connect(target) as client:
            assert (await client.call("health"))["ok"] is True
        diagnosis = await diagnose(target)
    assert diagnosis.is_usable
    tls = next(c for c in diagnosis.checks if c.key == "tls")
    assert tls.state is State.WARN
    assert tls.next_step


async def test_a_plain_address_at_a_tls_port_is_the_wrong_port(self_signed: ssl.SSLContext):
    async with SimulatedGateway(token=TOKEN, tls=self_signed) as gateway:
        target = Target(gateway.url.replace("wss://", "ws://"), token=TOKEN)
        diagnosis = await diagnose(target)
        assert diagnosis.cause is Cause.WRONG_PORT
        with pytest.raises(GatewayConnectError) as error:
            await GatewayClient.connect(target)
        assert error.value.cause is Cause.WRONG_PORT
