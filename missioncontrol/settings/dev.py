"""Settings of ``make run`` and of development: local, no certificate, same checks."""

from missioncontrol.settings.base import *
from missioncontrol.settings.base import DATA_DIR, STORAGES

# Collected at the start into the data folder, so that the code may lie in a read-only place.
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "missioncontrol.static_storage.ProductStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False
