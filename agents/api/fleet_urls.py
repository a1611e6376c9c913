"""Addresses of the API of skills, packs, souls, usage and budgets, relative to ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from agents.api import linking, skills, souls, usage

_SKILL = "skills/marketplace/<uuid:skill_id>"
_TEMPLATES = "gateways/<uuid:gateway_id>/templates"
_PACK = "skills/packs/<uuid:pack_id>"

urlpatterns = [
    path("skills/marketplace", skills.MarketplaceView.as_view(), name="skills"),
    path(_SKILL, skills.SkillView.as_view(), name="skill"),
    path(f"{_SKILL}/scan", skills.ScanView.as_view()),
    path(f"{_SKILL}/install", skills.InstallView.as_view()),
    path(f"{_SKILL}/uninstall", skills.UninstallView.as_view()),
    path("skills/packs", skills.PackListView.as_view(), name="skill-packs"),
    path(_PACK, skills.PackView.as_view(), name="skill-pack"),
    path(f"{_PACK}/sync", skills.PackSyncView.as_view()),
    path("souls-directory/search", souls.SearchView.as_view()),
    path("souls-directory/<str:handle>/<str:slug>.md", souls.SoulTextView.as_view()),
    path("souls-directory/<str:handle>/<str:slug>", souls.SoulTextView.as_view()),
    path("usage", usage.UsageView.as_view(), name="usage"),
    path("budgets", usage.BudgetListView.as_view(), name="budgets"),
    path("budgets/<uuid:budget_id>", usage.BudgetView.as_view(), name="budget"),
    path("agents/<uuid:agent_id>/usage", usage.AgentUsageView.as_view()),
    path("agents/<uuid:agent_id>/sessions", usage.AgentSessionsView.as_view()),
    path("agents/<uuid:agent_id>/sessions/<str:key>/history", usage.AgentTranscriptView.as_view()),
    path("agents/discover", linking.DiscoverView.as_view()),
    path("agents/link", linking.LinkView.as_view()),
    path("agents/<uuid:agent_id>/unlink", linking.UnlinkView.as_view()),
    path(f"{_TEMPLATES}/preview", linking.SyncPreviewView.as_view()),
    path(f"{_TEMPLATES}/syncs", linking.SyncJobListView.as_view()),
    path(f"{_TEMPLATES}/syncs/<uuid:sync_id>", linking.SyncJobView.as_view()),
    path("agent/usage", usage.UsageReportView.as_view()),
    path("agent/skills/<uuid:skill_id>/state", skills.ConfirmView.as_view()),
]
