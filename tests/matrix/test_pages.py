"""Who may open and send what: every page, and what stands beside the pages, times every browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, resolve

from missioncontrol.urls import urlpatterns
from tests import factories
from tests.matrix.browsers import Browser, Browsers, Plain, browsers, is_through
from tests.matrix.calls import address, leaks, undone, writes
from tests.matrix.page_rows import rows
from tests.matrix.table import Row, names

__all__ = ["browsers"]
pytestmark = pytest.mark.django_db
ADMIN = ("admin/", "django-rq/")
#: Where the admin site and the pages of queues send somebody whom they do not let in.
WAYS_OUT = ("/sign-in", "/admin/login/", "/admin/")
#: Addresses whose row is another one than their word says: the log's delivery, a decided request.
SPELLED = {
    "deliveries/<delivery>": "deliveries/<sent>",
    "approvals/<approval>/reopen": "approvals/<decided>/reopen",
}


def _walk(patterns: Any, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield path, entry
        else:
            yield from _walk(entry.url_patterns, path)


def _pages() -> list[str]:
    """Paths of everything but the API, the admin site and the queues, as the table writes them."""
    found = [path for path, _entry in _walk(urlpatterns) if not path.startswith(("api/", *ADMIN))]
    return [_spelled(names(path)) for path in found]


def _spelled(path: str) -> str:
    for before, after in SPELLED.items():
        path = path.replace(before, after)
    return f"/{path}"


def _methods(path: str, ids: dict[str, str]) -> set[str]:
    """What an address takes, as it says itself to a method that nobody knows."""
    answer = undone(lambda: Client().generic("PROBE", address(path, ids)))
    if answer.status_code != 405:
        return {"ANY"}
    return set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"}


def test_every_page_has_a_row(browsers: Browsers) -> None:
    ids = browsers.stage.ids
    found = {(method, path) for path in _pages() for method in _methods(path, ids)}
    listed = {(row.method, row.path) for row in rows()}
    assert found - listed == set()
    assert listed - found == set()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_only_these_browsers_get_through(row: Row, browsers: Browsers) -> None:
    wrong, told = {}, {}
    is_open = "*" in row.callers
    for caller in ("anonymous", "owner") if is_open else browsers.by_caller:
        with writes() as written:
            answer = browsers.call(caller, row)
        through = is_through(answer)
        if not is_open and through != (caller in row.callers):
            wrong[caller] = answer.status_code
        if found := leaks(caller, answer):
            told[caller] = found
        if not through and written and not is_open:
            wrong[caller] = written
        assert answer.status_code < 500 or answer.status_code in (502, 503), caller
    assert (wrong, told) == ({}, {}), row.name


def test_nobody_looks_by_head(browsers: Browsers) -> None:
    closed = [row for row in rows() if row.method == "GET" and "*" not in row.callers]
    through = [r.name for r in closed if is_through(browsers.call("anonymous", r, method="head"))]
    assert through == []


def test_a_form_without_its_security_token_is_refused(browsers: Browsers) -> None:
    http = Plain(enforce_csrf_checks=True)
    sent = [row for row in rows() if row.method == "POST"]
    through = []
    for row in sent:
        http.cookies = SimpleCookie()
        http.cookies[settings.SESSION_COOKIE_NAME] = browsers.by_caller["owner"].cookie
        path = address(row.path, browsers.stage.ids)
        with writes() as written:
            answer = undone(lambda path=path: http.post(path, headers={"HX-Request": "true"}))
        if answer.status_code != 403 or written:
            through.append(row.name)
    assert len(sent) > 100
    assert through == []


# --- the admin site and the queues -----------------------------------------------------------


def _site() -> list[str]:
    """An address of every pattern of the admin site and of the queues."""
    found = []
    for path, entry in _walk(urlpatterns):
        if path.startswith(ADMIN):
            text = re.sub(r"\(\?P<app_label>[^)]*\)", "orgs", path)
            text = re.sub(r"\(\?P<url>\.\*\)\$", "nothing/", text)
            text = re.sub(r"\(\?P<token>\[\\w\]\+\)\?", "x", text)
            text = re.sub(r"<path:(cron_job_name)>", "job", text)
            text = re.sub(r"<path:\w+>", str(uuid4()), text)
            text = re.sub(r"<(int:)\w+>", "0", text)
            text = re.sub(r"<(str:)?\w+>", "word", text)
            text = "/" + text.replace("^", "").replace("/?$", "").replace("$", "").replace("/?", "")
            assert resolve(text).func is entry.callback or "nothing" in text, (text, path)
            found.append(text)
    return found


def _is_in(answer: Any) -> bool:
    if answer.status_code == 302:
        return answer.headers["Location"].partition("?")[0] not in WAYS_OUT
    return answer.status_code not in (401, 403, 404, 405)


@pytest.mark.parametrize("caller", ["anonymous", "owner"])
def test_the_admin_site_and_the_queues_are_closed(caller: str, browsers: Browsers) -> None:
    through = []
    for path in _site():
        for method in ("GET", "POST"):
            with writes() as written:
                answer = browsers.call(caller, Row(method, path, frozenset()), is_htmx=True)
            if _is_in(answer) or written:
                through.append((method, path, answer.status_code, written))
    assert through == []


@pytest.mark.parametrize("path", ["/admin/", "/django-rq/"])
def test_only_a_super_admin_enters(path: str, browsers: Browsers) -> None:
    row = Row("GET", path, frozenset())
    for caller in browsers.by_caller:
        assert not _is_in(browsers.call(caller, row)), caller

    def enter() -> int:
        http = Client()
        http.force_login(factories.make_user("root", is_super_admin=True))
        return http.get(path).status_code

    assert undone(enter) == 200


# --- figures for Prometheus ------------------------------------------------------------------


def test_the_figures_are_for_their_own_token(browsers: Browsers, settings: Any) -> None:
    settings.METRICS_TOKEN = "figures-0123456789"
    row = Row("GET", "/metrics", frozenset())
    for caller in browsers.by_caller:
        assert browsers.call(caller, row).status_code == 401, caller
    browsers.by_caller["prometheus"] = Browser(
        headers={"Authorization": f"Bearer {settings.METRICS_TOKEN}"}
    )
    try:
        assert browsers.call("prometheus", row).status_code == 200
    finally:
        del browsers.by_caller["prometheus"]
