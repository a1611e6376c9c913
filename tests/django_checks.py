"""Migrations are complete and the settings of a served installation pass Django's own checks."""

import os
import subprocess
import sys

from tests.services import throw_away_services

SERVED = {
    "ENVIRONMENT": "production",
    "DJANGO_SETTINGS_MODULE": "missioncontrol.settings.prod",
    "SECRET_KEY": "check-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
    "FIELD_ENCRYPTION_KEY": "check-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
    "LOCAL_AUTH_TOKEN": "check-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
    "BASE_URL": "https://mission-control.example",
    "SECURITY_HSTS_SECONDS": "31536000",
}
COMMANDS = (
    ("makemigrations", "--check", "--dry-run"),
    ("check", "--deploy", "--fail-level", "WARNING"),
)


def main() -> int:
    """Run the checks and return the number of those that failed."""
    failed = 0
    with throw_away_services():
        for command in COMMANDS:
            print("manage.py", *command, flush=True)
            done = subprocess.run(
                [sys.executable, "manage.py", *command], env={**os.environ, **SERVED}, check=False
            )
            failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
