"""A look at the files of a skill for what could harm whoever installs it.

It finds words, not intentions: a finding is a place to read, and no finding is no proof. High
findings have to be accepted by a person before the skill is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Severity = Literal["high", "medium", "low"]
MOST_FINDINGS = 100
EXCERPT_CHARS = 160
_ORDER = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for, line by line."""

    name: str
    severity: Severity
    pattern: re.Pattern[str]
    words: str | Promise


def _rule(name: str, severity: Severity, pattern: str, words: str | Promise) -> Rule:
    return Rule(name, severity, re.compile(pattern, re.IGNORECASE), words)


RULES: tuple[Rule, ...] = (
    _rule(
        "pipe_to_shell", "high",
        r"(curl|wget|iwr|invoke-webrequest)\b[^\n]{0,300}\|\s*(sudo\s+)?(ba|z|da|k)?sh\b"
        r"|\b(ba|z)?sh\s+(-c\s+)?[\"']?<?\(?\$?\(\s*curl|\biex\b",
        _("Runs what it downloads"),
    ),
    _rule(
        "decode_and_run", "high",
        r"base64\s+(-d|--decode|-D)[^\n]{0,120}\|\s*(ba|z)?sh\b"
        r"|\beval\s*[\(\"'`$]|\bexec\s*\(\s*(base64|bytes|compile|requests|urllib)"
        r"|powershell[^\n]{0,80}-e(nc|ncodedcommand)?\s",
        _("Runs text that it decodes or builds"),
    ),
    _rule(
        "destroys_files", "high",
        r"\brm\s+-[a-z]*(rf|fr)[a-z]*\s+(--no-preserve-root\s+)?(/|~|\$HOME|\*)"
        r"|\bmkfs(\.\w+)?\s|\bdd\s+if=[^\n]{0,80}of=/dev/|:\(\)\s*\{\s*:\|:&\s*\};:",
        _("Deletes or overwrites widely"),
    ),
    _rule(
        "reads_secrets", "high",
        r"~?/?\.ssh/(id_|authorized_keys|config)|\.aws/credentials|\.netrc\b|/etc/shadow"
        r"|\.docker/config\.json|\bkeychain\b[^\n]{0,40}\bdump|\.gnupg/|BOOTSTRAP\.md"
        r"|\bX-Agent-Token\b|\bmca_[A-Za-z0-9]",
        _("Reads credentials"),
    ),
    _rule(
        "overrules_instructions", "high",
        r"\b(ignore|disregard|forget|override)\b[^\n]{0,40}\b(previous|prior|above|all|system|"
        r"earlier)\b[^\n]{0,30}\b(instructions?|rules?|prompts?|messages?)"
        r"|\bdo not (tell|inform|mention|reveal)[^\n]{0,40}\b(user|human|operator|person)",
        _("Tells the agent to set its instructions aside"),
    ),
    _rule(
        "evades_approval", "high",
        r"\b(skip|bypass|disable|without|avoid|turn off)\b[^\n]{0,30}\b(approvals?|confirmation|"
        r"permission prompts?|sandbox(ing)?)\b|--dangerously-|--yolo\b",
        _("Goes around approvals"),
    ),
    _rule(
        "sends_data_out", "medium",
        r"\bcurl\b[^\n]{0,200}\s(-d|--data(-\w+)?|-F|--form|-T|--upload-file)\s*[\"']?@"
        r"|\b(nc|ncat|netcat)\s+(-\w+\s+)*[\w.-]+\s+\d{2,5}"
        r"|webhook\.site|requestbin|ngrok\.(io|app)|pastebin\.com|transfer\.sh|burpcollaborator",
        _("Sends files or data elsewhere"),
    ),
    _rule(
        "raises_rights", "medium",
        r"\bsudo\s+\S|\bchmod\s+(-R\s+)?(777|\+s|u\+s)\b|\bsetcap\b|\bcrontab\s+-|/etc/cron"
        r"|systemctl\s+(enable|edit)|launchctl\s+load",
        _("Takes more rights or stays on the machine"),
    ),
    _rule(
        "bare_address", "medium",
        r"https?://\d{1,3}(\.\d{1,3}){3}|http://(?!localhost|127\.0\.0\.1)[\w.-]+\.\w",
        _("Talks to a bare or unencrypted address"),
    ),
    _rule(
        "installs_software", "low",
        r"\b(npm|pnpm|yarn)\s+(install|i|add)\s+(-g|--global)|\bpip3?\s+install\s"
        r"|\b(apt(-get)?|brew|dnf|yum)\s+install\s|\bnpx\s+(-y|--yes)",
        _("Installs software"),
    ),
)  # fmt: skip
_WORDS: dict[str, str | Promise] = {
    **{rule.name: rule.words for rule in RULES},
    "hidden_text": _("Holds text that people do not see"),
    "hidden_comment": _("Gives orders in a comment"),
    "binary_file": _("Holds a file that cannot be read as text"),
    "large_file": _("Holds a file that was too large to look at"),
    "not_scanned": _("Was not looked at"),
}
#: Zero-width, direction and tag characters: seen by models, not by people.
_HIDDEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\U000e0000-\U000e007f]")
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_ORDERS = re.compile(
    r"\b(you must|you should|run|execute|send|always|never|fetch|secretly)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A place to read before the skill is installed."""

    rule: str
    severity: Severity
    file: str
    line: int
    excerpt: str


def words_of(rule: str) -> str:
    """What a rule found, for people."""
    return str(_WORDS.get(rule, rule))


def scan(files: Mapping[str, bytes | None]) -> list[dict[str, Any]]:
    """Findings in the files of a skill, the gravest first.

    Args:
        files: Content by path; ``None`` for a file that was too large to read.
    """
    found = sorted(
        _in_all(files.items()), key=lambda f: (_ORDER[f.severity], f.file, f.line, f.rule)
    )
    return [asdict(finding) for finding in found[:MOST_FINDINGS]]


def has_high(findings: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of them has to be accepted by a person."""
    return any(finding.get("severity") == "high" for finding in findings)


def _in_all(files: Iterable[tuple[str, bytes | None]]) -> Iterator[Finding]:
    for path, raw in files:
        if raw is None:
            yield Finding("large_file", "medium", path, 0, "")
            continue
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            yield Finding("binary_file", "medium", path, 0, f"{len(raw)} bytes")
            continue
        if "\x00" in text:
            yield Finding("binary_file", "medium", path, 0, f"{len(raw)} bytes")
            continue
        yield from _in_text(path, text)


def _in_text(path: str, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        if _HIDDEN.search(line):
            shown = _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", line)
            yield Finding("hidden_text", "high", path, number, _excerpt(shown))
        for rule in RULES:
            if rule.pattern.search(line[:4000]):
                yield Finding(rule.name, rule.severity, path, number, _excerpt(line))
    for comment in _COMMENT.finditer(text):
        if _ORDERS.search(comment.group(1)):
            number = text.count("\n", 0, comment.start()) + 1
            yield Finding("hidden_comment", "medium", path, number, _excerpt(comment.group(1)))


def _excerpt(line: str) -> str:
    return " ".join(line.split())[:EXCERPT_CHARS]
