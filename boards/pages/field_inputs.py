"""Custom fields as form fields: the right input for each type, and what was typed as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import orjson
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from boards.custom_fields import FieldSpec
from missioncontrol.kernel.errors import FieldError
from missioncontrol.kernel.forms import KitForm, dress
from missioncontrol.kernel.schemas import bounded_json

PREFIX = "cf_"
YES_NO = [("", "—"), ("true", _("Yes")), ("false", _("No"))]


class JsonField(forms.CharField):
    """A JSON object or list as text."""

    widget = forms.Textarea

    def clean(self, value: Any) -> Any:
        """The parsed value; ``None`` when nothing was typed."""
        text = super().clean(value)
        if not text:
            return None
        try:
            parsed = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(_("This is not valid JSON.")) from error
        if not isinstance(parsed, dict | list):
            raise forms.ValidationError(_("A JSON object or list is needed."))
        try:
            return bounded_json(parsed)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> Any:
        """Indented text of a stored value; what was typed stays as it is."""
        return as_json(value) if isinstance(value, dict | list) else value


def as_json(value: Any) -> str:
    """A JSON value as people read it."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _date() -> forms.Field:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


def _date_time() -> forms.Field:
    attrs = {"type": "datetime-local", "step": "1"}
    return forms.DateTimeField(widget=forms.DateTimeInput(attrs=attrs, format="%Y-%m-%dT%H:%M:%S"))


_INPUTS: Mapping[str, Callable[[], forms.Field]] = {
    "text": forms.CharField,
    "text_long": lambda: forms.CharField(widget=forms.Textarea(attrs={"rows": 3})),
    "integer": forms.IntegerField,
    "decimal": lambda: forms.FloatField(widget=forms.NumberInput(attrs={"step": "any"})),
    "boolean": lambda: forms.ChoiceField(choices=YES_NO),
    "date": _date,
    "date_time": _date_time,
    "url": lambda: forms.CharField(widget=forms.URLInput()),
    "json": JsonField,
}


def input_of(kind: str) -> forms.Field:
    """An empty form field for a type of custom field."""
    return _INPUTS[kind]()


def typed(kind: str, cleaned: Any) -> Any:
    """A cleaned input as the value that the task stores; ``None`` when nothing was typed."""
    if cleaned in (None, ""):
        return None
    if kind == "boolean":
        return cleaned == "true"
    if isinstance(cleaned, datetime):
        return cleaned.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return cleaned.isoformat() if isinstance(cleaned, date) else cleaned


def initial_of(kind: str, value: Any) -> Any:
    """A stored value as the input shows it."""
    if value is None:
        return ""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "date_time":
        moment = datetime.fromisoformat(value)
        return moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    return value


def is_shown(spec: FieldSpec, values: Mapping[str, Any]) -> bool:
    """Whether the panel of a task shows the field."""
    if spec.visibility == "hidden":
        return False
    return spec.visibility == "always" or values.get(spec.key) not in (None, "")


class CustomFieldsForm(KitForm):
    """A form that asks for a board's custom fields beside its own."""

    specs: tuple[FieldSpec, ...] = ()

    def ask(self, specs: Iterable[FieldSpec], values: Mapping[str, Any], *, place: str) -> None:
        """Add an input for each field; ``place`` begins the ids of the inputs."""
        self.specs = tuple(specs)
        for number, spec in enumerate(self.specs):
            field = input_of(spec.type)
            field.label, field.help_text = spec.label, spec.description or ""
            # Whether a value is needed is decided by the service, which knows the default.
            field.required = False
            field.widget.attrs["id"] = f"{place}-{number}"
            dress(field)
            self.fields[PREFIX + spec.key] = field
            self.initial[PREFIX + spec.key] = initial_of(spec.type, values.get(spec.key))

    @property
    def custom(self) -> list[forms.BoundField]:
        """The inputs of custom fields."""
        return [self[PREFIX + spec.key] for spec in self.specs]

    def custom_values(self) -> dict[str, Any]:
        """Values that differ from what was shown, by key; null for a cleared one."""
        changed = set(self.changed_data)
        return {
            spec.key: typed(spec.type, self.cleaned_data.get(PREFIX + spec.key))
            for spec in self.specs
            if PREFIX + spec.key in changed
        }

    def take(self, errors: Sequence[FieldError], detail: str) -> None:
        """Take over a service's complaints; those about custom fields go to their inputs."""
        placed: list[FieldError] = []
        for error in errors:
            loc = list(error["loc"])
            if "custom_field_values" in loc[:-1]:
                loc = [PREFIX + str(loc[-1])]
            placed.append({**error, "loc": loc})
        super().take(placed, detail)
