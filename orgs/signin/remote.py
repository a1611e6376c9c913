"""JSON from the identity services that the settings name, through the guarded client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
import orjson
from django.utils.translation import gettext as _

from missioncontrol.kernel import outbound
from missioncontrol.kernel.errors import RemoteFailed

MAX_BYTES = 1024 * 1024
TIMEOUT_SECONDS = 5.0


class Answer(NamedTuple):
    """Status and decoded body; a body that is no JSON is ``None``."""

    status: int
    body: Any


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """Ask an identity service; redirects are not followed.

    Raises:
        Invalid: ``outbound_blocked``, the address is one that nothing may connect to.
        RemoteFailed: no connection, or more than 1 MiB.
    """
    try:
        with (
            outbound.client("identity", timeout_seconds=timeout_seconds) as http,
            http.stream(method, url, headers=dict(headers or {}), data=form) as response,
        ):
            raw = bytearray()
            for chunk in response.iter_bytes():
                raw += chunk
                if len(raw) > MAX_BYTES:
                    raise RemoteFailed(_("The sign-in service sent too much."))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RemoteFailed(_("The sign-in service does not answer.")) from error
    return Answer(response.status_code, _decoded(bytes(raw)))


def fetch_object(url: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A JSON object that the service has to give.

    Raises:
        RemoteFailed: another status than 200, or no object.
    """
    answer = fetch("GET", url, headers=headers)
    if answer.status != 200 or not isinstance(answer.body, dict):
        raise RemoteFailed(_("The sign-in service answered %(s)s.") % {"s": answer.status})
    return answer.body


def _decoded(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
