"""Needs of a use of which only the offering is known, and needs as callers write them. Plain
Python."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.catalog.capabilities.fields import (
    CAPABILITY_FIELDS,
    FLAG,
    InvalidValueError,
    clean_value,
)
from apps.catalog.capabilities.values import UNKNOWN, SettledValue

# reported beside the fit: a later cutoff is no loss, and an earlier one rarely breaks a use
REPORTED_ONLY = frozenset({"knowledge_cutoff"})


def offered_needs(offered: Mapping[str, SettledValue]) -> dict[str, Any]:
    """Return {field: needed} if everything that an offering offers is used: True, a number or a
    list of names; False if it does not offer the field, None if that is not known."""
    return {
        field: offered.get(field, UNKNOWN).value
        for field in CAPABILITY_FIELDS
        if field not in REPORTED_ONLY
    }


def read_needs(uses: Sequence[Any], offered: Mapping[str, SettledValue]) -> dict[str, Any]:
    """Return {field: needed} of what a caller writes: names of fields, or {field: value}.

    A named limit or set is needed as the old offering offers it; a named flag is used. Raises
    InvalidValueError with a sentence if a field or value does not exist.
    """
    needs: dict[str, Any] = {}
    for use in uses:
        stated = {use: None} if isinstance(use, str) else use
        if not isinstance(stated, Mapping) or not stated:
            raise InvalidValueError('Write each use as "field" or {"field": number}.')
        for name, value in stated.items():
            field = CAPABILITY_FIELDS.get(name)
            if field is None:
                known = ", ".join(CAPABILITY_FIELDS)
                raise InvalidValueError(f"{name} is not a field. Use one of {known}.")
            if value is not None:
                needs[name] = clean_value(field, value)
            elif field.form == FLAG:
                needs[name] = True
            else:
                needs[name] = offered.get(name, UNKNOWN).value
    return {field: needs[field] for field in CAPABILITY_FIELDS if field in needs}
