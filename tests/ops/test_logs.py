"""Logs never hold a credential, whoever wrote the line."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from missioncontrol.settings import logs

SECRET = "mcu_0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    path = tmp_path / "web.log"
    logs.configure(level="INFO", style="json", file=path, console_level="CRITICAL")
    yield path
    logs.configure(level="WARNING", style="text")
    for handler in before[0]:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(before[1])


@pytest.mark.parametrize(
    "text",
    [
        f"GET /x?token={SECRET}&a=1",
        f"Authorization: Bearer {SECRET}",
        f"redis://:{SECRET}@cache:6379/0 is away",
        f"postgresql://user:{SECRET}@db/x",
        f"password={SECRET}",
        f"api_key={SECRET} refused",
    ],
)
def test_credential_in_a_text_is_hidden(log_file: Path, text: str) -> None:
    logging.getLogger("somebody").warning(text)
    structlog.get_logger("we").warning("event", detail=text)
    written = log_file.read_text()
    assert written.count("[hidden]") == 2
    assert SECRET not in written


def test_field_with_the_name_of_a_secret_is_hidden(log_file: Path) -> None:
    structlog.get_logger("we").info("agent.made", agent_token=SECRET, Cookie=SECRET, token_count=3)
    line = json.loads(log_file.read_text())
    assert line["agent_token"] == line["Cookie"] == "[hidden]"
    assert line["token_count"] == 3
    assert line["event"] == "agent.made"


def test_trace_is_written_without_the_credential_in_it(log_file: Path) -> None:
    try:
        raise ValueError(f"cannot reach redis://:{SECRET}@cache")
    except ValueError:
        structlog.get_logger("we").exception("broken")
    line = json.loads(log_file.read_text())
    assert "ValueError" in line["exception"]
    assert SECRET not in line["exception"]


def test_file_is_opened_anew_after_rotation(log_file: Path) -> None:
    log = structlog.get_logger("we")
    log.info("first")
    log_file.replace(log_file.with_suffix(".log.1"))
    log.info("second")
    assert "second" in log_file.read_text()
    assert "first" in log_file.with_suffix(".log.1").read_text()


def test_below_the_level_nothing_is_written(log_file: Path) -> None:
    structlog.get_logger("we").debug("quiet")
    assert not log_file.exists() or log_file.read_text() == ""
