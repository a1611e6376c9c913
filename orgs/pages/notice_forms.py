"""Shape of what people type about their notifications."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from missioncontrol.kernel.forms import KitForm
from orgs.notices.models import Kind, NotificationChannel


class QuietForm(KitForm):
    """When channels stay silent."""

    quiet_from = forms.TimeField(
        label=_("From"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    quiet_until = forms.TimeField(
        label=_("Until"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )


class ChannelForm(KitForm):
    """A channel, new or present; secrets that are left empty stay as they are."""

    type = forms.ChoiceField(label=_("Type"), choices=NotificationChannel.Type.choices)
    name = forms.CharField(label=_("Name"), max_length=120)
    address = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=2000,
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
        help_text=_(
            "Webhook and Slack: where messages go. Telegram: only for a server of your own."
        ),
    )
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_(
            "Telegram: token of the bot. Webhook: key of the signature, empty for a fresh one."
        ),
    )
    chat_id = forms.CharField(
        label=_("Chat"), required=False, max_length=64, help_text=_("Telegram: number of the chat.")
    )
    kinds = forms.MultipleChoiceField(
        label=_("Tell me when"),
        choices=Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class ChannelEditForm(ChannelForm):
    """A present channel: its type stays, and it can be silenced."""

    is_enabled = forms.BooleanField(
        label=_("On"), required=False, help_text=_("Off: nothing is sent there.")
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["type"]
