"""Outbound webhooks through the API, for admins of the organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from activity import actions
from activity.api import schemas
from activity.models import WebhookDelivery, WebhookEndpoint
from activity.services import webhooks
from boards.models import Board
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.errors import Forbidden, Invalid, NotFound

TAGS = ("webhooks",)


def admin_organization(user: UserActor) -> UUID:
    """The active organization, if the person is its admin.

    Raises:
        NotFound: none.
        Forbidden: a member without the role.
    """
    if user.organization_id is None:
        raise NotFound
    if not user.is_admin_in(user.organization_id):
        raise Forbidden(_("Outbound webhooks are kept by admins of the organization."))
    return user.organization_id


def seen_endpoint(user: UserActor, endpoint_id: UUID) -> WebhookEndpoint:
    """An endpoint that an admin may look at."""
    row: WebhookEndpoint = WebhookEndpoint.objects.seen_by(user, endpoint_id)
    authorize(user, actions.VIEW_ENDPOINT, row)
    return row


def checked_board(user: UserActor, organization_id: UUID, board_id: UUID | None) -> UUID | None:
    """A board of that organization which the person may read.

    Raises:
        Invalid: it is none.
    """
    if board_id is None:
        return None
    boards = Board.objects.visible_to(user).filter(pk=board_id, organization_id=organization_id)
    if not boards.exists():
        raise Invalid(_("There is no such board."), field="board_id")
    return board_id


def endpoint(row: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint; its secret is shown once, when it is made."""
    return {
        "id": row.pk,
        "organization_id": row.organization_id,
        "name": row.name,
        "url": row.url,
        "event_types": row.event_types,
        "board_id": row.board_id,
        "secret_hint": row.secret_hint,
        "is_enabled": row.is_enabled,
        "disabled_reason": row.disabled_reason or None,
        "failures": row.failures,
        "last_success_at": iso(row.last_success_at),
        "last_failure_at": iso(row.last_failure_at),
        "next_attempt_at": iso(row.next_attempt_at) if row.failures else None,
        "row_version": row.version,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def delivery(row: WebhookDelivery) -> dict[str, Any]:
    """One line of the log."""
    return {
        "id": row.pk,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "seq": row.seq,
        "status": row.status,
        "attempts": row.attempts,
        "replays": row.replays,
        "attempted_at": iso(row.attempted_at),
        "delivered_at": iso(row.delivered_at),
        "response_status": row.response_status,
        "response_excerpt": row.response_excerpt or None,
        "latency_ms": row.latency_ms,
        "error": row.error or None,
        "created_at": iso(row.created_at),
    }


def with_secret(row: WebhookEndpoint, secret: str, location: str | None = None) -> Response:
    """An endpoint with its secret, which a repeated answer leaves out."""
    response = ok({**endpoint(row), "secret": secret}, version=row.version, location=location)
    response.secret_fields = ("secret",)  # type: ignore[attr-defined]  # read by idempotency
    return response


class EndpointListView(ApiView):
    """The organization's endpoints."""

    @operation(
        tags=TAGS, summary="Outbound webhooks, newest first", response=list[schemas.EndpointOut]
    )
    def get(self, request: Request) -> Response:
        """List."""
        rows = WebhookEndpoint.objects.filter(organization_id=admin_organization(self.user))
        return self.listing(rows.order_by("-created_at", "-pk"), endpoint)

    @operation(
        tags=TAGS,
        summary="Add an outbound webhook; the answer holds its secret, this once",
        request=schemas.EndpointIn,
        response=schemas.EndpointWithSecret,
    )
    def post(self, request: Request) -> Response:
        """Create."""
        body = self.read(schemas.EndpointIn)
        organization_id = admin_organization(self.user)
        row, secret = webhooks.create_endpoint(
            self.user,
            organization_id,
            name=body.name,
            url=body.url,
            event_types=body.event_types,
            board_id=checked_board(self.user, organization_id, body.board_id),
        )
        return with_secret(row, secret, f"{request.path.rstrip('/')}/{row.pk}")


class EndpointView(ApiView):
    """One endpoint."""

    @operation(tags=TAGS, summary="An outbound webhook", response=schemas.EndpointOut)
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """Read."""
        row = seen_endpoint(self.user, endpoint_id)
        return ok(endpoint(row), version=row.version)

    @operation(
        tags=TAGS,
        summary="Change an outbound webhook",
        request=schemas.EndpointPatch,
        response=schemas.EndpointOut,
    )
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        """Change what is given."""
        changes = self.read(schemas.EndpointPatch).given()
        row = seen_endpoint(self.user, endpoint_id)
        if changes.get("board_id") is not None:
            checked_board(self.user, row.organization_id, changes["board_id"])
        row = webhooks.update_endpoint(
            self.user, endpoint_id, changes=changes, expected_version=self.expected_version()
        )
        return ok(endpoint(row), version=row.version)

    @operation(tags=TAGS, summary="Remove an outbound webhook with its log")
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        """Remove."""
        webhooks.delete_endpoint(self.user, endpoint_id)
        return done()


class RotateSecretView(ApiView):
    """The signing secret."""

    @operation(
        tags=TAGS,
        summary="Replace the signing secret; the answer holds the new one, this once",
        response=schemas.EndpointWithSecret,
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """Rotate."""
        return with_secret(*webhooks.rotate_secret(self.user, endpoint_id))


class TestView(ApiView):
    """A test message."""

    @operation(tags=TAGS, summary="Send a test message", response=schemas.WebhookDeliveryOut)
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """Send; the log tells what became of it."""
        return ok(delivery(webhooks.send_test(self.user, endpoint_id)))


class DeliveryListView(ApiView):
    """The log of an endpoint."""

    @operation(
        tags=TAGS,
        summary="Deliveries, newest event first",
        response=list[schemas.WebhookDeliveryOut],
    )
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """List; ``status`` narrows it."""
        asked = self.query(schemas.DeliveryQuery)
        rows = WebhookDelivery.objects.filter(endpoint=seen_endpoint(self.user, endpoint_id))
        if asked.status:
            rows = rows.filter(status=asked.status)
        return self.listing(rows.order_by("-seq", "-created_at", "-pk"), delivery)


class DeliveryView(ApiView):
    """One delivery."""

    @operation(
        tags=TAGS, summary="A delivery with the body that is sent", response=schemas.DeliveryDetail
    )
    def get(self, request: Request, endpoint_id: UUID, sent_id: UUID) -> Response:
        """Read."""
        rows = WebhookDelivery.objects.filter(endpoint=seen_endpoint(self.user, endpoint_id))
        row = rows.filter(pk=sent_id).first()
        if row is None:
            raise NotFound
        return ok({**delivery(row), "body": row.body})


class ReplayView(ApiView):
    """A delivery, once more."""

    @operation(
        tags=TAGS, summary="Send a stored message again", response=schemas.WebhookDeliveryOut
    )
    def post(self, request: Request, endpoint_id: UUID, sent_id: UUID) -> Response:
        """Replay, under the same id."""
        return ok(delivery(webhooks.replay(self.user, endpoint_id, sent_id)))
