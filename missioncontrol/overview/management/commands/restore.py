"""``manage.py restore <folder> --yes``: a backup in the place of what is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from missioncontrol.kernel.errors import DomainError
from missioncontrol.overview import backups


class Command(BaseCommand):
    """Everything or nothing; what is in the database now is lost."""

    help = "Replace the database by that of a backup. Stop the processes first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from, and that it is meant."""
        parser.add_argument("folder", type=Path, help="what backup wrote")
        parser.add_argument("--yes", action="store_true", help="what is here now may be lost")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Restore and name what came back."""
        if not options["yes"]:
            raise CommandError("This replaces everything that is here. Repeat it with --yes.")
        try:
            made = backups.read(options["folder"])
        except DomainError as refusal:
            raise CommandError(str(refusal.detail)) from None
        for path in made:
            self.stdout.write(str(path))
