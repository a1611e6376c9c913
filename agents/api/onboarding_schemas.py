"""Bodies and answers of onboarding interviews."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from missioncontrol.kernel.schemas import Input, JsonObject, Output, Text, UtcTime

Typed = Annotated[str, StringConstraints(max_length=4_000)]


class Start(Input):
    """Nothing has to be said to begin."""


class Answer(Input):
    """The chosen option, and what was typed to it."""

    answer: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
    other_text: Typed | None = None


class Confirm(Input):
    """The goal as the person confirms it."""

    board_type: Literal["goal", "general"]
    objective: Text | None = None
    success_metrics: JsonObject | None = None
    target_date: UtcTime | None = None


class Kind(BaseModel):
    """Enough of an agent's message to tell a completion from a question."""

    model_config = ConfigDict(extra="ignore")

    status: Any = None


class MessageOut(Output):
    """What was said."""

    role: Literal["user", "assistant"]
    content: str
    timestamp: datetime


class OnboardingOut(Output):
    """An interview; ``silent_seconds`` counts how long the agent owes an answer."""

    id: UUID
    board_id: UUID
    session_key: str
    status: Literal["active", "completed", "confirmed", "cancelled"]
    messages: list[MessageOut]
    draft_goal: dict[str, Any] | None
    silent_seconds: int
    created_at: datetime
    updated_at: datetime


class ConfirmedOut(Output):
    """The board with its goal; ``warnings`` say what did not work on the way."""

    id: UUID
    name: str
    board_type: str
    objective: str | None
    goal_confirmed: bool
    goal_source: str | None
    warnings: list[str]
