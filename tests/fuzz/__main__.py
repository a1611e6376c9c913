"""``make fuzz``: Schemathesis over the whole document with three credentials.

``make fuzz ARGS="--cases 100"`` looks closer, ``--only /boards`` at one part.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.bench.stack import TOKEN, Stack
from tests.fuzz.ground import Ground, lay
from tests.fuzz.pools import harvest

RESULTS = Path("test-results/fuzz")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)
#: How much of a failed report is printed; the whole stands in the results folder.
TAIL = 6_000
#: Streams stay open for hours.
NEVER = r"/stream$"
CONFIG = """
hooks = "tests.fuzz.hooks"
warnings = false
request-timeout = 30.0
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "502", "503"]
[phases.stateful]
max-steps = 4
{headers}
"""
CREDENTIAL = {
    "owner": 'Authorization = "Bearer ${FUZZ_TOKEN}"',
    "worker": 'X-Agent-Token = "${FUZZ_TOKEN}"',
    "nobody": "",
}


METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def _only(wanted: str) -> tuple[str, ...]:
    """Filters that leave one method; they add up with those of the paths."""
    others = [method for method in METHODS if method != wanted]
    return tuple(word for method in others for word in ("--exclude-method", method))


ONLY_DELETES, ONLY_POSTS = _only("DELETE"), _only("POST")


@dataclass(frozen=True)
class Round:
    """One run of the generator."""

    caller: str
    name: str
    cases: int
    phases: str
    filters: tuple[str, ...] = ()


def rounds(options: argparse.Namespace) -> list[Round]:
    """Who calls what; deleting comes last, when nothing is needed any more."""
    some = max(1, options.cases // 3)
    found = [
        Round("nobody", "nobody", 1, "fuzzing"),
        Round("worker", "worker", some, "fuzzing", ("--exclude-method", "DELETE")),
        Round("owner", "owner-creates", some, "fuzzing", ONLY_POSTS),
        Round("owner", "owner", options.cases, options.phases, ("--exclude-method", "DELETE")),
        Round("worker", "worker-deletes", some, "fuzzing", ONLY_DELETES),
        Round("owner", "owner-deletes", some, "fuzzing", ONLY_DELETES),
    ]
    wanted = options.callers.split(",")
    return [one for one in found if one.caller in wanted]


def run(stack: Stack, ground: Ground, one: Round, options: argparse.Namespace) -> int:
    """Run the generator once; its exit code."""
    files = prepare(stack, ground, one)
    token = {"owner": ground.owner_token, "worker": ground.worker_token}.get(one.caller, "")
    environment = {
        **os.environ,
        "FUZZ_TOKEN": token, "FUZZ_OPERATOR": TOKEN, "FUZZ_STATE": str(files / "state.json"),
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "NO_COLOR": "1",
    }  # fmt: skip
    started = time.monotonic()
    with (RESULTS / f"{one.name}.txt").open("wb") as report:
        code = subprocess.run(
            command(stack.base, files, one, options), env=environment, check=False,
            stdout=report, stderr=subprocess.STDOUT,
        ).returncode  # fmt: skip
    report_of(one, code, time.monotonic() - started)
    return code


def prepare(stack: Stack, ground: Ground, one: Round) -> Path:
    """Write what the generator reads: document, configuration, ids that exist now."""
    document = httpx.get(f"{stack.base}/openapi.json", timeout=60).json()
    owner = {
        "Authorization": f"Bearer {ground.owner_token}",
        "X-Organization-Id": ground.organization_id,
    }
    state = {
        "caller": one.caller,
        "organization_id": ground.organization_id,
        "pools": harvest(stack.base, document, owner),
    }
    files = stack.folder / one.name
    files.mkdir()
    (files / "state.json").write_text(json.dumps(state))
    (files / "openapi.json").write_text(json.dumps(document))
    credential = CREDENTIAL[one.caller]
    headers = f"[headers]\n{credential}" if credential else ""
    (files / "schemathesis.toml").write_text(CONFIG.format(headers=headers))
    return files


def command(base: str, files: Path, one: Round, options: argparse.Namespace) -> list[str]:
    """The generator's command line; tokens stand in its environment."""
    words = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(files / "schemathesis.toml"),
        "run", str(files / "openapi.json"), "--url", base, "--no-color",
        "--checks", CHECKS, "--max-examples", str(one.cases), "--phases", one.phases,
        "--mode", options.mode, "--exclude-path-regex", NEVER, "--continue-on-failure",
        "--suppress-health-check", "all", "--generation-database", "none",
        "--workers", str(options.workers), "--output-truncate", "true", *one.filters,
    ]  # fmt: skip
    if options.only:
        words += ["--include-path-regex", options.only]
    if options.seed is not None:
        words += ["--seed", str(options.seed)]
    if options.no_shrink:
        words.append("--no-shrink")
    return words


def report_of(one: Round, code: int, seconds: float) -> None:
    """One line, and the failures if there are any."""
    text = (RESULTS / f"{one.name}.txt").read_text(errors="replace")
    calls = (re.findall(r"(\d+) generated", text) or ["no"])[-1]
    outcome = "clean" if code == 0 else "FAILED"
    print(f"{one.name}: {outcome}, {calls} calls in {seconds:.0f} s", flush=True)
    if code:
        print(text[-TAIL:])


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=int(os.environ.get("FUZZ_CASES", "4")))
    parser.add_argument("--only", help="regular expression of paths")
    parser.add_argument("--callers", default="nobody,worker,owner")
    parser.add_argument("--phases", default="fuzzing,stateful")
    parser.add_argument("--mode", default="all", choices=("all", "positive", "negative"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--no-shrink", action="store_true")
    return parser.parse_args(arguments)


def main() -> int:
    """Start, fill, call, stop; 0 when every answer was as documented."""
    options = parse()
    RESULTS.mkdir(parents=True, exist_ok=True)
    with Stack() as stack:
        stack.use_database()
        ground = lay()
        codes: dict[str, Any] = {}
        try:
            for one in rounds(options):
                codes[one.name] = run(stack, ground, one, options)
        finally:
            shutil.copy(stack.folder / "run.log", RESULTS / "server.log")
    return 1 if any(codes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
