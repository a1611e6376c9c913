"""Django application of the pages that read from everywhere."""

from django.apps import AppConfig


class OverviewConfig(AppConfig):
    """Owns no model."""

    name = "missioncontrol.overview"
    label = "overview"

    def ready(self) -> None:
        """Fill the shell of the pages."""
        from missioncontrol.kernel.pages import register_shell
        from missioncontrol.overview.shell import shell

        register_shell(shell)
