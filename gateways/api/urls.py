"""Addresses of the gateway API."""

from django.urls import path

from .views import gateways, inventory, remote

_ONE = "gateways/<uuid:gateway_id>"
_SESSION = "gateways/sessions/<path:key>"

urlpatterns = [
    path("gateways", gateways.GatewayListView.as_view(), name="gateways"),
    path("gateways/status", remote.GatewayStatusView.as_view(), name="gateway-status"),
    path("gateways/commands", remote.CommandsView.as_view(), name="gateway-commands"),
    path("gateways/versions", inventory.VersionsView.as_view(), name="gateway-versions"),
    path("gateways/cleanups", inventory.CleanupListView.as_view(), name="gateway-cleanups"),
    path("gateways/cleanups/<uuid:cleanup_id>", inventory.CleanupView.as_view()),
    path("gateways/sessions", remote.SessionListView.as_view(), name="gateway-sessions"),
    path(f"{_SESSION}/history", remote.SessionHistoryView.as_view()),
    path(f"{_SESSION}/message", remote.SessionMessageView.as_view()),
    path(_SESSION, remote.SessionView.as_view()),
    path(_ONE, gateways.GatewayView.as_view(), name="gateway"),
    path(f"{_ONE}/check", gateways.GatewayCheckView.as_view(), name="gateway-check"),
    path(f"{_ONE}/pairing", gateways.GatewayPairingView.as_view(), name="gateway-pairing"),
    path(f"{_ONE}/exec-policy", remote.ExecPolicyView.as_view(), name="gateway-exec-policy"),
    path(f"{_ONE}/agents", inventory.RemoteAgentsView.as_view(), name="gateway-agents"),
    path(f"{_ONE}/models", inventory.ModelsView.as_view(), name="gateway-models"),
    path(f"{_ONE}/devices", inventory.DevicesView.as_view(), name="gateway-devices"),
    path(f"{_ONE}/history", inventory.HistoryView.as_view(), name="gateway-history"),
    path(f"{_ONE}/logs", remote.LogView.as_view(), name="gateway-logs"),
]
