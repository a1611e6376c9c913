"""A configuration patch that the gateway does not answer may have taken effect or not."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from gateways.wire import provisioning
from gateways.wire.client import GatewayClient
from gateways.wire.errors import CallTimeout


class Forgetful:
    """A gateway that leaves some patches unanswered."""

    def __init__(self, *, unanswered: int, takes_effect: bool) -> None:
        self.config: dict[str, Any] = {}
        self.unanswered, self.takes_effect = unanswered, takes_effect
        self.patches = 0

    async def call(self, method: str, params: dict[str, Any]) -> Any:
        if method == "config.get":
            return {"config": self.config, "hash": str(self.patches)}
        self.patches += 1
        is_silent = self.patches <= self.unanswered
        if self.takes_effect or not is_silent:
            self.config = json.loads(params["raw"])
        if is_silent:
            raise CallTimeout(method, timeout_seconds=60)
        return {"changedPaths": ["tools"]}


async def patched(gateway: Forgetful) -> provisioning.ConfigReport:
    return await provisioning.patch_config(
        cast("GatewayClient", gateway), set_visibility=False, exec_mode="ask"
    )


@pytest.mark.parametrize(("takes_effect", "patches"), [(True, 1), (False, 2)])
async def test_one_is_looked_after(takes_effect: bool, patches: int) -> None:
    gateway = Forgetful(unanswered=1, takes_effect=takes_effect)
    assert (await patched(gateway)).is_changed
    assert gateway.patches == patches
    assert gateway.config == {"tools": {"exec": {"mode": "ask"}}}
    assert not (await patched(gateway)).is_changed


async def test_two_are_a_failure() -> None:
    gateway = Forgetful(unanswered=2, takes_effect=False)
    with pytest.raises(CallTimeout):
        await patched(gateway)
    assert gateway.patches == 2
