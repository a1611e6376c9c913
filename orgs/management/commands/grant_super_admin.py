"""``grant_super_admin``: who may open the Django admin, whatever way people sign in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import DomainError
from orgs.services import super_admins

NEEDS_NAME = ("not_verified", "only_vouched")


class Command(BaseCommand):
    """Finds the account by its e-mail address; the record says what was done."""

    help = "Make the account of an e-mail address a super admin, or take that away (--revoke)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, and which way."""
        parser.add_argument("email")
        parser.add_argument(
            "--username", default="", help="the account that is meant; you answer for it"
        )
        parser.add_argument("--revoke", action="store_true", help="take it away")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it, or say why not."""
        try:
            user, is_changed = super_admins.set_super_admin(
                SystemActor("command line"),
                email=options["email"],
                username=options["username"],
                is_super_admin=not options["revoke"],
            )
        except DomainError as refusal:
            hint = " Name it with --username if you know that it is."
            more = hint if refusal.machine_code in NEEDS_NAME else ""
            raise CommandError(f"{refusal.detail}{more}") from refusal
        state = "is no super admin" if options["revoke"] else "is a super admin"
        when = "now" if is_changed else "already"
        self.stdout.write(f"{user.display_name} ({user.username}) {state} {when}.")
