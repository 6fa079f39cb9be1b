"""Optimistic locking of forms: nothing that another user changed meanwhile is overwritten
unseen."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core import signing
from django.db import models

from apps.common.time import day_of, now

_SALT = "apps.web.pages.optimistic_lock"


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """Conflict: a field that another user has changed since the form was opened."""

    label: str
    was: str
    is_now: str
    yours: str


class OptimisticLockMixin(forms.BaseForm):
    """Form mixin for an existing row, which detects changes by others since the form was shown.

    Add it before ModelForm or Form, pass `row`, and lock the row (`select_for_update`) in the view
    that saves. If a field of the form differs from what the page showed, the form is invalid,
    `differences` lists the conflicts and `changed_by` the user; sent again, it overwrites
    knowingly. `row_fields` names the columns if they are not the form's own."""

    row: models.Model | None
    row_fields: dict[str, str] = {}

    def __init__(self, *args: Any, row: models.Model | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row if row is not None and row.pk else None
        self.differences: list[FieldConflict] = []
        self.changed_by = ""
        if self.row is not None:
            self.fields["seen"] = forms.CharField(
                widget=forms.HiddenInput, required=False, initial=self._sign_values()
            )

    def clean(self) -> dict[str, Any]:
        """Raise a validation error if another user changed the record since the form was opened.
        The signed field `seen` holds the values that were shown."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.row is None:
            return cleaned
        try:
            shown_values = signing.loads(cleaned.get("seen") or "", salt=_SALT)
        except signing.BadSignature:
            shown_values = None
        current_values = self._current_values()
        if shown_values is None:
            raise forms.ValidationError(
                "This page was opened too long ago. Review the current values and save again."
            )
        changed_names = [
            name
            for name, value in current_values.items()
            if name in shown_values and shown_values[name] != value
        ]
        if changed_names:
            self.differences = [
                self._describe_conflict(name, shown_values[name], current_values[name])
                for name in changed_names
            ]
            self.changed_by = self._describe_last_change()
            self._renew_signed_values()
            raise forms.ValidationError(
                f"{self.changed_by} changed this record while you were editing. Compare the "
                "values, then save again to use yours."
            )
        cleaned.pop("seen", None)
        return cleaned

    def _field_columns(self) -> Iterable[tuple[str, str]]:
        return ((name, self.row_fields.get(name, name)) for name in self.fields if name != "seen")

    def _current_values(self) -> dict[str, str]:
        """Return the row's current values, as text that can be compared."""
        assert self.row is not None
        column_names = {field.name for field in self.row._meta.get_fields()}
        return {
            name: _stored_text(getattr(self.row, self._attname(column)))
            for name, column in self._field_columns()
            if column in column_names
        }

    def _attname(self, column: str) -> str:
        assert self.row is not None
        return getattr(self.row._meta.get_field(column), "attname", column)

    def _describe_last_change(self) -> str:
        assert self.row is not None
        return describe_last_change(self.row)

    def _sign_values(self) -> str:
        return signing.dumps(self._current_values(), salt=_SALT, compress=True)

    def _renew_signed_values(self) -> None:
        # the next attempt is compared with the values shown now
        data: Any = self.data
        new_data = data.copy()
        new_data[self.add_prefix("seen")] = self._sign_values()
        self.data = new_data

    def _describe_conflict(self, name: str, shown_text: str, current_text: str) -> FieldConflict:
        assert self.row is not None
        field = self.row._meta.get_field(self.row_fields.get(name, name))
        return FieldConflict(
            label=str(self.fields[name].label or name.replace("_", " ").capitalize()),
            was=_display_text(field, shown_text),
            is_now=_display_text(field, current_text),
            yours=_display_text(field, _stored_text(self.cleaned_data.get(name))),
        )


def describe_last_change(row: models.Model) -> str:
    """Return `hana on 25 Nov at 14:02`, from the row's history, or `Another user`."""
    return describe_entry(row.history)  # type: ignore[attr-defined]


def describe_entry(history: Any) -> str:
    """Return who made the last of these history entries, and when; see `describe_last_change`."""
    entry = history.select_related("pgh_context").order_by("-pgh_id").first()
    if entry is None:
        return "Another user"
    metadata = entry.pgh_context.metadata if entry.pgh_context else {}
    changed_at = entry.pgh_created_at
    day_prefix = "" if day_of(changed_at) == day_of(now()) else f"{changed_at:%Y-%m-%d}, "
    return "{who} ({when} UTC)".format(
        who=metadata.get("actor") or "Another user", when=f"{day_prefix}{changed_at:%H:%M}"
    )


def _stored_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)


def _display_text(field: Any, text: str) -> str:
    """Format a stored value for display: choices by their label, related rows by their name."""
    if text and (choices := getattr(field, "flatchoices", None)):
        return str({str(key): label for key, label in choices}.get(text, text))
    if text and field.is_relation and field.related_model is not None and text.isdecimal():
        row = field.related_model._default_manager.filter(pk=text).first()
        return str(row) if row is not None else text
    return text or "–"
