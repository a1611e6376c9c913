"""Bodies and answers of usage and budgets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from missioncontrol.kernel.schemas import Input, Output, UtcTime

Tokens = Annotated[int, Field(ge=0, le=10**12)]
Money = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]
Currency = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=12)]
Period = Literal["day", "week", "month", "total"]


class UsageReport(Input):
    """What an agent used for one answer of a model."""

    model: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cost_usd: Money | None = None
    task_id: UUID | None = None


class UsageReported(Output):
    """Whether it was counted: not where the gateway tells the same."""

    ok: bool
    counted: bool


class UsageQuery(Input):
    """Which part is summed, and by what."""

    group_by: str = "agent"
    since: UtcTime | None = Field(default=None, alias="from")
    until: UtcTime | None = Field(default=None, alias="to")
    agent_id: UUID | None = None
    board_id: UUID | None = None
    task_id: UUID | None = None
    model: str = ""


class UsageRow(Output):
    """Sum of a group in one currency; money as a decimal text."""

    key: Any
    name: str | None
    currency: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost: str | None
    answers: int
    unpriced: int


class UsageOut(Output):
    """Sums."""

    group_by: str
    totals: list[dict[str, Any]]
    items: list[UsageRow]


class BudgetCreate(Input):
    """A limit."""

    scope: Literal["organization", "board", "agent"]
    board_id: UUID | None = None
    agent_id: UUID | None = None
    period: Period = "month"
    limit: Money
    currency: Currency = "USD"
    pauses_agents: bool = True


class BudgetPatch(Input):
    """Changes of a limit."""

    period: Period = "month"
    limit: Money = Decimal(1)
    currency: Currency = "USD"
    pauses_agents: bool = True


class BudgetOut(Output):
    """A limit with what is spent of it; money as a decimal text."""

    id: UUID
    organization_id: UUID
    scope: str
    board_id: UUID | None
    agent_id: UUID | None
    period: str
    limit: str
    currency: str
    pauses_agents: bool
    spent: str
    percent: int
    since: datetime
    version: int


class AgentSession(Output):
    """A session, as the agent's gateway describes it."""


class AgentTranscript(Output):
    """What was said in a session, as the gateway keeps it."""
