"""``manage.py export_org <organization> <folder>``: one organization as text files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from missioncontrol.kernel.errors import DomainError
from missioncontrol.overview.moving_out import archive
from orgs.models import Organization


def organization_named(word: str) -> Organization:
    """An organization by name or id.

    Raises:
        CommandError: there is none.
    """
    found: Organization | None = Organization.objects.filter(name__iexact=word).first()
    if found is None:
        try:
            found = Organization.objects.filter(pk=UUID(word)).first()
        except ValueError:
            found = None
    if found is None:
        names = ", ".join(Organization.objects.order_by("name").values_list("name", flat=True)[:20])
        raise CommandError(f"No organization {word!r}. There are: {names or 'none'}.")
    return found


class Command(BaseCommand):
    """Writes YAML for what people set up and JSON lines for what happened; no secrets."""

    help = "Write one organization to a folder that import_org reads."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which organization, and where to."""
        parser.add_argument("organization", help="name or id")
        parser.add_argument("folder", type=Path, help="a new or an empty folder")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Export and say what was written."""
        organization = organization_named(options["organization"])
        try:
            counts = archive.write(organization, options["folder"])
        except DomainError as error:
            raise CommandError(str(error.detail)) from None
        for name, count in counts.items():
            self.stdout.write(f"{count:>8}  {name}")
