"""What can be done to organizations and members, and what it takes (core specification 4.2)."""

from __future__ import annotations

from missioncontrol.kernel.actors import Role
from missioncontrol.kernel.authz import Action

VIEW_ORGANIZATION = Action("organization.view", role=Role.MEMBER, reads_only=True)
UPDATE_ORGANIZATION = Action("organization.update", role=Role.ADMIN)
DELETE_ORGANIZATION = Action("organization.delete", role=Role.OWNER)
VIEW_MEMBERS = Action("member.list", role=Role.MEMBER, reads_only=True)
VIEW_MEMBER = Action("member.view", role=Role.ADMIN, reads_only=True)
ADD_MEMBER = Action("member.add", role=Role.ADMIN)
CHANGE_ROLE = Action("member.change_role", role=Role.ADMIN)
CHANGE_ACCESS = Action("member.change_access", role=Role.ADMIN)
REMOVE_MEMBER = Action("member.remove", role=Role.ADMIN)
LIST_INVITES = Action("invite.list", role=Role.ADMIN, reads_only=True)
CREATE_INVITE = Action("invite.create", role=Role.ADMIN)
REVEAL_INVITE = Action("invite.reveal", role=Role.ADMIN)
REVOKE_INVITE = Action("invite.revoke", role=Role.ADMIN)
LEAVE_ORGANIZATION = Action("organization.leave", role=Role.MEMBER)
VIEW_AUDIT = Action("audit.view", role=Role.ADMIN, reads_only=True)
