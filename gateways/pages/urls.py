"""Addresses of the pages of gateways."""

from django.urls import path

from gateways.pages import remote, views

app_name = "gateways"
urlpatterns = [
    path("gateways", views.gateway_list, name="gateway-list"),
    path("gateways/new", views.gateway_new, name="gateway-new"),
    path("gateways/test", views.gateway_try, name="gateway-try"),
    path("gateways/versions", remote.version_list, name="version-list"),
    path(
        "gateways/cleanups/<uuid:cleanup_id>/discard",
        remote.cleanup_discard,
        name="cleanup-discard",
    ),
    path("gateways/<uuid:gateway_id>", views.gateway_detail, name="gateway-detail"),
    path("gateways/<uuid:gateway_id>/state", views.gateway_state, name="gateway-state"),
    path("gateways/<uuid:gateway_id>/body", views.gateway_body, name="gateway-body"),
    path("gateways/<uuid:gateway_id>/edit", views.gateway_edit, name="gateway-edit"),
    path("gateways/<uuid:gateway_id>/test", views.gateway_try, name="gateway-try"),
    path("gateways/<uuid:gateway_id>/sessions", remote.session_list, name="session-list"),
    path("gateways/<uuid:gateway_id>/session", remote.session_detail, name="session-detail"),
    path("gateways/<uuid:gateway_id>/inventory", remote.inventory, name="inventory"),
    path("gateways/<uuid:gateway_id>/log", remote.log, name="log"),
    path("gateways/<uuid:gateway_id>/device", remote.device, name="device"),
    path("gateways/<uuid:gateway_id>/default", remote.make_default, name="make-default"),
    path("gateways/<uuid:gateway_id>/check", views.gateway_check, name="gateway-check"),
    path("gateways/<uuid:gateway_id>/policy", views.gateway_policy, name="gateway-policy"),
    path("gateways/<uuid:gateway_id>/delete", views.gateway_delete, name="gateway-delete"),
]
