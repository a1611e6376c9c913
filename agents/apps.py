"""Django application."""

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    """Registers what this app offers to others."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "agents"

    def ready(self) -> None:
        """Offer agent tokens to every door and facts of agents to boards and gateways."""
        from . import credentials, lookups

        credentials.register()
        lookups.register()
