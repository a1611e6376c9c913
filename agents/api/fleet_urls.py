"""Addresses of the API of skills, packs and souls, relative to ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from agents.api import skills, souls

_SKILL = "skills/marketplace/<uuid:skill_id>"
_PACK = "skills/packs/<uuid:pack_id>"

urlpatterns = [
    path("skills/marketplace", skills.MarketplaceView.as_view(), name="skills"),
    path(_SKILL, skills.SkillView.as_view(), name="skill"),
    path(f"{_SKILL}/install", skills.InstallView.as_view()),
    path(f"{_SKILL}/uninstall", skills.UninstallView.as_view()),
    path("skills/packs", skills.PackListView.as_view(), name="skill-packs"),
    path(_PACK, skills.PackView.as_view(), name="skill-pack"),
    path(f"{_PACK}/sync", skills.PackSyncView.as_view()),
    path("souls-directory/search", souls.SearchView.as_view()),
    path("souls-directory/<str:handle>/<str:slug>", souls.SoulTextView.as_view()),
    path("agent/skills/<uuid:skill_id>/state", skills.ConfirmView.as_view()),
]
