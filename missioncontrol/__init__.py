"""Mission Control: the place from which a team runs its AI agents."""

__version__ = "1.0.0"
