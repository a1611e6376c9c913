"""Identity services on loopback: keys, signed tokens, and what the product asks of them."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

SECRET_KEY = "sk_test_0123456789"


class SigningKey:
    """A key pair of a service, under an id."""

    def __init__(self, key_id: str, algorithm: str = "RS256") -> None:
        self.key_id, self.algorithm = key_id, algorithm
        self.private: Any = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048)
            if algorithm.startswith("RS")
            else ec.generate_private_key(ec.SECP256R1())
        )

    @property
    def public(self) -> dict[str, Any]:
        """The public half as a JSON Web Key."""
        kind = RSAAlgorithm if self.algorithm.startswith("RS") else ECAlgorithm
        facts = json.loads(kind.to_jwk(self.private.public_key()))
        return {**facts, "kid": self.key_id, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """A token with these claims."""
        header = {"kid": self.key_id, **headers}
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers=header)


#: Made once: pairs of keys take their time.
FIRST_KEY = SigningKey("k1")


class Service:
    """A served identity service; tests change what it says and look at what it was asked."""

    def __init__(self) -> None:
        self.keys: list[SigningKey] = [FIRST_KEY]
        self.profiles: dict[str, Any] = {}
        self.asked: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self.status = 200
        self.delay = 0.0
        self.url = ""
        self.grants: dict[str, dict[str, Any]] = {}
        self.document: dict[str, Any] = {}

    def paths(self) -> list[str]:
        """Paths asked for, in order."""
        return [path for _method, path, _headers, _form in self.asked]

    # --- what is answered ------------------------------------------------------------------

    def answer(
        self, method: str, path: str, headers: dict[str, str], form: dict[str, str]
    ) -> tuple[int, Any]:
        """Status and body of one call."""
        self.asked.append((method, path, headers, form))
        time.sleep(self.delay)
        if self.status != 200:
            return self.status, {}
        if path in ("/v1/jwks", "/keys"):
            return 200, {"keys": [key.public for key in self.keys]}
        if path == "/.well-known/openid-configuration":
            return 200, {**self._discovery(), **self.document}
        if path == "/token":
            return self._token(headers, form)
        if path == "/userinfo":
            return 200, self.profiles.get("userinfo", {})
        return self._user(method, path, headers)

    def _user(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        subject = path.removeprefix("/v1/users/")
        if headers.get("authorization") != f"Bearer {SECRET_KEY}" or subject not in self.profiles:
            return 404, {}
        found = self.profiles.pop(subject) if method == "DELETE" else self.profiles[subject]
        return 200, found

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }

    def _token(self, headers: dict[str, str], form: dict[str, str]) -> tuple[int, Any]:
        """Change a code for tokens, once, if the verifier fits the challenge."""
        grant = self.grants.pop(form.get("code", ""), None)
        if grant is None or form["redirect_uri"] != grant["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != grant["challenge"]:
            return 400, {"error": "invalid_grant"}
        pair = base64.b64encode(b"mission:hush").decode()
        if headers.get("authorization") != f"Basic {pair}":
            return 401, {"error": "invalid_client"}
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": grant["id_token"]}

    def consent(self, address: str, claims: dict[str, Any], **signing: Any) -> dict[str, str]:
        """What the browser brings back after a person agreed at ``address``."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        key = signing.get("key") or self.keys[0]
        now = int(time.time())
        facts = {
            "iss": self.url, "aud": query["client_id"], "sub": "s-1", "nonce": query["nonce"],
            "iat": now, "exp": now + 300, **claims,
        }  # fmt: skip
        facts = {name: value for name, value in facts.items() if value is not None}
        token = signing.get("token") or key.sign(facts)
        code = f"code-{len(self.grants)}-{now}"
        self.grants[code] = {
            "redirect_uri": query["redirect_uri"],
            "challenge": query["code_challenge"],
            "id_token": token,
        }
        return {"code": code, "state": query["state"]}


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, found = self.service.answer(self.command, self.path, headers, form)
        raw = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - names of the base class

    def log_message(self, *_args: Any) -> None:
        """Tests print nothing."""


@contextmanager
def served() -> Iterator[Service]:
    """A service on a free port of loopback."""
    service = Service()
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
