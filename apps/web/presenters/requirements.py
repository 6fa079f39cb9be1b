"""Requirements of dependencies in words: what a dependency uses, declared and observed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, LIMIT, SET
from apps.common.text import format_date, pluralize
from apps.inventory.models import Requirement
from apps.web.wording import number

# what is used, as a noun; {} is the number or the names
_NOUNS: Mapping[str, str] = {
    "input_modalities": "Input: {}",
    "output_modalities": "Output: {}",
    "vision": "Images",
    "pdf": "PDF",
    "context_window": "{} tokens per request",
    "max_output": "{} output tokens",
}


@dataclass(frozen=True, slots=True)
class RequirementChip:
    """One requirement in a few words, with the way in which it is known. `sentence` is not empty if
    what is declared contradicts what was observed."""

    field: str
    text: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """What is declared and what was observed of one field; None: not declared, not observed."""

    field: str
    declared: Any = None
    observed: Any = None
    first_seen_on: date | None = None
    last_seen_on: date | None = None
    n_requests: int | None = None
    note: str = ""

    @property
    def label(self) -> str:
        return CAPABILITY_FIELDS[self.field].label

    @property
    def contradiction(self) -> str:
        """A sentence if it is declared as not used but was observed, else empty."""
        if self.declared is not False or not self.observed:
            return ""
        day = f" on {format_date(self.last_seen_on)}" if self.last_seen_on else ""
        return f"{self.label} is declared as not used, but was observed{day}."

    @property
    def observed_text(self) -> str:
        """What was observed with its days and number of requests, or that nothing was."""
        if self.observed is None:
            return ""
        form = CAPABILITY_FIELDS[self.field].form
        what = "used" if form not in (LIMIT, SET) else self._value_text(self.observed)
        if form == LIMIT:
            what = f"{what} tokens"
        days = ""
        if self.last_seen_on is not None:
            days = f", last on {format_date(self.last_seen_on)}"
        requests = ""
        if self.n_requests:
            requests = f", in {number(self.n_requests)} " + pluralize(
                self.n_requests, "request", "requests"
            )
        return f"{what}{days}{requests}"

    def chips(self) -> list[RequirementChip]:
        if self.declared is None:
            return [RequirementChip(self.field, f"{self._used(self.observed)}, observed")]
        if self.declared is False:
            if self.observed:
                text = f"{self._used(self.observed)}, observed"
                return [RequirementChip(self.field, text, self.contradiction)]
            return [RequirementChip(self.field, f"{self._used(True)} not used")]
        if self.observed is None:
            return [RequirementChip(self.field, f"{self._used(self.declared)}, declared")]
        if self.observed == self.declared:
            return [
                RequirementChip(self.field, f"{self._used(self.declared)}, declared and observed")
            ]
        return [
            RequirementChip(self.field, f"{self._used(self.observed)}, observed"),
            RequirementChip(self.field, f"{self._used(self.declared)}, declared"),
        ]

    def _used(self, value: Any) -> str:
        noun = _NOUNS.get(self.field, self.label)
        return noun.format(self._value_text(value)) if "{}" in noun else noun

    @staticmethod
    def _value_text(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(value)
        return "" if isinstance(value, bool) else number(value)


def field_requirements(
    dependency_ids: Collection[int],
) -> dict[int, list[FieldRequirement]]:
    """Return {dependency ID: what is declared and observed}, fields in the order of
    `CAPABILITY_FIELDS`; a dependency without any is missing. One statement."""
    rows_by_dependency: dict[int, list[Requirement]] = defaultdict(list)
    for row in Requirement.objects.filter(dependency__in=dependency_ids):
        rows_by_dependency[row.dependency_id].append(row)
    return {
        dependency_id: combine_requirements(rows)
        for dependency_id, rows in rows_by_dependency.items()
    }


def combine_requirements(rows: Iterable[Requirement]) -> list[FieldRequirement]:
    """Return one entry for each field of the rows of one dependency."""
    declared = {row.field: row for row in rows if row.origin == Requirement.Origin.DECLARED}
    observed = {row.field: row for row in rows if row.origin == Requirement.Origin.OBSERVED}
    entries = []
    for field in CAPABILITY_FIELDS:
        own, seen = declared.get(field), observed.get(field)
        if own is None and seen is None:
            continue
        entries.append(
            FieldRequirement(
                field,
                declared=own.value if own else None,
                observed=seen.value if seen else None,
                first_seen_on=seen.first_seen_on if seen else None,
                last_seen_on=seen.last_seen_on if seen else None,
                n_requests=seen.n_requests if seen else None,
                note=own.note if own else "",
            )
        )
    return entries


def requirement_chips(dependency_ids: Collection[int]) -> dict[int, list[RequirementChip]]:
    """Return {dependency ID: its requirements in words}, used ones first. One statement."""
    return {
        dependency_id: sort_chips(entries)
        for dependency_id, entries in field_requirements(dependency_ids).items()
    }


def sort_chips(entries: Iterable[FieldRequirement]) -> list[RequirementChip]:
    """Return the chips of the entries, those of used fields before those of fields not used."""
    ordered = sorted(entries, key=lambda entry: entry.declared is False and not entry.observed)
    return [chip for entry in ordered for chip in entry.chips()]
