"""What a gateway has, and how it has been: agents, models, devices, history, versions, clean-up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from gateways import cleanup, history, remote
from gateways.api import schemas
from gateways.api.views.gateways import TAGS, admin_organization, seen_gateway
from gateways.api.views.remote import as_bad_gateway
from gateways.models import Gateway, GatewayCheck, GatewayCleanup
from missioncontrol.kernel import clock
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.retelling import retold


class RemoteAgentsView(ApiView):
    """Agents of a gateway."""

    @operation(tags=TAGS, summary="Agents that a gateway has", response=schemas.RemoteAgentsOut)
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """Ask the gateway; ``agent_id`` is ours, where the agent is one of ours."""
        gateway = seen_gateway(self.user, gateway_id)
        with as_bad_gateway():
            return ok({"agents": remote.agents_on(gateway)})


class ModelsView(ApiView):
    """Models of a gateway."""

    @operation(tags=TAGS, summary="Models that a gateway may use", response=schemas.ModelsOut)
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """Ask the gateway."""
        gateway = seen_gateway(self.user, gateway_id)
        with as_bad_gateway():
            return ok({"models": remote.models_on(gateway.pk)})


class DevicesView(ApiView):
    """Devices that a gateway knows."""

    @operation(tags=TAGS, summary="Devices paired with a gateway", response=schemas.DevicesOut)
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """Ask the gateway."""
        gateway = seen_gateway(self.user, gateway_id)
        with as_bad_gateway():
            return ok(remote.devices_on(gateway.pk))


class HistoryView(ApiView):
    """Checks of a gateway."""

    @operation(
        tags=TAGS,
        summary="Checks of a gateway, newest first, with the last day in short",
        response=schemas.HistoryOut,
    )
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """List the checks of the last ``hours``."""
        asked = self.query(schemas.HistoryQuery)
        gateway = seen_gateway(self.user, gateway_id)
        since = clock.now() - timedelta(hours=asked.hours)
        checks = GatewayCheck.objects.filter(gateway=gateway, created_at__gte=since)
        day = history.days_of([gateway.pk])[gateway.pk]
        rows = checks.order_by("-created_at", "-pk").values(
            "created_at", "status", "code", "latency_ms"
        )
        return ok(
            {
                "since": iso(since),
                "next_check_at": iso(gateway.next_check_at),
                "check_failures": gateway.check_failures,
                "uptime_pct": day.uptime_pct,
                "latency_ms": day.latency_ms,
                "marks": [mark.removeprefix("is-") or None for mark in day.marks],
                "checks": [_check(row) for row in rows[: asked.limit]],
            }
        )


def _check(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": iso(row["created_at"]),
        "status": row["status"],
        "code": row["code"] or None,
        "latency_ms": row["latency_ms"],
    }


class VersionsView(ApiView):
    """Versions of the organization's gateways."""

    @operation(
        tags=TAGS,
        summary="Versions of the gateways against the least that is accepted",
        response=schemas.VersionsOut,
    )
    def get(self, request: Request) -> Response:
        """List, by name."""
        rows = Gateway.objects.visible_to(self.user).filter(
            organization_id=admin_organization(self.user)
        )
        found = [(row, remote.verdict_of(row)) for row in rows.order_by("name", "pk")[:200]]
        items = [
            {
                "gateway_id": row.pk,
                "name": row.name,
                "version": verdict.version or None,
                "finding": verdict.finding.value,
                "is_compatible": verdict.is_compatible,
                "text": verdict.text,
                "seen_at": iso(row.last_seen_at),
            }
            for row, verdict in found
        ]
        return ok({"minimum": remote.minimum_version(), "items": items})


class CleanupListView(ApiView):
    """What removed gateways still run."""

    @operation(
        tags=TAGS,
        summary="Agents that are still to be deleted at removed gateways",
        response=list[schemas.CleanupOut],
    )
    def get(self, request: Request) -> Response:
        """List, newest first."""
        rows = GatewayCleanup.objects.visible_to(self.user).filter(
            organization_id=admin_organization(self.user)
        )
        return self.listing(rows.order_by("-created_at", "-pk"), _cleanup)


def _cleanup(row: GatewayCleanup) -> dict[str, Any]:
    return {
        "id": row.pk,
        "gateway_id": row.gateway_id,
        "name": row.name,
        "url": row.url,
        "remote_ids": row.remote_ids,
        "attempts": row.attempts,
        "last_error": retold(row.last_error) or None,
        "next_attempt_at": iso(row.next_attempt_at),
        "created_at": iso(row.created_at),
    }


class CleanupView(ApiView):
    """One of them."""

    @operation(tags=TAGS, summary="Give up: leave what is left on a removed gateway")
    def delete(self, request: Request, cleanup_id: UUID) -> Response:
        """Discard."""
        cleanup.discard(self.user, cleanup_id)
        return done()
