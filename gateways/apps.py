"""Django application of gateways."""

from django.apps import AppConfig


class GatewaysConfig(AppConfig):
    """Wires the listeners of this app."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "gateways"

    def ready(self) -> None:
        """Register listeners."""
        from . import (
            stored_sentences,
            subscribers,  # noqa: F401 - importing registers
        )

        stored_sentences.register()
