"""Forms of tags and custom fields."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from boards.models import CustomField
from boards.models.tag import DEFAULT_COLOR
from boards.pages import field_inputs
from missioncontrol.kernel.forms import KitForm


class TagForm(KitForm):
    """A tag."""

    name = forms.CharField(label=_("Name"), max_length=200)
    color = forms.CharField(
        label=_("Colour"),
        initial=f"#{DEFAULT_COLOR}",
        widget=forms.TextInput(attrs={"type": "color"}),
        help_text=_("Shown as the nearest colour that can be told apart on light and dark."),
    )
    slug = forms.CharField(
        label=_("Slug"),
        required=False,
        max_length=200,
        help_text=_("Names the tag in filters and scripts. Empty: made from the name."),
    )
    description = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea)


class FieldForm(KitForm):
    """A custom field."""

    label = forms.CharField(label=_("Name"), max_length=200)
    field_key = forms.CharField(
        label=_("Key"),
        max_length=200,
        help_text=_("Its name in the API. It cannot be changed later."),
    )
    field_type = forms.ChoiceField(label=_("Type"), choices=CustomField.Type.choices)
    ui_visibility = forms.ChoiceField(
        label=_("Shown on pages"), choices=CustomField.Visibility.choices
    )
    required = forms.BooleanField(
        label=_("Needs a value"),
        required=False,
        help_text=_("A task cannot be added without it, unless there is a default."),
    )
    validation_regex = forms.CharField(
        label=_("Pattern"),
        required=False,
        max_length=500,
        help_text=_("A regular expression that the whole value matches. For texts and dates."),
    )
    default_value = forms.CharField(
        label=_("Default"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Shown while a task has no value of its own. true or false for yes or no."),
    )
    description = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea)
    board_ids = forms.MultipleChoiceField(
        label=_("Boards"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one board.")},
    )

    def __init__(self, *args: Any, boards: list[tuple[str, str]], is_new: bool, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["board_ids"].choices = boards  # type: ignore[attr-defined]
        self.fields["validation_regex"].widget.attrs["class"] += " mono"
        if not is_new:
            del self.fields["field_key"]

    def clean(self) -> dict[str, Any]:
        """Read the default by the type chosen."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("field_type", "text")
        text = cleaned.get("default_value") or ""
        field = field_inputs.input_of(kind)
        field.required = False
        try:
            value = field.clean(text.strip().lower() if kind == "boolean" else text.strip())
        except forms.ValidationError as error:
            self.add_error("default_value", error)
        else:
            cleaned["default_value"] = field_inputs.typed(kind, value)
        return cleaned

    def inputs(self) -> dict[str, Any]:
        """What the service takes."""
        wanted = dict(self.cleaned_data)
        wanted["board_ids"] = [UUID(pk) for pk in wanted["board_ids"]]
        wanted["validation_regex"] = wanted["validation_regex"] or None
        wanted["description"] = wanted["description"] or None
        return wanted


def default_text(field: CustomField) -> str:
    """A field's default as its form shows it."""
    value = field.default_value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return field_inputs.as_json(value) if isinstance(value, dict | list) else str(value)
