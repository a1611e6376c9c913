"""Shape of what people type about budgets."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from agents.models import Budget
from missioncontrol.kernel.forms import KitForm


class BudgetForm(KitForm):
    """A limit of money in a period."""

    about = forms.ChoiceField(label=_("For"), required=False)
    limit = forms.DecimalField(label=_("Limit"), max_digits=18, decimal_places=6, min_value=0)
    currency = forms.CharField(label=_("Currency"), max_length=12)
    period = forms.ChoiceField(label=_("Period"), choices=Budget.Period.choices)
    pauses_agents = forms.BooleanField(
        label=_("Pause agents at 100 %"),
        required=False,
        help_text=_("They go on with the next period, or when somebody resumes them."),
    )

    def offer(self, boards: list[tuple[str, str]], agents: list[tuple[str, str]]) -> None:
        """Name what a limit can be for."""
        self.fields["about"].choices = [  # type: ignore[attr-defined]
            ("", _("The whole organization")),
            (_("Boards"), boards),
            (_("Agents"), agents),
        ]
