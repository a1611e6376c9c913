"""Names of the original product's environment that mean nothing here, and what to say of each.

An environment may be taken over as it is: the names that mean something are read under their old
names by :mod:`missioncontrol.settings.env`, the others are said to be without effect.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from dotenv import dotenv_values

from missioncontrol.settings.env import ROOT

PUBLIC = "NEXT_PUBLIC_"
#: Read as another name of CLERK_PUBLISHABLE_KEY.
HONOURED = frozenset({"NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY"})
WITHOUT_EFFECT: Mapping[str, str] = {
    "NEXT_PUBLIC_API_URL": "pages and API share the address BASE_URL",
    "NEXT_PUBLIC_AUTH_MODE": "AUTH_MODE holds for the pages as well",
    "RQ_QUEUE_NAME": "the queues have names of their own",
    "OPENCLAW_GATEWAY_DEVICE_IDENTITY_PATH": "each gateway's device is kept sealed in the database",
    "GATEWAY_TOKEN_IN_QUERY": "a gateway's token is never part of an address",
    "LOG_USE_UTC": "times in the log are always UTC",
    "REQUEST_LOG_INCLUDE_HEALTH": "health checks are not in the request log",
}
#: Its value reached every browser: set it is a fault, not only without effect.
EXPOSED = "NEXT_PUBLIC_LOCAL_AUTH_TOKEN"


def given() -> dict[str, str]:
    """What the environment, and behind it ``.env``, holds."""
    named = {name: value or "" for name, value in dotenv_values(ROOT / ".env").items()}
    return {**named, **os.environ}


def notes(environment: Mapping[str, str]) -> list[str]:
    """One line for each name that is set and does nothing; values are never quoted."""
    found = []
    for name in sorted(environment):
        if name == EXPOSED and environment[name]:
            found.append(
                f"{EXPOSED} must not be set: that name puts the token into pages. Remove it, and "
                "make a new token if pages were ever built with it."
            )
        elif name in WITHOUT_EFFECT:
            found.append(f"{name} has no effect: {WITHOUT_EFFECT[name]}.")
        elif name.startswith(PUBLIC) and name not in HONOURED and name != EXPOSED:
            found.append(f"{name} has no effect: pages are made by the server.")
    return found
