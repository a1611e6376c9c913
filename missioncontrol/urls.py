"""Composition of every HTTP address. The API is mounted twice (core specification 24.2)."""

from importlib.util import find_spec
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from missioncontrol import document
from missioncontrol.kernel import health
from missioncontrol.kernel.url_index import indexed

APPS = ("orgs", "activity", "governance", "gateways", "boards", "agents", "missioncontrol.overview")


def _of(kind: str) -> list[Any]:
    return [
        path("", include(f"{app}.{kind}.urls")) for app in APPS if find_spec(f"{app}.{kind}.urls")
    ]


api = [path("", include("missioncontrol.stream_urls")), *_of("api")]

handler400 = "missioncontrol.kernel.pages.bad_request"
handler404 = "missioncontrol.kernel.pages.not_found"
handler500 = "missioncontrol.kernel.pages.failed"

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health.live),
    path("healthz", health.database),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    path("openapi.json", document.serve, name="openapi"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="openapi"), name="docs"),
    path("admin/", admin.site.urls),
    path("django-rq/", include("django_rq.urls")),
    indexed("api/v1/", api, app_name="api", namespace="v1"),
    indexed("api/", api, app_name="api", namespace="flat"),
    indexed("", _of("pages")),
]
