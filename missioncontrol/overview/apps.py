"""Django application of the pages that read from everywhere."""

from django.apps import AppConfig


class OverviewConfig(AppConfig):
    """Owns no model."""

    name = "missioncontrol.overview"
    label = "overview"
