"""``make reference`` writes the pages below ``docs/reference``; ``--check`` says which are old."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "missioncontrol.settings.test")

import django

django.setup()

from tests.reference.pages import FOLDER, outdated, pages  # noqa: E402 - needs the applications


def main() -> int:
    """Write the pages, or compare them."""
    if "--check" in sys.argv[1:]:
        names = outdated()
        if names:
            print(f"Out of date: {', '.join(names)}. Run: make reference")
        return 1 if names else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
