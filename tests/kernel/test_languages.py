"""Simplified Chinese is complete, its placeholders fit, and pages speak the reader's language."""

from __future__ import annotations

import ast
import gettext
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import translation

from activity import types
from activity.reads import worded
from missioncontrol.kernel import words

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("locale/zh_Hans/LC_MESSAGES")
CATALOGUE = ROOT / FOLDER / "django.po"
COMPILED = ROOT / FOLDER / "django.mo"
SOURCES = (
    "activity", "agents", "boards", "gateways", "governance", "missioncontrol", "orgs", "templates",
)  # fmt: skip
PLACEHOLDER = re.compile(r"%%?\(\w+\)[sd]|%[sd]|\{\w*\}")
HAN = re.compile(r"[\u4e00-\u9fff]")
LINE = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d)\])? (".*")')
NEEDS_GETTEXT = pytest.mark.skipif(
    shutil.which("xgettext") is None,
    reason="xgettext is not installed; `apt install gettext` lets this compare the sources",
)


@dataclass
class Message:
    """One entry of a catalogue."""

    is_fuzzy: bool = False
    words: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """As the compiled catalogue names it."""
        context = self.words.get("msgctxt")
        return f"{context}\x04{self.words['msgid']}" if context else self.words["msgid"]

    @property
    def translation(self) -> str:
        """What is read in place of the message; Chinese has one plural form."""
        return self.words["msgstr"]


def messages_of(path: Path) -> Iterator[Message]:
    """Entries of a catalogue file, without its header."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        message, name = Message(), ""
        for line in block.splitlines():
            if line.startswith("#"):
                message.is_fuzzy |= line.startswith("#,") and "fuzzy" in line
            elif found := LINE.fullmatch(line):
                name = found[1]
                message.words[name] = ast.literal_eval(found[3])
            else:
                message.words[name] += ast.literal_eval(line)
        if message.words.get("msgid"):
            yield message


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Message]:
    """The committed messages by key."""
    return {message.key: message for message in messages_of(CATALOGUE)}


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Keys of every message that the sources hold now."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", copy)
    (copy / "locale").mkdir()
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", "zh_Hans", "--no-wrap"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        check=True,
        capture_output=True,
    )
    return {message.key for message in messages_of(copy / FOLDER / "django.po")}


@NEEDS_GETTEXT
def test_every_message_of_the_sources_stands_in_the_catalogue(
    catalogue: dict[str, Message], extracted: set[str]
) -> None:
    assert len(extracted) > 500
    assert sorted(extracted - set(catalogue)) == []


def test_no_translation_is_empty_or_guessed(catalogue: dict[str, Message]) -> None:
    assert [key for key, message in catalogue.items() if not message.translation] == []
    assert [key for key, message in catalogue.items() if message.is_fuzzy] == []


def test_each_placeholder_is_kept(catalogue: dict[str, Message]) -> None:
    wrong = []
    for key, message in catalogue.items():
        wanted = set(PLACEHOLDER.findall(message.words.get("msgid_plural", message.words["msgid"])))
        if wanted != set(PLACEHOLDER.findall(message.translation)):
            wrong.append(key)
    assert wrong == []


def test_punctuation_is_chinese(catalogue: dict[str, Message]) -> None:
    """No exclamation, and no Latin comma or colon right behind a Chinese sign."""
    wrong = re.compile(r"[!！]|[\u4e00-\u9fff][,:;?]")
    found = [m.translation for m in catalogue.values() if wrong.search(m.translation)]
    assert found == []


def test_chinese_and_latin_stand_apart(catalogue: dict[str, Message]) -> None:
    wrong = re.compile(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]")
    # Letters of a date format and of a placeholder are not Latin words.
    shown = {
        message.translation: PLACEHOLDER.sub("", message.translation)
        for message in catalogue.values()
    }
    assert [text for text, plain in shown.items() if wrong.search(plain)] == []


def test_the_compiled_catalogue_is_up_to_date(catalogue: dict[str, Message]) -> None:
    with COMPILED.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    held = {
        key[0] if isinstance(key, tuple) else key: text
        for key, text in compiled._catalog.items()  # type: ignore[attr-defined]
        if key
    }
    assert held == {key: message.translation for key, message in catalogue.items()}


@pytest.mark.parametrize("name", sorted(types.TYPES))
def test_every_event_is_a_chinese_sentence(name: str) -> None:
    with translation.override("zh-hans"):
        data = worded({"status": "approved"})
        sentence = types.sentence_of(name, actor="Ann", target="OPS-1", data=data)
    assert HAN.search(sentence)


def test_dates_and_ages_are_written_the_chinese_way() -> None:
    at = datetime(2026, 11, 3, 9, tzinfo=UTC)
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    with translation.override("zh-hans"):
        assert words.date_words(at, now) == "11 月 3 日"
        assert words.day_words(now, now) == "今天，11 月 21 日 星期六"
        assert words.duration_words(3 * 3_600 + 300) == "3 小时 05 分"
        assert words.age_words(now, now) == "0 秒前"
    assert words.date_words(at, now) == "3 Nov"


def test_the_page_holds_every_sentence_of_the_scripts() -> None:
    scripts = "".join(path.read_text() for path in (ROOT / "static/js").glob("*.js"))
    page = (ROOT / "templates/ui/_words.html").read_text()
    wanted = set(re.findall(r'\bsay\("(\w+)"', scripts))
    held = {
        re.sub(r"-(\w)", lambda found: found[1].upper(), name)
        for name in re.findall(r"data-([\w-]+)=", page)
    }
    assert len(wanted) > 10
    assert sorted(wanted - held) == []
