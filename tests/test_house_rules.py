"""The house rules as a test: what the source may not hold, with the place where it stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = ("activity", "orgs", "governance", "gateways", "boards", "agents", "missioncontrol")


def sources() -> Iterator[Path]:
    """Every module of the product, without migrations."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def places(pattern: str, *, allowed: tuple[str, ...] = ()) -> list[str]:
    """Lines that match, as ``file:line``."""
    found = []
    for path in sources():
        name = str(path.relative_to(ROOT))
        if name.startswith(allowed):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(pattern, line) and not line.lstrip().startswith("#"):
                found.append(f"{name}:{number}")
    return found


def test_rows_are_saved_in_services_only() -> None:
    allowed = (
        *tuple(
            f"{app}/{part}"
            for app in APPS
            for part in (
                "services",
                "models.py",
                "credentials.py",
                "lifecycle",
                "delivery",
                "jobs.py",
            )
        ),
        "activity/subscribe.py",
        "missioncontrol/kernel/idempotency.py",
        "gateways/link",
        "gateways/doctor",
    )
    doors = [
        p
        for p in places(r"\.save\(", allowed=allowed)
        if re.search(r"/(api|pages)/|consumers|admin", p)
    ]
    assert doors == []


def test_channel_layer_is_used_in_the_hub_only() -> None:
    assert places(r"get_channel_layer\(", allowed=("missioncontrol/kernel/hub.py",)) == []


def test_locks_name_their_strength() -> None:
    assert places(r"select_for_update\(\)") == []


def test_time_comes_from_one_clock() -> None:
    assert (
        places(
            r"datetime\.(now|utcnow)\(|timezone\.now\(\)",
            allowed=("missioncontrol/kernel/clock.py", "gateways/simulator", "gateways/wire"),
        )
        == []
    )


def test_nothing_is_left_undone() -> None:
    assert _undone() == []
    assert places("NotImplemented" + "Error") == []


def _undone() -> list[str]:
    """Marks of unfinished work in comments; the status ``TODO`` is a name and no mark."""
    found = []
    for path in sources():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            comment = line.partition("#")[2]
            if re.search(r"\b(TO" + r"DO|FIX" + r"ME|XXX|HACK)\b", comment):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    return found


@pytest.mark.parametrize("limit", [500])
def test_files_stay_readable(limit: int) -> None:
    long = [str(p.relative_to(ROOT)) for p in sources() if len(p.read_text().splitlines()) > limit]
    assert long == []


def test_functions_stay_readable() -> None:
    long = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > 60:
                    long.append(f"{path.relative_to(ROOT)}:{node.name} ({size})")
    assert long == []


def test_templates_hold_no_inline_style_or_script() -> None:
    bad = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\sstyle=|<script>(?!\s*$)|\son(click|change|submit|input)=", line):
                bad.append(f"{path.relative_to(ROOT)}:{number}")
    assert bad == []
