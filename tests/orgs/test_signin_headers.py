"""Security headers and the content policy on every page; which other sites may call the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Browser

from missioncontrol.settings import env
from orgs.models import User
from tests.world import World

pytestmark = pytest.mark.django_db
APP = "https://app.example"


@pytest.fixture
def others(settings: Any) -> Iterator[None]:
    """One other site is admitted."""
    settings.CORS_ORIGINS = frozenset({APP})
    settings.CSRF_TRUSTED_ORIGINS = [APP]
    return None


@pytest.fixture
def root(world: World) -> Browser:
    """A super admin's browser."""
    User.objects.filter(pk=world.ann.pk).update(is_super_admin=True)
    browser = Browser(raise_request_exception=False)
    browser.force_login(User.objects.get(pk=world.ann.pk))
    return browser


PAGES = (
    "/sign-in", "/dashboard", "/boards", "/settings", "/settings/security", "/organization",
    "/admin/", "/admin/orgs/user/", "/admin/nothing/", "/docs", "/django-rq/", "/nothing",
    "/api/v1/users/me", "/boards/00000000-0000-0000-0000-000000000000",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_its_headers(root: Browser, path: str) -> None:
    browser = Browser() if path == "/sign-in" else root
    answer = browser.get(path, headers={"accept": "text/html"}, follow=False)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "Permissions-Policy" not in answer
    assert len(answer["X-Request-Id"]) == 32
    if "html" not in answer.get("Content-Type", ""):
        return
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["object-src"] == policy["base-uri"] == "'none'"
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "'unsafe-eval'" not in policy["script-src"] or path.startswith(
        ("/admin/", "/django-rq/")
    )
    is_ours = not path.startswith(("/admin/", "/docs", "/django-rq/", "/api/"))
    if is_ours or answer.status_code >= 400:
        assert policy["style-src"] == policy["script-src"] == "'self'"


def test_a_page_of_ours_below_a_foreign_address_is_strict(world: World) -> None:
    browser = Browser()
    browser.force_login(world.eve)
    answer = browser.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "script-src 'self';" in answer["Content-Security-Policy"]


def test_the_api_explorer_has_no_inline_script(db: None) -> None:
    page = Browser().get("/docs").content.decode()
    assert "<script>" not in page
    source = page.rpartition('<script src="')[2].partition('"')[0].replace("&amp;", "&")
    script = Browser().get(source)
    assert script["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle" in script.content.decode()


def test_headers_are_settings(settings: Any, db: None) -> None:
    settings.SECURITY_HEADERS = {"Permissions-Policy": "camera=()"}
    answer = Browser().get("/sign-in")
    assert answer["Permissions-Policy"] == "camera=()"
    assert "X-Frame-Options" not in answer


def test_blank_settings_leave_a_header_out(tmp_path: Any) -> None:
    found = env.load(
        _env_file=None,
        data_dir=tmp_path,
        security_header_x_frame_options=" ",
        security_header_permissions_policy="camera=()",
    )
    assert set(found.security_headers) == {
        "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("secure", "seconds", "sent"), [(True, 60, True), (False, 60, False), (True, 0, False)]
)
def test_https_only_where_there_is_https(
    settings: Any, db: None, secure: bool, seconds: int, sent: bool
) -> None:
    settings.SECURITY_HSTS_SECONDS = seconds
    answer = Browser().get("/sign-in", secure=secure)
    assert ("Strict-Transport-Security" in answer) is sent
    assert bool(answer.cookies["csrftoken"]["secure"]) is secure


def test_an_admitted_site_may_read_and_ask_first(others: None, world: World) -> None:
    browser = Browser()
    asked = browser.options(
        "/api/v1/boards",
        headers={"origin": APP, "access-control-request-method": "PATCH"},
    )
    assert asked.status_code == 204
    assert asked["Access-Control-Allow-Origin"] == APP
    assert asked["Access-Control-Allow-Credentials"] == "true"
    assert "PATCH" in asked["Access-Control-Allow-Methods"]
    assert "X-CSRFToken" in asked["Access-Control-Allow-Headers"]

    browser.force_login(world.ann)
    answer = browser.get("/api/v1/users/me", headers={"origin": APP})
    assert answer["Access-Control-Allow-Origin"] == APP
    assert answer["Access-Control-Expose-Headers"] == (
        "X-Total-Count, X-Limit, X-Offset, X-Request-Id"
    )
    assert "Origin" in answer["Vary"]
    refused = Browser().get("/api/v1/users/me", headers={"origin": APP})
    assert refused.status_code == 401
    assert refused["Access-Control-Allow-Origin"] == APP


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://app.example.evil.example",
        "http://app.example",
        "*",
        "",
    ],
)
def test_other_sites_may_not(others: None, world: World, origin: str) -> None:
    browser = Browser()
    browser.force_login(world.ann)
    asked = browser.options(
        "/api/v1/boards", headers={"origin": origin, "access-control-request-method": "POST"}
    )
    answer = browser.get("/api/v1/users/me", headers={"origin": origin})
    for one in (asked, answer):
        assert not [name for name in one.headers if name.startswith("Access-Control")]
    assert "Origin" in answer["Vary"]


def test_without_other_sites_nothing_is_said(world: World) -> None:
    browser = Browser()
    browser.force_login(world.ann)
    answer = browser.get("/api/v1/users/me", headers={"origin": APP})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_pages_are_never_shared(others: None, world: World) -> None:
    answer = Browser().get("/sign-in", headers={"origin": APP})
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.scenario("CORE-6")
def test_an_admitted_site_still_needs_the_forms_token(others: None, world: World) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(world.ann)
    sent = {"path": "/api/v1/boards", "data": {"name": "n"}, "content_type": "application/json"}
    assert browser.post(**sent, headers={"origin": APP}).status_code == 403
    browser.get("/settings")
    token = browser.cookies["csrftoken"].value
    headers = {"origin": APP, "x-csrftoken": token}
    assert browser.post(**sent, headers=headers).status_code == 200
    evil = {"origin": "https://evil.example", "x-csrftoken": token}
    assert browser.post(**sent, headers=evil).status_code == 403


@pytest.mark.parametrize(
    "value", ["*", "https://*.example", "app.example", "https://a.example/x", "https://u@a.example"]
)
def test_origins_are_exact(tmp_path: Any, value: str) -> None:
    with pytest.raises(env.ConfigurationError, match="CORS_ORIGINS"):
        env.load(_env_file=None, data_dir=tmp_path, cors_origins=value)
    good = env.load(
        _env_file=None, data_dir=tmp_path, cors_origins="https://A.example/, http://b:3"
    )
    assert good.origins == ("https://a.example", "http://b:3")
