"""The health probes in the published document; they stand outside the API and need no login."""

from __future__ import annotations

from typing import Any

_SHAPE = {
    "type": "object",
    "properties": {
        "ok": {"type": "boolean"},
        "checks": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["ok"],
}
_PROBES = {
    "/health": ("The process is alive", {200}),
    "/healthz": ("The database answers", {200, 503}),
    "/readyz": ("Database, migrations, Redis and channel layer are ready", {200, 503}),
}


def add_probes(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Describe ``/health``, ``/healthz`` and ``/readyz``."""
    for path, (summary, statuses) in _PROBES.items():
        answers = {
            str(status): {
                "description": "Well" if status == 200 else "Not ready",
                "content": {"application/json": {"schema": _SHAPE}},
            }
            for status in sorted(statuses)
        }
        result["paths"][path] = {
            "get": {
                "operationId": f"get_{path[1:]}",
                "summary": summary,
                "tags": ["health"],
                "security": [{}],
                "responses": answers,
            }
        }
    return result
