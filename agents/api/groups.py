"""The heartbeat of a group's agents."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from agents import group_heartbeat, services
from agents.api import schemas
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, ok, operation


class GroupHeartbeatView(ApiView):
    """One interval for every agent of a group."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"user", "agent"})

    @operation(
        tags=("board-groups",),
        summary="Set the heartbeat of a group's agents",
        request=schemas.GroupHeartbeat,
        response=schemas.GroupHeartbeatOut,
    )
    def post(self, request: Request, group_id: UUID) -> Response:
        """Store it and write it to the gateways; one that fails now gets it later."""
        body = self.read(schemas.GroupHeartbeat)
        ids = services.set_group_heartbeat(
            self.actor,
            group_id,
            every=body.every,
            include_board_leads=body.include_board_leads,
        )
        written = group_heartbeat.write(ids)
        return ok(
            {
                "board_group_id": group_id,
                "requested": body.model_dump(),
                "updated_agent_ids": written.updated,
                "failed_agent_ids": written.failed,
            }
        )
