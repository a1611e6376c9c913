"""Signing in and out: token, password, one-time link, second factor, other services."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from missioncontrol.kernel import ratelimit
from missioncontrol.kernel.errors import DomainError, Unauthenticated
from missioncontrol.kernel.pages import session_actor
from missioncontrol.kernel.ratelimit import client_ip
from orgs import sessions
from orgs.models import User
from orgs.pages.forms import CodeForm, PasswordSignInForm, TokenSignInForm
from orgs.services import passkeys
from orgs.services import sign_in as proof
from orgs.signin import clerk, oidc

YEAR = 365 * 86_400
LANGUAGES = (("en", "English"), ("zh-hans", "中文"))
#: Sign-ins at other services that this browser has begun: state, what is needed, when.
BEGUN = "begun_sign_ins"
MOST_BEGUN = 5
BEGUN_SECONDS = 600


def safe_next(request: HttpRequest, default: str = "/dashboard") -> str:
    """Where the person wanted to go; never to another site."""
    return _own_address(request, request.POST.get("next") or request.GET.get("next") or "", default)


def _own_address(request: HttpRequest, target: str, default: str = "/dashboard") -> str:
    own = {request.get_host()}
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=own):
        return target
    return default


def speaking(language: str, response: HttpResponse) -> HttpResponse:
    """Let the browser ask for a language from now on; none lets it decide itself."""
    if language:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax")
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return response


# --- token, password, link --------------------------------------------------------------------


@sensitive_post_parameters("token", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in by token or password; the mode is a setting and several may be on."""
    if session_actor(request) is not None:
        return HttpResponseRedirect(safe_next(request))
    mode = request.POST.get("mode", "")
    token_form = TokenSignInForm(request.POST if mode == "local" else None)
    password_form = PasswordSignInForm(request.POST if mode == "password" else None)
    form: TokenSignInForm | PasswordSignInForm = token_form if mode == "local" else password_form
    fault = ""
    if request.method == "POST" and form.is_valid():
        try:
            user = _proved(request, mode, form.cleaned_data)
        except DomainError as refusal:
            fault = str(refusal.detail)
        else:
            way = "token" if mode == "local" else "password"
            return _enter(request, user, way=way, target=safe_next(request))
    return _sign_in_page(request, fault=fault, token_form=token_form, password_form=password_form)


def _proved(request: HttpRequest, mode: str, given: dict[str, str]) -> User:
    address = client_ip(request)
    if mode == "local":
        return proof.sign_in_with_token(given["token"], address=address)
    return proof.sign_in_with_password(given["username"], given["password"], address=address)


def _enter(
    request: HttpRequest, user: User, *, way: str, target: str, is_complete: bool = False
) -> HttpResponse:
    """Open the session and go on, or ask for the code of the second factor first."""
    if not sessions.open_session(request, user, way=way, is_complete=is_complete, target=target):
        return HttpResponseRedirect("/sign-in/code")
    response = HttpResponseRedirect(first_stop(user, target))
    return speaking(user.language, response) if user.language else response


def first_stop(user: User, target: str) -> str:
    """Where somebody goes after signing in: who has no name yet is asked for it first."""
    return target if user.name else f"/onboarding?next={quote(target)}"


def _sign_in_page(
    request: HttpRequest,
    *,
    fault: str = "",
    token_form: TokenSignInForm | None = None,
    password_form: PasswordSignInForm | None = None,
) -> HttpResponse:
    wanted = request.GET.get("language", "")
    if wanted in dict(LANGUAGES):
        translation.activate(wanted)
    forms = (token_form or TokenSignInForm(), password_form or PasswordSignInForm())
    modes = settings.AUTH_MODES
    context = {
        "modes": modes,
        "token_form": forms[0],
        "password_form": forms[1],
        "next": safe_next(request, ""),
        "languages": LANGUAGES,
        "provider": settings.OIDC_NAME,
        "has_passkeys": bool({"local", "password"} & set(modes))
        and passkeys.site_at(request.get_host()) is not None,
        "fault": fault,
    }
    refused = any(form.is_bound and form.errors for form in forms)
    status = 401 if fault else 422 if refused else 200
    response = render(request, "orgs/sign_in.html", context, status=status)
    return speaking(wanted, response) if wanted in dict(LANGUAGES) else response


@require_GET  # not HEAD: looking at the link must not use it up
def sign_in_link(request: HttpRequest, code: str) -> HttpResponse:
    """The one-time link that is printed at start."""
    try:
        user = proof.sign_in_with_link(code, address=client_ip(request))
    except DomainError as refusal:
        return _sign_in_page(request, fault=str(refusal.detail))
    return _enter(request, user, way="link", target="/dashboard")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session; with ``next`` somebody else signs in and goes on there."""
    who = session_actor(request)
    if who is not None:
        proof.record_sign_out(who)
    sessions.end_session(request)
    target = safe_next(request, "")
    return HttpResponseRedirect(f"/sign-in?next={quote(target)}" if target else "/sign-in")


# --- second factor ----------------------------------------------------------------------------


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The code of the generator, or a recovery code, after password or token."""
    waiting = sessions.pending(request)
    if waiting is None:
        return HttpResponseRedirect("/sign-in")
    form = CodeForm(request.POST if request.method == "POST" else None)
    fault = ""
    if request.method == "POST" and form.is_valid():
        try:
            user = proof.sign_in_with_code(
                waiting.user,
                form.cleaned_data["code"],
                way=waiting.way,
                address=client_ip(request),
            )
        except DomainError as refusal:
            fault = str(refusal.detail)
        else:
            way, target = f"{waiting.way}+code", _own_address(request, waiting.target)
            return _enter(request, user, way=way, target=target, is_complete=True)
    status = 401 if fault else 422 if form.is_bound and form.errors else 200
    context = {"form": form, "fault": fault, "name": waiting.user.display_name}
    return render(request, "orgs/sign_in_code.html", context, status=status)


# --- other services ---------------------------------------------------------------------------


def _remember(request: HttpRequest, state: str, facts: dict[str, Any]) -> None:
    """Keep what a sign-in elsewhere needs when it comes back; the newest five count."""
    begun = request.session.get(BEGUN)
    kept = dict(begun) if isinstance(begun, dict) else {}
    kept[state] = {**facts, "at": time.time()}
    newest = sorted(kept.items(), key=lambda pair: pair[1]["at"])[-MOST_BEGUN:]
    request.session[BEGUN] = dict(newest)


def _recall(request: HttpRequest, state: str, *, keeps: bool = False) -> dict[str, Any]:
    """What was kept for a state.

    Raises:
        Unauthenticated: nothing, or too long ago: this browser began no such sign-in.
    """
    kept: dict[str, Any] = request.session.get(BEGUN) or {}
    facts = kept.get(state)
    if facts is None or time.time() - facts["at"] > BEGUN_SECONDS:
        raise Unauthenticated(
            _("This sign-in was begun in another browser or too long ago. Start again.")
        )
    if not keeps:
        request.session[BEGUN] = {name: value for name, value in kept.items() if name != state}
    return dict(facts)


def _require_mode(mode: str) -> None:
    if mode not in settings.AUTH_MODES:
        raise Unauthenticated(_("This way of signing in is switched off."))


def _oidc_return() -> str:
    return f"{settings.BASE_URL}/sign-in/oidc/return"


@require_GET
def oidc_start(request: HttpRequest) -> HttpResponse:
    """Go to the OpenID Connect provider."""
    try:
        _require_mode("oidc")
        ratelimit.hit(ratelimit.PROBES, f"oidc:{client_ip(request)}")
        address, pending = oidc.begin(_oidc_return())
    except DomainError as refusal:
        return _sign_in_page(request, fault=str(refusal.detail))
    _remember(request, pending.state, {**asdict(pending), "target": safe_next(request)})
    return HttpResponseRedirect(address)


@require_GET
def oidc_return(request: HttpRequest) -> HttpResponse:
    """Back from the provider, with a code or a refusal."""
    given = request.GET
    try:
        _require_mode("oidc")
        facts = _recall(request, given.get("state", ""))
        if "error" in given or not given.get("code"):
            raise Unauthenticated(_("The sign-in service did not let you in."))
        pending = oidc.Pending(facts["state"], facts["nonce"], facts["verifier"])
        person = oidc.finish(
            pending, code=given["code"], issuer=given.get("iss", ""), back=_oidc_return()
        )
        user = proof.sign_in_from_elsewhere(person, way="oidc", address=client_ip(request))
    except DomainError as refusal:
        return _sign_in_page(request, fault=str(refusal.detail))
    target = _own_address(request, facts["target"])
    return _enter(request, user, way="oidc", target=target, is_complete=True)


def _clerk_return(state: str) -> str:
    return f"{settings.BASE_URL}/sign-in/clerk/return?{urlencode({'state': state})}"


@require_GET
def clerk_start(request: HttpRequest) -> HttpResponse:
    """Go to Clerk's hosted sign-in page."""
    try:
        _require_mode("clerk")
        ratelimit.hit(ratelimit.PROBES, f"clerk:{client_ip(request)}")
        if not clerk.sign_in_page():
            raise Unauthenticated(
                _("The address of Clerk's sign-in page is not set. Ask an administrator.")
            )
    except DomainError as refusal:
        return _sign_in_page(request, fault=str(refusal.detail))
    state = secrets.token_urlsafe(32)
    _remember(request, state, {"target": safe_next(request), "tries": 0})
    return HttpResponseRedirect(clerk.sign_in_address(_clerk_return(state)))


@require_GET
def clerk_return(request: HttpRequest) -> HttpResponse:
    """Back from Clerk: first without a session, which the handshake then brings."""
    state = request.GET.get("state", "")
    handshake = request.GET.get(clerk.HANDSHAKE) or request.COOKIES.get(clerk.HANDSHAKE, "")
    try:
        _require_mode("clerk")
        facts = _recall(request, state, keeps=True)
        token = clerk.session_in(handshake) if handshake else ""
        if not token and facts["tries"] < 1:
            _remember(request, state, {**facts, "tries": facts["tries"] + 1})
            browser = request.GET.get(clerk.DEV_BROWSER, "")
            address = clerk.handshake_address(_clerk_return(state), dev_browser=browser)
            return HttpResponseRedirect(address)
        _recall(request, state)
        claims = clerk.claims_of(token) if token else None
        if claims is None:
            raise Unauthenticated(_("Clerk did not confirm who you are. Start again."))
        person = clerk.completed(clerk.person(claims))
        user = proof.sign_in_from_elsewhere(person, way="clerk", address=client_ip(request))
    except DomainError as refusal:
        return _sign_in_page(request, fault=str(refusal.detail))
    target = _own_address(request, facts["target"])
    return _enter(request, user, way="clerk", target=target, is_complete=True)
