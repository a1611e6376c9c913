"""Settings of a served installation."""

from missioncontrol.settings.base import *
from missioncontrol.settings.base import BASE_URL, STORAGES

STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "missioncontrol.static_storage.ProductStaticFilesStorage"},
}
SECURE_PROXY_SSL_HEADER = None
SESSION_COOKIE_SECURE = BASE_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
