"""What can be done with agents, and what it takes."""

from missioncontrol.kernel.actors import Role
from missioncontrol.kernel.authz import AGENT, USER, USER_AGENT, Action

CREATE = Action("agent.create", USER_AGENT, Role.ADMIN, "write")
UPDATE = Action("agent.update", USER, Role.ADMIN, "write")
ATTACH = Action("agent.attach", USER, Role.ADMIN, "write")
DETACH = Action("agent.detach", USER, Role.ADMIN, "write")
PAUSE = Action("agent.pause", USER, Role.ADMIN)
WAKE = Action("agent.wake", USER, Role.ADMIN)
RETRY = Action("agent.retry", USER, Role.ADMIN)
ROTATE_TOKEN = Action("agent.rotate_token", USER, Role.ADMIN)
DELETE = Action("agent.delete", USER_AGENT, Role.ADMIN, "write")
HEARTBEAT = Action("agent.heartbeat", USER_AGENT, Role.ADMIN)
READ_FILES = Action("agent.read_files", USER, Role.ADMIN, reads_only=True)
WRITE_FILES = Action("agent.write_files", USER, Role.ADMIN)
SYNC = Action("gateway.sync_templates", USER, Role.ADMIN)

INTERVIEW = Action("board.interview", USER, None, "write")

EXECUTE = Action("task.execute", USER, None, "write")
CANCEL_EXECUTION = Action("execution.cancel", USER, None, "write")
REPORT_EXECUTION = Action("execution.report", AGENT)

NUDGE = Action("agent.nudge", AGENT, None, "write")
READ_SOUL = Action("agent.read_soul", AGENT, None, "read")
WRITE_SOUL = Action("agent.write_soul", AGENT, None, "write")
ASK_USER = Action("board.ask_user", AGENT, None, "write")
MESSAGE_LEAD = Action("board.message_lead", AGENT, None, "read")

LINK = Action("agent.link", USER, Role.ADMIN, "write")
READ_SESSIONS = Action("agent.read_sessions", USER, Role.ADMIN, reads_only=True)
VIEW_GATEWAY = Action("gateway.view", USER, Role.ADMIN, reads_only=True)

VIEW_SKILLS = Action("skill.view", USER, Role.ADMIN, reads_only=True)
CHANGE_SKILLS = Action("skill.change", USER, Role.ADMIN)
INSTALL_SKILL = Action("skill.install", USER, Role.ADMIN)

VIEW_BUDGETS = Action("budget.view", USER, Role.ADMIN, reads_only=True)
CHANGE_BUDGETS = Action("budget.change", USER, Role.ADMIN)
REPORT_USAGE = Action("usage.report", AGENT)
GROUP_HEARTBEAT = Action("board_group.heartbeat", USER_AGENT, Role.ADMIN)
