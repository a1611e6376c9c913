"""The inbox of decisions: one list for boards, zones and gateways."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from boards.models import Board
from governance import services
from governance.models import Approval
from governance.pages.asks import SOURCES, asks_of
from governance.pages.forms import DecisionForm
from governance.querysets import ApprovalQuerySet
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid
from missioncontrol.kernel.pages import actor, home_of, is_htmx, page, page_number
from missioncontrol.kernel.querysets import as_uuid

PAGE_SIZE = 50
SHOWN = ("pending", "decided", "all")
INBOX = "/approvals"


@require_safe
@page
def approval_list(request: HttpRequest) -> HttpResponse:
    """Requests for a decision: pending ones first, the soonest to close at the top."""
    who = actor(request)
    show = request.GET.get("show", "pending")
    show = show if show in SHOWN else "pending"
    filters = {name: request.GET.get(name, "").strip() for name in ("board", "source")}
    own = _readable(who)
    rows = _narrowed(own, filters, show)
    number = page_number(request)
    start = (number - 1) * PAGE_SIZE
    found = list(rows[start : start + PAGE_SIZE + 1])
    open_id = request.GET.get("open", "")
    shown = _with_opened(own, found[:PAGE_SIZE], open_id)
    context: dict[str, Any] = {
        "nav": "approvals",
        "asks": asks_of(who, shown, open_id=open_id),
        "show": show,
        "filters": {**filters, "any": any(filters.values())},
        "counts": {"pending": own.decidable_by(who).filter(status=Approval.Status.PENDING).count()},
        "sources": SOURCES.items(),
        "boards": Board.objects.visible_to(who)
        .filter(organization_id=home_of(who))
        .order_by("name"),
        "number": number,
        "has_next": len(found) > PAGE_SIZE,
        "has_previous": number > 1,
        "back": request.get_full_path(),
    }
    name = "governance/_approvals.html" if is_htmx(request) else "governance/approval_list.html"
    return render(request, name, context)


@require_safe
@page
def board_approvals(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """The inbox, narrowed to one board."""
    board = Board.objects.seen_by(actor(request), board_id)
    return HttpResponseRedirect(f"{INBOX}?board={board.pk}")


@require_safe
@page
def approval_count(request: HttpRequest) -> HttpResponse:
    """How many requests the actor may decide, for navigation and tabs."""
    who = actor(request)
    waiting = Approval.objects.decidable_by(who).filter(
        organization_id=home_of(who), status=Approval.Status.PENDING
    )
    return render(request, "ui/_waiting.html", {"waiting": waiting.count()})


def _readable(who: UserActor) -> ApprovalQuerySet:
    approvals: ApprovalQuerySet = Approval.objects.visible_to(who)
    return approvals.filter(organization_id=home_of(who))


def _narrowed(
    approvals: QuerySet[Approval], filters: dict[str, str], show: str
) -> QuerySet[Approval]:
    if filters["board"]:
        approvals = approvals.filter(board_id=as_uuid(filters["board"]))
    if filters["source"]:
        approvals = approvals.filter(source=filters["source"])
    pending = Approval.Status.PENDING
    if show == "decided":
        return approvals.exclude(status=pending).order_by("-resolved_at", "-created_at", "id")
    if show == "pending":
        return approvals.filter(status=pending).order_by("expires_at", "created_at", "id")
    first = Case(When(status=pending, then=Value(0)), default=Value(1), output_field=IntegerField())
    return approvals.order_by(first, "-created_at", "id")


def _with_opened(own: QuerySet[Approval], shown: list[Approval], open_id: str) -> list[Approval]:
    """The row that an address names stands in the list, whatever the tab shows."""
    if not open_id or any(str(row.pk) == open_id for row in shown):
        return shown
    named = own.filter(pk=as_uuid(open_id)).first()
    return [named, *shown] if named else shown


@require_POST
@page
def approval_decide(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Approve or reject; the row says what came of it."""
    who = actor(request)
    approval = Approval.objects.seen_by(who, approval_id)
    form = DecisionForm(request.POST)
    typed = request.POST.get("comment", "")
    if not form.is_valid():
        error = str(next(iter(form.errors.values()))[0])
        return _row(request, who, approval, typed=typed, typed_error=error, http_status=422)
    try:
        services.resolve_approval(
            who,
            approval_id,
            status=form.cleaned_data["decision"],
            comment=form.cleaned_data["comment"] or None,
        )
    except (Conflict, Forbidden, Invalid) as refusal:
        if isinstance(refusal, Forbidden) and not is_htmx(request):
            raise
        approval.refresh_from_db()
        detail = str(refusal.detail)
        return _row(request, who, approval, typed=typed, refusal=detail, http_status=refusal.status)
    approval.refresh_from_db()
    return _told(_row(request, who, approval), who, approval)


def _told(response: HttpResponse, who: UserActor, approval: Approval) -> HttpResponse:
    """The row leaves its list: say what came of it, and where it is found again."""
    words = {
        Approval.Status.APPROVED: _("Approved: %(title)s"),
        Approval.Status.REJECTED: _("Rejected: %(title)s"),
    }.get(Approval.Status(approval.status), _("Waits again: %(title)s"))
    show = "pending" if approval.status == Approval.Status.PENDING else "decided"
    said = {
        "text": words % {"title": asks_of(who, [approval])[0].title[:80]},
        "href": f"{INBOX}?show={show}&open={approval.pk}#approval-{approval.pk}",
        "word": _("Show"),
    }
    response["HX-Trigger"] = json.dumps({"mc:said": said})
    return response


@require_POST
@page
def approval_reopen(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Take a decision back; the request waits again."""
    who = actor(request)
    approval = Approval.objects.seen_by(who, approval_id)
    services.reopen_approval(who, approval_id)
    approval.refresh_from_db()
    return _told(_row(request, who, approval), who, approval)


@require_POST
@page
def approval_withdraw(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Withdraw a pending request; nobody has to decide it any more."""
    who = actor(request)
    approval = Approval.objects.seen_by(who, approval_id)
    services.cancel_approval(who, approval_id)
    if not is_htmx(request):
        messages.success(request, _("The request was withdrawn."))
        return HttpResponseRedirect(INBOX)
    approval.refresh_from_db()
    return _row(request, who, approval)


def _row(request: HttpRequest, who: UserActor, approval: Approval, **extra: Any) -> HttpResponse:
    status = extra.pop("http_status", 200)
    if not is_htmx(request):
        if status == 200:
            title = asks_of(who, [approval])[0].title
            messages.success(request, _("Decided: %(title)s") % {"title": title[:80]})
            return HttpResponseRedirect(INBOX)
        messages.error(request, extra.get("refusal") or extra.get("typed_error", ""))
        return HttpResponseRedirect(f"{INBOX}?open={approval.pk}")
    still_open = str(approval.pk) if status != 200 else ""
    ask = asks_of(who, [approval], open_id=still_open)[0]
    context = {"ask": ask, "back": INBOX, **extra}
    return render(request, "governance/_approval.html", context, status=status)
