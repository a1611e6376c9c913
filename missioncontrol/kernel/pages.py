"""The page door: session to actor, refusals as pages or toasts, one way to list, shell context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.db import InterfaceError, OperationalError, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from . import credentials, submissions
from .actors import UserActor
from .context import request_id
from .errors import BadRequest, DomainError, Forbidden, NotFound, Unauthenticated

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
Submit = Callable[[HttpRequest, UserActor, Callable[[], HttpResponse]], HttpResponse]
ACTIVE_ORGANIZATION = "organization_id"
_MISSING = object()
_shell: list[Callable[[HttpRequest, UserActor], Mapping[str, Any]]] = []


def session_actor(request: HttpRequest) -> UserActor | None:
    """Actor of the browser session, resolved once per request; ``None`` when signed out.

    From here on the request is answered in the language that he chose.
    """
    cached = getattr(request, "_mc_actor", _MISSING)
    if cached is not _MISSING:
        return cast("UserActor | None", cached)
    actor = None
    session = getattr(request, "session", None)
    raw = session.get(SESSION_KEY) if session is not None else None
    if raw and session is not None:
        chosen = session.get(ACTIVE_ORGANIZATION)
        header = request.META.get("HTTP_X_ORGANIZATION_ID") or chosen
        actor = credentials.from_session(
            UUID(raw), _uuid(header), session.get(HASH_SESSION_KEY, "")
        )
    request._mc_actor = actor  # type: ignore[attr-defined]  # per-request cache
    if actor is not None:
        speak(request, actor.language)
    return actor


def speak(request: HttpRequest, language: str) -> None:
    """Answer this request in that language; none leaves the choice to cookie and browser."""
    if language:
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()


def clock_of(who: UserActor) -> tzinfo:
    """Time zone that the person chose; UTC without one, and for a name that is known no more."""
    try:
        return ZoneInfo(who.time_zone) if who.time_zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def language_tag() -> str:
    """Active language as HTML names it: ``en``, ``zh-Hans``."""
    return translation.to_locale(translation.get_language() or "en").replace("_", "-")


def _uuid(raw: str | None) -> UUID | None:
    try:
        return UUID(raw) if raw else None
    except ValueError:
        return None


def actor(request: HttpRequest) -> UserActor:
    """Actor of a signed-in page request.

    Raises:
        Unauthenticated: signed out.
    """
    found = session_actor(request)
    if found is None:
        raise Unauthenticated(_("Sign in to go on."))
    return found


def home_of(who: UserActor) -> UUID:
    """Active organization of a person, which lists and creations mean.

    Raises:
        Forbidden: he belongs to none.
    """
    if who.organization_id is None:
        raise Forbidden(_("You belong to no organization yet. Ask for an invitation."))
    return who.organization_id


def page(view: View[P]) -> View[P]:
    """A page for signed-in people: others go to the sign-in page and come back.

    Times on it, and times typed into it, are those of the person's own clock.
    """
    return _for_people(view, submissions.once)


def waiting_page(view: View[P]) -> View[P]:
    """A page whose form calls a gateway while the person waits."""
    return _for_people(view, submissions.once_apart)


def trial(view: View[P]) -> View[P]:
    """A page that a form asks before it is submitted: sent again, it answers anew."""
    return _for_people(view, lambda _request, _who, handle: handle())


def _for_people(view: View[P], submit: Submit) -> View[P]:
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        who = session_actor(request)
        if who is None:
            return _to_sign_in(request)
        with timezone.override(clock_of(who)):
            response = submit(request, who, lambda: view(request, *args, **kwargs))
        patch_vary_headers(response, ["HX-Request"])
        return response

    return cast("View[P]", wraps(view)(guarded))


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    target = f"/sign-in?next={quote(request.get_full_path())}"
    if is_htmx(request):
        response = HttpResponse(status=401)
        response["HX-Redirect"] = target
        return response
    return HttpResponseRedirect(target)


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment."""
    return request.META.get("HTTP_HX_REQUEST") == "true"


def render_error(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A refusal as a whole page, or as a toast for htmx."""
    if isinstance(error, Unauthenticated):
        return _to_sign_in(request)
    context = {"error": error, "status": error.status, "request_id": request_id()}
    if is_htmx(request):
        response = render(request, "kernel/_toast.html", context, status=error.status)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "beforeend"
        response["HX-Trigger"] = "mc:refused"
        return response
    return render(request, "kernel/error.html", context, status=error.status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """An address that nobody answers."""
    return refused(request, NotFound())


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request that no view gets to see, such as one for another host."""
    return refused(request, BadRequest())


def no_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its security token."""
    text = _("The form's security token is missing or old. Reload the page.")
    return refused(request, Forbidden(text, code="csrf"))


def failed(request: HttpRequest) -> HttpResponse:
    """A bug: says nothing but the request's id."""
    return refused(request, DomainError("Internal Server Error", code="internal_error"))


def refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A refusal in the form that the address's readers expect."""
    if request.path.startswith("/api/"):
        from .problems import problem_response

        return problem_response(error, request)
    return render_error(request, error)


def page_number(request: HttpRequest) -> int:
    """``?page=`` of a list; what is no page is the first."""
    raw = request.GET.get("page", "1")
    return max(1, int(raw)) if raw.isdecimal() and len(raw) < 7 else 1


def listing(
    request: HttpRequest,
    rows: models.QuerySet[Any],
    template: str,
    *,
    fragment: str | None = None,
    context: Mapping[str, Any] | None = None,
    size: int = 50,
) -> HttpResponse:
    """One page of rows (``?page=``): the whole page, or only ``fragment`` for htmx."""
    values = {**(context or {}), **page_of(request, rows, size)}
    chosen = fragment if fragment and is_htmx(request) else template
    return render(request, chosen, values)


def page_of(request: HttpRequest, rows: models.QuerySet[Any], size: int) -> dict[str, Any]:
    """``items``, ``number``, ``has_next``, ``has_previous`` of the page that is asked for.

    One row more than shown is read, so no count is needed.
    """
    number = page_number(request)
    start = (number - 1) * size
    found = list(rows[start : start + size + 1])
    return {
        "items": found[:size],
        "number": number,
        "has_next": len(found) > size,
        "has_previous": number > 1,
    }


def register_shell(provider: Callable[[HttpRequest, UserActor], Mapping[str, Any]]) -> None:
    """Let an app add values to the shell (``ui`` in templates)."""
    if provider not in _shell:
        _shell.append(provider)


def ui(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``ui`` with what the shell shows; filled by the registered apps."""
    if is_htmx(request) or request.path.startswith(("/admin/", "/api/")):
        return {"ui": _Defaults()}
    try:
        found = session_actor(request)
    except (OperationalError, InterfaceError):  # the page that says so has to be drawn
        request._mc_actor = found = None  # type: ignore[attr-defined]  # per-request cache
    values = _Defaults(lang=language_tag())
    if found is not None:
        values["actor"] = found
        for provider in _shell:
            values.update(provider(request, found))
    return {"ui": values}


class _Defaults(dict[str, Any]):
    """Shell values of a stranger: system theme, compact, no organization."""

    def __init__(self, lang: str = "en") -> None:
        super().__init__(
            theme="system",
            contrast="",
            density="compact",
            organizations=[],
            pending_approvals=0,
            lang=lang,
        )
