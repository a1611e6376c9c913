"""Free ports on this machine."""

import contextlib
import socket


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server could listen on ``port`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def random_free(host: str = "127.0.0.1") -> int:
    """Let the system choose a free port."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def first_free(start: int, host: str, *, tries: int = 200) -> int | None:
    """Return ``start`` or the next free port after it, None when there is none nearby."""
    for port in range(start, min(start + tries, 65536)):
        if is_free(port, host):
            return port
    return None
