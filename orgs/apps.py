"""Django application of people and organizations."""

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    """Registers what this app offers to others."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "orgs"

    def ready(self) -> None:
        """Register credentials, the role question, listeners and the bell."""
        from missioncontrol.kernel import unit
        from missioncontrol.kernel.pages import register_shell

        from . import credentials, stored_sentences
        from .notices import listeners, reads
        from .services import organizations

        credentials.register()
        stored_sentences.register()
        listeners.register()
        register_shell(reads.shell)
        unit.register_flusher(organizations.flush_purges)
