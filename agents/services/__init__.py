"""Every change of agents. The doors call these functions; the work is in the modules beside."""

from .crud import attach_agent, create_agent, detach_agent, update_agent
from .executions import cancel_execution, execute_task, report_execution
from .files import list_files, read_file, write_file
from .heartbeats import set_group_heartbeat
from .notifications import Message, notify
from .orders import (
    delete_agent,
    pause_agent,
    resume_agent,
    retry_agent,
    rotate_token,
    wake_agent,
)
from .presence import heartbeat
from .promotion import change_main

__all__ = [
    "Message",
    "attach_agent",
    "cancel_execution",
    "change_main",
    "create_agent",
    "delete_agent",
    "detach_agent",
    "execute_task",
    "heartbeat",
    "list_files",
    "notify",
    "pause_agent",
    "read_file",
    "report_execution",
    "resume_agent",
    "retry_agent",
    "rotate_token",
    "set_group_heartbeat",
    "update_agent",
    "wake_agent",
    "write_file",
]
