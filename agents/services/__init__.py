"""Every change of agents. The doors call these functions; the work is in the modules beside."""

from .presence import heartbeat

__all__ = ["heartbeat"]
