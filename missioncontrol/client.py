"""A small client of the REST API for programs; needs httpx and nothing else of the product.

    from missioncontrol.client import Client

    with Client("http://localhost:8000", token=token) as mc:
        for task in mc.rows("/tasks", status="review"):
            print(task["key"], task["title"])

Every POST carries an ``Idempotency-Key``, so that it can be repeated safely; what the server could
not do for the moment (503, 429) is tried again with growing pauses.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from missioncontrol import __version__
from missioncontrol.client_events import Event, EventReader

Row = dict[str, Any]
API = "/api/v1"
#: Paths that are taken as they are; others are relative to the API.
ROOTS = ("/api/", "/openapi.json", "/health", "/readyz", "/metrics")
PAGE_ROWS = 200
LONGEST_PAUSE_SECONDS = 30.0
#: Statuses after which nothing was changed and the same call may succeed.
PASSING = frozenset({429, 503})


class ApiError(Exception):
    """A call that failed.

    Attributes:
        status: HTTP status; 0 when there was no answer.
        code: Machine word of the refusal.
        request_id: Names the request in the server's log.
        errors: Fields that do not fit: ``loc``, ``msg``, ``type``.
        body: The whole answer.
    """

    def __init__(self, detail: str, *, status: int = 0, code: str = "", body: Any = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.body: Row = body if isinstance(body, dict) else {}
        self.request_id = str(self.body.get("request_id", ""))
        self.errors: list[Row] = self.body.get("errors") or []

    def __str__(self) -> str:
        """One line: what, its code, the request."""
        fields = "; ".join(
            f"{'.'.join(str(part) for part in one.get('loc', [])[1:])}: {one.get('msg', '')}"
            for one in self.errors
        )
        notes = [
            part for part in (self.code, self.request_id and f"request {self.request_id}") if part
        ]
        text = f"{self.detail.rstrip('.')}: {fields}" if fields else self.detail
        return f"{text} ({', '.join(notes)})" if notes else text


class NotSignedIn(ApiError):
    """401: no token, or one that proves nothing."""


class NotFound(ApiError):
    """404: absent, or not visible."""


class ApprovalRequired(ApiError):
    """409 ``approval_required``: a person has to decide first."""


class VersionConflict(ApiError):
    """412: changed by somebody else since the version that the call names."""


class Unavailable(ApiError):
    """502, 503: a part of the server or a gateway does not answer."""


class ServerError(ApiError):
    """Another 5xx: a fault of the server."""


class CannotConnect(ApiError):
    """There was no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def version(self) -> int | None:
        """Row version for the next change, from the ETag."""
        digits = self.headers.get("etag", "").strip('W/"')
        return int(digits) if digits.isdigit() else None

    @property
    def is_replay(self) -> bool:
        """Whether the server repeated a stored answer to the same ``Idempotency-Key``."""
        return self.headers.get("idempotent-replay") == "true"


class Client:
    """Calls of one credential.

    Args:
        address: Where the installation is, such as ``https://mc.example.org``.
        token: Token of a person or of the installation.
        agent_token: Token of an agent, instead of ``token``.
        organization_id: Which organization lists and new objects belong to; default the active one.
        attempts: How often a call that may be repeated is tried.
        pause: Replaces ``time.sleep`` between attempts.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str = "",
        agent_token: str = "",
        organization_id: str = "",
        timeout: float = 30.0,
        attempts: int = 4,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {
            "Accept": "application/json",
            "User-Agent": f"missioncontrol-client/{__version__}",
        }
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if agent_token:
            headers["X-Agent-Token"] = agent_token
        if organization_id:
            headers["X-Organization-Id"] = organization_id
        self._attempts = max(1, attempts)
        self._pause = pause
        self.http = httpx.Client(
            base_url=address.rstrip("/"), headers=headers, timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        """Use the client for some calls."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    # --- calls ----------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        version: int | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call; paths are relative to ``/api/v1`` unless they begin with ``/api/``.

        Args:
            version: The row version that the change is based on (``If-Match``).
            key: ``Idempotency-Key`` of a POST; default a new one, the same for every attempt.

        Raises:
            ApiError: one of its kinds says which.
        """
        method = method.upper()
        sent = dict(headers or {})
        if version is not None:
            sent["If-Match"] = f'"{version}"'
        if method == "POST":
            sent.setdefault("Idempotency-Key", key or uuid.uuid4().hex)
        response = self._answered(
            method, self.address(path), json=body, params=_query(query), headers=sent
        )
        return _answer(response)

    def _answered(self, method: str, path: str, **call: Any) -> httpx.Response:
        """The answer, after as many attempts as may be made."""
        for attempt in range(1, self._attempts + 1):
            is_last = attempt == self._attempts
            try:
                response = self.http.request(method, path, **call)
            except httpx.HTTPError as error:
                # PATCH, PUT and DELETE may have been carried out before the connection broke.
                if is_last or method not in ("GET", "HEAD", "POST"):
                    raise CannotConnect(f"Cannot reach {self.http.base_url}: {error}") from error
                self._pause(_wait(attempt, None))
                continue
            if response.status_code not in PASSING or is_last:
                break
            self._pause(_wait(attempt, response.headers.get("Retry-After")))
        return response

    @staticmethod
    def address(path: str) -> str:
        """The full path of a relative one."""
        path = path if path.startswith("/") else f"/{path}"
        return path if path.startswith(ROOTS) else f"{API}{path}"

    def get(self, path: str, **query: Any) -> Any:
        """Body of a GET."""
        return self.call("GET", path, query=query).body

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Body of a POST."""
        return self.call("POST", path, body, key=key).body

    def patch(self, path: str, body: Any, *, version: int | None = None) -> Any:
        """Body of a PATCH."""
        return self.call("PATCH", path, body, version=version).body

    def put(self, path: str, body: Any, *, version: int | None = None) -> Any:
        """Body of a PUT."""
        return self.call("PUT", path, body, version=version).body

    def delete(self, path: str, **query: Any) -> Any:
        """Body of a DELETE."""
        return self.call("DELETE", path, query=query).body

    def rows(self, path: str, *, most: int | None = None, **query: Any) -> Iterator[Row]:
        """Rows of a list, page after page.

        Args:
            most: End after so many rows.
        """
        offset = int(query.pop("offset", 0))
        limit = int(query.pop("limit", PAGE_ROWS))
        shown = 0
        while True:
            page = self.get(path, limit=limit, offset=offset, **query)
            items = page if isinstance(page, list) else page["items"]
            for row in items:
                if most is not None and shown >= most:
                    return
                shown += 1
                yield row
            offset += len(items)
            if isinstance(page, list) or not items or offset >= page["total"]:
                return

    def events(
        self, path: str, *, after: str = "", stop: Callable[[], bool] | None = None, **query: Any
    ) -> Iterator[Event]:
        """Events of a stream (``/activity/stream``); a broken connection is resumed.

        Args:
            after: Id of the last event that is known; default: from now on.
            stop: Asked whenever the stream wakes; true ends it.
        """
        reader = EventReader(self.http, self.address(path), _query(query), after, self._pause)
        return reader.events(_refusal, stop or (lambda: False))

    # --- the usual calls --------------------------------------------------------------------

    def me(self) -> Row:
        """Whose token this is."""
        return _row(self.get("/users/me"))

    def board(self, name: str) -> Row:
        """A board by id, key or name.

        Raises:
            NotFound: none, or several of that name.
        """
        rows = list(self.rows("/boards"))
        for field in ("id", "key", "slug", "name"):
            found = [row for row in rows if str(row.get(field, "")).lower() == name.lower()]
            if len(found) == 1:
                return found[0]
        raise NotFound(f"There is no one board called {name}.", status=404, code="not_found")

    def task(self, ref: str) -> Row:
        """A task by id or key, such as ``OPS-214``."""
        return _row(self.get(f"/tasks/{ref}"))

    def create_task(self, board: str, title: str, *, key: str | None = None, **fields: Any) -> Row:
        """A new task on a board (its id)."""
        return _row(self.post("/tasks", {"board_id": board, "title": title, **fields}, key=key))

    def move_task(
        self, ref: str, status: str, *, comment: str | None = None, version: int | None = None
    ) -> Row:
        """Change a task's status, with a comment in the same step."""
        body = {"status": status} | ({"comment": comment} if comment else {})
        return _row(self.patch(f"/tasks/{ref}", body, version=version))

    def comment(self, ref: str, message: str) -> Row:
        """Comment on a task."""
        return _row(self.post(f"/tasks/{ref}/comments", {"message": message}))

    def approval(self, approval_id: str) -> Row:
        """An approval."""
        return _row(self.get(f"/approvals/{approval_id}"))

    def decide(self, approval_id: str, status: str, *, comment: str | None = None) -> Row:
        """Decide on an approval: ``approved`` or ``rejected``."""
        body = {"status": status} | ({"comment": comment} if comment else {})
        return _row(self.patch(f"/approvals/{approval_id}", body))

    def await_decision(
        self, approval_id: str, *, seconds: float = 3600.0, every: float = 2.0
    ) -> Row:
        """Wait until an approval is decided; returns it as it stands at the end."""
        end = time.monotonic() + seconds
        while True:
            found = self.approval(approval_id)
            if found["status"] != "pending" or time.monotonic() >= end:
                return found
            self._pause(every)


def _row(body: Any) -> Row:
    row: Row = body
    return row


def _query(query: Mapping[str, Any] | None) -> dict[str, Any]:
    """Parameters without those that are None; truths as the API reads them."""
    found = {name: value for name, value in (query or {}).items() if value is not None}
    return {n: str(v).lower() if isinstance(v, bool) else v for n, v in found.items()}


def _wait(attempt: int, asked: str | None) -> float:
    """Seconds before the next attempt: what the server asks, else doubling with some chance."""
    if asked and asked.isdigit():
        return min(float(asked), LONGEST_PAUSE_SECONDS)
    return min(0.5 * 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def _answer(response: httpx.Response) -> Answer:
    if response.is_error or response.is_redirect:
        raise _refusal(response)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_json = kind.endswith(("/json", "+json"))
    body = response.json() if response.content and is_json else response.text or None
    return Answer(response.status_code, body, response.headers)


def _refusal(response: httpx.Response) -> ApiError:
    """The answer as the error of its kind."""
    try:
        body = response.json()
    except ValueError:
        body = {"request_id": response.headers.get("X-Request-Id", "")}
    known = body if isinstance(body, dict) else {}
    status, code = response.status_code, str(known.get("code", ""))
    kinds = {401: NotSignedIn, 404: NotFound, 412: VersionConflict, 502: Unavailable}
    kind: type[ApiError] = kinds.get(status, Unavailable if status == 503 else ApiError)
    if kind is ApiError and status >= 500:
        kind = ServerError
    if code == "approval_required":
        kind = ApprovalRequired
    detail = str(known.get("detail") or f"The server answered {status}.")
    return kind(detail, status=status, code=code, body=known)
