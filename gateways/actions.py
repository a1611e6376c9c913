"""What can be done to gateways: everything is for admins (core specification 16.2)."""

from __future__ import annotations

from missioncontrol.kernel.actors import Role
from missioncontrol.kernel.authz import Action

VIEW = Action("gateway.view", role=Role.ADMIN, reads_only=True)
CREATE = Action("gateway.create", role=Role.ADMIN)
UPDATE = Action("gateway.update", role=Role.ADMIN)
DELETE = Action("gateway.delete", role=Role.ADMIN)
CHECK = Action("gateway.check", role=Role.ADMIN)
SET_POLICY = Action("gateway.set_policy", role=Role.ADMIN)
WRITE_SESSION = Action("gateway.write_session", role=Role.ADMIN)
