"""Pages of the marketplace and of skill packs, for admins."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, QuerySet, Value
from django.db.models.functions import Lower, NullIf
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents import actions, skill_scan
from agents.models import Skill, SkillInstall, SkillPack
from agents.pages.skill_forms import PackForm, SkillForm
from agents.services import skill_looks, skill_packs
from agents.services import skills as services
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import DomainError, Forbidden
from missioncontrol.kernel.pages import actor, home_of, is_htmx, page, page_of
from missioncontrol.kernel.querysets import as_uuid
from missioncontrol.kernel.sorting import sorting

PAGE_SIZE = 50
SORTS = {"name": Lower("name"), "category": NullIf("category", Value(""))}


def _admin(request: HttpRequest) -> UserActor:
    who = actor(request)
    if not who.is_admin_in(who.organization_id):
        raise Forbidden(_("Skills are kept by admins of the organization."))
    return who


def _gateways(who: UserActor) -> list[Gateway]:
    found = Gateway.objects.visible_to(who).filter(organization_id=home_of(who))
    return list(found.order_by("name", "id")[:200])


def _chosen(request: HttpRequest, gateways: list[Gateway]) -> Gateway | None:
    """The gateway that the page is about: the one asked for, else the first."""
    wanted = request.GET.get("gateway", "") or request.POST.get("gateway", "")
    if wanted:
        pk = as_uuid(wanted)
        return next((gateway for gateway in gateways if gateway.pk == pk), None)
    return gateways[0] if gateways else None


@require_safe
@page
def marketplace(request: HttpRequest) -> HttpResponse:
    """Skills, and how each stands on the chosen gateway."""
    who = _admin(request)
    gateways = _gateways(who)
    gateway = _chosen(request, gateways)
    names = ("q", "category", "risk", "pack")
    filters = {name: request.GET.get(name, "").strip() for name in names}
    home = Skill.objects.filter(organization_id=home_of(who))
    rows = home.matching(
        search=filters["q"], category=filters["category"], risk=filters["risk"],
        pack_id=as_uuid(filters["pack"]) if filters["pack"] else None,
    )  # fmt: skip
    asked = sorting(request, SORTS, default="name")
    part = page_of(request, rows.order_by(*asked.order), PAGE_SIZE)
    context = {
        "nav": "skills",
        **part,
        **asked.context,
        "rows": _rows(part["items"], gateway),
        "total": rows.count(),
        "gateways": gateways,
        "gateway": gateway,
        "filters": {**filters, "any": any(filters.values())},
        "categories": _words(home, "category"),
        "risks": _words(home, "risk"),
        "packs": SkillPack.objects.filter(organization_id=home_of(who)).order_by("name"),
    }
    name = "agents/_skill_rows.html" if is_htmx(request) else "agents/skill_list.html"
    return render(request, name, context)


def _words(rows: QuerySet[Skill], field: str) -> list[str]:
    found = rows.exclude(**{field: ""}).order_by(field).values_list(field, flat=True).distinct()
    return list(found[:100])


def _rows(items: list[Skill], gateway: Gateway | None) -> list[dict[str, Any]]:
    installs = {
        row.skill_id: row for row in SkillInstall.objects.filter(skill__in=items, gateway=gateway)
    }
    return [
        {
            "skill": skill,
            "install": installs.get(skill.pk),
            "grave": skill_scan.has_high(skill.findings),
            "count": len(skill.findings),
        }
        for skill in items
    ]


@require_safe
@page
def skill_detail(request: HttpRequest, skill_id: UUID) -> HttpResponse:
    """One skill: what it says, where it is from, what was found, where it is installed."""
    return render(request, "agents/skill_detail.html", _context(request, skill_id))


@require_safe
@page
def skill_look(request: HttpRequest, skill_id: UUID) -> HttpResponse:
    """The look at its files, refetched until it is done."""
    context = _context(request, skill_id)
    if not context["skill"].is_being_looked_at and is_htmx(request):
        response = HttpResponse(status=200)  # its text, facts and questions changed as well
        response["HX-Refresh"] = "true"
        return response
    return render(request, "agents/_skill_look.html", context)


@require_POST
@page
def skill_scan_again(request: HttpRequest, skill_id: UUID) -> HttpResponse:
    """Have its files looked at again."""
    skill_looks.request_look(_admin(request), skill_id)
    return HttpResponseRedirect(f"/skills/marketplace/{skill_id}")


def _context(request: HttpRequest, skill_id: UUID) -> dict[str, Any]:
    who = _admin(request)
    skill: Skill = Skill.objects.select_related("pack").seen_by(who, skill_id)
    authz.authorize(who, actions.VIEW_SKILLS, skill)
    gateways = list(
        Gateway.objects.filter(organization_id=skill.organization_id).order_by("name")[:200]
    )
    installs = {row.gateway_id: row for row in skill.installs.all()}
    return {
        "nav": "skills",
        "skill": skill,
        "findings": [{**f, "words": skill_scan.words_of(f["rule"])} for f in skill.findings],
        "is_grave": skill_scan.has_high(skill.findings),
        "places": [{"gateway": g, "install": installs.get(g.pk)} for g in gateways],
        "chosen": request.GET.get("gateway", ""),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@page
def skill_new(request: HttpRequest) -> HttpResponse:
    """A skill by its address."""
    who = _admin(request)
    form = SkillForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            skill = services.add_skill(who, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error("source_url", str(refusal.detail))
        else:
            return HttpResponseRedirect(f"/skills/marketplace/{skill.pk}")
    context = {"nav": "skills", "form": form}
    status = 422 if form.errors else 200
    return render(request, "agents/skill_form.html", context, status=status)


@require_POST
@page
def skill_install(request: HttpRequest, skill_id: UUID) -> HttpResponse:
    """Ask a gateway's own agent to install the skill; grave findings have to be ticked."""
    who = _admin(request)
    try:
        services.install_skill(
            who, skill_id, as_uuid(request.POST.get("gateway", "")),
            accepts_findings=request.POST.get("accept_findings") == "1",
        )  # fmt: skip
    except DomainError as refusal:
        return _refused(request, skill_id, refusal)
    messages.success(request, _("The gateway was asked. It shows as installed when it confirms."))
    return HttpResponseRedirect(f"/skills/marketplace/{skill_id}")


@require_POST
@page
def skill_uninstall(request: HttpRequest, skill_id: UUID) -> HttpResponse:
    """Ask a gateway's own agent to remove the skill."""
    who = _admin(request)
    try:
        services.uninstall_skill(who, skill_id, as_uuid(request.POST.get("gateway", "")))
    except DomainError as refusal:
        return _refused(request, skill_id, refusal)
    messages.success(request, _("The gateway was asked to remove it."))
    return HttpResponseRedirect(f"/skills/marketplace/{skill_id}")


def _refused(request: HttpRequest, skill_id: UUID, refusal: DomainError) -> HttpResponse:
    """The skill's own page with what went wrong."""
    context = {**_context(request, skill_id), "fault": str(refusal.detail)}
    return render(request, "agents/skill_detail.html", context, status=refusal.status)


@require_POST
@page
def skill_delete(request: HttpRequest, skill_id: UUID) -> HttpResponse:
    """Forget a skill."""
    services.delete_skill(_admin(request), skill_id)
    messages.success(request, _("The skill was deleted here. Gateways keep their files."))
    return HttpResponseRedirect("/skills/marketplace")


# --- packs ----------------------------------------------------------------------------------------


@require_safe
@page
def pack_list(request: HttpRequest) -> HttpResponse:
    """Packs of the organization."""
    who = _admin(request)
    rows = SkillPack.objects.filter(organization_id=home_of(who)).annotate(
        skill_count=Count("skills")
    )
    context = {"nav": "skill-packs", "packs": rows.order_by("name", "id")[:200]}
    return render(request, "agents/pack_list.html", context)


def _pack_context(request: HttpRequest, pack_id: UUID) -> dict[str, Any]:
    who = _admin(request)
    pack: SkillPack = SkillPack.objects.seen_by(who, pack_id)
    authz.authorize(who, actions.VIEW_SKILLS, pack)
    skills = Skill.objects.filter(pack=pack).defer("content").order_by("name", "id")
    return {
        "nav": "skill-packs",
        "pack": pack,
        "rows": _rows(list(skills[:200]), None),
        "is_open": pack.sync_state in skill_packs.OPEN,
    }


@require_safe
@page
def pack_detail(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """One pack with the result of its last reading."""
    return render(request, "agents/pack_detail.html", _pack_context(request, pack_id))


@require_safe
@page
def pack_body(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """The same without the frame, refetched while it is read."""
    return render(request, "agents/_pack_body.html", _pack_context(request, pack_id))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def pack_new(request: HttpRequest) -> HttpResponse:
    """A new pack; it is read at once."""
    who = _admin(request)
    form = PackForm(request.POST or None, initial={"branch": "main"})
    if request.method == "POST" and form.is_valid():
        try:
            pack = skill_packs.add_pack(who, **form.cleaned_data)
            skill_packs.request_sync(who, pack.pk)
        except DomainError as refusal:
            form.add_error("source_url", str(refusal.detail))
        else:
            return HttpResponseRedirect(f"/skills/packs/{pack.pk}")
    return _pack_form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def pack_edit(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Name, address and branch of a pack."""
    who = _admin(request)
    pack: SkillPack = SkillPack.objects.seen_by(who, pack_id)
    authz.authorize(who, actions.CHANGE_SKILLS, pack)
    names = ("name", "description", "source_url", "branch")
    form = PackForm(request.POST or None, initial={name: getattr(pack, name) for name in names})
    if request.method == "POST" and form.is_valid():
        try:
            skill_packs.update_pack(who, pack_id, changes=form.cleaned_data)
        except DomainError as refusal:
            form.add_error("source_url", str(refusal.detail))
        else:
            return HttpResponseRedirect(f"/skills/packs/{pack_id}")
    return _pack_form(request, form, pack)


def _pack_form(request: HttpRequest, form: PackForm, pack: SkillPack | None) -> HttpResponse:
    context = {"nav": "skill-packs", "form": form, "pack": pack}
    return render(request, "agents/pack_form.html", context, status=422 if form.errors else 200)


@require_POST
@page
def pack_sync(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Have a pack read again."""
    skill_packs.request_sync(_admin(request), pack_id)
    return HttpResponseRedirect(f"/skills/packs/{pack_id}")


@require_POST
@page
def pack_delete(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Forget a pack; its skills stay."""
    skill_packs.delete_pack(_admin(request), pack_id)
    messages.success(request, _("The pack was deleted. Its skills stay in the marketplace."))
    return HttpResponseRedirect("/skills/packs")
