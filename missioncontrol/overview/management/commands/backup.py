"""``manage.py backup <folder>``: the database and the secrets of this installation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from missioncontrol.kernel.errors import DomainError
from missioncontrol.overview import backups


class Command(BaseCommand):
    """May run while the product works: the dump is one moment of the database."""

    help = "Write the database and the secret files to a new folder, readable by its owner alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("folder", type=Path, help="a new or an empty folder")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write and name what was written."""
        try:
            made = backups.write(options["folder"])
        except DomainError as refusal:
            raise CommandError(str(refusal.detail)) from None
        for path in made:
            self.stdout.write(f"{path.stat().st_size:>12}  {path}")
