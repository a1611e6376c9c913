"""Shape of what people type on agent pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from agents.models import Agent
from missioncontrol.kernel.forms import KitForm

EVERY = [
    ("5m", _("5 minutes")),
    ("10m", _("10 minutes")),
    ("15m", _("15 minutes")),
    ("30m", _("30 minutes")),
    ("1h", _("1 hour")),
]
MOST_CAPABILITIES = 50
#: The character is what was typed.
OWN = "own"


class AgentForm(KitForm):
    """An agent, new or present."""

    name = forms.CharField(label=_("Name"), max_length=200)
    board_id = forms.ChoiceField(
        label=_("Board"),
        required=False,
        help_text=_("It runs on the gateway of its board. Without a board it stays a draft."),
    )
    agent_type = forms.ChoiceField(
        label=_("Role"),
        choices=[
            (Agent.Type.WORKER, _("Worker: does tasks")),
            (Agent.Type.LEAD, _("Lead: plans, assigns and reviews")),
        ],
        required=False,
    )
    description = forms.CharField(
        label=_("Description"),
        required=False,
        widget=forms.Textarea,
        help_text=_("What it is good for. It reads this too."),
    )
    role = forms.CharField(
        label=_("Profession"),
        required=False,
        max_length=120,
        help_text=_("One or two words, for example Site reliability engineer."),
    )
    capabilities = forms.CharField(
        label=_("Capabilities"), required=False, help_text=_("Separated by commas.")
    )
    model = forms.ChoiceField(
        label=_("Model"),
        required=False,
        help_text=_("What its gateway offers now. Without a choice the gateway decides."),
    )
    soul = forms.ChoiceField(
        label=_("Character"),
        required=False,
        help_text=_("From the souls directory, or a text of your own."),
    )
    soul_template = forms.CharField(
        label=_("Own text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Used when the character is “own text”."),
    )
    every = forms.ChoiceField(label=_("Heartbeat"), choices=EVERY, initial="10m", required=False)

    def offer(self, boards: list[tuple[str, str]]) -> None:
        """Name the boards that can be chosen."""
        self.fields["board_id"].choices = [("", _("No board")), *boards]  # type: ignore[attr-defined]

    def offer_main(self) -> None:
        """The role of the gateway's own agent can be chosen too."""
        choices = self.fields["agent_type"].choices  # type: ignore[attr-defined]
        own = (Agent.Type.MAIN, _("Gateway's own agent: answers for the gateway"))
        self.fields["agent_type"].choices = [*choices, own]  # type: ignore[attr-defined]

    def offer_models(self, names: list[str]) -> None:
        """Name the models of the gateway, the present one included."""
        self.fields["model"].choices = [  # type: ignore[attr-defined]
            ("", _("The gateway decides")),
            *((name, name) for name in names),
        ]

    def offer_every(self, present: str) -> None:
        """Keep an interval that was set elsewhere among the choices."""
        if present not in dict(EVERY):
            word = _("Off") if present == "0m" else present
            self.fields["every"].choices = [*EVERY, (present, word)]  # type: ignore[attr-defined]

    def ask_models_at(self, address: str) -> None:
        """Have the models read anew when another board is chosen."""
        part = "#agent-model"
        self.fields["board_id"].widget.attrs |= {
            "hx-get": address, "hx-trigger": "change", "hx-select": part, "hx-target": part,
            "hx-swap": "outerHTML",
        }  # fmt: skip

    def offer_souls(self, keys: list[str]) -> None:
        """Name the roles that can be chosen."""
        self.fields["soul"].choices = [  # type: ignore[attr-defined]
            ("", _("By profession")),
            (OWN, _("Own text")),
            *((key, key) for key in keys),
        ]

    def clean_capabilities(self) -> list[str]:
        """Names as a list, without blanks."""
        typed = str(self.cleaned_data["capabilities"])
        names = [name.strip() for name in typed.replace("，", ",").split(",")]
        found = [name for name in names if name]
        if len(found) > MOST_CAPABILITIES:
            raise forms.ValidationError(_("At most 50 capabilities."))
        return found


class FileForm(KitForm):
    """Text of a workspace file."""

    content = forms.CharField(
        required=False, strip=False, widget=forms.Textarea(attrs={"rows": 24})
    )


class SyncForm(KitForm):
    """Options of a template sync."""

    include_main = forms.BooleanField(
        label=_("Also the gateway's own agent"), required=False, initial=True
    )
    overwrite = forms.BooleanField(
        label=_("Overwrite files that agents keep"),
        required=False,
        help_text=_("USER.md and MEMORY.md are replaced too."),
    )
    reset_sessions = forms.BooleanField(
        label=_("Begin new sessions"),
        required=False,
        help_text=_("Agents forget what is only in their conversation."),
    )
    rotate_tokens = forms.BooleanField(label=_("Give new tokens"), required=False)


class GroupHeartbeatForm(KitForm):
    """One interval for all agents of a group."""

    every = forms.CharField(
        label=_("Every"),
        max_length=32,
        initial="10m",
        help_text=_("A number with s, m, h, d or w, for example 2m, 30m or 1h; at least 30s."),
    )
    include_board_leads = forms.BooleanField(
        label=_("Also the leads of the boards"), required=False
    )
