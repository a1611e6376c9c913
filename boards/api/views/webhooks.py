"""Inbound webhooks: kept by people, filled through the open address, read by agents.

Source: core specification 9 and 18.
"""

from __future__ import annotations

import sys
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from boards.api import webhook_schemas as schemas
from boards.api import webhook_shapes as shapes
from boards.api.views.agent import WORKING, for_agents
from boards.api.views.shared import AGENT, prefix_of, require_board
from boards.models import BoardWebhook, WebhookPayload
from boards.services import webhooks
from boards.webhook_rules import Incoming
from missioncontrol.http_pool import OVERSIZED
from missioncontrol.kernel import ratelimit
from missioncontrol.kernel.actors import Actor, Kind
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.errors import NotFound, TooLarge

TAGS = ("webhooks",)
PER_ADDRESS = ratelimit.Limit("webhook-ip", 60, 60)
PER_WEBHOOK = ratelimit.Limit("webhook", 300, 60)
CHUNK_BYTES = 64 * 1024


class WebhookListView(ApiView):
    """Webhooks of a board."""

    @operation(
        tags=TAGS, summary="Webhooks of a board, newest first", response=list[schemas.WebhookOut]
    )
    def get(self, request: Request, board_id: UUID) -> Response:
        """List."""
        require_board(self.actor, board_id)
        rows = BoardWebhook.objects.filter(board_id=board_id).order_by("-created_at", "-id")
        return self.listing(rows, shapes.webhook)

    @operation(
        tags=TAGS, summary="Add a webhook", request=schemas.WebhookIn, response=schemas.WebhookOut
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        """Create."""
        webhook = webhooks.create_webhook(
            self.user, board_id, **self.read(schemas.WebhookIn).given()
        )
        location = f"{prefix_of(self)}/boards/{board_id}/webhooks/{webhook.pk}"
        return ok(shapes.webhook(webhook), version=webhook.version, location=location)


class WebhookView(ApiView):
    """One webhook; a POST to the same address is a sender's, who needs no account."""

    def is_open(self, request: HttpRequest) -> bool:
        """Senders have no account."""
        return request.method == "POST"

    def max_body_bytes(self) -> int:
        """What is sent in has a cap of its own, asked about in its turn."""
        return sys.maxsize if self.request.method == "POST" else super().max_body_bytes()

    @operation(tags=TAGS, summary="A webhook", response=schemas.WebhookOut)
    def get(self, request: Request, board_id: UUID, webhook_id: UUID) -> Response:
        """Read."""
        webhook = _webhook(self.actor, board_id, webhook_id)
        return ok(shapes.webhook(webhook), version=webhook.version)

    @operation(
        tags=TAGS, summary="Change a webhook", request=schemas.WebhookPatch,
        response=schemas.WebhookOut,
    )  # fmt: skip
    def patch(self, request: Request, board_id: UUID, webhook_id: UUID) -> Response:
        """Change."""
        webhook = webhooks.update_webhook(
            self.user,
            board_id,
            webhook_id,
            changes=self.read(schemas.WebhookPatch).given(),
            expected_version=self.expected_version(),
        )
        return ok(shapes.webhook(webhook), version=webhook.version)

    @operation(tags=TAGS, summary="Delete a webhook with what it received")
    def delete(self, request: Request, board_id: UUID, webhook_id: UUID) -> Response:
        """Delete."""
        webhooks.delete_webhook(
            self.user, board_id, webhook_id, expected_version=self.expected_version()
        )
        return done()

    @operation(
        tags=TAGS, summary="Send something in (no login; signed where the webhook has a secret)",
        response={202: schemas.Receipt}, refusals=(410,), auth=[],
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID, webhook_id: UUID) -> Response:
        """Receive: limits, webhook, switch, size, signature, then it is kept and told."""
        inner = request._request  # noqa: SLF001 - Django's own request
        address = ratelimit.client_ip(inner)
        ratelimit.hit(PER_ADDRESS, address)
        ratelimit.hit(PER_WEBHOOK, str(webhook_id))
        webhooks.open_address(board_id, webhook_id)
        incoming = Incoming(
            body=_body(inner),
            headers={name.lower(): value for name, value in request.headers.items()},
            source_ip=address,
        )
        receipt = webhooks.receive_payload(board_id, webhook_id, incoming)
        answer = {
            "ok": True,
            "board_id": board_id,
            "webhook_id": webhook_id,
            "payload_id": receipt.payload_id,
        }
        if receipt.is_duplicate:
            answer["duplicate"] = True
        return ok(answer, status=202)


def _body(request: HttpRequest) -> bytes:
    """The body of a request, read in pieces up to the cap.

    Raises:
        TooLarge: it announces more, or turns out to be more.
    """
    cap = settings.WEBHOOK_MAX_PAYLOAD_BYTES
    refusal = TooLarge(_("The payload is larger than %(n)s bytes.") % {"n": cap}, limit=cap)
    if request.META.get(OVERSIZED) or int(request.META.get("CONTENT_LENGTH") or 0) > cap:
        raise refusal
    body = bytearray()
    while piece := request.read(CHUNK_BYTES):
        body += piece
        if len(body) > cap:
            raise refusal
    return bytes(body)


def _webhook(actor: Actor, board_id: UUID, webhook_id: UUID) -> BoardWebhook:
    found: BoardWebhook = BoardWebhook.objects.filter(board_id=board_id).seen_by(actor, webhook_id)
    return found


def _payloads(actor: Actor, board_id: UUID, webhook_id: UUID) -> QuerySet[WebhookPayload]:
    """Payloads of a webhook of a readable board.

    Raises:
        NotFound: absent, invisible, or of another board.
    """
    _webhook(actor, board_id, webhook_id)
    rows: QuerySet[WebhookPayload] = WebhookPayload.objects.filter(webhook_id=webhook_id)
    return rows


def _payload(actor: Actor, board_id: UUID, webhook_id: UUID, payload_id: UUID) -> WebhookPayload:
    found = _payloads(actor, board_id, webhook_id).filter(pk=payload_id).first()
    if found is None:
        raise NotFound
    return found


class PayloadListView(ApiView):
    """What a webhook received."""

    @operation(
        tags=TAGS, summary="Payloads of a webhook, newest first", response=list[schemas.PayloadOut]
    )
    def get(self, request: Request, board_id: UUID, webhook_id: UUID) -> Response:
        """List; long payloads are given as the beginning of their text."""
        rows = shapes.for_list(_payloads(self.actor, board_id, webhook_id))
        return self.listing(rows.order_by("-received_at", "-id"), shapes.listed_payload)


class PayloadView(ApiView):
    """One payload."""

    @operation(tags=TAGS, summary="A whole payload", response=schemas.PayloadOut)
    def get(self, request: Request, board_id: UUID, webhook_id: UUID, payload_id: UUID) -> Response:
        """Read."""
        return ok(shapes.payload(_payload(self.actor, board_id, webhook_id, payload_id)))


class RedeliverView(ApiView):
    """Tell the agent again."""

    @operation(tags=TAGS, summary="Send a payload to the agent again", response=schemas.PayloadOut)
    def post(
        self, request: Request, board_id: UUID, webhook_id: UUID, payload_id: UUID
    ) -> Response:
        """Queue."""
        payload = webhooks.redeliver_payload(self.user, board_id, webhook_id, payload_id)
        return ok(shapes.payload(payload))


class AgentPayloadView(ApiView):
    """A payload as an agent of the board reads it."""

    actor_kinds: ClassVar[frozenset[Kind]] = AGENT

    @for_agents(
        "agent_read_webhook_payload", WORKING, intent="webhook_triage",
        response=schemas.PayloadOut,
        use="Read what a webhook of your board received, after WEBHOOK EVENT RECEIVED.",
        avoid="The preview in the message already holds what you need.",
    )  # fmt: skip
    def get(self, request: Request, board_id: UUID, webhook_id: UUID, payload_id: UUID) -> Response:
        """Read; more than ``max_chars`` is cut to a text preview."""
        wanted = self.query(schemas.PayloadFilter)
        payload = _payload(self.actor, board_id, webhook_id, payload_id)
        return ok(shapes.payload_for_agent(payload, wanted.max_chars))
