"""Ed25519 device identity: who Mission Control is towards a gateway.

Source: OpenClaw gateway protocol 4, device block ``{id, publicKey, signature, signedAt,
nonce}`` with signature payload v3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)


class DeviceBlock(TypedDict):
    """``connect.params.device``."""

    id: str
    publicKey: str
    signature: str
    signedAt: int
    nonce: str


@dataclass(frozen=True, slots=True)
class SignedFacts:
    """What the signature binds together besides the device itself."""

    client_id: str
    client_mode: str
    role: str
    scopes: Sequence[str]
    signed_at_ms: int
    secret: str
    nonce: str
    platform: str = ""
    device_family: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class DeviceIdentity:
    """A device key pair; ``to_dict`` is what a sealed row stores.

    Attributes:
        private_key: raw 32-byte Ed25519 seed, base64url without padding. Secret.
        device_id: lower-case hex SHA-256 of the raw public key.
        public_key: raw 32-byte public key, base64url without padding.

    """

    private_key: str
    device_id: str
    public_key: str

    @classmethod
    def create(cls) -> DeviceIdentity:
        """A new random identity."""
        return cls._of(Ed25519PrivateKey.generate())

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> DeviceIdentity:
        """Load a stored identity; id and public key are derived again from the private key.

        Raises:
            ValueError: the stored private key is no Ed25519 seed.

        """
        try:
            seed = decode_base64url(str(stored["private_key"]))
            return cls._of(Ed25519PrivateKey.from_private_bytes(seed))
        except KeyError as error:
            raise ValueError("the stored device identity has no private key") from error

    @classmethod
    def _of(cls, key: Ed25519PrivateKey) -> DeviceIdentity:
        public = key.public_key().public_bytes_raw()
        return cls(
            private_key=encode_base64url(key.private_bytes_raw()),
            device_id=device_id_of(public),
            public_key=encode_base64url(public),
        )

    def to_dict(self) -> dict[str, str]:
        """Plain text form for sealing; holds the private key."""
        return asdict(self)

    def sign(self, facts: SignedFacts) -> DeviceBlock:
        """The device block of a connect request, signed over payload v3."""
        key = Ed25519PrivateKey.from_private_bytes(decode_base64url(self.private_key))
        signature = key.sign(signature_payload(self.device_id, facts).encode())
        return DeviceBlock(
            id=self.device_id,
            publicKey=self.public_key,
            signature=encode_base64url(signature),
            signedAt=facts.signed_at_ms,
            nonce=facts.nonce,
        )

    def __repr__(self) -> str:
        return f"DeviceIdentity(device_id={self.device_id!r})"


def signature_payload(device_id: str, facts: SignedFacts) -> str:
    """The exact text that a device signs (payload v3)."""
    return "|".join(
        (
            "v3",
            device_id,
            facts.client_id,
            facts.client_mode,
            facts.role,
            ",".join(facts.scopes),
            str(facts.signed_at_ms),
            facts.secret,
            facts.nonce,
            _ascii_lower(facts.platform),
            _ascii_lower(facts.device_family),
        )
    )


def verify_signature(public_key: str, signature: str, facts: SignedFacts) -> bool:
    """Whether ``signature`` (base64url) was made over these facts by the key's owner."""
    try:
        raw = decode_base64url(public_key)
        payload = signature_payload(device_id_of(raw), facts)
        Ed25519PublicKey.from_public_bytes(raw).verify(
            decode_base64url(signature), payload.encode()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def device_id_of(raw_public_key: bytes) -> str:
    """Device id of a raw public key."""
    return hashlib.sha256(raw_public_key).hexdigest()


def encode_base64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Inverse of ``encode_base64url``.

    Raises:
        ValueError: not base64url.

    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text.strip())
