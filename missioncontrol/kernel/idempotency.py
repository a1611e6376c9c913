"""``Idempotency-Key``: the first answer is stored with the change and replayed for 24 hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from . import clock
from .errors import Conflict, DomainError, Invalid
from .models import IdempotencyRecord
from .problems import as_domain_error, problem_response

KEEP = timedelta(hours=24)
MAX_KEY = 128
KEPT_HEADERS = ("ETag", "Location", "Content-Type")


def run(request: HttpRequest, key: str, handle: Callable[[], Any]) -> HttpResponse:
    """Run ``handle`` once per (actor, path, key); a repeat gets the stored answer.

    The row is inserted first, in the handler's transaction: a parallel repeat waits on the unique
    index. A refused or failed first request rolls back and leaves nothing, so it can be repeated.
    An answer that holds a secret marks itself with ``_secret_answer`` and is not stored whole.
    """
    from .api import body_digest, key_of, resolve

    try:
        if len(key) > MAX_KEY:
            raise Invalid(_("Idempotency-Key is longer than 128 characters."))
        owner = key_of(resolve(request))
        digest = body_digest(request.body)
        with transaction.atomic():
            record, fresh = _open(owner, request.path, key, digest)
            if not fresh:
                return _replay(record, digest)
            response: HttpResponse = handle()
            if response.status_code >= 400:
                transaction.set_rollback(True)
                return response
            _keep(record, response)
            return response
    except DomainError as error:
        return problem_response(error, request)
    except Exception as error:
        known = as_domain_error(error)
        if known is None:
            raise
        return problem_response(known, request)


def _open(owner: str, path: str, key: str, digest: str) -> tuple[IdempotencyRecord, bool]:
    IdempotencyRecord.objects.filter(
        actor_key=owner, path=path[:300], key=key, created_at__lt=clock.now() - KEEP
    ).delete()
    return IdempotencyRecord.objects.get_or_create(
        actor_key=owner, path=path[:300], key=key, defaults={"body_hash": digest}
    )


def _replay(record: IdempotencyRecord, digest: str) -> HttpResponse:
    if record.body_hash != digest:
        raise Conflict(
            _("This Idempotency-Key was used with another body."), code="idempotency_mismatch"
        )
    response = HttpResponse(orjson.dumps(record.body), status=record.status or 200)
    for name, value in record.headers.items():
        response[name] = value
    response["Idempotent-Replay"] = "true"
    return response


def _keep(record: IdempotencyRecord, response: HttpResponse) -> None:
    if hasattr(response, "render"):
        response.render()
    body = orjson.loads(response.content) if response.content else None
    secrets = getattr(response, "secret_fields", ())
    if isinstance(body, dict):
        body = {k: (None if k in secrets else v) for k, v in body.items()}
    record.status = response.status_code
    record.body = body
    record.headers = {n: response[n] for n in KEPT_HEADERS if n in response}
    record.save(update_fields=["status", "body", "headers"])


def sweep() -> int:
    """Delete records older than a day; returns how many."""
    return IdempotencyRecord.objects.filter(created_at__lt=clock.now() - KEEP).delete()[0]
