"""Django application of the event log."""

from django.apps import AppConfig


class ActivityConfig(AppConfig):
    """Registers the flusher that writes events at the end of the outermost service."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "activity"

    def ready(self) -> None:
        """Wire the unit of work to the event log."""
        from django.db.models.signals import post_migrate

        from missioncontrol.kernel import unit

        from . import publish, streams, subscribe, subscribers

        unit.register_flusher(publish.flush)
        streams.register()
        subscribers.register()
        post_migrate.connect(subscribe.settle_new_listeners, sender=self)
