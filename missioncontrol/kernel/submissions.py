"""A form that is sent twice changes once: the repeat is led to where the first one led.

A double click, or the browser's "send again", repeats a request whose answer was lost. The form
carries a key (``{% form_key %}``); key and content together name the submission, so the same form
with other content is a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from . import clock
from .actors import Actor, actor_key
from .idempotency import KEEP, claim, mine
from .models import IdempotencyRecord

FIELD = "form_key"


def once(request: HttpRequest, who: Actor, handle: Callable[[], HttpResponse]) -> HttpResponse:
    """Run ``handle`` once per submission; what does not redirect has changed nothing."""
    if request.method != "POST" or not request.POST.get(FIELD):
        return handle()
    digest = _digest(request)
    with transaction.atomic():
        record, is_fresh = IdempotencyRecord.objects.get_or_create(
            actor_key=actor_key(who),
            path=request.path[:300],
            key=f"form:{digest}",
            defaults={"body_hash": digest},
        )
        if not is_fresh and record.created_at > clock.now() - KEEP:
            return HttpResponseRedirect(record.headers["Location"])
        response = handle()
        if "Location" not in response:
            transaction.set_rollback(True)
            return response
        record.headers = {"Location": response["Location"]}
        record.save(update_fields=["headers"])
        return response


def once_apart(
    request: HttpRequest, who: Actor, handle: Callable[[], HttpResponse]
) -> HttpResponse:
    """The same for a page that waits for a gateway: no transaction is open while it does.

    A repeat that comes before the first answer is led to the page itself.
    """
    if request.method != "POST" or not request.POST.get(FIELD):
        return handle()
    digest = _digest(request)
    record, is_mine = claim(actor_key(who), request.path, f"form:{digest}", digest)
    if not is_mine:
        return HttpResponseRedirect(record.headers.get("Location", request.get_full_path()))
    is_kept = False
    try:
        response = handle()
        if "Location" in response:
            headers = {"Location": response["Location"]}
            mine(record).update(headers=headers, status=response.status_code)
            is_kept = True
        return response
    finally:
        if not is_kept:
            mine(record).delete()


def _digest(request: HttpRequest) -> str:
    """Key and content of a submission."""
    return hashlib.sha256(request.POST.urlencode().encode()).hexdigest()
