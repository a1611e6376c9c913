"""Processes die without warning in the middle of the work; the story still ends, once.

Each kind of process is killed three times in one round: when the task was just assigned, while
the agent reports on it, and right after the decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.rig.installation import Rig
from tests.story import places, product
from tests.story.campaign import Campaign
from tests.story.places import Place, allow_calls

VICTIMS = ("web", "valkey", "worker-long", "postgres", "worker-short", "scheduler")


@contextmanager
def campaign(place: Place) -> Iterator[Campaign]:
    """A product with a board, a lead and a worker on a gateway, everybody online."""
    with product.installed() as started:
        told = Campaign(started, place)
        try:
            told.set_up()
            yield told
        except Exception:
            print(started.logs())
            raise
        finally:
            told.api.close()


@pytest.fixture(scope="module")
def real(real_gateway: Rig) -> Iterator[Campaign]:
    """On the real gateway."""
    place = Place(real_gateway.url, real_gateway.token)
    allow_calls(place)
    with campaign(place) as told:
        yield told


@pytest.fixture(scope="module")
def simulated() -> Iterator[Campaign]:
    """On the simulated gateway."""
    with places.simulated(speed=8) as place, campaign(place) as told:
        yield told


@pytest.mark.parametrize("victim", VICTIMS)
def test_kills_with_the_simulated_gateway(simulated: Campaign, victim: str) -> None:
    """Three kills of one kind in a round."""
    simulated.round(victim)


@pytest.mark.parametrize("victim", VICTIMS[:4])
def test_kills_with_the_real_gateway(real: Campaign, victim: str) -> None:
    """The same with agents that only know what stands in their workspace."""
    real.round(victim)
