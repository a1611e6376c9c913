"""``Idempotency-Key``: the first answer is stored and replayed for 24 hours.

Two ways. A change of our own is stored together with its answer, in one transaction. A call that
waits for something outside (a gateway, a job) must not hold a transaction meanwhile: its key is
claimed first, the work is done, the answer is stored afterwards.
"""

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
#: Longer than any call waits; afterwards a claim without an answer is that of a dead process.
CLAIM = timedelta(minutes=10)
MAX_KEY = 128
KEPT_HEADERS = ("ETag", "Location", "Content-Type")
Handler = Callable[[], Any]


def run(request: HttpRequest, key: str, handle: Handler) -> HttpResponse:
    """Run ``handle`` once per (actor, path, key); a repeat gets the stored answer.

    The row is inserted first, in the handler's transaction: a parallel repeat waits on the unique
    index. A refused or failed first request rolls back and leaves nothing, so it can be repeated.
    An answer that holds a secret names it in ``secret_fields`` and is not stored whole.
    """
    return _answered(
        request, key, lambda owner, digest: _within(request, owner, key, digest, handle)
    )


def run_apart(request: HttpRequest, key: str, handle: Handler) -> HttpResponse:
    """The same for work that waits for others: no transaction is open while it runs.

    A parallel repeat is told so (409 ``idempotency_in_progress``). A refused request gives the key
    back at once, a crashed one after :data:`CLAIM`.
    """
    return _answered(
        request, key, lambda owner, digest: _apart(request, owner, key, digest, handle)
    )


def _answered(
    request: HttpRequest, key: str, work: Callable[[str, str], HttpResponse]
) -> HttpResponse:
    """Run with the caller's name and the body's digest; refusals become problem documents."""
    from .api import body_digest, key_of, resolve

    try:
        if len(key) > MAX_KEY:
            raise Invalid(_("Idempotency-Key is longer than 128 characters."))
        return work(key_of(resolve(request)), body_digest(request.body))
    except DomainError as error:
        return problem_response(error, request)
    except Exception as error:
        known = as_domain_error(error)
        if known is None:
            raise
        return problem_response(known, request)


def _within(
    request: HttpRequest, owner: str, key: str, digest: str, handle: Handler
) -> HttpResponse:
    with transaction.atomic():
        record, is_fresh = _open(owner, request.path, key, digest)
        if not is_fresh:
            return _known(record, digest)
        response: HttpResponse = handle()
        if response.status_code >= 400:
            transaction.set_rollback(True)
            return response
        _keep(record, response)
        return response


def _apart(
    request: HttpRequest, owner: str, key: str, digest: str, handle: Handler
) -> HttpResponse:
    record, is_mine = claim(owner, request.path, key, digest)
    if not is_mine:
        return _known(record, digest)
    is_kept = False
    try:
        response: HttpResponse = handle()
        if response.status_code < 400:
            _keep(record, response)
            is_kept = True
        return response
    finally:
        if not is_kept:
            mine(record).delete()


def claim(owner: str, path: str, key: str, digest: str) -> tuple[IdempotencyRecord, bool]:
    """The record of a key, and whether it is now this request's own; committed at once.

    Own is a new one, and one that was claimed for the same content and never answered.
    """
    until = clock.now() + CLAIM
    with transaction.atomic():
        record, is_fresh = _open(owner, path, key, digest, claimed_until=until)
        if is_fresh:
            return record, True
        record = IdempotencyRecord.objects.select_for_update(of=("self",), no_key=True).get(
            pk=record.pk
        )
        if not _is_abandoned(record) or record.body_hash != digest:
            return record, False
        record.claimed_until = until
        record.save(update_fields=["claimed_until"])
        return record, True


def _is_abandoned(record: IdempotencyRecord) -> bool:
    """Claimed long ago and never answered."""
    until = record.claimed_until
    return record.status is None and until is not None and until <= clock.now()


def _open(
    owner: str, path: str, key: str, digest: str, **fields: Any
) -> tuple[IdempotencyRecord, bool]:
    IdempotencyRecord.objects.filter(
        actor_key=owner, path=path[:300], key=key, created_at__lt=clock.now() - KEEP
    ).delete()
    return IdempotencyRecord.objects.get_or_create(
        actor_key=owner, path=path[:300], key=key, defaults={"body_hash": digest, **fields}
    )


def _known(record: IdempotencyRecord, digest: str) -> HttpResponse:
    """The stored answer.

    Raises:
        Conflict: ``idempotency_mismatch``, or ``idempotency_in_progress`` while there is none yet.
    """
    if record.body_hash != digest:
        raise Conflict(
            _("This Idempotency-Key was used with another body."), code="idempotency_mismatch"
        )
    if record.status is None:
        raise Conflict(
            _("The first request with this Idempotency-Key is still running. Repeat it later."),
            code="idempotency_in_progress",
            retry_after=2,
        )
    response = HttpResponse(orjson.dumps(record.body), status=record.status)
    for name, value in record.headers.items():
        response[name] = value
    response["Idempotent-Replay"] = "true"
    return response


def mine(record: IdempotencyRecord) -> Any:
    """The record, unless another request took it over meanwhile."""
    return IdempotencyRecord.objects.filter(
        pk=record.pk, claimed_until=record.claimed_until, status__isnull=True
    )


def _keep(record: IdempotencyRecord, response: HttpResponse) -> None:
    if hasattr(response, "render"):
        response.render()
    body = orjson.loads(response.content) if response.content else None
    secrets = getattr(response, "secret_fields", ())
    if isinstance(body, dict):
        body = {k: (None if k in secrets else v) for k, v in body.items()}
    mine(record).update(
        status=response.status_code,
        body=body,
        headers={n: response[n] for n in KEPT_HEADERS if n in response},
    )


def sweep() -> int:
    """Delete records older than a day; returns how many."""
    return IdempotencyRecord.objects.filter(created_at__lt=clock.now() - KEEP).delete()[0]
