"""What can be done to approvals, and what it takes (core specification 13.2)."""

from __future__ import annotations

from missioncontrol.kernel.actors import Role
from missioncontrol.kernel.authz import USER_AGENT, Action

VIEW = Action("approval.view", kinds=USER_AGENT, grant="read", reads_only=True)
REQUEST = Action("approval.request", kinds=USER_AGENT, grant="write")
DECIDE = Action("approval.decide", grant="write")
#: A row without a board has no grant to ask for; the organization's admins decide it.
DECIDE_WITHOUT_BOARD = Action("approval.decide", role=Role.ADMIN)
REOPEN = Action("approval.reopen", role=Role.ADMIN)
CANCEL = Action("approval.cancel", kinds=USER_AGENT)
CANCEL_OF_OTHERS = Action("approval.cancel", role=Role.ADMIN)
