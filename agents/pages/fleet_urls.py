"""Addresses of the pages of skills, packs and souls."""

from django.urls import path

from agents.pages import skills, souls

_SKILL = "skills/marketplace/<uuid:skill_id>"
_PACK = "skills/packs/<uuid:pack_id>"

urlpatterns = [
    path("skills/marketplace", skills.marketplace, name="marketplace"),
    path("skills/marketplace/new", skills.skill_new, name="skill-new"),
    path(_SKILL, skills.skill_detail, name="skill-detail"),
    path(f"{_SKILL}/install", skills.skill_install, name="skill-install"),
    path(f"{_SKILL}/uninstall", skills.skill_uninstall, name="skill-uninstall"),
    path(f"{_SKILL}/delete", skills.skill_delete, name="skill-delete"),
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
