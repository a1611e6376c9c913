"""``reset_second_factor``: lets somebody in who lost his code generator."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import DomainError
from orgs.models import User
from orgs.services import second_factor


class Command(BaseCommand):
    """Removes the second factor and the recovery codes; the record says so."""

    help = "Remove the second factor of a person who lost it. He signs in without one then."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who."""
        parser.add_argument("username", help="user name; local-auth-user is the built-in operator")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Remove it, or say why not."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError("There is nobody of this name.")
        try:
            second_factor.reset(SystemActor("command line"), user.pk)
        except DomainError as refusal:
            raise CommandError(str(refusal.detail)) from refusal
        self.stdout.write(f"{user.username} signs in without a second factor now.")
