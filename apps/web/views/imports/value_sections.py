"""Sections of the step "Values": distinct values by column, teams, people and vendors. Each value
has a line with a control for what it means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.intake.models import Import
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.values.distinct import (
    CREATE,
    Certainty,
    DistinctValue,
    NamedRecord,
    ValueGroup,
    ValueKind,
)
from apps.intake.spreadsheets.values.steps import as_distinct_value
from apps.inventory.queries import editable_teams
from apps.web.pages.form_fields import write_options
from apps.web.views.imports.value_choices import (
    EMPTY,
    NO_CHOICE,
    create_label,
    current_option,
    encode,
    is_typed,
    option_labels,
    team_field,
    typed_text,
    value_field,
)
from apps.web.wording import number, quantity_of

# lines of one section on the page of all sections
MAX_LINES = 6
MAX_NAMES = 40
# lines of a page of one section
LINES_PER_PAGE = 50

_TEAM = "application.team"
_CERTAINTY_ORDER = {
    Certainty.NONE: 0,
    Certainty.LIKELY: 1,
    Certainty.BY_ORDER: 2,
    Certainty.CERTAIN: 3,
}


@dataclass(frozen=True, slots=True)
class ValueLine:
    """Distinct value with its control."""

    value: DistinctValue
    control: SafeString
    guess: str
    why: str
    error: str = ""

    @property
    def text(self) -> str:
        return self.value.text or "empty"

    @property
    def anchor(self) -> str:
        return value_field(self.value.pk)


@dataclass(frozen=True, slots=True)
class NewName:
    """Team that the import creates; `is_checked`: unless the user unchecks it."""

    value: DistinctValue
    is_checked: bool


@dataclass(frozen=True, slots=True)
class ValueSection:
    """Distinct values of one field, or a part of them; `code` is in the URL and the anchor."""

    code: str
    title: str
    header: str
    lines: tuple[ValueLine, ...]
    n_values: int
    n_open: int
    suggestions: SafeString
    is_wide: bool
    # teams to create, as a list of checkboxes; the lines then hold the others
    new_names: tuple[NewName, ...] = ()
    n_new: int = 0

    @property
    def anchor(self) -> str:
        return f"s-{self.code.replace('.', '-')}"

    @property
    def n_shown(self) -> int:
        return len(self.lines) + len(self.new_names)

    @property
    def summary(self) -> str:
        """Return the counts below the heading."""
        counts = quantity_of(self.n_values, "value")
        return f"{counts}, {number(self.n_open)} without a meaning" if self.n_open else counts


def build_section(
    group: ValueGroup,
    values: Sequence[DistinctValue],
    *,
    posted: Mapping[str, str] | None = None,
    errors: Mapping[int, str] | None = None,
    max_lines: int = MAX_LINES,
    lists_new_names: bool = False,
    may_create: bool = False,
) -> ValueSection:
    """Return a section with the most urgent of `values`; `posted` are the texts of a form that has
    `errors`, `may_create`: teams and vendors can be created."""
    ordered = sort_by_urgency(values)
    new_names: list[DistinctValue] = []
    n_new = 0
    if lists_new_names and group.kind is ValueKind.TEAM:
        created = [value for value in ordered if value.value == CREATE]
        n_new, new_names = len(created), created[:MAX_NAMES]
        ordered = [value for value in ordered if value.value != CREATE]
    options = option_labels(group)
    shared = write_options(options, ())
    return ValueSection(
        code=group.code,
        title=group.label,
        header=group.header,
        lines=tuple(
            ValueLine(
                value,
                _write_control(group, value, options, shared, posted or {}, may_create),
                describe_guess(value),
                explain_guess(value),
                (errors or {}).get(value.pk, ""),
            )
            for value in ordered[:max_lines]
        ),
        n_values=len(group.values),
        n_open=group.n_open,
        suggestions=_write_suggestions(group, options),
        is_wide=group.kind in (ValueKind.PROVIDER, ValueKind.TEAM, ValueKind.PERSON),
        new_names=tuple(NewName(value, _is_checked(value, posted or {})) for value in new_names),
        n_new=n_new,
    )


def _is_checked(value: DistinctValue, posted: Mapping[str, str]) -> bool:
    """Return whether a team is created, as a form that could not be saved says it."""
    name = team_field(value.pk)
    return name in posted or f"{name}-shown" not in posted


def sort_by_urgency(values: Sequence[DistinctValue]) -> list[DistinctValue]:
    """Return values without a meaning first, then the least certain, then the most frequent."""
    return sorted(
        values,
        key=lambda value: (
            not value.is_open,
            value.is_chosen,
            _CERTAINTY_ORDER[value.guess.certainty],
            -value.n_rows,
            value.text,
        ),
    )


def describe_guess(value: DistinctValue) -> str:
    """Return how certain the meaning is."""
    if value.is_chosen:
        return "chosen"
    if value.guess.certainty is Certainty.NONE:
        return value.guess.why or "no guess"
    return str(value.guess.certainty)


def explain_guess(value: DistinctValue) -> str:
    """Return the reason of the guess, if the certainty does not state it."""
    if value.is_chosen or value.guess.certainty in (Certainty.NONE, Certainty.BY_ORDER):
        return ""
    return value.guess.why


def _write_control(
    group: ValueGroup,
    value: DistinctValue,
    options: Sequence[tuple[str, str]],
    shared: SafeString,
    posted: Mapping[str, str],
    may_create: bool,
) -> SafeString:
    """Return the select or text field of a value; of a select the best guess is the first
    option."""
    name = value_field(value.pk)
    label = f"Meaning of {value.text or 'empty'}"
    if is_typed(group):
        return _write_text_field(group, value, name, label, posted)
    current = posted.get(name, current_option(value))
    first = current if current not in {NO_CHOICE, EMPTY} else encode(value.guess.value)
    labels = dict(options)
    if isinstance(value.guess.value, str):
        # the provider of own machines does not exist before the import
        labels.setdefault(encode(value.guess.value), value.guess.why.rstrip(".") or value.text)
    labels[encode(CREATE)] = f"{create_label(group)} “{value.text}”"
    head: list[tuple[str, str]] = []
    if value.is_open:
        head.append((NO_CHOICE, "Select a meaning"))
    if first in labels and first not in {NO_CHOICE, EMPTY}:
        head.append((first, labels[first]))
    is_record = group.kind in (ValueKind.TEAM, ValueKind.PROVIDER)
    if is_record and may_create and first != encode(CREATE):
        head.append((encode(CREATE), labels[encode(CREATE)]))
    tail = [(EMPTY, "Leave empty")]
    # few options are listed once each; many are one text that all rows of the section share
    rest = (
        write_options([pair for pair in options if pair[0] != first], {current})
        if len(options) <= 12
        else shared
    )
    return format_html(
        '<select id="{}" name="{}" aria-label="{}">{}{}{}</select>',
        name,
        name,
        label,
        write_options(head, {current}),
        rest,
        write_options(tail, {current}),
    )


def _write_text_field(
    group: ValueGroup, value: DistinctValue, name: str, label: str, posted: Mapping[str, str]
) -> SafeString:
    text = posted.get(name, typed_text(group, value.value))
    attributes = (
        SafeString(' type="date"')
        if group.kind is ValueKind.DAY
        else SafeString(' type="text" inputmode="decimal"')
        if group.kind in (ValueKind.NUMBER, ValueKind.MONEY)
        else format_html(' type="text" list="{}" autocomplete="off"', _list_id(group))
    )
    return format_html(
        '<input id="{}" name="{}" aria-label="{}" value="{}"{}>',
        name,
        name,
        label,
        text,
        attributes,
    )


def _list_id(group: ValueGroup) -> str:
    return f"list-{group.code.replace('.', '-')}"


def _write_suggestions(group: ValueGroup, options: Sequence[tuple[str, str]]) -> SafeString:
    """Return the list of suggestions that the text fields of a section share."""
    if group.kind not in (ValueKind.TEAM, ValueKind.PROVIDER) or not is_typed(group):
        return SafeString("")
    labels = [create_label(group), *(label for _value, label in options)]
    return format_html(
        '<datalist id="{}">{}</datalist>',
        _list_id(group),
        SafeString("".join(f'<option value="{escape(label)}"></option>' for label in labels)),
    )


def with_teams(import_: Import, groups: Sequence[ValueGroup], user: User) -> list[ValueGroup]:
    """Return the groups with that of teams, which the user can map to the teams that the user may
    edit; two statements."""
    rows = list(import_.values.filter(code=_TEAM).order_by("-n_rows", "text"))
    if not rows:
        return list(groups)
    teams = ValueGroup(
        _TEAM,
        FIELDS[_TEAM].label,
        rows[0].header,
        ValueKind.TEAM,
        tuple(editable_teams(user=user).values_list("slug", "name")),
        tuple(map(as_distinct_value, rows)),
    )
    return [*groups, teams]


@dataclass(frozen=True, slots=True)
class PeopleSection:
    """Owners that the file names: those who become persons, and texts that name no person."""

    n_new: int
    new: tuple[NamedRecord, ...]
    unassigned: tuple[NamedRecord, ...]
    n_unassigned: int
    reason: str

    @property
    def is_empty(self) -> bool:
        return not self.n_new and not self.n_unassigned


def build_people(
    people: Sequence[NamedRecord], unassigned: Sequence[NamedRecord], *, max_lines: int = MAX_LINES
) -> PeopleSection:
    new = [person for person in people if not person.slug and not person.reason]
    refused = next((person.reason for person in people if person.reason), "")
    by_rows = attrgetter("n_rows")
    return PeopleSection(
        n_new=len(new),
        new=tuple(sorted(new, key=by_rows, reverse=True)[:max_lines]),
        unassigned=tuple(sorted(unassigned, key=by_rows, reverse=True)[:max_lines]),
        n_unassigned=len(unassigned),
        reason=refused,
    )


def matches(text: str, *fields: Any) -> bool:
    """Return whether a filter text occurs in one of the fields."""
    folded = text.casefold().strip()
    return not folded or any(folded in str(value).casefold() for value in fields)
