"""Django application."""

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    """Registers what this app offers to others."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "agents"

    def ready(self) -> None:
        """Offer agent tokens and facts of agents, listen to the log and to run frames."""
        from . import (
            credentials,
            lookups,
            runs,
            signs,
            skill_listeners,
            stored_sentences,
            subscribers,
            usage_ingest,
            usage_listeners,
        )

        credentials.register()
        lookups.register()
        runs.register()
        signs.register()
        subscribers.register()
        skill_listeners.register()
        stored_sentences.register()
        usage_ingest.register()
        usage_listeners.register()
