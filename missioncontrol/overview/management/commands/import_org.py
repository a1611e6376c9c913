"""``manage.py import_org <folder>``: bring in what export_org wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from missioncontrol.kernel.errors import DomainError
from missioncontrol.overview.moving_out import archive

AFTERWARDS = """
Secrets do not travel. To finish:
  gateways   enter each token again and run the connection check
  agents     rotate each token; the gateway writes the new one to the agent
  webhooks   enter each secret again
  people     invite them again, or let them sign in as before
"""


class Command(BaseCommand):
    """All of it, or nothing."""

    help = "Bring in an organization that export_org wrote."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from."""
        parser.add_argument("folder", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import and say what is left to do."""
        try:
            organization = archive.read(options["folder"])
        except DomainError as error:
            raise CommandError(str(error.detail)) from None
        except IntegrityError as error:
            reason = str(error).splitlines()[0]
            raise CommandError(f"Something of it is here already: {reason}") from None
        self.stdout.write(f"{organization.name} is here." + AFTERWARDS)
