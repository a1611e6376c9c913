"""Django application."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """Registers what this app offers to others."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "governance"
