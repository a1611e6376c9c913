"""What a request asks for, in words: the record keeps the machine's word, people read these."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from activity import reads
from governance.models import Approval, ApprovalTask

FINISH = gettext_lazy("Finish %(task)s")
START = gettext_lazy("Start %(task)s")
DELETE = gettext_lazy("Delete %(task)s")
SEND_BACK = gettext_lazy("Send %(task)s back")
MOVE = gettext_lazy("Move %(task)s")
ASSIGN = gettext_lazy("Reassign %(task)s")
REVIEW = gettext_lazy("Hand in %(task)s for review")
#: Sentence of an action on tasks, by the action's last word.
ON_A_TASK: Mapping[str, Promise] = {
    "done": FINISH,
    "complete": FINISH,
    "completed": FINISH,
    "completion": FINISH,
    "finish": FINISH,
    "close": FINISH,
    "start": START,
    "delete": DELETE,
    "reopen": SEND_BACK,
    "move": MOVE,
    "assign": ASSIGN,
    "reassign": ASSIGN,
    "review": REVIEW,
}
TASK_PREFIXES = {"task", "mark", "mark task", ""}


def action_words(action_type: str) -> str:
    """A machine's word as people write it: `deploy_to_staging` becomes “Deploy to staging”."""
    if " " in action_type:
        return action_type
    words = _parts(action_type)
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]]) if words else action_type


def subject_of(approval: Approval, tasks: Sequence[str]) -> str:
    """One line that says what is asked; `tasks` are the named ones, each with key and title."""
    if approval.source == Approval.Source.GATEWAY:
        return approval.title
    if not tasks:
        return action_words(approval.action_type)
    task = tasks[0]
    if len(tasks) > 1:
        rest = len(tasks) - 1
        task = ngettext("%(task)s and %(n)s more", "%(task)s and %(n)s more", rest) % {
            "task": task,
            "n": rest,
        }
    *before, last = _parts(approval.action_type) or [""]
    sentence = ON_A_TASK.get(last.lower())
    if sentence is not None and " ".join(before).lower() in TASK_PREFIXES:
        return str(sentence) % {"task": task}
    return _("%(action)s: %(task)s") % {
        "action": action_words(approval.action_type),
        "task": task,
    }


def subjects(approvals: Iterable[Approval]) -> dict[UUID, str]:
    """Subjects of some approvals; one query, whatever their number."""
    known = {approval.pk: approval for approval in approvals}
    named: dict[UUID, list[str]] = {}
    if known:
        links = ApprovalTask.objects.filter(approval_id__in=known).order_by("position", "id")
        for approval_id, title in links.values_list("approval_id", "title"):
            named.setdefault(approval_id, []).append(title)
    return {pk: subject_of(approval, named.get(pk, [])) for pk, approval in known.items()}


def _titles(ids: Collection[UUID]) -> dict[UUID, str]:
    fields = ("id", "source", "action_type", "command")
    return subjects(Approval.objects.filter(pk__in=ids).only(*fields))


def register() -> None:
    """Let the timeline name approvals as the inbox does."""
    reads.register_titles("approval", _titles)


def _parts(action_type: str) -> list[str]:
    for mark in "._-:/":
        action_type = action_type.replace(mark, " ")
    return action_type.split()
