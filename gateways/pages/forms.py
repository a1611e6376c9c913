"""Shape of what people type on gateway pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from missioncontrol.kernel.forms import KitForm


class GatewayForm(KitForm):
    """A gateway, new or present."""

    name = forms.CharField(label=_("Name"), max_length=200)
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("ws:// or wss://, with its port; usually 18789."),
        widget=forms.TextInput(
            attrs={"placeholder": "ws://127.0.0.1:18789", "autocapitalize": "off"}
        ),
    )
    token = forms.CharField(
        label=_("Token"),
        required=False,
        max_length=500,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("The gateway's shared token. It is stored sealed and never shown again."),
    )
    workspace_root = forms.CharField(
        label=_("Workspace folder"), max_length=500, initial="~/.openclaw", required=False
    )
    allow_insecure_tls = forms.BooleanField(
        label=_("Accept any certificate"),
        required=False,
        help_text=_("Only for a gateway with a self-signed certificate in your own network."),
    )
    disable_device_pairing = forms.BooleanField(
        label=_("Connect without device pairing"),
        required=False,
        help_text=_("Needs a gateway that allows it. Pairing is the safer way."),
    )
    is_default = forms.BooleanField(
        label=_("Default gateway"),
        required=False,
        help_text=_("New boards and agents are placed here unless told otherwise."),
    )
