"""``manage.py declared_org describe|plan|apply|drift``: an organization kept in a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import DomainError
from missioncontrol.overview.declared import differences
from missioncontrol.overview.management.commands.export_org import organization_named

#: Exit code of ``drift`` when something differs.
DIFFERS = 2


class Command(BaseCommand):
    """``describe`` prints the file, ``plan`` what would change, ``apply`` changes it.

    ``drift`` ends with code 2 when the organization is not as the file says.
    """

    help = "Keep boards, groups, tags and custom fields of an organization in a file."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, with which organization and file."""
        parser.add_argument("verb", choices=["describe", "plan", "apply", "drift"])
        parser.add_argument("organization", help="name or id")
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument(
            "--prune", action="store_true", help="also delete what the file does not mention"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it."""
        organization = organization_named(options["organization"])
        if options["verb"] == "describe":
            facts = differences.describe(organization)
            text = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False)
            self.stdout.write(text, ending="")
            return
        if options["file"] is None:
            raise CommandError("Name the file.")
        try:
            steps = self._steps(organization, options)
        except DomainError as error:
            raise CommandError(str(error.detail)) from None
        for step in steps:
            for line in step.lines():
                self.stdout.write(line)
        if not steps:
            self.stdout.write("Nothing differs.")
        elif options["verb"] == "drift":
            sys.exit(DIFFERS)

    @staticmethod
    def _steps(organization: Any, options: dict[str, Any]) -> list[differences.Step]:
        wanted = differences.load(options["file"])
        if options["verb"] != "apply":
            return differences.compare(organization, wanted, prune=options["prune"])
        actor = SystemActor("declared file", organization_id=organization.pk)
        return differences.apply(actor, organization, wanted, prune=options["prune"])
