"""The published document: stable names of operations, credentials, refusals and query parameters.

What every operation has in common (credentials, refusals, headers) is written here once, so that
a view says only what is its own. Query parameters follow from what the handler reads.
"""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from drf_spectacular.openapi import AutoSchema

from .openapi_parameters import Reading, reading_of
from .schemas import Acknowledged

_PREFIX = re.compile(r"^/?api/(v1/)?")
_PARAMETER = re.compile(r"\{(\w+)\}")
PROBLEM = {"$ref": "#/components/schemas/Problem"}
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Extension by which an operation names refusals that others do not have.
REFUSALS = "x-refusals"
#: Tags of operations that may ask a gateway before they answer.
REMOTE_TAGS = frozenset({"agents", "gateways", "executions", "agent-lead", "agent-main", "skills"})
REASONS = {
    400: "An address that may not be called",
    401: "No credential, or one that proves nothing",
    403: "Seen, but not allowed",
    404: "Absent, or not visible to the caller",
    409: "The present state forbids it; `code` says what would help",
    410: "Switched off",
    412: "Changed since the version that `If-Match` names",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "The input does not fit; `errors` lists the fields",
    429: "Too many requests; wait `Retry-After` seconds",
    502: "A gateway or another remote answered with a failure",
    503: "The database or a gateway does not answer now; try again",
}


class Schema(AutoSchema):
    """Operation ids from method and path: ``get_boards``, ``patch_tasks_by_task_ref``."""

    def get_operation_id(self) -> str:
        """Method, then the path's words; a parameter becomes ``by_<name>``."""
        path = _PARAMETER.sub(r"by_\1", _PREFIX.sub("", self.path))
        words = re.sub(r"\W+", "_", path).strip("_")
        return f"{self.method.lower()}_{words}"

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """The operation with what all of them have in common."""
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        reading = reading_of(getattr(self.view, self.method.lower()))
        self._parameters(operation, reading)
        self._responses(operation, reading)
        security = self._security()
        if security is not None:
            operation["security"] = security
        return operation

    def get_response_serializers(self) -> Any:
        """What an operation that names no shape answers: ``{"ok": true}`` if it is done."""
        reading = reading_of(getattr(self.view, self.method.lower()))
        is_done = reading.answers_done or self.method == "DELETE"
        return {200: Acknowledged if is_done else None}

    def _is_open(self) -> bool:
        """Whether this method asks for no credential."""
        if self.path.endswith("/stream"):
            return False  # a stream asks for the credential itself
        asked = getattr(self.view, "is_open", None)
        request = HttpRequest()
        request.method = self.method
        return bool(asked(request)) if asked else False

    def _kinds(self) -> frozenset[str]:
        return frozenset(getattr(self.view, "actor_kinds", ("user",)))

    def _security(self) -> list[dict[str, list[str]]] | None:
        if self._is_open():
            return [{}]
        named: list[dict[str, list[str]]] = []
        if "user" in self._kinds():
            named += [{"operator": []}, {"session": []}]
        if "agent" in self._kinds():
            named.append({"agent": []})
        return named or None

    def _parameters(self, operation: dict[str, Any], reading: Reading) -> None:
        """Query parameters that the handler reads, and the headers that fit the method."""
        written = operation.get("parameters", [])
        known = {(one["in"], one["name"]) for one in written}
        found = [
            {"in": "query", "name": name, "schema": schema}
            for name, schema in reading.query.items()
        ]
        if self.method == "POST" and not self._is_open():
            schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 128}
            found.append({"in": "header", "name": "Idempotency-Key", "schema": schema})
        if reading.expects_version:
            version = {"type": "string", "pattern": r'^("[0-9]{1,9}"|\*)$'}
            found.append({"in": "header", "name": "If-Match", "schema": version})
        written += [one for one in found if (one["in"], one["name"]) not in known]
        if written:
            operation["parameters"] = written

    def _responses(self, operation: dict[str, Any], reading: Reading) -> None:
        responses = operation["responses"]
        for status in sorted(self._statuses(operation, reading)):
            responses.setdefault(str(status), {"$ref": f"#/components/responses/{status}"})

    def _statuses(self, operation: dict[str, Any], reading: Reading) -> set[int]:
        statuses = {403, 404, 422, 429, 503, *operation.pop(REFUSALS, ())}
        if not self._is_open():
            statuses.add(401)
        if self.method in UNSAFE:
            statuses.add(409)
        if self.method in UNSAFE - {"DELETE"}:
            statuses |= {413, 415}
        if reading.expects_version:
            statuses.add(412)
        if REMOTE_TAGS & set(operation.get("tags", ())):
            statuses |= {409, 502}  # an agent without a gateway; a gateway that fails
        return statuses


def canonical(endpoints: list[Any]) -> list[Any]:
    """Publish ``/api/v1`` alone; ``/api`` has the same operations (core specification 24.2)."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def complete(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Add the shapes and credentials that every operation refers to."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = problem_shape()
    components["responses"] = {
        str(status): {
            "description": reason,
            "content": {"application/problem+json": {"schema": PROBLEM}},
        }
        for status, reason in REASONS.items()
    }
    components["securitySchemes"] = {
        "operator": {
            "type": "http",
            "scheme": "bearer",
            "description": "The installation's own token, or a personal token of a person.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of the pages; changes need the CSRF header too.",
        },
        "agent": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Agent-Token",
            "description": "The token of an agent; `Authorization: Bearer` is read as well.",
        },
    }
    return result


def problem_shape() -> dict[str, Any]:
    """JSON schema of a refusal (RFC 9457)."""
    text = {"type": "string"}
    place = {"type": "array", "items": {"anyOf": [text, {"type": "integer"}]}}
    entry = {
        "type": "object",
        "properties": {"loc": place, "msg": text, "type": text},
        "required": ["loc", "msg", "type"],
    }
    return {
        "type": "object",
        "description": "A refusal. `detail` is for people, `code` for programs.",
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "message": {"type": "string", "description": "The same as `detail`."},
            "code": text,
            "request_id": text,
            "errors": {"type": "array", "items": entry},
            "retryable": {"type": "boolean", "description": "Answers to agents only."},
            "retry_after": {"type": "integer"},
        },
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "additionalProperties": True,
    }
