"""Guesses for the distinct values of a file, and the mapping that they complete. Plain Python."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.columns.rows import MAPPED_KINDS, jsonable
from apps.intake.spreadsheets.columns.scan import MODEL, RawValue, parses
from apps.intake.spreadsheets.columns.values import (
    InvalidCellError,
    SheetConventions,
    fold_name,
)
from apps.intake.spreadsheets.values.choice_guesses import guess_choices
from apps.intake.spreadsheets.values.distinct import Certainty, DistinctValue, Guess, ValueKind
from apps.intake.spreadsheets.values.form_guesses import (
    guess_amount,
    guess_boolean,
    guess_day,
    guess_days_in_order,
    guess_number,
    guess_short_months,
)
from apps.inventory.models import Application, Criticality, Dependency

# guesses that are taken without a choice of a user
ACCEPTED = frozenset({Certainty.CERTAIN, Certainty.LIKELY, Certainty.BY_ORDER})
_DECIMAL_FACTS = frozenset({"use.traffic_share"})


def guess_values(raw_values: Iterable[RawValue], mapping: BookMapping) -> list[DistinctValue]:
    """Return the distinct values of mapped fields with guess and choice; not those that name
    records or models."""
    by_code: dict[str, list[RawValue]] = {}
    for raw in raw_values:
        if raw.code != MODEL and FIELDS[raw.code].kind in MAPPED_KINDS:
            by_code.setdefault(raw.code, []).append(raw)
    values = []
    for code, of_field in by_code.items():
        guesses = guess_texts(
            code,
            [raw.text for raw in of_field],
            mapping.conventions,
            of_field[0].header,
            mapping.legend_of(code),
            of_field[0].day_order,
        )
        chosen = mapping.values.get(code, {})
        for raw in of_field:
            key = fold_name(raw.text)
            values.append(
                DistinctValue(
                    code=code,
                    text=raw.text,
                    n_rows=raw.n_rows,
                    guess=guesses[raw.text],
                    choice=chosen.get(key),
                    is_chosen=key in chosen,
                    first_row=raw.first_row,
                )
            )
    return values


def guess_texts(
    code: str,
    texts: list[str],
    conventions: SheetConventions,
    header: str = "",
    legend: Mapping[str, str] | None = None,
    day_order: str = "",
) -> dict[str, Guess]:
    """Return {text: guess} for the distinct texts of one field. `day_order`: that of its other
    dates."""
    kind = FIELDS[code].kind
    if kind is ValueKind.CHOICE:
        return guess_choices(code, texts, header, legend)
    guesses = {text: _guess_form(code, kind, text, conventions) for text in texts}
    if kind is ValueKind.DAY:
        order = conventions.day_order or day_order
        return guesses | guess_short_months(texts) | guess_days_in_order(texts, order)
    return guesses


def _guess_form(
    code: str, kind: ValueKind | None, text: str, conventions: SheetConventions
) -> Guess:
    if kind is ValueKind.MONEY:
        return guess_amount(text, conventions)
    if parses(code, text, conventions):
        try:
            return Guess(jsonable(FIELDS[code].parse(text, conventions)), Certainty.CERTAIN)
        except InvalidCellError:
            return Guess()
    if kind is ValueKind.DAY:
        return guess_day(text, conventions)
    if kind is ValueKind.BOOLEAN:
        return guess_boolean(text)
    if kind is ValueKind.NUMBER:
        guess = guess_number(text, conventions, is_whole=code not in _DECIMAL_FACTS)
        return guess if guess.value is None or _fits(code, guess.value, conventions) else Guess()
    return Guess()


def _fits(code: str, value: Any, conventions: SheetConventions) -> bool:
    try:
        FIELDS[code].parse(value, conventions)
    except InvalidCellError:
        return False
    return True


def complete_mapping(mapping: BookMapping, values: Iterable[DistinctValue]) -> BookMapping:
    """Return the mapping with the accepted guesses beside the choices; a strict one without."""
    if mapping.strict:
        return mapping
    complete: dict[str, dict[str, Any]] = {
        code: dict(chosen) for code, chosen in mapping.values.items()
    }
    for value in values:
        if not value.is_chosen and value.guess.certainty in ACCEPTED:
            complete.setdefault(value.code, {})[fold_name(value.text)] = value.guess.value
    return replace(mapping, values=complete)


def check_choice(code: str, value: Any, conventions: SheetConventions) -> Any:
    """Return a chosen value as it is stored. Raises InvalidCellError for a value that the field
    does not have; None leaves the field empty."""
    kind = FIELDS[code].kind
    if value is None or value == "":
        return None
    if kind is ValueKind.CHOICE:
        allowed = list(options_of(code))
        if value in allowed:
            return value
        matching = [each for each in allowed if str(each) == str(value)]
        if matching:
            return matching[0]
        raise InvalidCellError(
            f"'{value}' is not a value of {FIELDS[code].label}. Use one of: "
            f"{', '.join(str(each) for each in allowed)}."
        )
    if kind is ValueKind.MONEY:
        parsed = guess_amount(str(value), conventions)
        if parsed.value is None:
            raise InvalidCellError(f"'{value}' is not an amount. Use digits only, such as 1250.50.")
        return parsed.value
    if kind in MAPPED_KINDS:
        return jsonable(FIELDS[code].parse(value, conventions))
    return str(value)


def options_of(code: str) -> Mapping[Any, str]:
    """Return {value: label} of the values that a field can have; empty where any can be entered."""
    kind = FIELDS[code].kind
    if kind is ValueKind.BOOLEAN:
        return {True: "Yes", False: "No"}
    if kind is not ValueKind.CHOICE:
        return {}
    return _labels(code)


def _labels(code: str) -> dict[Any, str]:
    record, _, fact = code.partition(".")
    if fact == "criticality":
        return dict(Criticality.choices)
    model = Application if record == "application" else Dependency
    choices: Any = getattr(model._meta.get_field(fact), "choices", None) or ()
    return {value: str(label) for value, label in choices if value != ""}
