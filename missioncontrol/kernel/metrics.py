"""What Prometheus may ask of this process; ``/metrics`` shows it with the client's own figures."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram(
    "mc_http_request_seconds",
    "Time from request to answer.",
    ["door", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
SOCKETS = Gauge("mc_ws_connections", "Open sockets.", ["kind"])
FRAMES = Counter("mc_ws_frames_total", "Frames sent to sockets.")
EVENTS = Counter("mc_events_total", "Events recorded.", ["type"])
AUTH_FAILURES = Counter("mc_auth_failures_total", "Refused credentials.", ["kind"])


def request_seconds(path: str, status: int) -> Histogram:
    """The histogram of requests of that kind, for one observation."""
    return _request_seconds(door_of(path), status)


@lru_cache(maxsize=256)
def _request_seconds(door: str, status: int) -> Histogram:
    return REQUEST_SECONDS.labels(door, str(status))


def door_of(path: str) -> str:
    """Which door a path belongs to, so that labels stay few."""
    if path.startswith(("/api/v1/agent/", "/api/agent/")):
        return "agent"
    if path.startswith("/api/"):
        return "api"
    return "admin" if path.startswith("/admin/") else "page"
