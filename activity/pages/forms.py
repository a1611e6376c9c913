"""Shape of what people type about outbound webhooks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boards.models import Board
from missioncontrol.kernel.forms import KitForm


class EndpointForm(KitForm):
    """An outbound webhook, new or present."""

    name = forms.CharField(label=_("Name"), max_length=200)
    url = forms.CharField(
        label=_("Address"),
        max_length=1000,
        help_text=_("Each event is sent there as a signed POST request."),
        widget=forms.TextInput(
            attrs={"placeholder": "https://example.org/hook", "autocapitalize": "off"}
        ),
    )
    event_types = forms.CharField(
        label=_("Types of events"),
        required=False,
        max_length=4000,
        help_text=_("One per line, such as task.* or approval.created. Empty means every type."),
        widget=forms.Textarea(attrs={"rows": 4, "autocapitalize": "off", "spellcheck": "false"}),
    )
    board_id = forms.ModelChoiceField(
        label=_("Board"),
        queryset=Board.objects.none(),
        required=False,
        empty_label=_("Every board and the organization itself"),
    )
    is_enabled = forms.BooleanField(
        label=_("Switched on"), required=False, help_text=_("Events that wait are kept meanwhile.")
    )

    def __init__(self, *args: Any, boards: Any, is_new: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["board_id"].queryset = boards  # type: ignore[attr-defined]  # a choice field
        if is_new:
            del self.fields["is_enabled"]

    def inputs(self) -> dict[str, Any]:
        """What the service takes."""
        found = dict(self.cleaned_data)
        found["event_types"] = found["event_types"].replace(",", "\n").split()
        found["board_id"] = found["board_id"].pk if found["board_id"] else None
        return found
