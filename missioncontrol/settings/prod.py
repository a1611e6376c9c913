"""Settings of a served installation."""

from missioncontrol.settings.base import *
from missioncontrol.settings.base import BASE_URL, SESSION_COOKIE_SECURE, STORAGES

STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "missioncontrol.static_storage.ProductStaticFilesStorage"},
}
SECURE_PROXY_SSL_HEADER = None
SESSION_COOKIE_SECURE = SESSION_COOKIE_SECURE or BASE_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SILENCED_SYSTEM_CHECKS = [
    # Both sets of headers are set by the product's own outermost middleware.
    "security.W001",
    "security.W002",
]
