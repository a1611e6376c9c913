"""``manage.py export_openapi [file]``: the document of the API, as ``/openapi.json`` answers it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from missioncontrol import document


class Command(BaseCommand):
    """Needs neither a database nor a running server."""

    help = "Write the OpenAPI document to a file, or to the standard output."
    requires_system_checks: Any = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, nargs="?")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Generate and write."""
        text = document.document().body.decode() + "\n"
        if options["file"] is None:
            self.stdout.write(text, ending="")
        else:
            options["file"].write_text(text)
