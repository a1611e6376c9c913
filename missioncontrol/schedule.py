"""The one table of periodic work: what every app asks for."""

from importlib import import_module
from importlib.util import find_spec

from missioncontrol.kernel.schedule import Periodic

_APPS = ("activity", "orgs", "governance", "gateways", "boards", "agents")

PERIODIC: tuple[Periodic, ...] = tuple(
    entry
    for app in _APPS
    if find_spec(f"{app}.periodic")
    for entry in import_module(f"{app}.periodic").periodic
)
