"""Django application of people and organizations."""

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    """Registers what this app offers to others."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "orgs"

    def ready(self) -> None:
        """Register credentials and the role question."""
        from missioncontrol.kernel import unit

        from . import credentials
        from .services import organizations

        credentials.register()
        unit.register_flusher(organizations.flush_purges)
