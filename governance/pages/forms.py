"""Shape of a decision."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from missioncontrol.kernel.forms import KitForm

APPROVED, REJECTED = "approved", "rejected"


class DecisionForm(KitForm):
    """Approve or reject; a rejection says why."""

    decision = forms.ChoiceField(choices=[(APPROVED, APPROVED), (REJECTED, REJECTED)])
    comment = forms.CharField(required=False, max_length=4_000)

    def clean(self) -> dict[str, Any]:
        """A rejection without a reason leaves the requester with nothing to change."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("decision") == REJECTED and not values.get("comment"):
            self.add_error("comment", _("Say what has to change; the requester reads it."))
        return values
