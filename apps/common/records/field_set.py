"""The editable facts of a record, declared once: forms, serializers and history texts are built
from the declaration.

Labels, help and limits come from the fields of the model; a `FieldSet` adds the order, the sections
and the rules that the model does not know.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

SOURCE_FIELDS = ("source_url", "source_on")
SOURCE_LABELS = {"source_url": "Source", "source_on": "Source seen on"}
SOURCE_HELP = {
    "source_url": "Link to the page that states these facts.",
    "source_on": "Date on which the page stated them.",
}
_REQUIRED_MESSAGES = {
    "source_url": "Enter the link to the page that states these facts.",
    "source_on": "Enter the date on which the page stated these facts.",
}


@dataclass(frozen=True, slots=True)
class FieldSection:
    """Fields that a form shows together under a title."""

    title: str
    names: tuple[str, ...]


SOURCE_SECTION = FieldSection("Source", SOURCE_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSet:
    """Editable facts of the rows of `model`, in the order of their sections.

    `fixed` names are given when a row is created and stay. `required` names must have a value,
    beyond those that the model requires. `extra` are facts that are no columns of the model, as
    model fields. `choices` are the values of fields whose column has none. `readers` bring an
    entered value into its stored form. `keys` is {model: column} by which users name related rows.
    """

    model: type[models.Model]
    sections: tuple[FieldSection, ...]
    fixed: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    extra: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    help_texts: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Iterable[tuple[str, str]]] = field(default_factory=dict)
    readers: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    keys: Mapping[type[models.Model], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, model_field in self.extra.items():
            # as the metaclass of models does with columns
            model_field.set_attributes_from_name(name)
            model_field.model = self.model

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all fields, in the order of the sections."""
        return tuple(name for section in self.sections for name in section.names)

    def names_for(self, *, creating: bool) -> tuple[str, ...]:
        """Return the fields of a new row, or those that can be changed later."""
        return self.names if creating else tuple(n for n in self.names if n not in self.fixed)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the fields that are columns of the model."""
        return tuple(name for name in self.names if name not in self.extra)

    def model_field(self, name: str) -> Any:
        return self.extra[name] if name in self.extra else self.model._meta.get_field(name)

    def label(self, name: str) -> str:
        """Return the label of a field, with a capital first letter."""
        text = self.labels.get(name) or SOURCE_LABELS.get(name)
        if text is None:
            verbose_name = str(self.model_field(name).verbose_name or name.replace("_", " "))
            text = verbose_name[:1].upper() + verbose_name[1:]
        return text

    def help_text(self, name: str) -> str:
        if name in self.help_texts:
            return self.help_texts[name]
        return SOURCE_HELP.get(name) or str(self.model_field(name).help_text)

    def is_required(self, name: str) -> bool:
        field = self.model_field(name)
        return name in self.required or not (
            field.blank or field.has_default() or isinstance(field, models.BooleanField)
        )

    def cleaned(self, facts: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
        """Return the facts in their stored form; raise TypeError for names that cannot be set."""
        unknown_names = sorted(set(facts) - set(self.names_for(creating=creating)))
        if unknown_names:
            raise TypeError(f"Unknown fields: {', '.join(unknown_names)}")
        return {
            name: self.readers[name](value) if name in self.readers else value
            for name, value in facts.items()
        }

    def refuse_missing(self, values: Mapping[str, Any]) -> None:
        """Raise ValidationError for required facts that `values` leaves empty."""
        errors = {
            name: _REQUIRED_MESSAGES.get(name, f"Enter a value for {self.label(name).lower()}.")
            for name in sorted(self.required)
            if name in values and values[name] in (None, "", [])
        }
        if errors:
            raise ValidationError(errors)

    def display(self, name: str, value: Any) -> str:
        """Return a stored value as text: labels of choices, dates as ISO text, a dash if empty."""
        if value is None or value == "" or value == []:
            return "–"
        if isinstance(value, bool):
            return "Yes" if value else "No"
        field = self.model_field(name)
        labels = dict(self.choices.get(name, ())) or dict(
            getattr(getattr(field, "base_field", field), "flatchoices", None) or ()
        )
        if isinstance(value, list | tuple):
            return ", ".join(str(labels.get(item, item)) for item in value)
        if isinstance(value, date):
            return value.isoformat()
        return str(labels.get(value, value))
