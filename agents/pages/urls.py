"""Addresses of the pages of agents."""

from django.urls import path

from agents.pages import files, sync, views

app_name = "agents"
urlpatterns = [
    path("agents", views.agent_list, name="agent-list"),
    path("agents/new", views.agent_new, name="agent-new"),
    path("agents/on-gateway/<uuid:gateway_id>", views.on_gateway, name="on-gateway"),
    path("agents/<uuid:agent_id>", views.agent_detail, name="agent-detail"),
    path("agents/<uuid:agent_id>/body", views.agent_body, name="agent-body"),
    path("agents/<uuid:agent_id>/sign", views.agent_sign, name="agent-sign"),
    path("agents/<uuid:agent_id>/edit", views.agent_edit, name="agent-edit"),
    path("agents/<uuid:agent_id>/wake", views.agent_wake, name="agent-wake"),
    path("agents/<uuid:agent_id>/retry", views.agent_retry, name="agent-retry"),
    path("agents/<uuid:agent_id>/pause", views.agent_pause, name="agent-pause"),
    path("agents/<uuid:agent_id>/resume", views.agent_resume, name="agent-resume"),
    path(
        "agents/<uuid:agent_id>/rotate-token", views.agent_rotate_token, name="agent-rotate-token"
    ),
    path("agents/<uuid:agent_id>/delete", views.agent_delete, name="agent-delete"),
    path("agents/<uuid:agent_id>/files", files.file_list, name="file-list"),
    path("agents/<uuid:agent_id>/files/<str:name>", files.file_edit, name="file-edit"),
    path("gateways/<uuid:gateway_id>/sync", sync.gateway_sync, name="gateway-sync"),
]
