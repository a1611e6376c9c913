"""The one entry of the server: pages and API on a thread pool, streams and sockets native."""

import os
from urllib.parse import urlsplit

from missioncontrol.settings import env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", env.settings_module())

import django

django.setup(set_prefix=False)

from channels.routing import URLRouter  # noqa: E402 - needs the applications
from django.conf import settings  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402

from boards.webhook_address import cap_of  # noqa: E402
from missioncontrol import streams  # noqa: E402
from missioncontrol.http_pool import HttpPool, Receive, Scope, Send  # noqa: E402
from missioncontrol.kernel.headers import is_admitted  # noqa: E402
from missioncontrol.kernel.health import is_database_away  # noqa: E402
from missioncontrol.routing import websocket_urlpatterns  # noqa: E402

#: End of the paths of event streams: each is open for hours and must hold no thread.
STREAM_ENDING = "/stream"


class OriginCheck:
    """Refuses a socket that a page of another site opens in a signed-in browser.

    Browsers always name the page's origin. Programs name none, carry no cookie of a browser, and
    are let through to sign in with their own credential.
    """

    def __init__(self, app: URLRouter) -> None:
        """Guard ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the socket on, or close it before it is accepted."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin1")
        if origin and not self._is_ours(origin, headers.get(b"host", b"").decode("latin1")):
            await receive()
            await send({"type": "websocket.close", "code": 4003})
            return
        try:
            await self._app(scope, receive, send)
        except ValueError as error:
            if "No route found" not in str(error):
                raise
            await receive()
            await send({"type": "websocket.close", "code": 4004})

    @staticmethod
    def _is_ours(origin: str, host: str) -> bool:
        page = urlsplit(origin)
        own = urlsplit(settings.BASE_URL)
        return (
            page.netloc.lower() == host.lower()
            or (page.scheme, page.netloc) == (own.scheme, own.netloc)
            or is_admitted(origin)
        )


class Application:
    """Sends each connection to the part that serves its kind."""

    def __init__(self) -> None:
        """Build the parts; the thread pool belongs to this process."""
        self._http = HttpPool(
            WSGIHandler(),
            threads=settings.HTTP_THREADS,
            is_stuck=is_database_away,
            cap_of=cap_of,
        )
        self._sockets = OriginCheck(URLRouter(websocket_urlpatterns))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        match scope["type"]:
            case "http":
                path = scope["path"].rstrip("/")
                is_stream = path.endswith(STREAM_ENDING) and scope["method"] == "GET"
                await (streams.app if is_stream else self._http)(scope, receive, send)
            case "websocket":
                await self._sockets(scope, receive, send)
            case "lifespan":
                await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                self._http.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


application = Application()
