"""Reading the fields of a serializer without building objects: one statement of plain columns.

A serializer defines a resource. `RowReader` turns its fields into column paths for `.values()` and
the rows back into fields. Model instances and per-row serializer work would cost several times the
statement.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers


class EnumNameField(serializers.ChoiceField):
    """An enumeration stored as a number and shown as a word: 0 is `critical`."""

    def __init__(self, enumeration: Any, **kwargs: Any) -> None:
        self.words = {member.value: member.name.lower() for member in enumeration}
        self.numbers = {name: number for number, name in self.words.items()}
        super().__init__(
            choices=[(member.name.lower(), member.label) for member in enumeration], **kwargs
        )

    def to_internal_value(self, data: Any) -> Any:
        return self.numbers[super().to_internal_value(data)]

    def to_representation(self, value: Any) -> Any:
        return self.words.get(value, value)


@dataclass(frozen=True, slots=True)
class ComputedField:
    """A field that is computed from columns: `compute` takes their values in order."""

    columns: tuple[str, ...]
    compute: Callable[..., Any]


class RowReader:
    """Reads the fields of one serializer class as dictionaries."""

    def __init__(
        self,
        serializer: type[serializers.BaseSerializer[Any]],
        *,
        annotations: Mapping[str, Any],
        computed: Mapping[str, ComputedField],
    ) -> None:
        """Read from the serializer which columns each field needs; write-only fields are left
        out."""
        self.annotations = annotations
        self.columns: dict[str, str] = {}
        self.computed = dict(computed)
        declared: Mapping[str, serializers.Field[Any, Any, Any, Any]] = serializer().fields  # type: ignore[attr-defined]
        for name, field in declared.items():
            if field.write_only or name in computed:
                continue
            if isinstance(field, EnumNameField):
                self.computed[name] = ComputedField((_column_path(field),), field.to_representation)
            else:
                self.columns[name] = _column_path(field)
        self.names = [
            name
            for name, field in declared.items()
            if name in self.columns or name in self.computed
        ]

    def select(
        self, queryset: QuerySet[Any], names: Iterable[str], *extra_columns: str
    ) -> QuerySet[Any, dict[str, Any]]:
        """Return `queryset` with the columns of these fields (and `more`), as dictionaries by
        column."""
        paths = dict.fromkeys(extra_columns)
        for name in names:
            paths.update(
                dict.fromkeys(
                    self.computed[name].columns if name in self.computed else (self.columns[name],)
                )
            )
        annotations = {path: self.annotations[path] for path in paths if path in self.annotations}
        return (
            queryset.annotate(**annotations).values(*paths)
            if annotations
            else queryset.values(*paths)
        )

    def assembler(
        self, columns: Sequence[str], names: Sequence[str]
    ) -> Callable[[Collection[Sequence[Any]]], list[dict[str, Any]]]:
        """Return a function that returns the fields of rows given as tuples, as `rows` does;
        `columns` names the values of a tuple. It is built once for a statement."""
        places = {column: place for place, column in enumerate(columns)}
        # a computed field is replaced after its place in the order is taken
        first_columns = [
            self.columns[name] if name in self.columns else self.computed[name].columns[0]
            for name in names
        ]
        computed_fields = [
            (
                name,
                self.computed[name].compute,
                [places[column] for column in self.computed[name].columns],
            )
            for name in names
            if name in self.computed
        ]
        # with one field, itemgetter would return the value instead of a tuple
        pick = itemgetter(*(places[column] for column in first_columns), 0)

        def assemble(tuples: Collection[Sequence[Any]]) -> list[dict[str, Any]]:
            records = [dict(zip(names, pick(row), strict=False)) for row in tuples]
            if computed_fields:
                for fields, row in zip(records, tuples, strict=True):
                    for name, compute, value_places in computed_fields:
                        fields[name] = compute(*[row[place] for place in value_places])
            return records

        return assemble

    def rows(
        self, column_rows: Iterable[Mapping[str, Any]], names: list[str]
    ) -> list[dict[str, Any]]:
        plain = [(name, self.columns[name]) for name in names if name in self.columns]
        computed_fields = [(name, self.computed[name]) for name in names if name in self.computed]
        empty: dict[str, Any] = dict.fromkeys(names)
        records = []
        for row in column_rows:
            fields = empty.copy()
            for name, column in plain:
                fields[name] = row[column]
            for name, computed in computed_fields:
                fields[name] = computed.compute(*(row[column] for column in computed.columns))
            records.append(fields)
        return records


def _column_path(field: serializers.Field[Any, Any, Any, Any]) -> str:
    path = str(field.source).replace(".", "__")
    return (
        f"{path}__{field.slug_field}" if isinstance(field, serializers.SlugRelatedField) else path
    )
