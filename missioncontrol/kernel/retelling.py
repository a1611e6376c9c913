"""Sentences that a job stored in English, told again in the reader's language.

Work in the background speaks English, and what went wrong is kept as it was said. Here stand the
sentences that can be found again: a stored text that one of them fits is said anew, with the same
facts. What a gateway or another program said stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.translation import gettext

#: How deep sentences stand in one another: "The gateway does not answer: no answer within 30 s".
DEPTH = 3
#: Some reasons begin with their machine word: "unreachable: The gateway does not answer: …".
_CODE = re.compile(r"([a-z][a-z0-9_]*: )(.+)", re.DOTALL)
_FACT = re.compile(r"%\((\w+)\)s")
_known: dict[str, re.Pattern[str]] = {}


def know(*sentences: str) -> None:
    """Name sentences (message ids with ``%(name)s``) that are stored; the more exact ones first."""
    for sentence in sentences:
        _known.setdefault(sentence, _pattern(sentence))
    _fitting.cache_clear()


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = _FACT.split(sentence.replace("%%", "%"))
    text, names = parts[::2], parts[1::2]
    found = "".join(
        re.escape(said) + (f"(?P<{names[at]}>.+)" if at < len(names) else "")
        for at, said in enumerate(text)
    )
    return re.compile(found, re.DOTALL)


@lru_cache(maxsize=512)
def _fitting(text: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The sentence that a stored text is, with its facts."""
    for sentence, pattern in _known.items():
        match = pattern.fullmatch(text)
        if match is not None:
            return sentence, tuple(match.groupdict().items())
    return None


def retold(text: str, *, depth: int = DEPTH) -> str:
    """A stored text in the active language, or as it is."""
    if not text or not depth:
        return text
    found = _fitting(text)
    if found is not None:
        sentence, facts = found
        return gettext(sentence) % {n: retold(value, depth=depth - 1) for n, value in facts}
    match = _CODE.fullmatch(text)
    return f"{match[1]}{retold(match[2], depth=depth - 1)}" if match else text
