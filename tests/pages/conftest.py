"""Signed-in browsers of the people in the world."""

from __future__ import annotations

import pytest
from django.test import Client

from orgs.models import User
from tests.world import World

HTMX = {"HTTP_HX_REQUEST": "true"}


def browser(user: User) -> Client:
    """A browser with that person's session."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ann(world: World) -> Client:
    """Browser of the owner."""
    return browser(world.ann)


@pytest.fixture
def bob(world: World) -> Client:
    """Browser of the member who may read board A1."""
    return browser(world.bob)


@pytest.fixture
def eve(world: World) -> Client:
    """Browser of the other tenant's owner."""
    return browser(world.eve)
