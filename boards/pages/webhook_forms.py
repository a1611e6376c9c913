"""Shape of what people type about a webhook. Rules live in ``boards.services.webhooks``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from boards.models import BoardWebhook
from boards.services.webhooks import BOUNDS, MAX_DESCRIPTION, MAX_SECRET
from missioncontrol.kernel.forms import KitForm


class WebhookForm(KitForm):
    """A webhook, new or present."""

    description = forms.CharField(
        label=_("Instruction"),
        max_length=MAX_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What the agent shall do with what comes in. The first line is its title."),
    )
    agent_id = forms.ChoiceField(
        label=_("Agent"),
        required=False,
        help_text=_("Without one the board's lead is told."),
    )
    create_task = forms.BooleanField(
        label=_("Open a task for each payload"),
        required=False,
        help_text=_("The task names the payload and quotes nothing of it."),
    )
    enabled = forms.BooleanField(
        label=_("Takes payloads"),
        required=False,
        initial=True,
        help_text=_("Switched off, senders get the answer 410."),
    )
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=MAX_SECRET,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Senders sign with it. It is stored encrypted and never shown again."),
    )
    drop_secret = forms.BooleanField(
        label=_("Take the secret away"),
        required=False,
        help_text=_("Anybody who knows the address can then send."),
    )
    signature_header = forms.CharField(
        label=_("Signature header"),
        required=False,
        max_length=100,
        help_text=_("Empty: X-Hub-Signature-256, or X-Webhook-Signature."),
    )
    require_timestamp = forms.BooleanField(
        label=_("Time stamp needed"),
        required=False,
        help_text=_("Senders name the time in X-Webhook-Timestamp and sign it along."),
    )
    replay_window_seconds = forms.IntegerField(
        label=_("Repeats are known for"),
        initial=300,
        min_value=BOUNDS["replay_window_seconds"][0],
        max_value=BOUNDS["replay_window_seconds"][1],
    )
    retention_days = forms.IntegerField(
        label=_("Payloads are kept for"),
        initial=30,
        min_value=BOUNDS["retention_days"][0],
        max_value=BOUNDS["retention_days"][1],
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, webhook: BoardWebhook | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if webhook is None or not webhook.has_secret:
            del self.fields["drop_secret"]
        else:
            self.fields["secret"].help_text = _("A secret is set. Leave this empty to keep it.")

    def offer(self, agents: list[tuple[str, str]]) -> None:
        """Name the agents of the board."""
        self.fields["agent_id"].choices = [("", _("The board's lead")), *agents]  # type: ignore[attr-defined]

    def inputs(self) -> dict[str, Any]:
        """What the service takes; an empty secret means "as it is"."""
        wanted = {k: v for k, v in self.cleaned_data.items() if k not in ("version", "drop_secret")}
        wanted["agent_id"] = UUID(wanted["agent_id"]) if wanted["agent_id"] else None
        if self.cleaned_data.get("drop_secret"):
            wanted["secret"] = ""
        elif not wanted["secret"]:
            del wanted["secret"]
        return wanted
