"""What all offerings of a model agree on. Plain Python."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from apps.catalog.capabilities.agreement import values_agree
from apps.catalog.capabilities.fields import LIMIT, StatedField
from apps.catalog.capabilities.values import SettledValue


@dataclass(frozen=True, slots=True)
class ValueGroup:
    """The offerings with one value of a field; the value is None for those where it is unknown.
    Limits that are the same one are one group, with the smallest of them."""

    value: Any
    offering_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """One field over several offerings: known values first, the most common one first."""

    field: StatedField
    groups: tuple[ValueGroup, ...]

    @property
    def is_agreed(self) -> bool:
        """Whether every offering has the same known value."""
        return len(self.groups) == 1 and self.groups[0].value is not None

    @property
    def is_unknown(self) -> bool:
        """Whether the field is unknown for every offering."""
        return len(self.groups) == 1 and self.groups[0].value is None

    @property
    def differs(self) -> bool:
        """Whether two offerings have different known values."""
        return sum(group.value is not None for group in self.groups) > 1


def compare_offerings(
    fields: Mapping[str, StatedField],
    offering_ids: Collection[int],
    settled: Mapping[int, Mapping[str, SettledValue]],
) -> tuple[FieldAgreement, ...]:
    """Return each field with the groups of offerings that have the same value. An offering without
    a value is a group of its own: what nobody states is not what the others state."""
    return tuple(
        FieldAgreement(
            field,
            _group_values(
                field,
                {
                    pk: settled[pk][key].value if key in settled.get(pk, {}) else None
                    for pk in offering_ids
                },
            ),
        )
        for key, field in fields.items()
        if offering_ids
    )


def _group_values(field: StatedField, values: Mapping[int, Any]) -> tuple[ValueGroup, ...]:
    known: list[tuple[Any, list[int]]] = []
    # in order of size, so that a group has its smallest limit
    for pk, value in sorted(
        ((pk, value) for pk, value in values.items() if value is not None),
        key=lambda entry: (str(entry[1]) if field.form != LIMIT else "", _size(entry[1]), entry[0]),
    ):
        for group_value, pks in known:
            if values_agree(field, group_value, value):
                pks.append(pk)
                break
        else:
            known.append((value, [pk]))
    groups = [
        ValueGroup(value, tuple(pks)) for value, pks in sorted(known, key=lambda row: -len(row[1]))
    ]
    unknown = tuple(pk for pk, value in values.items() if value is None)
    return (*groups, ValueGroup(None, unknown)) if unknown else tuple(groups)


def _size(value: Any) -> int:
    return value if isinstance(value, int) else 0
