"""``manage.py sync_gateway_templates --gateway-id …``: the files of a gateway's agents, anew."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.services import template_sync
from gateways.models import Gateway
from missioncontrol.kernel.actors import Actor, SystemActor
from missioncontrol.kernel.errors import DomainError
from orgs import credentials

OPTIONS = ("include_main", "lead_only", "reset_sessions", "rotate_tokens", "overwrite", "board_id")


class Command(BaseCommand):
    """Does what the gateway's page does; exit code 1 when an agent was not written."""

    help = "Write the files of a gateway's agents anew and say what became of each agent."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which gateway, and what to write."""
        parser.add_argument("--gateway-id", type=UUID, required=True)
        parser.add_argument("--board-id", type=UUID, help="the agents of this board alone")
        parser.add_argument("--user-id", type=UUID, help="the person in whose name it is done")
        parser.add_argument(
            "--include-main", action=BooleanOptionalAction, default=True,
            help="also the gateway's own agent",
        )  # fmt: skip
        for name, text in (
            ("--lead-only", "leads, and the gateway's own agent, alone"),
            ("--reset-sessions", "begin new sessions"),
            ("--rotate-tokens", "give new tokens"),
            ("--force-bootstrap", "accepted; the token's file is always written"),
            ("--overwrite", "also the files that agents keep"),
        ):
            parser.add_argument(name, action="store_true", help=text)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write and report.

        Raises:
            CommandError: no such gateway or person, or an agent that was not written.
        """
        gateway = Gateway.objects.filter(pk=options["gateway_id"]).first()
        if gateway is None:
            raise CommandError(f"There is no gateway {options['gateway_id']}.")
        actor = _actor(gateway, options["user_id"])
        wanted = {name: options[name] for name in OPTIONS}
        try:
            found = template_sync.sync_templates(actor, gateway.pk, **wanted)
        except DomainError as refusal:
            raise CommandError(str(refusal.detail)) from None
        self.stdout.write(f"agents updated: {found['agents_updated']}")
        self.stdout.write(f"agents skipped: {found['agents_skipped']}")
        self.stdout.write(f"own agent updated: {'yes' if found['main_updated'] else 'no'}")
        for error in found["errors"]:
            self.stdout.write(f"{error['agent_name'] or error['board_id']}: {error['message']}")
        if found["errors"]:
            raise CommandError(f"{len(found['errors'])} could not be written.")


def _actor(gateway: Gateway, user_id: UUID | None) -> Actor:
    if user_id is None:
        return SystemActor("sync_gateway_templates", gateway.organization_id)
    found = credentials.from_session(user_id, gateway.organization_id)
    if found is None:
        raise CommandError(f"There is no person {user_id}.")
    return found
