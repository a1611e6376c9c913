"""The REST door: credentials to actor, input schemas, problem answers, lists, idempotency.

A view is a subclass of :class:`ApiView` with ``get``/``post``/… methods; each reads its input,
calls one service or queryset and answers through :func:`ok`. See house style section 9.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import UnionType
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin
from uuid import UUID

import orjson
import structlog
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, RootModel, ValidationError, create_model
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from . import credentials, ratelimit
from .actors import Actor, AgentActor, Kind, UserActor, actor_key
from .clock import iso
from .errors import Forbidden, Invalid, StaleVersion, TooLarge, Unauthenticated, UnknownMediaType
from .renderers import JsonRenderer
from .schemas import field_errors

log = structlog.get_logger(__name__)
In = TypeVar("In", bound=BaseModel)
MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_LIMIT = 200
ARRAY = "application/vnd.mc.array+json"
_ETAG = re.compile(r'^(?:W/)?"?(\d{1,9})"?$')
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def ok(
    data: Any,
    *,
    status: int = 200,
    version: int | None = None,
    location: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer: ``version`` becomes the ETag, ``location`` names a created row."""
    response = Response(data, status=status)
    if version is not None:
        response["ETag"] = f'"{version}"'
    if location is not None:
        response["Location"] = location
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def done() -> Response:
    """The answer of a delete."""
    return ok({"ok": True})


def operation(
    *,
    tags: Sequence[str],
    summary: str,
    request: Any = None,
    response: Any = None,
    refusals: Sequence[int] = (),
    **extra: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Publish a method in the OpenAPI document; ``list[Shape]`` stands for a page of rows.

    Args:
        refusals: Statuses beyond those that every operation of the method may answer.
    """
    if response is not None:
        published = _published(response)
        extra["responses"] = published if isinstance(published, dict) else {200: published}
    if refusals:
        extra.setdefault("extensions", {})["x-refusals"] = list(refusals)
    return extend_schema(tags=list(tags), summary=summary, request=_published(request), **extra)


def _published(shape: Any) -> Any:
    """A shape as the document names it: pages and alternatives become shapes of their own."""
    if isinstance(shape, dict):
        return {status: _published(one) for status, one in shape.items()}
    if get_origin(shape) is list:
        return _page_of(*get_args(shape))
    return _either(shape) if get_origin(shape) in (Union, UnionType) else shape


@lru_cache(maxsize=64)
def _either(shapes: Any) -> type[BaseModel]:
    """One of several shapes."""
    name = "Or".join(shape.__name__ for shape in get_args(shapes))
    return create_model(name, __base__=RootModel[shapes])


@lru_cache(maxsize=256)
def array_of(shape: type[BaseModel]) -> type[BaseModel]:
    """A bare array of a shape, for the lists that have no envelope."""
    return create_model(f"{shape.__name__}Array", __base__=RootModel[list[shape]])  # type: ignore[valid-type]


@lru_cache(maxsize=256)
def _page_of(shape: type[BaseModel]) -> type[BaseModel]:
    """``{items, total, limit, offset}`` of a shape."""
    fields: dict[str, Any] = {"items": list[shape], "total": int, "limit": int, "offset": int}  # type: ignore[valid-type]
    return create_model(f"{shape.__name__}Page", **fields)


class Pages:
    """``limit`` and ``offset`` of a list request.

    Raises:
        Invalid: outside 1–200 or below 0.
    """

    def __init__(self, query: Mapping[str, str], *, default: int = MAX_LIMIT) -> None:
        self.limit = _bounded(query, "limit", default, 1, MAX_LIMIT)
        self.offset = _bounded(query, "offset", 0, 0, 2**31)

    @property
    def window(self) -> slice:
        """The slice of rows wanted."""
        return slice(self.offset, self.offset + self.limit)


def _bounded(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    raw = query.get(name)
    if raw is None or raw == "":
        return default
    try:
        value = int(raw)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise Invalid(
            _("%(name)s must be a number from %(low)s to %(high)s.")
            % {"name": name, "low": low, "high": high},
            errors=[{"loc": ["query", name], "msg": "out of range", "type": "out_of_range"}],
        )
    return value


def uuid_query(query: Mapping[str, str], name: str) -> UUID | None:
    """An optional id of the query string.

    Raises:
        Invalid: not a UUID.
    """
    raw = query.get(name)
    if not raw:
        return None
    try:
        return UUID(raw)
    except ValueError as error:
        raise Invalid(
            _("%(name)s is not an id.") % {"name": name},
            errors=[{"loc": ["query", name], "msg": "not a UUID", "type": "uuid_parsing"}],
        ) from error


class ApiView(APIView):
    """Base of every REST view.

    Attributes:
        actor_kinds: Credentials admitted; others get 401 (none) or 403 (wrong kind).
        open_door: No credential asked (health, webhook ingest).
        waits_for_gateway: Its POST calls a gateway while the caller waits; an ``Idempotency-Key``
            then holds no transaction open.
    """

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"user"})
    open_door: ClassVar[bool] = False
    waits_for_gateway: ClassVar[bool] = False
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JsonRenderer, BrowsableAPIRenderer)

    _actor: Actor | None = None

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002 - DRF's signature
        """JSON unless a browser asks for the browsable page."""
        if "text/html" in request.META.get("HTTP_ACCEPT", "") and request.method == "GET":
            self.format_kwarg = None
            return super().perform_content_negotiation(request, force)
        return (JsonRenderer(), "application/json")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Resolve the credential; DRF's own permission and throttle steps are not used."""
        renderer: tuple[BaseRenderer, str] = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = renderer
        if int(request.META.get("CONTENT_LENGTH") or 0) > self.max_body_bytes():
            raise TooLarge(_("The body is larger than 2 MiB."))
        if self.is_open(request._request):
            return
        self._actor = resolve(request._request)
        if self._actor.kind not in self.actor_kinds:
            raise Forbidden(_("This address is not open to this kind of account."))

    def is_open(self, request: HttpRequest) -> bool:
        """Whether this request needs no credential."""
        return self.open_door

    def max_body_bytes(self) -> int:
        """Cap of the request body."""
        return MAX_BODY_BYTES

    @property
    def actor(self) -> Actor:
        """Who calls."""
        if self._actor is None:
            raise Unauthenticated
        return self._actor

    @property
    def user(self) -> UserActor:
        """Who calls, where only people are admitted."""
        if not isinstance(self.actor, UserActor):
            raise Forbidden(_("This address is for people."))
        return self.actor

    @property
    def agent(self) -> AgentActor:
        """Who calls, where only agents are admitted."""
        if not isinstance(self.actor, AgentActor):
            raise Forbidden(_("This address is for agents."))
        return self.actor

    def read(self, schema: type[In]) -> In:
        """Parse the JSON body; an empty body is an empty object.

        Raises:
            Invalid: not an object, unknown field, wrong type or value.
        """
        raw = self.request._request.body
        if len(raw) > self.max_body_bytes():
            raise TooLarge(_("The body is larger than 2 MiB."))
        try:
            return parse(schema, raw)
        except Invalid as error:
            if error.machine_code == "malformed_json" and not self._claims_json():
                raise UnknownMediaType(_("Send the body as application/json.")) from error
            raise

    def _claims_json(self) -> bool:
        """Whether the body is said to be JSON; without a word it is taken for JSON."""
        kind = self.request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        return not kind or kind.endswith(("/json", "+json"))

    def query(self, schema: type[In]) -> In:
        """Parse the query string by a schema."""
        try:
            return schema.model_validate(self.request.GET.dict())
        except ValidationError as error:
            raise Invalid(
                _("The query does not fit."), errors=field_errors(error, "query")
            ) from error

    def expected_version(self) -> int | None:
        """Row version of ``If-Match``; ``*`` and absence mean "any".

        Raises:
            StaleVersion: a tag that cannot be one of ours.
        """
        raw = self.request.META.get("HTTP_IF_MATCH", "").strip()
        if raw in ("", "*"):
            return None
        match = _ETAG.match(raw)
        if match is None:
            raise StaleVersion(_("If-Match names an unknown version."))
        return int(match.group(1))

    def listing(
        self,
        rows: models.QuerySet[Any],
        shape: Callable[[Any], dict[str, Any]],
        *,
        default: int = MAX_LIMIT,
        total: int | None = None,
        before: Callable[[list[Any]], None] | None = None,
    ) -> Response:
        """One page of ``rows`` as ``{items, total, limit, offset}``, or a bare array on request.

        Args:
            before: Is given the rows of the page, to read at once what their shapes need.
        """
        pages = Pages(self.request.GET, default=default)
        found = list(rows[pages.window])
        if before is not None:
            before(found)
        items = [shape(row) for row in found]
        if total is None:
            short = len(items) < pages.limit and (items or pages.offset == 0)
            total = pages.offset + len(items) if short else rows.count()
        if ARRAY in self.request.META.get("HTTP_ACCEPT", ""):
            return ok(items, headers={"X-Total-Count": str(total)})
        return ok({"items": items, "total": total, "limit": pages.limit, "offset": pages.offset})

    def is_v1(self) -> bool:
        """Whether the call came through ``/api/v1`` (the two mounts differ in two defaults)."""
        return self.request.path.startswith("/api/v1/")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Run the handler; with an ``Idempotency-Key`` once, and a repeat gets its answer."""
        key = request.META.get("HTTP_IDEMPOTENCY_KEY", "")
        if request.method != "POST" or not key or self.is_open(request):
            return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]  # DRF's Response is one
        return self._dispatch_once(request, key, *args, **kwargs)

    def _dispatch_once(
        self, request: HttpRequest, request_key: str, /, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Positional-only: an address may have a variable called ``key`` as well."""
        from . import idempotency

        run = idempotency.run_apart if self.waits_for_gateway else idempotency.run
        return run(
            request,
            request_key,
            lambda: super(ApiView, self).dispatch(request, *args, **kwargs),
        )


def parse(schema: type[In], raw: bytes) -> In:
    """JSON bytes to a schema; an empty body is an empty object.

    Raises:
        Invalid: malformed JSON, no object, or a field that does not fit.
    """
    try:
        data = orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Invalid(_("The body is not valid JSON."), code="malformed_json") from error
    if not isinstance(data, dict):
        raise Invalid(_("The body must be a JSON object."), code="malformed_json")
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise Invalid(_("The input does not fit."), errors=field_errors(error)) from error


def organization_header(request: HttpRequest) -> UUID | None:
    """``X-Organization-Id`` of a request.

    Raises:
        Invalid: not a UUID.
    """
    raw = request.META.get("HTTP_X_ORGANIZATION_ID", "")
    if not raw:
        return None
    try:
        return UUID(raw)
    except ValueError as error:
        raise Invalid(_("X-Organization-Id is not an id.")) from error


def resolve(request: HttpRequest) -> Actor:
    """Credential of a request to an actor: agent header, bearer, then session with CSRF check.

    Raises:
        Unauthenticated: none, or one that proves nothing.
        RateLimited: too many failures from this address.
    """
    agent_token = request.META.get("HTTP_X_AGENT_TOKEN")
    if agent_token is not None:
        return _agent(request, agent_token.strip())
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header:
        return _bearer(request, header)
    return _session(request)


def _agent(request: HttpRequest, token: str) -> Actor:
    actor = credentials.from_agent_token(token) if token else None
    if actor is None:
        ratelimit.hit_failure("agent", request)
        log.info("auth.agent_refused", path=request.path, token=token[:6])
        raise Unauthenticated(_("Unauthorized"))
    ratelimit.hit_agent(actor.id)
    return actor


def _bearer(request: HttpRequest, header: str) -> Actor:
    scheme, _space, token = header.partition(" ")
    actor = None
    if scheme.lower() == "bearer" and token.strip():
        actor = credentials.from_bearer(token.strip(), organization_header(request))
    if actor is None:
        ratelimit.hit_failure("bearer", request)
        raise Unauthenticated(_("Unauthorized"))
    if isinstance(actor, AgentActor):
        ratelimit.hit_agent(actor.id)
    return actor


def _session(request: HttpRequest) -> Actor:
    from .pages import session_actor

    actor = session_actor(request)
    if actor is None:
        raise Unauthenticated(_("Sign in, or send a bearer token."))
    if request.method in _UNSAFE:
        _require_csrf(request)
    return actor


def _require_csrf(request: HttpRequest) -> None:
    from rest_framework.authentication import CSRFCheck

    check = CSRFCheck(lambda _request: HttpResponse())
    check.process_request(request)
    reason = check.process_view(request, lambda *_args: HttpResponse(), (), {})
    if reason:
        raise Forbidden(
            _("The form's security token is missing or old. Reload the page."), code="csrf"
        )


def key_of(actor: Actor) -> str:
    """Key of an actor for per-actor tables."""
    return actor_key(actor)


def body_digest(raw: bytes) -> str:
    """SHA-256 of a request body."""
    return hashlib.sha256(raw).hexdigest()


def times(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, str | None]:
    """The named time fields as RFC 3339 text."""
    return {name: iso(row[name]) for name in names}
