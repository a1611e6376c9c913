"""Settings of custom fields: list, new, edit, delete."""

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

from boards import actions, services
from boards.models import Board, CustomField
from boards.pages.label_forms import FieldForm, default_text
from boards.pages.views import shared
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict
from missioncontrol.kernel.pages import actor, home_of, listing, page
from missioncontrol.kernel.sorting import sorting

SHOWN = ("label", "field_type", "ui_visibility", "validation_regex", "description", "required")


@require_safe
@page
def field_list(request: HttpRequest) -> HttpResponse:
    """Custom fields of the organization with their boards."""
    who = actor(request)
    fields: QuerySet[CustomField] = CustomField.objects.visible_to(who).with_boards(who)
    fields = fields.filter(organization_id=home_of(who))
    asked = sorting(request, {"name": Lower("label"), "type": "field_type"}, default="name")
    context = {
        "nav": "custom-fields",
        "can_edit": who.is_admin_in(who.organization_id),
        **asked.context,
    }
    ordered = fields.order_by(*asked.order)
    return listing(request, ordered, "boards/field_list.html", context=context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def field_new(request: HttpRequest) -> HttpResponse:
    """A new custom field."""
    who = actor(request)
    authz.authorize(who, actions.MANAGE_FIELDS, shared.home_row(who))
    home = home_of(who)
    form = FieldForm(request.POST or None, boards=_boards(home), is_new=True)
    if request.method == "POST" and form.is_valid():
        try:
            services.create_custom_field(who, home, **form.inputs())
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            messages.success(request, _("The field was added."))
            return HttpResponseRedirect("/custom-fields")
    return _form_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def field_edit(request: HttpRequest, field_id: UUID) -> HttpResponse:
    """What of a custom field can be changed."""
    who = actor(request)
    field = _field(who, field_id)
    bound = [str(pk) for pk in field.boards.values_list("pk", flat=True)]
    present = {name: getattr(field, name) for name in SHOWN}
    form = FieldForm(
        request.POST or None,
        boards=_boards(field.organization_id),
        is_new=False,
        initial={**present, "board_ids": bound, "default_value": default_text(field)},
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.update_custom_field(who, field_id, changes=form.inputs())
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            messages.success(request, _("The field was saved."))
            return HttpResponseRedirect("/custom-fields")
    return _form_page(request, form, field)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def field_delete(request: HttpRequest, field_id: UUID) -> HttpResponse:
    """The question before a custom field is deleted, and the deletion."""
    who = actor(request)
    field = _field(who, field_id)
    context: dict[str, Any] = {"nav": "custom-fields", "field": field}
    if request.method == "POST":
        try:
            services.delete_custom_field(who, field_id)
        except Conflict as refusal:
            context |= {"refusal": refusal.detail, "count": refusal.extra.get("count", 0)}
            return render(request, "boards/field_delete.html", context, status=409)
        messages.success(request, _("The field %(name)s was deleted.") % {"name": field.label})
        return HttpResponseRedirect("/custom-fields")
    return render(request, "boards/field_delete.html", context)


def _field(who: UserActor, field_id: UUID) -> CustomField:
    field: CustomField = CustomField.objects.seen_by(who, field_id)
    authz.authorize(who, actions.MANAGE_FIELDS, field)
    return field


def _boards(organization_id: UUID) -> list[tuple[str, str]]:
    """Boards of the organization as choices for admins, who say which boards have a field."""
    boards = Board.objects.filter(organization_id=organization_id).order_by(Lower("name"), "id")
    return [(str(pk), name) for pk, name in boards.values_list("pk", "name")]


def _form_page(request: HttpRequest, form: FieldForm, field: CustomField | None) -> HttpResponse:
    context = {"nav": "custom-fields", "form": form, "field": field}
    return render(request, "boards/field_form.html", context, status=422 if form.errors else 200)
