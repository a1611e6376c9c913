"""``create_user``: an account that signs in by name and password."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from missioncontrol.kernel.errors import DomainError
from orgs.services import users


class Command(BaseCommand):
    """Makes the account and its first membership: where it was invited, else one of its own."""

    help = "Create an account that signs in by name and password (AUTH_MODE=password)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name and options; the password is asked for, or read from standard input."""
        parser.add_argument("username")
        parser.add_argument(
            "--email", default=None, help="his address; you answer for it that it is his"
        )
        parser.add_argument("--name", default="")
        parser.add_argument("--super-admin", action="store_true", help="may open /admin/")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create it, or say why not."""
        password = _from_stdin() if options["password_stdin"] else _asked()
        try:
            user = users.create_password_user(
                username=options["username"],
                password=password,
                email=options["email"],
                email_verified=bool(options["email"]),
                name=options["name"],
                is_super_admin=options["super_admin"],
            )
        except DomainError as refusal:
            raise CommandError(str(refusal.detail)) from refusal
        self.stdout.write(f"Created {user.username}.")


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\n")


def _asked() -> str:
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Password again: "):
        raise CommandError("The two passwords differ.")
    return first
