"""``make fuzz``: Schemathesis over every operation of the document, inside this process.

``make fuzz ARGS="--cases 1000"`` looks closer, ``--only /boards`` at one part, ``--seed random``
at other cases. The figures of every operation stand in ``test-results/fuzz/operations.json``.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import re
import sys
import time
from pathlib import Path

from tests.services import throw_away_services

RESULTS = Path("test-results/fuzz")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="cases an operation")
    parser.add_argument("--only", default="", help="regular expression of METHOD /path")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seed", default="1", help='a number, or "random"')
    parser.add_argument("--profile", action="store_true", help="one process under cProfile")
    options = parser.parse_args(arguments)
    options.seed = random.getrandbits(31) if options.seed == "random" else int(options.seed)
    return options


def main() -> int:
    """Start, fill, call, stop; 0 when every answer was as documented."""
    options = parse()
    RESULTS.mkdir(parents=True, exist_ok=True)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.fuzz.settings"
    started = time.monotonic()
    with throw_away_services():
        import django

        django.setup()
        logging.disable(logging.CRITICAL)
        from tests.fuzz.work import Work

        work = Work.prepare(options.cases, options.seed)
        labels = [one for one in work.labels() if re.search(options.only, one)]
        began = time.monotonic()
        reports = []
        for report in work.run(labels, processes=options.processes, profile=options.profile):
            reports.append(report)
            for found in report.findings.values():
                print(f"\n== {found.operation}: {found.title} ({found.status})\n{found.text}")
                sys.stdout.flush()
        ended = time.monotonic()
    findings = [found for one in reports for found in one.findings.values()]
    _keep(reports)
    print(
        f"{'FAILED' if findings else 'clean'}: {len(reports)} operations,"
        f" {sum(one.cases for one in reports)} cases and"
        f" {sum(one.chained for one in reports)} calls along links,"
        f" {sum(200 <= min(one.statuses, default=0) < 300 for one in reports)} reached a success,"
        f" {len(findings)} findings, seed {options.seed},"
        f" {ended - began:.0f} s of {ended - started:.0f} s"
    )
    return 1 if findings else 0


def _keep(reports: list) -> None:  # type: ignore[type-arg]  # imported after Django is set up
    rows = {
        one.operation: {
            "cases": one.cases, "chained": one.chained, "seconds": round(one.seconds, 2),
            "cpu": round(one.cpu, 2),
            "statuses": dict(sorted(one.statuses.items())),
        }
        for one in reports
    }  # fmt: skip
    (RESULTS / "operations.json").write_text(json.dumps(rows, indent=1, sort_keys=True))


if __name__ == "__main__":
    sys.exit(main())
