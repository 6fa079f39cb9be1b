"""Capabilities and data terms as pages show them: what applies, and what every source states, in
columns of sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from apps.catalog.capabilities.common_values import FieldAgreement, ValueGroup, compare_offerings
from apps.catalog.capabilities.fields import CAPABILITY, CAPABILITY_FIELDS, FIELDS
from apps.catalog.capabilities.phrases import describe_source, format_value
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.side_by_side import FieldComparison, StatedValue
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.claims.stated_values import KINDS, stated_value_changes
from apps.catalog.models import Lifecycle, Offering
from apps.common.records.record_type import RecordChange
from apps.web.wording import count_of, day, quantity_of

MAX_NAMED_OFFERINGS = 8
MAX_COMPARED_OFFERINGS = 200
# {topic: (singular, plural)}
NOUNS: Mapping[str, tuple[str, str]] = {
    CAPABILITY: ("capability", "capabilities"),
    "data_terms": ("data term", "data terms"),
}


@dataclass(frozen=True, slots=True)
class SourceCell:
    """What one source states about a field: `text` is the value, `notes` are lines below it."""

    name: str
    text: str
    notes: tuple[str, ...] = ()
    source_url: str = ""
    is_accepted: bool = False
    contradicts: bool = False
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One field: `text` is what applies, `origin` who states it; `cells` are in the order of the
    table's sources."""

    key: str
    label: str
    text: str
    origin: str
    is_known: bool
    is_contradicted: bool
    is_manual: bool
    cells: tuple[SourceCell, ...]


@dataclass(frozen=True, slots=True)
class ValueTable:
    """Table of an offering: `sources` are the names of its columns, highest priority first."""

    topic: str
    sources: tuple[str, ...]
    rows: tuple[ValueRow, ...]
    sentence: str


def present_values(topic: str, comparisons: Sequence[FieldComparison]) -> ValueTable:
    """Return the table of one offering. Several rows of one source share its column."""
    sources = tuple(
        dict.fromkeys(entry.source_name for field in comparisons for entry in field.stated)
    )
    rows = tuple(_present_row(comparison, sources) for comparison in comparisons)
    return ValueTable(topic, sources, rows, _describe_table(topic, rows, n_sources=len(sources)))


def _present_row(comparison: FieldComparison, sources: Sequence[str]) -> ValueRow:
    field, settled = comparison.field, comparison.settled
    return ValueRow(
        key=field.key,
        label=field.label,
        text=format_value(field.key, settled.value),
        origin=describe_origin(settled),
        is_known=settled.value is not None,
        is_contradicted=comparison.is_contradicted,
        is_manual=comparison.manual is not None,
        cells=tuple(
            _present_cell(
                field.key, name, [entry for entry in comparison.stated if entry.source_name == name]
            )
            for name in sources
        ),
    )


def describe_origin(settled: SettledValue) -> str:
    """Return who states what applies, since when, and how many sources agree; for an unknown value
    why it is unknown."""
    text = describe_source(settled)
    # the name of a source keeps its spelling
    return text if settled.value is not None else f"{text[:1].upper()}{text[1:]}"


def _present_cell(field: str, name: str, entries: Sequence[StatedValue]) -> SourceCell:
    """Present what one source states; if its rows differ, each of their values."""
    known = [entry for entry in entries if entry.value is not None]
    if not known:
        return SourceCell(name, "silent", is_silent=True)
    first = known[0]
    texts = dict.fromkeys(format_value(field, entry.value) for entry in known)
    notes = []
    if first.kind:
        by = f" by {first.by}" if first.by else ""
        notes.append(f"{KINDS.get(first.kind, first.kind)}{by}")
    if first.at:
        notes.append(iso_full_day(first.at) if first.kind else f"since {iso_full_day(first.at)}")
    if first.silent_since:
        notes.append(f"silent since {iso_full_day(first.silent_since)}")
    if first.is_delisted:
        notes.append("row no longer listed")
    if first.is_built_in:
        notes.append("built in")
    if first.note:
        notes.append(first.note)
    return SourceCell(
        name,
        " or ".join(texts),
        tuple(notes),
        source_url=first.source_url if first.source_url.startswith(("https:", "http:")) else "",
        is_accepted=any(entry.is_accepted for entry in known),
        contradicts=any(entry.contradicts for entry in known),
    )


def iso_full_day(text: str) -> str:
    """Format an ISO day as `8 Apr 2027`; other texts stay as they are."""
    try:
        return day(date.fromisoformat(text[:10]))
    except ValueError:
        return text


def _describe_table(topic: str, rows: Sequence[ValueRow], *, n_sources: int) -> str:
    nouns = NOUNS[topic]
    n_known = sum(row.is_known for row in rows)
    n_contradicted = sum(row.is_contradicted for row in rows)
    if not n_known and not n_sources:
        return f"No source states {nouns[1]} of this model ID."
    sentence = f"{n_known} of {quantity_of(len(rows), *nouns)} are known"
    if n_contradicted:
        sentence += f"; sources contradict each other about {n_contradicted}"
    return f"{sentence}. Unknown is never taken for yes or no."


# --- what users entered ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change of the history: `lines` are (label, before, after), with `–` for nothing."""

    change: RecordChange
    lines: tuple[tuple[str, str, str], ...]


def present_changes(offering_id: int, topic: str, *, field: str = "") -> list[ChangeLine]:
    """Return the changes of the values that users entered, latest first; of one field if given."""
    changes = stated_value_changes(offering_id, topic)
    return [
        ChangeLine(change, tuple(_describe_lines(topic, change)))
        for change in changes
        if not field or field in change.before or field in change.after
    ]


def _describe_lines(topic: str, change: RecordChange) -> list[tuple[str, str, str]]:
    return [
        (
            FIELDS[topic][name].label if name in FIELDS[topic] else name,
            _describe_fact(name, change.before.get(name)),
            _describe_fact(name, change.after.get(name)),
        )
        for name in {**change.before, **change.after}
    ]


def _describe_fact(field: str, fact: Mapping[str, Any] | None) -> str:
    if not fact:
        return "–"
    kind = KINDS.get(fact.get("kind", ""), "").lower()
    details = ", ".join(filter(None, [kind, iso_full_day(fact.get("at", ""))]))
    return f"{format_value(field, fact['value'])} ({details})"


# --- several offerings ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgreedValue:
    """A value that every offering of a model has."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class DifferingValue:
    """A field whose value is not the same for all offerings: `groups` are (value, names of
    offerings, number of further ones)."""

    label: str
    differs: bool
    groups: tuple[tuple[str, tuple[tuple[str, int], ...], int], ...]


@dataclass(frozen=True, slots=True)
class CommonValues:
    """What the offerings of a version or foundation agree on, and where they differ."""

    n_offerings: int
    agreed: tuple[AgreedValue, ...]
    differing: tuple[DifferingValue, ...]
    unknown: tuple[str, ...]
    sentence: str


def present_common_values(offerings: "QuerySet[Offering]", *, has_versions: bool) -> CommonValues:
    """Return what the model IDs of `offerings` agree on, in two statements. Retired ones are left
    out as long as there are others. `has_versions` if they are of several versions, so that their
    model IDs are named and not only their hosts."""
    rows = list(
        offerings.select_related("host").order_by("host__name", "api_id", "pk")[
            :MAX_COMPARED_OFFERINGS
        ]
    )
    rows = [row for row in rows if row.lifecycle != Lifecycle.RETIRED] or rows
    by_id = {row.pk: row for row in rows}
    agreements = compare_offerings(CAPABILITY_FIELDS, by_id, settled_values(by_id))
    agreed = tuple(
        AgreedValue(entry.field.label, format_value(entry.field.key, entry.groups[0].value))
        for entry in agreements
        if entry.is_agreed
    )
    differing = tuple(
        DifferingValue(
            entry.field.label,
            entry.differs,
            tuple(_present_group(entry, group, by_id, has_versions) for group in entry.groups),
        )
        for entry in agreements
        if not entry.is_agreed and not entry.is_unknown
    )
    unknown = tuple(entry.field.label for entry in agreements if entry.is_unknown)
    return CommonValues(
        len(rows), agreed, differing, unknown, _describe_common(len(rows), agreed, differing)
    )


def _present_group(
    entry: FieldAgreement, group: ValueGroup, offerings: Mapping[int, Offering], has_versions: bool
) -> tuple[str, tuple[tuple[str, int], ...], int]:
    names: dict[str, int] = {}
    for pk in group.offering_ids:
        offering = offerings[pk]
        name = offering.host.name
        if has_versions:
            name = f"{offering.api_id} on {name}"
        if offering.region_scope:
            name = f"{name} ({offering.region_scope})"
        names.setdefault(name, pk)
    named = tuple(names.items())
    return (
        format_value(entry.field.key, group.value),
        named[:MAX_NAMED_OFFERINGS],
        max(0, len(named) - MAX_NAMED_OFFERINGS),
    )


def _describe_common(
    n_offerings: int, agreed: Sequence[AgreedValue], differing: Sequence[DifferingValue]
) -> str:
    if not agreed and not differing:
        return "No source states capabilities of its model IDs."
    n_differing = sum(value.differs for value in differing)
    noun = count_of(n_offerings, "model ID")
    sentence = f"{count_of(len(agreed), *NOUNS[CAPABILITY])} shared by its {noun}"
    sentence = f"{sentence[:1].upper()}{sentence[1:]}"
    if n_differing:
        sentence += f"; {n_differing} differ by host"
    return f"{sentence}."
