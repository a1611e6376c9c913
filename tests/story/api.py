"""The REST API over HTTP, as a script of an operator uses it."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import httpx

RETRIES = 40


class Api:
    """Calls with the operator's token.

    Every POST carries an idempotency key and is repeated with the same key when the product did
    not answer, as a careful client does: that is what makes a killed process harmless.
    """

    def __init__(self, address: str, token: str) -> None:
        self.token = token
        self.http = httpx.Client(
            base_url=f"{address}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def get(self, path: str, **params: Any) -> Any:
        """GET, decoded."""
        return self._send("GET", path, params=params)

    def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of a list."""
        answer = self.get(path, **params)
        rows: list[dict[str, Any]] = answer["items"] if isinstance(answer, dict) else answer
        return rows

    def post(self, path: str, body: Any = None) -> Any:
        """POST, decoded."""
        return self._send("POST", path, json=body, headers={"Idempotency-Key": str(uuid4())})

    def patch(self, path: str, body: Any) -> Any:
        """PATCH, decoded."""
        return self._send("PATCH", path, json=body)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        for attempt in range(RETRIES):
            try:
                answer = self.http.request(method, path, **options)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500:
                break
            time.sleep(min(0.1 * (attempt + 1), 1.0))
        assert answer is not None, f"{method} {path}: no answer"
        assert answer.status_code < 400, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None
