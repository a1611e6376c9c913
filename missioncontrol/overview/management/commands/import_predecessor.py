"""``manage.py import_predecessor <database url>``: move in from the original product."""

from __future__ import annotations

from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser

from missioncontrol.overview.moving_in import importer
from missioncontrol.overview.moving_in.source import Source


class Command(BaseCommand):
    """Dry run unless ``--apply`` is given; may be repeated."""

    help = (
        "Read the database of the original product and take over everything that it holds. "
        "Without --apply nothing is changed and the report says what would happen."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from, and whether in earnest."""
        parser.add_argument("database_url", help="postgresql://user:password@host:port/database")
        parser.add_argument("--apply", action="store_true", help="write what the report says")
        parser.add_argument(
            "--reasons", action="store_true", help="name every row that is left, with its reason"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import and report."""
        try:
            source = Source(options["database_url"])
        except psycopg.Error as error:
            raise CommandError(
                f"The database cannot be read: {str(error).splitlines()[0]}"
            ) from None
        with source:
            if "organizations" not in source.tables:
                raise CommandError("This is no database of the original product.")
            report = importer.run(source, apply=options["apply"])
        for line in report.lines(all_reasons=options["reasons"]):
            self.stdout.write(line)
        if not options["apply"]:
            self.stdout.write("\nNothing was changed. Repeat with --apply to write this.")
