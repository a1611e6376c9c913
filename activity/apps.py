"""Django application of the event log."""

from django.apps import AppConfig


class ActivityConfig(AppConfig):
    """Registers the flusher that writes events at the end of the outermost service."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "activity"

    def ready(self) -> None:
        """Wire the unit of work to the event log."""
        from missioncontrol.kernel import unit

        from . import publish, streams, subscribers

        unit.register_flusher(publish.flush)
        streams.register()
        subscribers.register()
