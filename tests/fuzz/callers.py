"""Who calls: every kind of actor, the more often the more an operation is meant for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from tests.fuzz.ground import Ground

#: How often whom, by the credentials that an operation names.
PEOPLE = {"owner": 7, "reader": 2, "operator": 1, "outsider": 1, "worker": 1, "nobody": 1}
AGENTS = {"lead": 6, "worker": 4, "main": 2, "owner": 1, "nobody": 1}
BOTH = {"owner": 6, "lead": 3, "worker": 2, "main": 1, "reader": 2, "outsider": 1, "nobody": 1}
MAINS = {"main": 8, "lead": 1, "worker": 1, "owner": 1, "nobody": 1}
ANYBODY = {"nobody": 4, "owner": 1, "forger": 1}

AGENT_TAGS = frozenset({"agent-lead", "agent-worker", "agent-main"})


@dataclass(frozen=True)
class Callers:
    """The headers of every caller."""

    ground: Ground

    def headers(self, name: str) -> dict[str, str]:
        """What proves who calls."""
        return {
            "owner": {
                "Authorization": f"Bearer {self.ground.owner_token}",
                "X-Organization-Id": self.ground.organization_id,
            },
            "reader": _bearer(self.ground.reader_token),
            "operator": _bearer(settings.LOCAL_AUTH_TOKEN),
            "outsider": _bearer(self.ground.outsider_token),
            "forger": _bearer("mct_forged"),
            "lead": {"X-Agent-Token": self.ground.lead_token},
            "main": {"X-Agent-Token": self.ground.main_token},
            "worker": {"X-Agent-Token": self.ground.worker_token},
            "nobody": {},
        }[name]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def weighted(operation: dict[str, Any]) -> list[str]:
    """Callers of a documented operation, each as often as it should call; the first is meant."""
    schemes = {scheme for one in operation.get("security", ()) for scheme in one}
    if not schemes:
        weights = ANYBODY
    elif "agent" not in schemes:
        weights = PEOPLE
    elif set(operation.get("tags", ())) & AGENT_TAGS == {"agent-main"}:
        weights = MAINS
    else:
        weights = BOTH if "operator" in schemes else AGENTS
    return [name for name, times in weights.items() for _ in range(times)]
