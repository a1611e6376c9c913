"""Settings of tags: list, new, edit, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from boards import actions, rows, services
from boards.models import Tag
from boards.pages.label_forms import TagForm
from boards.pages.views import shared
from missioncontrol.kernel import authz
from missioncontrol.kernel.pages import actor, home_of, page, page_of
from missioncontrol.kernel.sorting import sorting


@require_safe
@page
def tag_list(request: HttpRequest) -> HttpResponse:
    """Tags of the organization with the number of their tasks."""
    who = actor(request)
    tags: QuerySet[Tag] = Tag.objects.visible_to(who).filter(organization_id=home_of(who))
    asked = sorting(request, {"name": Lower("name"), "slug": "slug"}, default="name")
    found = page_of(request, tags.order_by(*asked.order), 100)
    counts = rows.tag_counts([tag.pk for tag in found["items"]])
    context = {
        "nav": "tags",
        "rows": [(tag, counts.get(tag.pk, 0)) for tag in found["items"]],
        "can_edit": who.is_admin_in(who.organization_id),
        **asked.context,
        **found,
    }
    return render(request, "boards/tag_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def tag_new(request: HttpRequest) -> HttpResponse:
    """A new tag."""
    who = actor(request)
    authz.authorize(who, actions.MANAGE_TAGS, shared.home_row(who))
    form = TagForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            tag = services.create_tag(who, home_of(who), **_inputs(form))
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            messages.success(request, _("The tag %(name)s was added.") % {"name": tag.name})
            return HttpResponseRedirect("/tags")
    return _form_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def tag_edit(request: HttpRequest, tag_id: UUID) -> HttpResponse:
    """A tag's name, colour, slug and description."""
    who = actor(request)
    tag: Tag = Tag.objects.seen_by(who, tag_id)
    authz.authorize(who, actions.MANAGE_TAGS, tag)
    present = {name: getattr(tag, name) for name in ("name", "slug", "description")}
    form = TagForm(request.POST or None, initial={**present, "color": f"#{tag.color}"})
    if request.method == "POST" and form.is_valid():
        try:
            services.update_tag(who, tag_id, changes=_inputs(form))
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            messages.success(request, _("The tag was saved."))
            return HttpResponseRedirect("/tags")
    return _form_page(request, form, tag)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def tag_delete(request: HttpRequest, tag_id: UUID) -> HttpResponse:
    """The question before a tag is deleted, and the deletion."""
    who = actor(request)
    tag: Tag = Tag.objects.seen_by(who, tag_id)
    authz.authorize(who, actions.MANAGE_TAGS, tag)
    if request.method == "POST":
        services.delete_tag(who, tag_id)
        messages.success(request, _("The tag %(name)s was deleted.") % {"name": tag.name})
        return HttpResponseRedirect("/tags")
    count = rows.tag_counts([tag.pk]).get(tag.pk, 0)
    return render(request, "boards/tag_delete.html", {"nav": "tags", "tag": tag, "count": count})


def _inputs(form: TagForm) -> dict[str, Any]:
    wanted = form.cleaned_data
    return {**wanted, "slug": wanted["slug"] or None, "description": wanted["description"] or None}


def _form_page(request: HttpRequest, form: TagForm, tag: Tag | None) -> HttpResponse:
    context = {"nav": "tags", "form": form, "tag": tag}
    return render(request, "boards/tag_form.html", context, status=422 if form.errors else 200)
