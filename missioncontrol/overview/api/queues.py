"""Background work through the API: statistics for admins, jobs for super admins, parked events."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from activity.models import EventDelivery
from activity.services import parked
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.errors import Forbidden
from missioncontrol.overview import queues
from missioncontrol.overview.api import schemas

TAGS = ("jobs",)


def require_admin(user: UserActor) -> None:
    """Admit admins of the active organization, and super admins.

    Raises:
        Forbidden: neither.
    """
    if not (user.is_super_admin or user.is_admin_in(user.organization_id)):
        raise Forbidden


class WorkView(ApiView):
    """``/jobs``."""

    @operation(
        tags=TAGS,
        summary="Queues, workers, scheduler, and how far listeners are behind",
        response=schemas.WorkOut,
    )
    def get(self, request: Request) -> Response:
        """Read; ``failed_jobs`` is null for those who are no super admins."""
        require_admin(self.user)
        failed = queues.failed_jobs() if self.user.is_super_admin else None
        behind = queues.listeners(self.user.organization_id)
        return ok(queues.as_json(queues.work(), failed, behind))


class RetryJobView(ApiView):
    """A failed job, once more."""

    @operation(tags=TAGS, summary="Put a failed job back into its queue")
    def post(self, request: Request, job_id: str) -> Response:
        """Retry."""
        queues.retry_job(self.user, job_id)
        return done()


class FailedJobView(ApiView):
    """A failed job."""

    @operation(tags=TAGS, summary="Forget a failed job")
    def delete(self, request: Request, job_id: str) -> Response:
        """Remove."""
        queues.delete_job(self.user, job_id)
        return done()


class ParkedListView(ApiView):
    """Events that a listener could not take."""

    @operation(
        tags=TAGS,
        summary="Parked events of the organizations that the caller administers",
        response=list[schemas.ParkedOut],
    )
    def get(self, request: Request) -> Response:
        """List, newest first."""
        require_admin(self.user)
        rows = parked.visible_to(self.user).select_related("event")
        return self.listing(rows.order_by("-pk"), _parked)


def _parked(row: EventDelivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "listener": row.listener,
        "status": row.status,
        "attempts": row.attempts,
        "next_attempt_at": iso(row.next_attempt_at),
        "last_error": row.last_error,
        "created_at": iso(row.created_at),
        "event_id": row.event_id,
        "event_type": row.event.type,
        "seq": row.event.seq,
        "organization_id": row.event.organization_id,
    }


class RetryParkedView(ApiView):
    """A parked event, once more."""

    @operation(
        tags=TAGS, summary="Give a parked event to its listener", response=schemas.RetriedOut
    )
    def post(self, request: Request, delivery_id: int) -> Response:
        """Retry now; ``is_taken`` tells whether the listener took it."""
        return ok({"is_taken": parked.retry_delivery(self.user, delivery_id)})
