"""Forms of editable records, built from their `FieldSet` (apps/common/records/field_set.py)."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.catalog.models import Foundation, Provider
from apps.common.records.field_set import FieldSet
from apps.common.records.record_type import RecordType
from apps.web.pages.form_fields import DayField, QuickSelect
from apps.web.pages.optimistic_lock import OptimisticLockMixin

# related records of which a list is offered; others are entered by their key
LISTED_MODELS: tuple[type[models.Model], ...] = (Provider, Foundation)
MAX_REASON = 500
_NO_CHOICE = ("", "–")


class LinesField(forms.CharField):
    """A list of texts, one per line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        lines = value if isinstance(value, list | tuple) else str(value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        for line in value:
            super().run_validators(line)


class KeyField(forms.CharField):
    """A related record, entered by its key."""

    def __init__(self, *, model: type[models.Model], key: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model, self.key = model, key

    def prepare_value(self, value: Any) -> Any:
        return getattr(value, self.key) if isinstance(value, models.Model) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        is_number = self.key != "pk" or text.isdecimal()
        row = self.model._default_manager.filter(**{self.key: text}).first() if is_number else None
        if row is None:
            noun = self.model._meta.verbose_name
            raise forms.ValidationError(f"No {noun} is called '{text}'. Check the spelling.")
        return row


class RecordForm(OptimisticLockMixin, forms.Form):
    """Form of the facts of a record; `record_form` makes it for a record."""

    record: RecordType[Any]
    reason = forms.CharField()

    def __init__(self, *args: Any, row: Any = None, **kwargs: Any) -> None:
        if row is not None:
            stored = stored_facts(self.record, row)
            kwargs["initial"] = {**stored, **(kwargs.get("initial") or {})}
        super().__init__(*args, row=row, **kwargs)
        for name in self.record.field_set.choices:
            self._offer_stored_value(name)

    def _offer_stored_value(self, name: str) -> None:
        """Keep a stored value selectable that is not one of the choices."""
        field, value = self.fields.get(name), self.initial.get(name)
        choices = list(self.record.field_set.choices[name])
        if isinstance(field, forms.ChoiceField) and isinstance(value, str) and value:
            if value not in dict(choices):
                choices.append((value, value))
            field.choices = [_NO_CHOICE, *choices]

    @property
    def facts(self) -> dict[str, Any]:
        """The entered facts, by the names of the field set."""
        return {
            name: self.cleaned_data[name]
            for name in self.record.field_set.names
            if name in self.cleaned_data
        }

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """(title, fields) of each section that has fields in this form."""
        groups = [
            (section.title, [self[name] for name in section.names if name in self.fields])
            for section in self.record.field_set.sections
        ]
        return [(title, fields) for title, fields in groups if fields]


def stored_facts(record: RecordType[Any], row: Any) -> dict[str, Any]:
    """Return the facts of a row, with those that are no columns."""
    facts = {name: getattr(row, name) for name in record.field_set.columns}
    further = getattr(record, "stored_facts", None)
    return {**facts, **further(row)} if further is not None else facts


def record_form(
    record: RecordType[Any],
    *,
    creating: bool,
    querysets: Mapping[str, models.QuerySet[Any]] | None = None,
) -> type[RecordForm]:
    """Return the form of a new row, or of the changeable facts of a stored one. `querysets` limits
    the offered related rows by field."""
    field_set = record.field_set
    fields: dict[str, Any] = {
        name: _form_field(field_set, name, (querysets or {}).get(name))
        for name in field_set.names_for(creating=creating)
    }
    fields["reason"] = forms.CharField(
        label="Reason",
        required=record.requires_reason,
        max_length=MAX_REASON,
        help_text="For the history: the reason, with its source."
        if record.requires_reason
        else "For the history.",
    )
    return type("RecordForm", (RecordForm,), {"record": record, **fields})


def _form_field(
    field_set: FieldSet, name: str, queryset: models.QuerySet[Any] | None
) -> forms.Field:
    """Return the form field of a fact, with label and help of the field set."""
    field = field_set.model_field(name)
    options: dict[str, Any] = {
        "label": field_set.label(name),
        "help_text": field_set.help_text(name),
        # a value with a default is shown filled in, and cannot be emptied
        "required": name in field_set.required
        or not (field.blank or isinstance(field, models.BooleanField)),
    }
    if field.has_default() and not isinstance(field, ArrayField):
        options["initial"] = field.get_default()
    if field.is_relation:
        related = field.related_model
        if queryset is not None or related in LISTED_MODELS:
            rows = queryset if queryset is not None else related._default_manager.order_by("name")
            return forms.ModelChoiceField(queryset=rows, widget=QuickSelect, **options)
        return KeyField(model=related, key=field_set.keys.get(related, "pk"), **options)
    choices = list(field_set.choices.get(name, ()))
    if isinstance(field, ArrayField):
        choices = choices or list(field.base_field.flatchoices or ())
        if choices:
            return forms.MultipleChoiceField(
                choices=choices, widget=forms.CheckboxSelectMultiple, **options
            )
        return LinesField(validators=list(field.base_field.validators), **options)
    if choices:
        return forms.ChoiceField(choices=[_NO_CHOICE, *choices], **options)
    if isinstance(field, models.DateField):
        return DayField(**options)
    if isinstance(field, models.TextField):
        options["widget"] = forms.Textarea(attrs={"rows": 4})
    if isinstance(field, models.URLField):
        options["assume_scheme"] = "https"
    if name in field_set.readers:
        # users paste values with spaces, which the reader removes
        return forms.CharField(max_length=2 * field.max_length, **options)
    form_field = field.formfield(**options)
    assert isinstance(form_field, forms.Field)
    return form_field
