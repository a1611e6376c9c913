"""Settings of the test suite over a database that takes back every case."""

from missioncontrol.settings.test import *  # noqa: F403 - settings are taken over whole
from missioncontrol.settings.test import DATABASES

DATABASES["default"]["ENGINE"] = "tests.fuzz.postgres"
AGENT_RATE_LIMIT = 1_000_000
LANGUAGE_CODE = "en"
