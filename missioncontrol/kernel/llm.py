"""Language models behind one small interface; ``none`` by default.

Every use has a rule-based fall-back: :func:`complete` returns ``None`` when no model is set or the
model fails, and is called from jobs only, never while a request waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from django.conf import settings

from . import outbound
from .errors import DomainError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked: standing instructions, the question, the longest answer in tokens."""

    system: str
    user: str
    max_tokens: int = 1024


class Provider(Protocol):
    """Answers a prompt with text, or raises ``DomainError``."""

    def complete(self, prompt: Prompt) -> str:
        """Text of the answer."""


@dataclass(frozen=True, slots=True)
class OpenAICompatible:
    """``POST {base}/chat/completions``."""

    base_url: str
    api_key: str
    model: str

    def complete(self, prompt: Prompt) -> str:
        """Text of the first choice."""
        answer = outbound.post_json(
            f"{self.base_url.rstrip('/')}/chat/completions",
            {
                "model": self.model,
                "max_tokens": prompt.max_tokens,
                "messages": [
                    {"role": "system", "content": prompt.system},
                    {"role": "user", "content": prompt.user},
                ],
            },
            purpose="llm",
            headers={"Authorization": f"Bearer {self.api_key}"},
        )
        return _text(answer, "choices", 0, "message", "content")


@dataclass(frozen=True, slots=True)
class Anthropic:
    """``POST {base}/v1/messages``."""

    base_url: str
    api_key: str
    model: str

    def complete(self, prompt: Prompt) -> str:
        """Text of the first content block."""
        answer = outbound.post_json(
            f"{self.base_url.rstrip('/')}/v1/messages",
            {
                "model": self.model,
                "max_tokens": prompt.max_tokens,
                "system": prompt.system,
                "messages": [{"role": "user", "content": prompt.user}],
            },
            purpose="llm",
            headers={"x-api-key": self.api_key, "anthropic-version": "2023-06-01"},
        )
        return _text(answer, "content", 0, "text")


def _text(answer: Any, *path: str | int) -> str:
    """Walk into a JSON answer; anything unexpected is a remote failure."""
    from .errors import RemoteFailed

    try:
        for step in path:
            answer = answer[step]
    except (KeyError, IndexError, TypeError) as error:
        raise RemoteFailed("The model's answer has an unknown shape.") from error
    return str(answer)


def provider() -> Provider | None:
    """The configured provider, ``None`` for ``none``."""
    where = (settings.LLM_BASE_URL, settings.LLM_API_KEY, settings.LLM_MODEL)
    match settings.LLM_PROVIDER:
        case "openai":
            return OpenAICompatible(*where)
        case "anthropic":
            return Anthropic(*where)
    return None


def complete(prompt: Prompt) -> str | None:
    """The model's text, or ``None`` when there is no model or it failed."""
    chosen = provider()
    if chosen is None:
        return None
    try:
        return chosen.complete(prompt)
    except DomainError as error:
        log.warning("llm.failed", code=error.machine_code)
        return None
