"""Shape of what people type when they sign in and on their settings."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from missioncontrol.kernel.forms import KitForm
from orgs.models import ApiToken, User

LEAST_TOKEN = 50


class TokenSignInForm(KitForm):
    """The shared token."""

    token = forms.CharField(
        label=_("Access token"),
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("At least 50 characters. It is printed when Mission Control starts."),
    )

    def clean_token(self) -> str:
        """A short token is a wrong one."""
        token = str(self.cleaned_data["token"]).strip()
        if len(token) < LEAST_TOKEN:
            raise forms.ValidationError(
                _("This has %(n)s characters; the token has at least 50.") % {"n": len(token)}
            )
        return token


class PasswordSignInForm(KitForm):
    """User name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "off"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(KitForm):
    """A code of the second factor."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "off",
                "spellcheck": "false",
                "data-mc-autofocus": "",
            }
        ),
        help_text=_("Six digits of your generator, or one of your recovery codes."),
    )


class FirstCodeForm(CodeForm):
    """The first code of a new generator; there are no recovery codes yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("Six digits of your generator.")


class ProfileForm(KitForm):
    """Who one is; agents read some of it."""

    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    preferred_name = forms.CharField(label=_("How agents call you"), max_length=200, required=False)
    pronouns = forms.CharField(label=_("Pronouns"), max_length=60, required=False)
    timezone = forms.ChoiceField(label=_("Time zone"), required=False)
    context = forms.CharField(
        label=_("What agents should know about you"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea,
    )
    notes = forms.CharField(
        label=_("Notes"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea,
        help_text=_("Agents read these too: preferences, working hours, how to reach you."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted(zoneinfo.available_timezones())
        self.fields["timezone"].choices = [("", "UTC"), *((name, name) for name in names)]  # type: ignore[attr-defined]


class WelcomeForm(KitForm):
    """What is asked after the first sign-in."""

    name = forms.CharField(label=_("Name"), max_length=200)
    timezone = forms.ChoiceField(label=_("Time zone"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted(zoneinfo.available_timezones())
        # The browser's own is chosen by the page's script; without it a choice has to be made.
        self.fields["timezone"].choices = [("", "—"), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.fields["timezone"].widget.attrs["data-mc-own-time-zone"] = ""


class AppearanceForm(KitForm):
    """How pages look; every field may be absent, then it stays as it is."""

    theme = forms.ChoiceField(label=_("Theme"), choices=User.Theme.choices, required=False)
    density = forms.ChoiceField(label=_("Density"), choices=User.Density.choices, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices, required=False)
    is_high_contrast = forms.BooleanField(
        label=_("High contrast"), required=False, help_text=_("Stronger lines and text.")
    )


class PasswordForm(KitForm):
    """A new password."""

    current = forms.CharField(
        label=_("Present password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least 10 characters."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


EXPIRY = [("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), ("", _("Never"))]


class ApiTokenForm(KitForm):
    """A new personal access token; it shares its page with the profile, which has a name too."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What will use it."))
    scope = forms.ChoiceField(
        label=pgettext_lazy("right of a token", "May"),
        choices=ApiToken.ScopeChoice.choices,
        initial=ApiToken.ScopeChoice.WRITE,
    )
    expires_in_days = forms.ChoiceField(
        label=_("Ends after"), choices=EXPIRY, required=False, initial="90"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "token_%s")
        super().__init__(*args, **kwargs)
