"""What the supervisor tells the person in front of it."""

import sys
import time
from pathlib import Path


class Screen:
    """Plain lines; secrets only when somebody looks at a terminal."""

    def __init__(self) -> None:
        """Find out whether a person is looking."""
        self.is_terminal = sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Print one message."""
        print(text, flush=True)  # noqa: T201 - this is the program's output

    def complain(self, text: str) -> None:
        """Print one message about a failure."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the program's output

    def ready(
        self, *, address: str, link: str, token: str, token_file: Path, data: Path, seconds: float
    ) -> None:
        """Print how to reach the product and how to stop it."""
        lines = ["", f"Mission Control is ready ({seconds:.1f} s)", ""]
        lines.append(f"  Address      {address}")
        if link:
            lines.append(f"  Sign in      {link}  (works once, for 10 minutes)")
        if token and self.is_terminal:
            lines.append(f"  Token        {token}")
        elif token:
            lines.append(f"  Token        in {token_file}")
        lines.append(f"  Data         {data}")
        lines.append(f"  Logs         {data / 'log'}")
        lines.append("  Stop         Ctrl-C")
        self.say("\n".join([*lines, ""]))


class Stopwatch:
    """Seconds since the start of the process, for the ready line."""

    def __init__(self) -> None:
        """Start counting."""
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._start
