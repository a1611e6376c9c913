"""``manage.py seed_demo``: demonstration data for ``make demo``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from missioncontrol.overview import demo


class Command(BaseCommand):
    """Fill the demonstration organization; repeatable."""

    help = "Fill an organization with demonstration data."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Seed and say what happened."""
        made = demo.seed()
        self.stdout.write("made" if made else "the demonstration data is there already")
