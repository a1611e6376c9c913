"""The simulated gateway answers the list that ``make test-gateway`` puts to a real one, too."""

import pytest

from gateways.simulator.faults import Faults
from gateways.simulator.server import SimulatedGateway
from tests.rig.conformance import Check
from tests.rig.conformance_runs import CHECKS
from tests.rig.subject import Subject


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
async def test_the_simulator_conforms(check: Check):
    async with SimulatedGateway(
        token="conformance-token",
        trusts_proxy=True,
        faults=Faults(visibility_lag_seconds=0.05),
    ) as gateway:
        await check(Subject(gateway.url, gateway.token))
