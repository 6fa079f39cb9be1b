"""Import planner: the changes of a spreadsheet to the inventory, row by row, and the reasons for
rejected rows.

Writes nothing. A rejected row changes neither its application nor its dependency. Rows are
processed in order and in blocks, so that two rows about one application are compared and memory
does not grow with the inventory."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import batched
from typing import Any

from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.columns.rows import ParsedRow, jsonable
from apps.intake.spreadsheets.columns.values import fold_name, normalise_text
from apps.intake.spreadsheets.plan.dependency_plans import (
    ApplicationOfRow,
    DependencyPlan,
    DependencyPlanner,
)
from apps.intake.spreadsheets.plan.errors import RowError, headers_by_code
from apps.intake.spreadsheets.plan.existing_records import (
    SHEET_APPLICATION_FACTS,
    ExistingApplication,
    ExistingRecords,
)
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.inventory.models import Application

PLAN_BATCH_SIZE = 5_000
ADDED, CHANGED, UNCHANGED, REFUSED = "added", "changed", "unchanged", "refused"
_SLUG = re.compile(r"[-a-zA-Z0-9_]{1,120}")


@dataclass(slots=True)
class ApplicationPlan:
    """Plan for an application: `id` is None for one that the import adds; `key` is then the
    position of the row that adds it."""

    do: str  # add, change or keep
    key: int
    id: int | None
    slug: str
    name: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        changes = {
            name: [jsonable(old_value), jsonable(new_value)]
            for name, (old_value, new_value) in self.changes.items()
        }
        return {
            "do": self.do,
            "key": self.key,
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "changes": changes,
        }


@dataclass(slots=True)
class RowPlan:
    """Plan of one row: the outcome, a reason and column if it is rejected, else the planned
    changes."""

    row: ParsedRow
    outcome: str
    reason: str = ""
    column: str = ""
    note: str = ""
    application: ApplicationPlan | None = None
    use: DependencyPlan | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the planned changes; equal for two plans with the same effect."""
        return {
            "application": self.application.as_json() if self.application else None,
            "use": self.use.as_json() if self.use else None,
        }


@dataclass(slots=True)
class _NewApplication:
    """Application that an earlier row of the spreadsheet adds."""

    key: int
    slug: str
    name: str
    team: int
    number: int


class Planner:
    """Planner of rows. It holds the facts of earlier rows, so that later rows cannot contradict
    them."""

    def __init__(
        self,
        records: ExistingRecords,
        catalogue: CatalogueLookup,
        mapping: BookMapping,
        *,
        on: date,
    ) -> None:
        """Plan for the day `on`. Records and catalogue are those of one user at one moment; the
        planner remembers the accepted rows, to find contradictions between rows."""
        self._records = records
        self._on = on
        self._team = mapping.team
        self._heads = headers_by_code(mapping)
        self._dependency_planner = DependencyPlanner(records, catalogue, heads=self._heads, on=on)
        self._new_by_slug: dict[str, _NewApplication] = {}
        self._new_by_name: dict[str, _NewApplication] = {}
        # facts of accepted rows: {id of the application, or negative key of a new one: {fact:
        # (value, row number)}}
        self._claims: dict[int, dict[str, tuple[Any, int]]] = {}

    def plan(self, rows: Iterable[ParsedRow]) -> Iterator[RowPlan]:
        """Yield one plan per row, in order; two statements per block of rows."""
        for block in batched(rows, PLAN_BATCH_SIZE):
            ids = {
                pk
                for row in block
                if not row.refusal
                for pk in self._find_candidates(row.application)
            }
            self._records.load(ids, on=self._on)
            for row in block:
                yield self._plan_row(row)

    def _plan_row(self, row: ParsedRow) -> RowPlan:
        """Return the plan of a row, refused with a sentence if it is invalid or contradicts an
        earlier row. An accepted row is remembered."""
        if row.refusal:
            return RowPlan(row, REFUSED, row.refusal, row.column)
        try:
            application, facts = self._plan_application(row)
            use = None
            note = ""
            if row.use is not None:
                use, note = self._dependency_planner.plan(
                    row, self._build_context(application, facts)
                )
        except RowError as error:
            return RowPlan(row, REFUSED, str(error), error.column)
        self._record_row(row, application, facts, use)
        outcome = (
            ADDED
            if application.do == "add" or (use and use.do == "add")
            else CHANGED
            if application.do == "change" or (use and use.do == "change")
            else UNCHANGED
        )
        return RowPlan(row, outcome, note=note, application=application, use=use)

    # --- existing application ---------------------------------------------------------------------

    def _find_candidates(self, facts: Mapping[str, Any]) -> list[int]:
        """Return the ids of existing applications that the row may be about, by slug, else by
        name."""
        slug = facts.get("slug")
        ids = [self._records.by_slug[slug]] if slug in self._records.by_slug else []
        if not ids and facts.get("name"):
            ids = [pk for pk, _, _ in self._records.by_name.get(fold_name(facts["name"]), ())]
        return ids

    def _plan_application(self, row: ParsedRow) -> tuple[ApplicationPlan, dict[str, Any]]:
        """Return the plan for the row's application, and the row's facts of it with the team as an
        id."""
        facts = dict(row.application)
        slug, name = facts.pop("slug", ""), facts.get("name", "")
        existing = self._find_existing(row, slug, name, facts.get("team", ""))
        if existing is not None:
            return self._plan_change(row, existing, facts, named_by_slug=slug == existing.slug)
        new_application = (
            self._new_by_slug.get(slug) if slug else self._new_by_name.get(fold_name(name))
        )
        if new_application is not None:
            return self._plan_further_row(row, new_application, facts)
        return self._plan_addition(row, slug, name, facts)

    def _find_existing(
        self, row: ParsedRow, slug: str, name: str, team: str
    ) -> ExistingApplication | None:
        """Return the existing application by slug, else by name (and `team`, if several have it);
        RowError if it is ambiguous."""
        if slug:
            pk = self._records.by_slug.get(slug)
            if pk is not None:
                return self._records.applications.get(pk)
            if slug in self._new_by_slug or not name:
                return None
            candidates = self._records.by_name.get(fold_name(name), [])
            # the slug was taken when the application was added, so it has a number appended
            numbered = [pk for pk, _, known_slug in candidates if _is_numbered(known_slug, slug)]
            if len(numbered) == 1:
                return self._records.applications.get(numbered[0])
            if candidates:
                raise self._build_row_error(
                    row,
                    f"'{name}' is recorded as "
                    f"{', '.join(known_slug for _, _, known_slug in candidates[:3])}, "
                    f"not as '{slug}'. Enter that ID, or leave the ID empty.",
                    "application.slug",
                )
            return None
        candidates = self._records.by_name.get(fold_name(name), [])
        if len(candidates) > 1 and team:
            existing_team = self._records.team(team)
            if not isinstance(existing_team, str):
                candidates = [entry for entry in candidates if entry[1] == existing_team.id]
        if len(candidates) > 1:
            raise self._build_row_error(
                row,
                f"Several applications are called '{name}': "
                f"{', '.join(slug for _, _, slug in candidates[:5])}. Enter the ID.",
                "application.name",
            )
        return self._records.applications.get(candidates[0][0]) if candidates else None

    # --- planned change ---------------------------------------------------------------------------

    def _plan_addition(
        self, row: ParsedRow, slug: str, name: str, facts: dict[str, Any]
    ) -> tuple[ApplicationPlan, dict[str, Any]]:
        """Return (plan, facts) for a row that describes a new application; "team" in the facts
        becomes the team's ID. Raises RowError."""
        if slug and not _SLUG.fullmatch(slug):
            raise self._build_row_error(
                row,
                f"'{slug}' is not a valid ID. Use letters, digits, hyphens and underscores only.",
                "application.slug",
            )
        if not name:
            raise self._build_row_error(
                row,
                f'No application "{slug}" found. Check the ID, or add a name to create it.',
                "application.slug",
            )
        team = self._resolve_team(row, facts.get("team", "") or self._team)
        if facts.get("status") == Application.Status.RETIRED:
            raise self._build_row_error(
                row,
                "A new application cannot be retired. Leave the status empty, or use proposed, "
                "pilot or production.",
                "application.status",
            )
        facts["team"] = team
        changes = {fact: (None, value) for fact, value in facts.items()}
        return ApplicationPlan("add", row.position, None, slug, name, changes), facts

    def _plan_further_row(
        self, row: ParsedRow, new_application: _NewApplication, facts: dict[str, Any]
    ) -> tuple[ApplicationPlan, dict[str, Any]]:
        """Return the plan for a further row about an application that an earlier row adds."""
        facts.pop("name", None)
        if facts.get("team"):
            facts["team"] = self._resolve_team(row, facts["team"])
        claims = self._claims[-new_application.key]
        self._refuse_contradiction(row, claims, facts)
        further_changes = {
            fact: (None, value) for fact, value in facts.items() if fact not in claims
        }
        return ApplicationPlan(
            "change" if further_changes else "keep",
            new_application.key,
            None,
            new_application.slug,
            new_application.name,
            further_changes,
        ), facts

    def _plan_change(
        self,
        row: ParsedRow,
        existing: ExistingApplication,
        facts: dict[str, Any],
        *,
        named_by_slug: bool,
    ) -> tuple[ApplicationPlan, dict[str, Any]]:
        """Return (plan, facts) for a row that describes an existing application. `named_by_slug` is
        false if the row names it, in which case its name is no change. Facts that an earlier row
        states are not repeated. Raises RowError."""
        if not named_by_slug and "name" in facts:
            # the application was matched by this name, regardless of case
            facts.pop("name")
        current = self._records.team_by_id[existing.team]
        if "team" in facts:
            text = facts["team"]
            is_same_team = text in {current.slug, current.name} or fold_name(text) == fold_name(
                current.name
            )
            facts["team"] = current.id if is_same_team else self._resolve_team(row, text)
        claims = self._claims.get(existing.id, {})
        self._refuse_contradiction(row, claims, facts)
        changes: dict[str, tuple[Any, Any]] = {}
        for fact, value in facts.items():
            old_value = existing.team if fact == "team" else existing.facts[fact]
            if not same_value(old_value, value) and fact not in claims:
                changes[fact] = (old_value, value)
        if changes and not current.may_edit:
            raise RowError(
                f"You need the editor role on {current.name} to change its applications."
            )
        if "status" in changes:
            if changes["status"][1] == Application.Status.RETIRED:
                raise self._build_row_error(
                    row,
                    "An import cannot retire an application. Retire it on its page, which also "
                    "ends its dependencies.",
                    "application.status",
                )
            if existing.is_merged:
                raise self._build_row_error(
                    row,
                    "The application was merged into another application. Undo the merge instead.",
                    "application.status",
                )
        do = "change" if changes else "keep"
        return ApplicationPlan(
            do, row.position, existing.id, existing.slug, existing.facts["name"], changes
        ), facts

    def _resolve_team(self, row: ParsedRow, text: str) -> int:
        if not text:
            raise self._build_row_error(
                row,
                "The row has no team for a new application. Enter the team, or select one for "
                "the whole file.",
                "application.team",
            )
        team = self._records.team(text)
        if isinstance(team, str):
            raise self._build_row_error(row, team, "application.team")
        return team.id

    def _refuse_contradiction(
        self, row: ParsedRow, claims: Mapping[str, tuple[Any, int]], facts: Mapping[str, Any]
    ) -> None:
        for fact, value in facts.items():
            if fact in claims and not same_value(claims[fact][0], value):
                label = FIELDS[f"application.{fact}"].label
                raise self._build_row_error(
                    row,
                    f"Row {claims[fact][1]} has a different {label} for the same application. "
                    "Make the two rows equal, or leave this cell empty.",
                    f"application.{fact}",
                )

    def _build_context(
        self, application: ApplicationPlan, facts: Mapping[str, Any]
    ) -> ApplicationOfRow:
        """Return the facts of the application that the plan for its dependency needs."""
        if application.id is None:
            claimed_status = self._claims.get(-application.key, {}).get(
                "status", (facts.get("status"), 0)
            )[0]
            return ApplicationOfRow(
                -application.key, None, claimed_status or Application.Status.PRODUCTION, True, ""
            )
        existing = self._records.applications[application.id]
        team = self._records.team_by_id[existing.team]
        claims = self._claims.get(existing.id, {})
        status = facts.get("status") or claims.get("status", (existing.facts["status"], 0))[0]
        return ApplicationOfRow(existing.id, existing.id, status, team.may_edit, team.name)

    def _record_row(
        self,
        row: ParsedRow,
        application: ApplicationPlan,
        facts: Mapping[str, Any],
        use: DependencyPlan | None,
    ) -> None:
        """Record the facts of an accepted row, so that later rows are compared with them."""
        if application.do == "add":
            new_application = _NewApplication(
                row.position, application.slug, application.name, facts["team"], row.number
            )
            if application.slug:
                self._new_by_slug[application.slug] = new_application
            self._new_by_name.setdefault(fold_name(application.name), new_application)
        key = application.id if application.id is not None else -application.key
        claims = self._claims.setdefault(key, {})
        for fact, value in facts.items():
            claims.setdefault(fact, (value, row.number))
        if use is not None:
            self._dependency_planner.keep(row, use)

    def _build_row_error(self, row: ParsedRow, sentence: str, code: str) -> RowError:
        return RowError(sentence, self._heads[row.sheet].get(code, ""))


def same_value(old_value: Any, new_value: Any) -> bool:
    """Return whether two values are equal; in text, the number of spaces and the kind of line ends
    do not matter."""
    if isinstance(old_value, str) and isinstance(new_value, str):
        return (
            old_value == new_value
            or normalise_text(old_value) == new_value
            or " ".join(normalise_text(old_value).split()) == " ".join(new_value.split())
        )
    return bool(old_value == new_value)


__all__ = [
    "ADDED",
    "CHANGED",
    "REFUSED",
    "SHEET_APPLICATION_FACTS",
    "UNCHANGED",
    "ApplicationPlan",
    "Planner",
    "RowPlan",
]


def _is_numbered(slug: str, stem: str) -> bool:
    """Return whether the slug is `stem-2`, as a second application of that slug gets."""
    suffix = slug.removeprefix(f"{stem}-")
    return suffix != slug and suffix.isdigit()
