"""Which scenarios of the specifications a test proves.

``python -m tests.scenarios_report`` lists the numbers that have a test and those that have none;
``--missing`` prints the latter alone, ``--tests`` names the tests.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Sequence

import pytest

# Scenarios of each specification, by the prefix under which tests cite them.
NUMBERED = {"CORE": 90, "GOV": 76}
MARK = re.compile(r"^(CORE|GOV|M\d+|UX|GW)-(\d+)$")


class Collector:
    """Reads the marks of every collected test, and runs none."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.unreadable: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("scenario"):
                for name in mark.args:
                    known = MARK.match(name)
                    limit = NUMBERED.get(known[1]) if known else None
                    if known is None or (limit and not 1 <= int(known[2]) <= limit):
                        self.unreadable.append(f"{name} in {item.nodeid}")
                    else:
                        self.tests[name].append(item.nodeid)


def order(name: str) -> tuple[str, int, int]:
    """Sort CORE, GOV, then the modules by number."""
    prefix, number = name.split("-")
    module = int(prefix[1:]) if prefix[1:].isdigit() else 0
    return ("M" if module else prefix, module, int(number))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 when a mark names no scenario."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--tests", action="store_true")
    options = parser.parse_args(arguments)
    collector = Collector()
    paths = ["tests", "tests/gateway", "tests/browser"]
    code = pytest.main(
        ["--collect-only", "-o", "norecursedirs=", "-p", "no:terminal", *paths],
        plugins=[collector],
    )
    _print(collector, only_missing=options.missing, with_tests=options.tests)
    return int(code not in (0, 5)) or int(bool(collector.unreadable))


def _print(collector: Collector, *, only_missing: bool, with_tests: bool) -> None:
    found = sorted(collector.tests, key=order)
    for prefix, last in NUMBERED.items():
        every = [f"{prefix}-{number}" for number in range(1, last + 1)]
        missing = [name for name in every if name not in collector.tests]
        print(f"{prefix:5} {last - len(missing):3d} of {last} have a test")
        if missing:
            print("      without:", ", ".join(name.split("-")[1] for name in missing))
    others = [name for name in found if name.split("-")[0] not in NUMBERED]
    print(f"other {len(others):3d} have a test: {', '.join(others) or 'none'}")
    if not only_missing and with_tests:
        for name in found:
            for node in collector.tests[name]:
                print(f"{name:9} {node}")
    for line in collector.unreadable:
        print("not a scenario:", line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
