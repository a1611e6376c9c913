"""One installation with a simulated gateway for all journeys, and a browser."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, StorageState

from tests.story import accounts, browsers, places, product
from tests.story.api import Api
from tests.story.person import Person
from tests.story.windows import Windows


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with browsers.chromium() as found:
        yield found


@pytest.fixture(scope="session")
def installed() -> Iterator[product.Product]:
    """A product in an empty data folder; people may also sign in by password."""
    settings = {"AUTH_MODE": "local,password", "OUTBOUND_ALLOW_PRIVATE": "true"}
    with product.installed(**settings) as started:
        yield started


@pytest.fixture(scope="session")
def place() -> Iterator[places.Place]:
    """A simulated gateway."""
    with places.simulated() as found:
        yield found


@pytest.fixture(scope="session")
def api(installed: product.Product) -> Iterator[Api]:
    """The operator's API."""
    client = Api(installed.address, installed.token)
    yield client
    client.close()


@pytest.fixture(scope="session")
def people(installed: product.Product) -> dict[str, str]:
    """Accounts with a password: name and address."""
    return accounts.make(installed, "mira", "tomas", "lea", "nuno", "nameless")


@pytest.fixture
def windows(
    request: pytest.FixtureRequest,
    browser: Browser,
    installed: product.Product,
    tmp_path: Path,
) -> Iterator[Windows]:
    """Windows of this test; pictures of them when it fails."""
    with Windows(browser, installed, tmp_path) as opener:
        yield opener
        if getattr(request.node, "has_failed", False):
            opener.report()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know that the test failed."""
    report = yield
    if report.when == "call" and report.failed:
        item.has_failed = True  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="module")
def cookies(browser: Browser, installed: product.Product) -> StorageState:
    """The operator, signed in; ``windows.open(signed_in=False, storage_state=cookies)``."""
    with browsers.window(browser, installed.address) as window:
        Person(window.page).sign_in(installed.token)
        return window.context.storage_state()
