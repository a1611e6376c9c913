"""Addresses of the API of agents and executions, relative to ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from agents.api import agent, coordination, executions, groups, onboarding, views, waiting
from agents.api.fleet_urls import urlpatterns as fleet
from gateways.api import arrival

arrival.register(waiting.for_gateway)

_AGENT = "agents/<uuid:agent_id>"
_WORKER = "agent/boards/<uuid:board_id>/agents/<uuid:agent_id>"
_EXECUTION = "executions/<uuid:execution_id>"
_ONBOARDING = "boards/<uuid:board_id>/onboarding"

urlpatterns = [
    path("agents", views.AgentListView.as_view(), name="agents"),
    path("agents/heartbeat", views.HeartbeatUpsertView.as_view()),
    path(_AGENT, views.AgentView.as_view(), name="agent"),
    path(f"{_AGENT}/heartbeat", views.HeartbeatView.as_view()),
    path(f"{_AGENT}/rotate-token", views.RotateTokenView.as_view()),
    path(f"{_AGENT}/wake", views.WakeView.as_view()),
    path(f"{_AGENT}/retry", views.RetryView.as_view()),
    path(f"{_AGENT}/pause", views.PauseView.as_view()),
    path(f"{_AGENT}/resume", views.ResumeView.as_view()),
    path(f"{_AGENT}/files", views.FileListView.as_view()),
    path(f"{_AGENT}/files/<str:name>", views.FileView.as_view()),
    path("board-groups/<uuid:group_id>/heartbeat", groups.GroupHeartbeatView.as_view()),
    path("gateways/<uuid:gateway_id>/templates/sync", views.SyncView.as_view()),
    path("gateways/<uuid:gateway_id>/execute", executions.ExecuteOnGatewayView.as_view()),
    path("tasks/<task:task_ref>/execute", executions.ExecuteTaskView.as_view()),
    path("executions", executions.ExecutionListView.as_view(), name="executions"),
    path(_EXECUTION, executions.ExecutionView.as_view(), name="execution"),
    path(f"{_EXECUTION}/cancel", executions.CancelView.as_view()),
    path(_ONBOARDING, onboarding.OnboardingView.as_view()),
    path(f"{_ONBOARDING}/start", onboarding.StartView.as_view()),
    path(f"{_ONBOARDING}/answer", onboarding.AnswerView.as_view()),
    path(f"{_ONBOARDING}/agent", onboarding.AgentView.as_view()),
    path(f"{_ONBOARDING}/confirm", onboarding.ConfirmView.as_view()),
    path(f"{_ONBOARDING}/cancel", onboarding.CancelView.as_view()),
    path(f"agent/{_ONBOARDING}", onboarding.OwnAgentView.as_view()),
    *fleet,
    path("agent/healthz", agent.HealthView.as_view()),
    path("agent/heartbeat", agent.OwnHeartbeatView.as_view()),
    path("agent/agents", agent.PeersView.as_view()),
    path(_WORKER, agent.WorkerView.as_view()),
    path(f"{_WORKER}/nudge", coordination.NudgeView.as_view()),
    path(f"{_WORKER}/soul", coordination.SoulView.as_view()),
    path("agent/boards/<uuid:board_id>/gateway/main/ask-user", coordination.AskUserView.as_view()),
    path(
        "agent/gateway/boards/<uuid:board_id>/lead/message",
        coordination.LeadMessageView.as_view(),
    ),
    path("agent/gateway/leads/broadcast", coordination.BroadcastView.as_view()),
    path(f"agent/{_EXECUTION}", executions.ReportView.as_view()),
]
