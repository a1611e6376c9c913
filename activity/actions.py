"""What can be done to the event log's surroundings: parked events and outbound webhooks."""

from __future__ import annotations

from missioncontrol.kernel.actors import Role
from missioncontrol.kernel.authz import Action

RETRY_DELIVERY = Action("delivery.retry", role=Role.ADMIN)
VIEW_ENDPOINT = Action("webhook_endpoint.view", role=Role.ADMIN, reads_only=True)
CREATE_ENDPOINT = Action("webhook_endpoint.create", role=Role.ADMIN)
UPDATE_ENDPOINT = Action("webhook_endpoint.update", role=Role.ADMIN)
DELETE_ENDPOINT = Action("webhook_endpoint.delete", role=Role.ADMIN)
REPLAY = Action("webhook_endpoint.replay", role=Role.ADMIN)
