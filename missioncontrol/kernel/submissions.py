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
from .idempotency import KEEP
from .models import IdempotencyRecord

FIELD = "form_key"


def once(request: HttpRequest, who: Actor, handle: Callable[[], HttpResponse]) -> HttpResponse:
    """Run ``handle`` once per submission; what does not redirect has changed nothing."""
    if request.method != "POST" or not request.POST.get(FIELD):
        return handle()
    digest = hashlib.sha256(request.POST.urlencode().encode()).hexdigest()
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
