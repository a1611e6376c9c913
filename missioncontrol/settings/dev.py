"""Settings of ``make run`` and of development: local, no certificate, same checks."""

from missioncontrol.settings.base import *
