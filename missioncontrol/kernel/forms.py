"""Forms dressed for the visual kit. Forms check shape; rules live in services."""

from __future__ import annotations

from typing import Any

from django import forms

from missioncontrol.kernel.errors import FieldError

PLAIN = (forms.HiddenInput, forms.RadioSelect, forms.CheckboxSelectMultiple)


class KitForm(forms.Form):
    """A form whose widgets carry the classes of the kit."""

    required_css_class = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            dress(field)

    def _widget_data_value(self, widget: forms.Widget, html_name: str) -> Any:
        """What was typed; browsers send line breaks as CRLF, every other door sends LF."""
        value = super()._widget_data_value(widget, html_name)  # type: ignore[misc]  # not in stubs
        return value.replace("\r\n", "\n") if isinstance(value, str) else value

    def take(self, errors: list[FieldError], detail: str) -> None:
        """Take over a service's complaints: each to its field, what has none to the form."""
        placed = False
        for error in errors:
            name = str(error["loc"][-1]) if error.get("loc") else ""
            if name in self.fields:
                self.add_error(name, error["msg"])
                placed = True
        if not placed:
            self.add_error(None, detail)


def dress(field: forms.Field) -> None:
    """Give a field's widget its class and the attributes that the kit asks for."""
    widget = field.widget
    if isinstance(widget, forms.CheckboxInput):
        widget.attrs.setdefault("class", "mc-switch")
        widget.attrs.setdefault("role", "switch")
    elif not isinstance(widget, PLAIN):
        extra = " mc-input-num" if isinstance(widget, forms.NumberInput) else ""
        widget.attrs.setdefault("class", f"mc-input{extra}")
    if isinstance(widget, forms.Textarea):
        widget.attrs["rows"] = widget.attrs.get("rows", 3)
        if widget.attrs["rows"] == "10":
            widget.attrs["rows"] = 3
