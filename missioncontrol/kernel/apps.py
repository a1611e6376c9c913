"""Django application of the kernel."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    """Owns the idempotency table and everything that knows no domain."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "missioncontrol.kernel"
    label = "kernel"
