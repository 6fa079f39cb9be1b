"""Choices of the step "Values" as a form sends them: what a distinct value means, and which model
ID a name stands for."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict

from apps.intake.spreadsheets.values.distinct import (
    CREATE,
    DistinctModel,
    DistinctValue,
    ValueGroup,
    ValueKind,
)

# values of a form
NO_CHOICE = ""
EMPTY = "null"
UNRESOLVED = "none"
ONE_OF_LIST = "list"

# kinds whose value is typed
TYPED_KINDS = (ValueKind.DAY, ValueKind.NUMBER, ValueKind.MONEY)
# more options than these are typed with suggestions, because each row would repeat them
MAX_SELECT_OPTIONS = 300


@dataclass(slots=True)
class ValueChoices:
    """Changed choices of a form: {ID of the value: JSON} and {ID of the model name: offering or
    slug of a product}, and what is wrong with the others."""

    values: dict[int, Any] = field(default_factory=dict)
    models: dict[int, int | str | None] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self.values and not self.models


def value_field(pk: int) -> str:
    return f"v{pk}"


def model_field(pk: int) -> str:
    return f"m{pk}"


def list_field(pk: int) -> str:
    """Return the name of the select that belongs to "Choose a model ID"."""
    return f"m{pk}-id"


def team_field(pk: int) -> str:
    """Return the name of the checkbox that creates a team, sent beside the mark that it was
    shown."""
    return f"t{pk}"


def encode(value: Any) -> str:
    """Return a value as it stands in a select."""
    return json.dumps(value)


def is_typed(group: ValueGroup) -> bool:
    return group.kind in TYPED_KINDS or len(group.options) > MAX_SELECT_OPTIONS


def typed_text(group: ValueGroup, value: Any) -> str:
    """Return a value as it stands in a text field; empty for none."""
    if value is None:
        return ""
    if value == CREATE and group.kind in (ValueKind.TEAM, ValueKind.PROVIDER):
        return create_label(group)
    if group.kind in TYPED_KINDS:
        return str(value)
    return dict(option_labels(group)).get(encode(value), str(value))


def option_labels(group: ValueGroup) -> list[tuple[str, str]]:
    """Return (value of the form, label) of the options of a field."""
    return [(encode(value), label) for value, label in group.options if value != CREATE]


def read_choices(
    data: QueryDict,
    groups: Iterable[ValueGroup],
    models: Iterable[DistinctModel],
) -> ValueChoices:
    """Return what the form changes; a value that it does not show stays as it is."""
    choices = ValueChoices()
    for group in groups:
        labels = {label.casefold(): value for value, label in group.options}
        known = {encode(value) for value, _label in group.options}
        for value in group.values:
            _read_value(data, group, value, choices, labels=labels, known=known)
    for model in models:
        _read_model(data, model, choices)
    return choices


def _read_value(
    data: QueryDict,
    group: ValueGroup,
    value: DistinctValue,
    choices: ValueChoices,
    *,
    labels: Mapping[str, Any],
    known: set[str],
) -> None:
    if f"{team_field(value.pk)}-shown" in data:
        chosen: Any = CREATE if team_field(value.pk) in data else None
        if chosen != value.value:
            choices.values[value.pk] = chosen
        return
    text = data.get(value_field(value.pk))
    if text is None:
        return
    if is_typed(group):
        text = text.strip()
        if text == typed_text(group, value.value):
            return
        try:
            choices.values[value.pk] = _parse_typed(group, text, labels) if text else None
        except ValueError as error:
            choices.errors[value.pk] = str(error)
        return
    if text == NO_CHOICE or text == current_option(value):
        return
    if text != EMPTY and text not in known | {encode(CREATE), encode(value.guess.value)}:
        choices.errors[value.pk] = "Select one of the listed values."
        return
    choices.values[value.pk] = json.loads(text)


def current_option(value: DistinctValue) -> str:
    """Return the value that the select of a distinct value shows."""
    return NO_CHOICE if value.is_open else encode(value.value)


def _parse_typed(group: ValueGroup, text: str, labels: Mapping[str, Any]) -> Any:
    """Return a typed value as JSON; raise ValueError with a sentence for the field."""
    if group.kind is ValueKind.DAY:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise ValueError("Enter a date such as 2026-11-24.") from None
    if group.kind in TYPED_KINDS:
        try:
            amount = Decimal(text)
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite():
            raise ValueError("Enter a number such as 8000.")
        return int(amount) if amount == amount.to_integral_value() else float(amount)
    if text == CREATE or text.casefold() == create_label(group).casefold():
        return CREATE
    if text.casefold() in labels:
        return labels[text.casefold()]
    if text in {value for value, _label in group.options}:
        return text
    raise ValueError("Select one of the suggestions.")


def create_label(group: ValueGroup) -> str:
    return "Create team" if group.kind is ValueKind.TEAM else "Create vendor"


def _read_model(data: QueryDict, model: DistinctModel, choices: ValueChoices) -> None:
    text = data.get(model_field(model.pk))
    if text is None:
        return
    if text == ONE_OF_LIST:
        text = data.get(list_field(model.pk), "")
        if not text:
            choices.errors[model.pk] = "Select a model ID."
            return
    offered = {str(option.offering) for option in model.options}
    if model.offering is not None:
        offered.add(str(model.offering.offering))
    if text == chosen_option(model):
        return
    if text in {NO_CHOICE, UNRESOLVED}:
        choices.models[model.pk] = None
    elif text in model.products:
        choices.models[model.pk] = text
    elif text in offered:
        choices.models[model.pk] = int(text)
    else:
        choices.errors[model.pk] = "Select one of the listed models."


def chosen_option(model: DistinctModel) -> str:
    """Return the value that is selected for a model name."""
    if model.choice is not None:
        return str(model.choice.offering)
    if model.product and model.products:
        return model.product
    return str(model.offering.offering) if model.offering is not None else NO_CHOICE
