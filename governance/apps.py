"""Django application of governance."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """Wires the listeners of this app."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "governance"

    def ready(self) -> None:
        """Register listeners and the names of approvals."""
        from . import (
            subjects,
            subscribers,  # noqa: F401 - importing registers
        )

        subjects.register()
