"""Shape of what people type on board pages. Rules live in `boards.services`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boards.board_inputs import ADMIN_FIELDS, MAX_AGENTS, MAX_WIP
from boards.models import Board, Task
from boards.pages.choices import id_of
from boards.pages.field_inputs import CustomFieldsForm, JsonField
from boards.services.comments import MAX_MESSAGE
from boards.talk import BROADCAST, CHAT
from missioncontrol.kernel.forms import KitForm, dress
from missioncontrol.kernel.signs import LEVEL, TASK_STATUS

LEVELS = [(level, sign.word) for level, sign in LEVEL.items()]
STATUSES = [(status, TASK_STATUS[status].word) for status in Task.Status.values]
NOBODY = ("", _("Unassigned"))


def moment_input() -> forms.DateTimeInput:
    """Native input of a date with time."""
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def exact(typed: datetime | None, stored: datetime | None) -> datetime | None:
    """The moment typed; inputs show minutes, so one that shows the same stays as it is stored."""
    is_same = typed and stored and typed == stored.replace(second=0, microsecond=0)
    return stored if is_same else typed


class FactsMixin(forms.Form):
    """Assignee, priority and date of a task, without losing what the inputs cannot show."""

    task: Task | None = None

    def offer(self, agents: list[tuple[str, str]], task: Task | None = None) -> None:
        """Name the agents that can be chosen, and what the task has besides."""
        levels = list(LEVELS)
        if task is not None and task.priority not in LEVEL:
            levels.append((task.priority, task.priority))
        holder = task.assigned_agent if task else None
        if holder is not None and str(holder.pk) not in dict(agents):
            agents = [*agents, (str(holder.pk), holder.name)]
        self.task = task
        self.fields["assigned_agent_id"].choices = [NOBODY, *agents]  # type: ignore[attr-defined]
        self.fields["priority"].choices = levels  # type: ignore[attr-defined]

    @property
    def wanted_due(self) -> datetime | None:
        """The date wanted."""
        return exact(self.cleaned_data["due_at"], self.task.due_at if self.task else None)


class IdsField(forms.MultipleChoiceField):
    """Ids that were chosen; which of them exist is asked by the service."""

    def valid_value(self, value: Any) -> bool:
        """Whether it is an id at all."""
        return id_of(str(value)) is not None


class QuickTaskForm(KitForm):
    """The line at the end of a column."""

    title = forms.CharField(max_length=500)
    status = forms.ChoiceField(choices=STATUSES)


class FactsForm(FactsMixin, CustomFieldsForm):
    """What can be changed in the task panel without leaving it."""

    status = forms.ChoiceField(choices=STATUSES)
    assigned_agent_id = forms.ChoiceField(required=False)
    priority = forms.ChoiceField(choices=LEVELS)
    due_at = forms.DateTimeField(required=False, widget=moment_input())
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class TaskForm(FactsMixin, CustomFieldsForm):
    """A whole task."""

    title = forms.CharField(label=_("Title"), max_length=500)
    description = forms.CharField(
        label=_("Description"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown. The agent reads it before it starts."),
    )
    status = forms.ChoiceField(label=_("Column"), choices=STATUSES, initial="todo", required=False)
    priority = forms.ChoiceField(label=_("Priority"), choices=LEVELS, initial="medium")
    assigned_agent_id = forms.ChoiceField(label=_("Assignee"), required=False)
    due_at = forms.DateTimeField(label=_("Due"), required=False, widget=moment_input())
    depends_on = IdsField(label=_("Waits for"), required=False)
    tags = IdsField(label=_("Tags"), required=False)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class CommentForm(KitForm):
    """A comment."""

    message = forms.CharField(
        max_length=MAX_MESSAGE, error_messages={"required": _("A comment needs some text.")}
    )


class AskForm(KitForm):
    """A question to whoever decides on the board."""

    action_type = forms.CharField(
        max_length=200, error_messages={"required": _("Say what is to be decided.")}
    )
    reason = forms.CharField(
        max_length=MAX_MESSAGE, error_messages={"required": _("Say why; whoever decides reads it.")}
    )


class MoveForm(KitForm):
    """A card's new place."""

    status = forms.ChoiceField(choices=STATUSES)
    version = forms.IntegerField(required=False)
    before_id = forms.UUIDField(required=False)
    after_id = forms.UUIDField(required=False)


class GroupForm(KitForm):
    """A board group."""

    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea)


class PlacedForm(KitForm):
    """A form that names a gateway and a group."""

    gateway_id = forms.ChoiceField(
        label=_("Gateway"),
        required=False,
        help_text=_("Agents of this board run there. Without one the board is for people."),
    )
    board_group_id = forms.ChoiceField(label=_("Board group"), required=False)

    def offer(self, gateways: list[tuple[str, str]], groups: list[tuple[str, str]]) -> None:
        """Name the gateways and groups that can be chosen."""
        self.fields["gateway_id"].choices = [("", _("No gateway")), *gateways]  # type: ignore[attr-defined]
        self.fields["board_group_id"].choices = [("", _("No group")), *groups]  # type: ignore[attr-defined]


class BoardNewForm(PlacedForm):
    """A new board."""

    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea)
    objective = forms.CharField(
        label=_("Goal"),
        required=False,
        widget=forms.Textarea,
        help_text=_("Agents read the goal before they start."),
    )
    field_order = ("name", "description", "objective", "gateway_id", "board_group_id")


POLICY = (
    "require_approval_for_done",
    "require_review_before_done",
    "comment_required_for_review",
    "block_status_changes_with_pending_approval",
    "only_lead_can_change_status",
)


class BoardEditForm(PlacedForm):
    """A board with its rules and column limits."""

    name = forms.CharField(label=_("Name"), max_length=200)
    key = forms.RegexField(
        r"^[A-Z]{2,5}$",
        label=_("Short name"),
        help_text=_("2 to 5 capitals; task keys start with it."),
        error_messages={"invalid": _("Use 2 to 5 capital letters, for example OPS.")},
    )
    description = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea)
    board_type = forms.ChoiceField(
        label=_("Kind"),
        choices=Board.Type.choices,
        required=False,
        help_text=_("A goal board ends when its goal is reached; a general one goes on."),
    )
    objective = forms.CharField(
        label=_("Goal"),
        required=False,
        widget=forms.Textarea,
        help_text=_("What is to be true at the end. Agents read it before they start."),
    )
    success_metrics = JsonField(
        label=_("Success metrics"),
        required=False,
        help_text=_('How you see that it is reached, as JSON, for example {"installations": 20}.'),
    )
    target_date = forms.DateTimeField(
        label=_("Target date"),
        required=False,
        widget=moment_input(),
        help_text=_("When the goal is to be reached."),
    )
    goal_confirmed = forms.BooleanField(
        label=_("Goal confirmed"),
        required=False,
        help_text=_("Somebody has agreed to goal and metrics; both are needed for that."),
    )
    require_approval_for_done = forms.BooleanField(
        label=_("Approval before Done"),
        required=False,
        help_text=_("A task reaches Done only with an approval that a person gave."),
    )
    approval_gate_scope = forms.ChoiceField(
        label=_("Approval binds"),
        choices=Board.GateScope.choices,
        help_text=_("With “Agents”, a person who moves a task to Done decides by that."),
    )
    require_review_before_done = forms.BooleanField(
        label=_("Review before Done"),
        required=False,
        help_text=_("A task passes through Review first."),
    )
    comment_required_for_review = forms.BooleanField(
        label=_("Comment before Review"),
        required=False,
        help_text=_("The agent says what it did before it asks for review."),
    )
    block_status_changes_with_pending_approval = forms.BooleanField(
        label=_("No status change while an approval is pending"),
        required=False,
        help_text=_("The card stays where it is until somebody decides."),
    )
    only_lead_can_change_status = forms.BooleanField(
        label=_("Only the lead changes status"),
        required=False,
        help_text=_("Other agents ask the lead; people are not affected."),
    )
    max_agents = forms.IntegerField(
        label=_("Agents that the lead may create"),
        min_value=0,
        max_value=MAX_AGENTS,
        help_text=_("Workers beside the lead. People may add more."),
    )
    execution_policy = forms.ChoiceField(
        label=_("Work starts"),
        choices=Board.ExecutionPolicy.choices,
        help_text=_("“On assignment” sends a task to its agent as soon as it has one."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for status, word in STATUSES:
            self.fields[f"wip_{status}"] = forms.IntegerField(
                label=_("Limit for %(column)s") % {"column": word},
                required=False,
                min_value=1,
                max_value=MAX_WIP,
                widget=forms.NumberInput(attrs={"placeholder": _("none")}),
            )
            dress(self.fields[f"wip_{status}"])
        self.fields["key"].widget.attrs["class"] += " mono"

    def for_writers(self) -> None:
        """Leave out what only admins change."""
        for name in ADMIN_FIELDS:
            del self.fields[name]

    @property
    def policy(self) -> list[forms.BoundField]:
        """The rules that are on or off."""
        return [self[name] for name in POLICY]

    def wip_limits(self) -> dict[str, int]:
        """Limits that were typed, by status."""
        values = {status: self.cleaned_data.get(f"wip_{status}") for status, _word in STATUSES}
        return {status: limit for status, limit in values.items() if limit}


class NoteForm(KitForm):
    """A note of a board or group."""

    content = forms.CharField(
        label=_("Note"),
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Markdown. Agents read the notes of their board and group."),
    )
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        max_length=500,
        help_text=_("Separated by commas, for example decision, naming."),
    )

    def inputs(self) -> dict[str, Any]:
        """What the service takes; a note is no message, whatever its tags say."""
        tags = [tag.strip() for tag in self.cleaned_data["tags"].split(",")]
        return {
            "content": self.cleaned_data["content"],
            "tags": [tag for tag in tags if tag and tag.lower() not in (CHAT, BROADCAST)],
        }
