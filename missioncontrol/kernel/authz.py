"""May this actor do that to this row? Questions are asked in one order; the first "no" ends it.

Visibility (404) is settled before by ``open_for``. Here: kind of actor, scope of the token, then
the questions that the apps register (``orgs`` roles, ``boards`` grants, ``governance`` zones).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from .actors import Actor, Kind, Role, UserActor
from .errors import DomainError, Forbidden

Grant = Literal["read", "write"]
USER: frozenset[Kind] = frozenset({"user"})
AGENT: frozenset[Kind] = frozenset({"agent"})
USER_AGENT: frozenset[Kind] = frozenset({"user", "agent"})


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done, and what it takes.

    Attributes:
        name: ``noun.verb``, stable; shown in refusals and audit.
        kinds: Actor kinds admitted; a system actor always is.
        role: Least role in the row's organization, ``None`` if the role does not matter.
        grant: Right needed on the board that the row belongs to.
        reads_only: Allowed for a token with scope ``read``.
    """

    name: str
    kinds: frozenset[Kind] = USER
    role: Role | None = None
    grant: Grant | None = None
    reads_only: bool = False


Question = Callable[[Actor, Action, Any], None]
_questions: list[tuple[int, Question]] = []


def register_question(order: int, question: Question) -> None:
    """Add a question; it raises a ``DomainError`` for "no". Lower order is asked first."""
    if all(known is not question for _order, known in _questions):
        _questions.append((order, question))
        _questions.sort(key=lambda pair: pair[0])


def authorize(actor: Actor, action: Action, row: Any) -> None:
    """Ask everything about ``actor`` doing ``action`` to ``row``.

    Raises:
        Forbidden: kind, token scope, role or grant is not enough.
        ApprovalRequired: a zone wants a decision first.
    """
    if actor.kind == "system":
        return
    if actor.kind not in action.kinds:
        raise Forbidden(_("This is not open to this kind of account."), action=action.name)
    if isinstance(actor, UserActor) and actor.scope == "read" and not action.reads_only:
        raise Forbidden(_("This token may only read."), action=action.name)
    for _order, question in _questions:
        question(actor, action, row)


def allowed(actor: Actor, action: Action, row: Any) -> bool:
    """The same question as a boolean, for buttons."""
    try:
        authorize(actor, action, row)
    except DomainError:
        return False
    return True
