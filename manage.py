#!/usr/bin/env python3
"""Management commands of Mission Control."""

import os
import sys


def main() -> None:
    """Run the command named on the command line with the settings of the environment."""
    from missioncontrol.run.command import services_for
    from missioncontrol.run.errors import RunError
    from missioncontrol.settings import env

    try:
        with services_for(sys.argv[1:]):
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", env.settings_module())
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except RunError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
