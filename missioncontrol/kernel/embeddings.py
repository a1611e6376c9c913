"""Embeddings behind one interface; ``none`` by default, then search is by text alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings

from . import outbound
from .errors import RemoteFailed


class Provider(Protocol):
    """Turns texts into vectors of one length."""

    @property
    def name(self) -> str:
        """Name of the model, stored beside each vector."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, in order."""


@dataclass(frozen=True, slots=True)
class OpenAICompatible:
    """``POST {base}/embeddings``."""

    base_url: str
    api_key: str

    name: str

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, in order."""
        answer = outbound.post_json(
            f"{self.base_url.rstrip('/')}/embeddings",
            {"model": self.name, "input": list(texts)},
            purpose="llm",
            headers={"Authorization": f"Bearer {self.api_key}"},
        )
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            return [[float(x) for x in row["embedding"]] for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise RemoteFailed("The embedding answer has an unknown shape.") from error


def provider() -> Provider | None:
    """The configured provider, ``None`` for ``none``."""
    if settings.EMBEDDING_PROVIDER != "openai":
        return None
    return OpenAICompatible(
        settings.EMBEDDING_BASE_URL, settings.EMBEDDING_API_KEY, settings.EMBEDDING_MODEL
    )
