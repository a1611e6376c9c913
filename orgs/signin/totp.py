"""Time-based one-time codes and their picture. Pure.

Source: RFC 6238 (30 s, six digits, SHA-1 as every generator has it), RFC 4226 section 5.3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

import qrcode
from qrcode.constants import ERROR_CORRECT_M

STEP_SECONDS = 30
DIGITS = 6
#: Steps before and after the present one that are taken: clocks of telephones differ.
DRIFT = 1
ISSUER = "Mission Control"


def new_secret() -> str:
    """160 random bits, as generators take them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of one time step."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: str, code: str, *, now: float, after: int) -> int | None:
    """The time step that a code belongs to, if it is a near one and later than ``after``.

    Args:
        now: Seconds since 1970.
        after: Newest step that was taken; it and earlier ones are used up.
    """
    if len(code) != DIGITS or not code.isascii() or not code.isdigit():
        return None
    present = int(now) // STEP_SECONDS
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        # No early end: every answer takes as long.
        if hmac.compare_digest(code_at(secret, step), code) and step > after:
            found = step
    return found


def address(secret: str, account: str) -> str:
    """What a generator reads from the picture."""
    label = quote(f"{ISSUER}:{account}", safe="")
    query = urlencode({"secret": secret, "issuer": ISSUER, "digits": DIGITS}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def grouped(secret: str) -> str:
    """The secret in groups of four, for typing."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def picture(text: str) -> tuple[str, int]:
    """A QR code as the path of an SVG, and the side of its square in modules."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(text)
    rows = code.get_matrix()
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    return path, len(rows)


def new_recovery_codes(count: int = 10) -> list[str]:
    """Codes of 50 random bits, easy to read aloud: ``k3f9-2mxq-7a``."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    codes = []
    for _number in range(count):
        letters = "".join(secrets.choice(alphabet) for _letter in range(10))
        codes.append(f"{letters[:4]}-{letters[4:8]}-{letters[8:]}")
    return codes


def plain(code: str) -> str:
    """A code as typed, without spaces and dashes, in lower case."""
    return "".join(letter for letter in code.lower() if letter.isalnum())
