"""A JSON client of the API with one credential, which also checks the form of every refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpResponse
from django.test import Client as DjangoClient

PROBLEM_FIELDS = {"type", "title", "status", "detail", "code", "request_id"}


class Answer:
    """Status, headers and decoded body of an answer."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        self.content = bytes(response.getvalue())
        is_json = bool(self.content) and kind.endswith(("/json", "+json"))
        self.json: Any = orjson.loads(self.content) if is_json else None
        if self.status >= 400:
            self._check_problem()

    def _check_problem(self) -> None:
        assert self.headers["Content-Type"].startswith("application/problem+json")
        assert set(self.json) >= PROBLEM_FIELDS, self.json
        assert self.json["status"] == self.status
        assert isinstance(self.json["detail"], str)
        assert self.json["detail"]

    @property
    def code(self) -> str | None:
        """Machine word of a refusal."""
        return self.json.get("code") if isinstance(self.json, dict) else None

    @property
    def items(self) -> list[Any]:
        """Rows of a list."""
        rows: list[Any] = self.json["items"]
        return rows

    def expect(self, status: int) -> Answer:
        """This answer, if it has that status."""
        assert self.status == status, (self.status, self.json)
        return self


@dataclass
class Client:
    """Calls the API as an operator (``bearer``), an agent (``agent_token``) or nobody."""

    bearer: str = ""
    agent_token: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    base: str = "/api/v1"
    http: DjangoClient = field(default_factory=lambda: DjangoClient(raise_request_exception=True))

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One call; ``path`` starting with ``/api`` is taken as it is."""
        sent = {**self.headers, **(headers or {})}
        if self.bearer:
            sent.setdefault("Authorization", f"Bearer {self.bearer}")
        if self.agent_token:
            sent.setdefault("X-Agent-Token", self.agent_token)
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        address = path if path.startswith("/api") else f"{self.base}{path}"
        response = self.http.generic(
            method, address, raw, content_type="application/json", headers=sent
        )
        return Answer(response)

    def get(self, path: str, **options: Any) -> Answer:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """POST JSON."""
        return self.request("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        """PATCH JSON."""
        return self.request("PATCH", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        """PUT JSON."""
        return self.request("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """DELETE."""
        return self.request("DELETE", path, **options)


def api(token: str) -> Client:
    """Client of a bearer token, or of an agent token by its prefix."""
    return Client(agent_token=token) if token.startswith("mca_") else Client(bearer=token)


def operator() -> Client:
    """Client with the installation's own token."""
    return Client(bearer=settings.LOCAL_AUTH_TOKEN)


def stranger() -> Client:
    """Client without a credential."""
    return Client()
