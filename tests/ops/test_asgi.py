"""The one entry: which connection goes where, and which is refused at the door."""

from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import override_settings

from missioncontrol.asgi import OriginCheck, application

HOST = (b"host", b"mc.example:8000")


async def accept(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})


async def nowhere(scope: Any, _receive: Any, _send: Any) -> None:
    raise ValueError(f"No route found for path {scope['path']!r}.")


async def first_answer(app: Any, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    scope = {"type": "websocket", "path": "/ws/x", "headers": [HOST, *headers]}
    socket = ApplicationCommunicator(OriginCheck(app), scope)
    await socket.send_input({"type": "websocket.connect"})
    answer: dict[str, Any] = await socket.receive_output(2)
    return answer


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        ("http://mc.example:8000", True),
        ("https://public.example", True),
        (None, True),
        ("http://public.example", False),
        ("https://public.example:8443", False),
        ("http://mc.example", False),
        ("http://evil.example", False),
        ("http://mc.example:8000.evil.example", False),
        ("null", False),
    ],
)
async def test_socket_of_another_site_is_refused(origin: str | None, accepted: bool) -> None:
    headers = [] if origin is None else [(b"origin", origin.encode())]
    with override_settings(BASE_URL="https://public.example"):
        answer = await first_answer(accept, *headers)
    assert (answer["type"] == "websocket.accept") is accepted


async def test_socket_without_a_place_is_closed() -> None:
    answer = await first_answer(nowhere)
    assert answer == {"type": "websocket.close", "code": 4004}


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Any:
    async def ask(path: str, method: str = "GET") -> list[str]:
        seen: list[str] = []

        async def native(_scope: Any, _receive: Any, _send: Any) -> None:
            seen.append("native")

        async def pooled(_scope: Any, _receive: Any, _send: Any) -> None:
            seen.append("pool")

        monkeypatch.setattr("missioncontrol.streams.app", native)
        monkeypatch.setattr(application, "_http", pooled)
        await application({"type": "http", "path": path, "method": method}, None, None)  # type: ignore[arg-type]
        return seen

    return ask


@pytest.mark.parametrize(
    ("path", "method", "where"),
    [
        ("/api/v1/agents/stream", "GET", "native"),
        ("/api/v1/agents/stream/", "GET", "native"),
        ("/api/v1/agents/stream", "POST", "pool"),
        ("/api/v1/agents", "GET", "pool"),
        ("/api/v1/calendar/events", "GET", "pool"),
        ("/streams", "GET", "pool"),
    ],
)
async def test_only_streams_leave_the_pool(http: Any, path: str, method: str, where: str) -> None:
    assert await http(path, method) == [where]


async def test_server_start_and_stop_are_answered() -> None:
    from missioncontrol.asgi import Application

    server = ApplicationCommunicator(Application(), {"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    assert await server.receive_output(2) == {"type": "lifespan.startup.complete"}
    await server.send_input({"type": "lifespan.shutdown"})
    assert await server.receive_output(2) == {"type": "lifespan.shutdown.complete"}
