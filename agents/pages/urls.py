"""Addresses of the pages of agents."""

from django.urls import path

from agents.pages import executions, files, groups, onboarding, sync, views
from agents.pages.fleet_urls import urlpatterns as fleet

app_name = "agents"
_ONBOARDING = "boards/<uuid:board_id>/onboarding"
_TASK = "boards/<uuid:board_id>/tasks/<uuid:task_id>"
urlpatterns = [
    path("agents", views.agent_list, name="agent-list"),
    path("agents/new", views.agent_new, name="agent-new"),
    path("agents/on-gateway/<uuid:gateway_id>", views.on_gateway, name="on-gateway"),
    path("agents/on-board/<uuid:board_id>", views.on_board, name="on-board"),
    path("agents/<uuid:agent_id>", views.agent_detail, name="agent-detail"),
    path("agents/<uuid:agent_id>/body", views.agent_body, name="agent-body"),
    path("agents/<uuid:agent_id>/state", views.agent_state, name="agent-state"),
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
    path(
        "board-groups/<uuid:group_id>/heartbeat",
        groups.group_heartbeat_page,
        name="group-heartbeat",
    ),
    *fleet,
    path("gateways/<uuid:gateway_id>/sync", sync.gateway_sync, name="gateway-sync"),
    path("runs", executions.run_list, name="run-list"),
    path(f"{_TASK}/run", executions.task_run, name="task-run"),
    path(f"{_TASK}/run/cancel", executions.task_run_cancel, name="task-run-cancel"),
    path(_ONBOARDING, onboarding.onboarding_page, name="onboarding"),
    path(f"{_ONBOARDING}/start", onboarding.onboarding_start, name="onboarding-start"),
    path(f"{_ONBOARDING}/answer", onboarding.onboarding_answer, name="onboarding-answer"),
    path(f"{_ONBOARDING}/cancel", onboarding.onboarding_cancel, name="onboarding-cancel"),
    path(f"{_ONBOARDING}/confirm", onboarding.onboarding_confirm, name="onboarding-confirm"),
]
