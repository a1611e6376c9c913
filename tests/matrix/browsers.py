"""Everybody's browser for the table of pages: a cookie of a session, or only a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from orgs.models import User
from tests import factories
from tests.matrix.calls import REFUSED, address, filled, undone
from tests.matrix.page_bodies import BODIES
from tests.matrix.stage import GATEWAY_TOKEN, Stage, build, quiet
from tests.matrix.table import Row
from tests.world import build_world

SIGN_IN = "/sign-in"


@dataclass
class Browser:
    """What a browser sends with every request."""

    cookie: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Plain(Client):
    """Django's client without the record of templates and contexts, which costs more than pages."""

    def request(self, **request: Any) -> HttpResponse:
        """One request; a fault of the product is an answer 500."""
        return self.handler(self._base_environ(**request))


@dataclass
class Browsers:
    """The stage and everybody's browser on it."""

    stage: Stage
    by_caller: dict[str, Browser]
    http: Client = field(default_factory=Plain)

    def call(
        self, caller: str, row: Row, *, method: str = "", is_htmx: bool = False
    ) -> HttpResponse:
        """One call of the pages' table, taken back; for htmx a refusal is a line and no page."""
        browser = self.by_caller[caller]
        self.http.cookies = SimpleCookie()
        if browser.cookie:
            self.http.cookies[settings.SESSION_COOKIE_NAME] = browser.cookie
        path = address(row.path, self.stage.ids)
        sent: dict[str, Any] = {"headers": dict(browser.headers)}
        if is_htmx:
            sent["headers"]["HX-Request"] = "true"
        if row.method == "POST":
            given = BODIES.get(row.name, {})
            sent["data"] = {name: filled(v, self.stage.ids) for name, v in given.items()}
        send = getattr(self.http, (method or row.method).lower().replace("any", "get"))
        return undone(lambda: send(path, **sent))


def is_through(answer: HttpResponse) -> bool:
    """Whether the caller got further than a refusal or the way to sign in."""
    to_sign_in = answer.headers.get("Location", "").partition("?")[0] == SIGN_IN
    return answer.status_code not in REFUSED and not to_sign_in


def open_browsers(stage: Stage) -> Browsers:
    """A signed-in browser for everybody with an account, and some that prove nothing."""
    found = {caller: Browser(_session(user)) for caller, user in stage.people.items()}
    bearer = {"Authorization": f"Bearer {stage.tokens['owner']}"}
    found |= {
        "anonymous": Browser(),
        "closed": Browser(_session_of_a_closed_account(stage)),
        "personal_token": Browser(headers=bearer),
        "token_as_cookie": Browser(cookie=stage.tokens["owner"]),
        "agent_token": Browser(headers={"X-Agent-Token": stage.tokens["lead"]}),
        "agent_bearer": Browser(headers={"Authorization": f"Bearer {stage.tokens['lead']}"}),
        "gateway": Browser(headers={"Authorization": f"Bearer {GATEWAY_TOKEN}"}),
    }
    return Browsers(stage, found)


def _session(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _session_of_a_closed_account(stage: Stage) -> str:
    """He was an owner of the same organization."""
    gone = factories.make_user("gone")
    organization = stage.people["owner"].memberships.get().organization
    factories.make_member(organization, gone, "owner")
    cookie = _session(gone)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    return cookie


@pytest.fixture(scope="module")
def browsers(django_db_setup: None, django_db_blocker: Any) -> Iterator[Browsers]:
    """Everybody's browser, on one stage for all tests of a module."""
    with django_db_blocker.unblock(), transaction.atomic(), quiet():
        yield open_browsers(build(build_world()))
        transaction.set_rollback(True)
