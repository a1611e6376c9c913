"""Addresses of the pages of skills, packs, souls, usage and budgets."""

from django.urls import path

from agents.pages import linking, skills, souls, sync, usage

_SKILL = "skills/marketplace/<uuid:skill_id>"
_SYNC = "gateways/<uuid:gateway_id>/syncs/<uuid:sync_id>"
_PACK = "skills/packs/<uuid:pack_id>"

urlpatterns = [
    path("skills/marketplace", skills.marketplace, name="marketplace"),
    path("skills/marketplace/new", skills.skill_new, name="skill-new"),
    path(_SKILL, skills.skill_detail, name="skill-detail"),
    path(f"{_SKILL}/look", skills.skill_look, name="skill-look"),
    path(f"{_SKILL}/scan", skills.skill_scan_again, name="skill-scan"),
    path(f"{_SKILL}/install", skills.skill_install, name="skill-install"),
    path(f"{_SKILL}/uninstall", skills.skill_uninstall, name="skill-uninstall"),
    path(f"{_SKILL}/delete", skills.skill_delete, name="skill-delete"),
    path("gateways/<uuid:gateway_id>/discover", linking.discover, name="discover"),
    path("agents/<uuid:agent_id>/unlink", linking.unlink, name="agent-unlink"),
    path(_SYNC, sync.sync_detail, name="sync-detail"),
    path(f"{_SYNC}/body", sync.sync_body, name="sync-body"),
    path("usage", usage.usage, name="usage"),
    path("usage/budgets/new", usage.budget_new, name="budget-new"),
    path("usage/budgets/<uuid:budget_id>/edit", usage.budget_edit, name="budget-edit"),
    path("usage/budgets/<uuid:budget_id>/delete", usage.budget_delete, name="budget-delete"),
    path("agents/<uuid:agent_id>/usage", usage.agent_usage, name="agent-usage"),
    path("agents/<uuid:agent_id>/sessions", usage.session_list, name="session-list"),
    path("agents/<uuid:agent_id>/session", usage.session_detail, name="session-detail"),
    path("souls", souls.soul_list, name="soul-list"),
    path("souls/<str:handle>/<str:slug>", souls.soul_detail, name="soul-detail"),
    path("skills/packs", skills.pack_list, name="pack-list"),
    path("skills/packs/new", skills.pack_new, name="pack-new"),
    path(_PACK, skills.pack_detail, name="pack-detail"),
    path(f"{_PACK}/body", skills.pack_body, name="pack-body"),
    path(f"{_PACK}/edit", skills.pack_edit, name="pack-edit"),
    path(f"{_PACK}/sync", skills.pack_sync, name="pack-sync"),
    path(f"{_PACK}/delete", skills.pack_delete, name="pack-delete"),
]
