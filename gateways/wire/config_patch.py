"""Pure part of patching a gateway's configuration: what is wanted, what differs, what was refused.

Source: OpenClaw gateway protocol 4, sections heartbeat and config.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateways.wire.errors import InvalidConfigError

#: What an agent's heartbeat shows, set only where the gateway has no opinion yet.
HEARTBEAT_VISIBILITY = {"showOk": False, "showAlerts": True, "useIndicator": True}
_UNKNOWN_KEY = re.compile(r"Unrecognized keys?: (.+)")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Heartbeat block of one agent.

    Attributes:
        every: interval such as ``10m``; ``0m`` switches the heartbeat off.
        prompt: text that the gateway sends verbatim.
        extra: further keys of the block, as the gateway knows them.

    """

    every: str
    prompt: str
    target: str = "none"
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_config(self) -> dict[str, Any]:
        """The block as it stands in the configuration."""
        return {**self.extra, "every": self.every, "target": self.target, "prompt": self.prompt}


def wanted_patch(
    config: Mapping[str, Any],
    heartbeats: Mapping[str, Heartbeat | None],
    *,
    set_visibility: bool,
    exec_mode: str | None,
) -> dict[str, Any]:
    """Merge patch that brings the configuration to what is wanted, present or not."""
    patch: dict[str, Any] = {}
    if heartbeats:
        patch["agents"] = {
            "entries": {
                agent_id: {"heartbeat": block.to_config() if block else None}
                for agent_id, block in heartbeats.items()
            }
        }
    if set_visibility:
        present = value_at(config, ("channels", "defaults", "heartbeatVisibility")) or {}
        missing = {k: v for k, v in HEARTBEAT_VISIBILITY.items() if k not in present}
        if missing:
            patch["channels"] = {"defaults": {"heartbeatVisibility": missing}}
    if exec_mode is not None:
        patch["tools"] = {"exec": {"mode": exec_mode}}
    return patch


def difference(config: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a merge patch that would change something."""
    config = config if isinstance(config, Mapping) else {}
    rest: dict[str, Any] = {}
    for key, wanted in patch.items():
        if isinstance(wanted, Mapping):
            inner = difference(config.get(key), wanted)
            if inner:
                rest[key] = inner
        elif wanted is None:
            if key in config:
                rest[key] = None
        elif config.get(key) != wanted:
            rest[key] = wanted
    return rest


def rejected_paths(error: InvalidConfigError) -> list[str]:
    """Dotted paths of keys that the gateway does not know."""
    paths: list[str] = []
    for issue in error.issues:
        match = _UNKNOWN_KEY.search(str(issue.get("message") or ""))
        if match:
            parent = str(issue.get("path") or "")
            keys = re.findall(r'"([^"]+)"', match.group(1))
            paths += [f"{parent}.{key}".lstrip(".") for key in keys]
    return paths


def value_at(value: Any, keys: Sequence[str]) -> Any:
    """Value under a chain of keys, None where it breaks off."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def has_path(patch: Mapping[str, Any], path: str) -> bool:
    """Whether a patch holds a dotted path."""
    *parents, last = path.split(".")
    parent = value_at(patch, parents)
    return isinstance(parent, Mapping) and last in parent


def drop_path(patch: dict[str, Any], path: str) -> None:
    """Take a dotted path out of a patch."""
    *parents, last = path.split(".")
    parent = value_at(patch, parents)
    if isinstance(parent, dict):
        parent.pop(last, None)
