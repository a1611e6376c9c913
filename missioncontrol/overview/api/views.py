"""What is read from everywhere, through the API."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from rest_framework.request import Request
from rest_framework.response import Response

from missioncontrol.kernel.api import ApiView, ok, operation
from missioncontrol.overview import metrics
from missioncontrol.overview.api import schemas, shapes


class DashboardView(ApiView):
    """``/metrics/dashboard``."""

    @operation(
        tags=["metrics"],
        summary="Figures of the readable boards over a range, with the time before it",
        response=schemas.DashboardOut,
    )
    def get(self, request: Request) -> Response:
        """Count."""
        asked = self.query(schemas.DashboardQuery)
        boards = metrics.boards_of(self.user, board_id=asked.board_id, group_id=asked.group_id)
        found = metrics.metrics(boards, asked.range_key, ZoneInfo(asked.time_zone))
        return ok(shapes.dashboard(found, metrics.pending_approvals(boards)))
