"""``reset_local_token``: another token for the built-in operator."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from missioncontrol.settings import env, secret_files


class Command(BaseCommand):
    """Writes a new token into the data folder; the old one ends with the next start."""

    help = "Make another LOCAL_AUTH_TOKEN in the data folder. Restart afterwards."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Replace the kept token, unless the environment names one."""
        if "local" not in settings.AUTH_MODES:
            raise CommandError("Sign-in by the installation's token is off (AUTH_MODE).")
        if "local_auth_token" in env.current().model_fields_set:
            raise CommandError(
                "LOCAL_AUTH_TOKEN is set in the environment or in .env; change it there."
            )
        token = secrets.token_hex(32)
        path = secret_files.replace(settings.DATA_DIR, "local_auth_token", token)
        shown = token if self.stdout.isatty() else f"It is kept in {path}."
        self.stdout.write(f"New token: {shown}" if self.stdout.isatty() else shown)
        self.stdout.write("Restart Mission Control; until then the old token works.")
