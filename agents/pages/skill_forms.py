"""Shape of what people type about skills and packs."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from missioncontrol.kernel.forms import KitForm


class SkillForm(KitForm):
    """A skill by its address."""

    source_url = forms.CharField(
        label=_("Address"), max_length=1000, help_text=_("Begins with https:// and names a folder.")
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    description = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea)


class PackForm(KitForm):
    """A repository of skills."""

    source_url = forms.CharField(
        label=_("Address"), max_length=500, help_text=_("For example https://github.com/owner/name")
    )
    branch = forms.CharField(label=_("Branch"), max_length=200, required=False)
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    description = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea)
