"""Composition of every socket address."""

from importlib.util import find_spec
from typing import Any

from django.urls import path

from missioncontrol.overview.consumers import UpdatesConsumer

websocket_urlpatterns: list[Any] = [path("ws/updates", UpdatesConsumer.as_asgi())]

if find_spec("boards.consumers"):
    from boards.consumers import BoardConsumer

    websocket_urlpatterns.append(path("ws/board/<uuid:board_id>/sync", BoardConsumer.as_asgi()))
