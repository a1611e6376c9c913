"""One call inside this process: from a generated case to the answer, and what is wrong with it."""

from __future__ import annotations

import io
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import got_request_exception
from schemathesis.checks import CHECKS, CheckContext, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.transport.requests import REQUESTS_TRANSPORT

from missioncontrol.kernel import problems

BASE = "http://testserver"
NAMES = (
    "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "response_headers_conformance",
)  # fmt: skip
#: A gateway or another remote may fail; an operation that asks none of them may not.
REMOTE = frozenset({502, 503})
#: Says that it is not ready, as documented: no worker runs beside the generated calls.
NOT_READY = frozenset({"/readyz"})
SHOWN = 1500


@dataclass(frozen=True)
class Finding:
    """Something wrong with an answer, and how to see it again."""

    operation: str
    title: str
    status: int
    text: str

    @property
    def key(self) -> tuple[str, str, int]:
        """Findings of one key are shown once."""
        return self.operation, self.title, self.status


def prepared(case: Any, headers: dict[str, str]) -> requests.PreparedRequest:
    """The request as it would travel.

    Raises:
        ValueError: no request can carry this case.
    """
    words = REQUESTS_TRANSPORT.serialize_case(case, base_url=BASE, headers=headers)
    return requests.Request(**words).prepare()


class Door:
    """Django's WSGI handler, and the checks of the document."""

    def __init__(self) -> None:
        load_all_checks()
        self._app = WSGIHandler()
        self._checks = [check for check in CHECKS.get_all() if check.__name__ in NAMES]
        self._trace = ""
        got_request_exception.connect(self._remember, weak=False)

    def _remember(self, **_signal: Any) -> None:
        self._trace = traceback.format_exc()

    def watch_the_api(self) -> None:
        """The API answers a fault itself; where it came from is worth showing with the finding."""
        known = problems.as_domain_error

        def ask(error: Exception) -> Any:
            found = known(error)
            if found is None:
                self._trace = "".join(traceback.format_exception(error))
            return found

        problems.as_domain_error = ask

    def answer(self, request: requests.PreparedRequest) -> Response:
        """Call, and read the whole answer."""
        self._trace = ""
        started: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
            started.update(status=int(status[:3]), headers=headers)

        body = self._app(_environ(request), start)
        try:
            content = b"".join(body)
        finally:
            body.close()
        return answered(request, started["status"], started["headers"], content)

    def findings(self, case: Any, response: Response) -> Iterator[Finding]:
        """What is wrong with an answer."""
        for title, why in self._wrong(case, response):
            text = f"{why}\n{shown(response)}\n{self._trace[-SHOWN:]}"
            yield Finding(case.operation.label, title, response.status_code, text)

    def _wrong(self, case: Any, response: Response) -> Iterator[tuple[str, str]]:
        status = response.status_code
        documented = case.operation.responses.status_codes
        may_fail = "502" in documented or case.operation.path in NOT_READY
        if status >= 500 and not (status in REMOTE and may_fail):
            yield "server error", ""
        context = _context(case)
        for check in self._checks:
            with _kept() as found:
                check(context, response, case)
            yield from ((one.title, f"{one.message}") for one in found)


@contextmanager
def _kept() -> Iterator[list[Failure]]:
    found: list[Failure] = []
    try:
        yield found
    except FailureGroup as group:
        found += [one for one in group.exceptions if isinstance(one, Failure)]
    except Failure as failure:
        found.append(failure)


def _context(case: Any) -> CheckContext:
    config = case.operation.schema.config.checks_config_for(operation=case.operation, phase=None)
    return CheckContext(
        override=None, auth=None, headers=None, config=config, transport_kwargs=None,
        response_checks=None,
    )  # fmt: skip


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    """The request as a server hands it to the application."""
    address = urlsplit(str(request.url))
    body = request.body or b""
    raw = body.encode() if isinstance(body, str) else body
    environ = {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "SERVER_NAME": "testserver",
        "PATH_INFO": unquote_to_bytes(address.path).decode("latin1"),
        "QUERY_STRING": address.query, "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(raw), "wsgi.errors": io.StringIO(), "wsgi.multithread": False,
        "wsgi.multiprocess": True, "wsgi.run_once": False, "HTTP_HOST": "testserver",
    }  # fmt: skip
    for name, value in request.headers.items():
        text = value.decode("latin1") if isinstance(value, bytes) else str(value)
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    environ["CONTENT_LENGTH"] = str(len(raw))
    return environ


def answered(
    request: requests.PreparedRequest, status: int, headers: list[tuple[str, str]], content: bytes
) -> Response:
    """An answer as the checks read it."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return Response(status, found, content, request, elapsed=0.0, verify=False)


def shown(response: Response) -> str:
    """Request and answer, for people."""
    request = response.request
    body = (
        request.body.decode(errors="replace") if isinstance(request.body, bytes) else request.body
    )
    headers = {
        name: value for name, value in request.headers.items()
        if name in ("X-Organization-Id", "If-Match", "Idempotency-Key", "Last-Event-ID")
    }  # fmt: skip
    answer = response.content.decode(errors="replace")[:SHOWN]
    return f"  {request.method} {request.url} {headers}\n  {str(body)[:SHOWN]}\n  -> {answer}"
