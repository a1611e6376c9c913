"""Command line of the rig: ``python -m tests.rig install|start|stop|status DIR``."""

import argparse
import json
import sys
from pathlib import Path

from .installation import Installation, Rig, RigError


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig")
    parser.add_argument("command", choices=("install", "start", "stop", "status"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--state", type=Path, help="default DIR/state")
    parser.add_argument("--port", type=int, default=18789)
    parser.add_argument("--model-port", type=int, default=18790)
    parser.add_argument("--token", default="rig-token")
    parser.add_argument("--exec-mode", default="ask")
    parser.add_argument("--trusted-proxy", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    installation = Installation(options.folder.resolve())
    rig = Rig(
        installation,
        (options.state or options.folder / "state").resolve(),
        options.port,
        options.model_port,
        options.token,
        options.exec_mode,
        options.trusted_proxy,
    )
    match options.command:
        case "install":
            installation.install()
        case "start":
            installation.install()
            rig.start(fresh=options.fresh)
            sys.stdout.write(f"ready: {rig.url}\n")
        case "stop":
            rig.stop()
        case "status":
            found = {name: rig.pid(name) for name in ("gateway", "model")}
            sys.stdout.write(json.dumps(found) + "\n")
            return 0 if all(found.values()) else 3
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RigError as error:
        sys.exit(str(error))
