"""Says which browser the journeys will use, and what to install when there is none."""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Path of a Chromium: the one named in CHROMIUM, else the first one on the path."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Return 0 when there is a browser."""
    if find() is None:
        print(
            "Chromium is missing. Install it with: apt install chromium fonts-noto-cjk\n"
            "or name one: make test-browser CHROMIUM=/path/to/chrome",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
