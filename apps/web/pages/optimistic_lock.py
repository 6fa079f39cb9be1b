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
                widget=forms.HiddenInput, required=False, initial=self._sealed()
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.row is None:
            return cleaned
        try:
            seen = signing.loads(cleaned.get("seen") or "", salt=_SALT)
        except signing.BadSignature:
            seen = None
        values = self._values()
        if seen is None:
            raise forms.ValidationError(
                "This page was opened too long ago. Review the current values and save again."
            )
        changed = [name for name, value in values.items() if name in seen and seen[name] != value]
        if changed:
            self.differences = [
                self._difference(name, seen[name], values[name]) for name in changed
            ]
            self.changed_by = describe_last_change(self.row)
            self._reseal()
            raise forms.ValidationError(
                f"{self.changed_by} changed this record while you were editing. Compare the "
                "values, then save again to use yours."
            )
        cleaned.pop("seen", None)
        return cleaned

    def _names(self) -> Iterable[tuple[str, str]]:
        return ((name, self.row_fields.get(name, name)) for name in self.fields if name != "seen")

    def _values(self) -> dict[str, str]:
        """Return the row's current values, as text that can be compared."""
        assert self.row is not None
        known = {field.name for field in self.row._meta.get_fields()}
        return {
            name: _stored_text(getattr(self.row, self._attname(column)))
            for name, column in self._names()
            if column in known
        }

    def _attname(self, column: str) -> str:
        assert self.row is not None
        return getattr(self.row._meta.get_field(column), "attname", column)

    def _sealed(self) -> str:
        return signing.dumps(self._values(), salt=_SALT, compress=True)

    def _reseal(self) -> None:
        # the next try has seen what stands now
        data: Any = self.data
        renewed = data.copy()
        renewed[self.add_prefix("seen")] = self._sealed()
        self.data = renewed

    def _difference(self, name: str, was: str, is_now: str) -> FieldConflict:
        assert self.row is not None
        field = self.row._meta.get_field(self.row_fields.get(name, name))
        return FieldConflict(
            label=str(self.fields[name].label or name.replace("_", " ").capitalize()),
            was=_display_text(field, was),
            is_now=_display_text(field, is_now),
            yours=_display_text(field, _stored_text(self.cleaned_data.get(name))),
        )


def describe_last_change(row: models.Model) -> str:
    """Return `hana on 25 Nov at 14:02`, from the row's history, or `Somebody`."""
    entry = row.history.select_related("pgh_context").order_by("-pgh_id").first()  # type: ignore[attr-defined]
    if entry is None:
        return "Somebody"
    words = entry.pgh_context.metadata if entry.pgh_context else {}
    when = entry.pgh_created_at
    day = "" if day_of(when) == day_of(now()) else f"{when:%Y-%m-%d}, "
    return "{who} ({when} UTC)".format(
        who=words.get("actor") or "Somebody", when=f"{day}{when:%H:%M}"
    )


def _stored_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(part) for part in value)
    return str(value)


def _display_text(field: Any, text: str) -> str:
    """A stored value in words: choices by their label, related rows by their name."""
    if text and (choices := getattr(field, "flatchoices", None)):
        return str({str(key): label for key, label in choices}.get(text, text))
    if text and field.is_relation and field.related_model is not None and text.isdecimal():
        row = field.related_model._default_manager.filter(pk=text).first()
        return str(row) if row is not None else text
    return text or "–"
