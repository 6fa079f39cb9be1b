"""Where a field of a record can be entered, read or carried along, and which columns each of these
places has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db.models import Field, Model
from rest_framework import serializers

from apps.api.urls import VIEWSETS
from apps.intake.spreadsheets.columns.fields import FIELDS

FORM, CREATE, CHANGE, READ = "form", "REST create", "REST change", "REST read"
BULK, SHEET, COPY, HISTORY = "REST bulk", "spreadsheet", "copy", "history"
PLACES = (FORM, CREATE, CHANGE, READ, BULK, SHEET, COPY, HISTORY)
# kinds of copy
REPLACED, BROUGHT_BACK, MERGED, RENEWED = (
    "by replacing",
    "by bringing back",
    "by merging",
    "by renewing",
)

# what a sheet, or rows sent in bulk, names a thing by where the record has one column for it
_SHEET_NAMES = {
    "model": "offering",
    "host": "offering",
    "region": "offering",
    "tier": "offering",
    "via": "via_party",
}
_BULK_NAMES = {
    "host": "offering",
    "api_id": "offering",
    "target_host": "target",
    "target_api_id": "target",
}

type Exceptions = Mapping[tuple[str, ...], Mapping[str, str]]


@dataclass(frozen=True)
class Shape:
    """A form or serializer. `names` maps its own names to columns; "" is for what is no column of
    the record."""

    of: Any
    names: Mapping[str, str] = field(default_factory=dict)

    def written(self, columns: set[str]) -> set[str]:
        """Columns that can be entered here."""
        if isinstance(self.of, type) and issubclass(self.of, serializers.BaseSerializer):
            shown: Any = self.of()
            fields = {
                name: each.source for name, each in shown.fields.items() if not each.read_only
            }
        else:
            made: Any = self.of if isinstance(self.of, type) else self.of()
            names = made.base_fields if isinstance(made, type) else made.fields
            assert isinstance(made, forms.BaseForm) or issubclass(made, forms.BaseForm)
            fields = {name: name for name in names}
        return self._columns(fields, columns)

    def read(self, columns: set[str], computed: Mapping[str, Any] = {}) -> set[str]:
        """Columns that the answer shows; one that is only worked out from a column does not show
        it."""
        shown: Any = self.of()
        fields = {
            name: each.source
            for name, each in shown.fields.items()
            if not each.write_only and (name not in computed or name in columns)
        }
        return self._columns(fields, columns)

    def _columns(self, fields: Mapping[str, str], columns: set[str]) -> set[str]:
        found = set()
        for name, source in fields.items():
            column = self.names.get(name, source.split(".")[0].removesuffix("_id"))
            if column == "*":
                column = name
            assert not column or name not in self.names or column in columns, (
                f"{name}: no column {column}"
            )
            found.add(column)
        return found & columns


@dataclass(frozen=True)
class Record:
    """A record that people edit: where its fields stand, which are left out where, and why.

    `form` is what changes a row that is there, or makes one where nothing changes it afterwards.
    `absent` names the places that the record does not have at all, each with its reason. What a
    copy keeps is seen in test_copies.py.
    """

    model: type[Model]
    resource: str = ""
    form: tuple[Shape, ...] = ()
    create: tuple[Shape, ...] = ()
    change: tuple[Shape, ...] = ()
    read: tuple[Shape, ...] = ()
    bulk: tuple[str, ...] = ()
    sheet: str = ""
    copies: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    exceptions: Exceptions = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.model.__name__

    @property
    def columns(self) -> set[str]:
        return {each.name for each in stored_fields(self.model)}

    def excepted(self, place: str) -> dict[str, str]:
        return {
            column: reason
            for places, reasons in self.exceptions.items()
            if place in places
            for column, reason in reasons.items()
        }

    def found(self, place: str) -> set[str]:
        """Columns that stand at `place`."""
        columns = self.columns
        if place in (FORM, CREATE, CHANGE):
            shapes = {FORM: self.form, CREATE: self.create, CHANGE: self.change}[place]
            return set().union(*(shape.written(columns) for shape in shapes))
        if place == READ:
            view = VIEWSETS.get(self.resource)
            return set().union(
                *(shape.read(columns, getattr(view, "computed", {})) for shape in self.read)
            )
        if place == BULK:
            return {_BULK_NAMES.get(name, name) for name in self.bulk} & columns
        if place == SHEET:
            facts = {each.fact for each in FIELDS.values() if each.record == self.sheet}
            named = (
                {_SHEET_NAMES.get(fact, fact) for fact in facts} if self.sheet == "use" else facts
            )
            # a row of a use stands under its application
            return (named | ({"application"} if self.sheet == "use" else set())) & columns
        kept: Any = self.model
        return {each.name for each in stored_fields(kept.history.rel.related_model)} & columns

    def has(self, place: str) -> bool:
        """Tell whether the product has the place for this record, whatever is declared."""
        view = VIEWSETS.get(self.resource)
        return {
            FORM: bool(self.form),
            CREATE: bool(self.create) or hasattr(view, "create"),
            CHANGE: bool(self.change) or hasattr(view, "partial_update"),
            READ: bool(self.read) or view is not None,
            BULK: bool(self.bulk) or hasattr(view, "bulk_resource"),
            SHEET: bool(self.sheet),
            COPY: bool(self.copies),
            HISTORY: hasattr(self.model, "history"),
        }[place]


def stored_fields(model: type[Model]) -> list["Field[Any, Any]"]:
    """The model's concrete fields, and the sets it keeps beside them."""
    return [*model._meta.concrete_fields, *model._meta.many_to_many]
