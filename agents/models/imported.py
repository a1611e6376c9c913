"""Tokens that came with agents of the original product."""

from __future__ import annotations

from django.db import models

from agents.models.agent import Agent


class ImportedToken(models.Model):
    """A token's slow hash, ``pbkdf2_sha256$<rounds>$<salt>$<digest>``; gone after its first use."""

    agent = models.OneToOneField(
        Agent, on_delete=models.CASCADE, primary_key=True, related_name="imported_token"
    )
    stored = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"token of {self.agent_id}"
