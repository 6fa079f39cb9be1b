"""Import planner: what a spreadsheet would change in the inventory, row by row, and what it cannot
change and why.

Writes nothing. A rejected row does nothing at all: neither its application nor its dependency. Rows
are processed in order, in blocks, so that two rows about one application are seen together and
memory does not grow with the inventory."""

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
            name: [jsonable(old), jsonable(new)] for name, (old, new) in self.changes.items()
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
    said: ParsedRow
    outcome: str
    reason: str = ""
    column: str = ""
    note: str = ""
    application: ApplicationPlan | None = None
    use: DependencyPlan | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what would be done; equal for two plans that do the same."""
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
    """Planner of rows, which holds the facts of earlier rows, so that later ones cannot contradict
    them."""

    def __init__(
        self,
        register: ExistingRecords,
        catalogue: CatalogueLookup,
        mapping: BookMapping,
        *,
        on: date,
    ) -> None:
        self._register = register
        self._on = on
        self._team = mapping.team
        self._heads = headers_by_code(mapping)
        self._uses = DependencyPlanner(register, catalogue, heads=self._heads, on=on)
        self._new_by_slug: dict[str, _NewApplication] = {}
        self._new_by_name: dict[str, _NewApplication] = {}
        # what accepted rows have said of an application: {id, or minus the key of a new one: {fact:
        # (value, row)}}
        self._claims: dict[int, dict[str, tuple[Any, int]]] = {}

    def plan(self, rows: Iterable[ParsedRow]) -> Iterator[RowPlan]:
        """Yield one plan per row, in order; two statements per block of rows."""
        for block in batched(rows, PLAN_BATCH_SIZE):
            ids = {
                pk
                for said in block
                if not said.refusal
                for pk in self._candidates(said.application)
            }
            self._register.load(ids, on=self._on)
            for said in block:
                yield self._plan_row(said)

    def _plan_row(self, said: ParsedRow) -> RowPlan:
        if said.refusal:
            return RowPlan(said, REFUSED, said.refusal, said.column)
        try:
            application, facts = self._application(said)
            use = None
            note = ""
            if said.use is not None:
                use, note = self._uses.plan(said, self._as_context(application, facts))
        except RowError as refused:
            return RowPlan(said, REFUSED, str(refused), refused.column)
        self._keep(said, application, facts, use)
        outcome = (
            ADDED
            if application.do == "add" or (use and use.do == "add")
            else CHANGED
            if application.do == "change" or (use and use.do == "change")
            else UNCHANGED
        )
        return RowPlan(said, outcome, note=note, application=application, use=use)

    # --- which application ------------------------------------------------------------------------

    def _candidates(self, facts: Mapping[str, Any]) -> list[int]:
        """Return ids of the existing applications that the row may be about."""
        slug = facts.get("slug")
        found = [self._register.by_slug[slug]] if slug in self._register.by_slug else []
        if not found and facts.get("name"):
            found = [pk for pk, _, _ in self._register.by_name.get(fold_name(facts["name"]), ())]
        return found

    def _application(self, said: ParsedRow) -> tuple[ApplicationPlan, dict[str, Any]]:
        """Return the plan for the row's application, and the row's facts of it (with the team as an
        id)."""
        facts = dict(said.application)
        slug, name = facts.pop("slug", ""), facts.get("name", "")
        existing = self._existing(said, slug, name, facts.get("team", ""))
        if existing is not None:
            return self._change(said, existing, facts, named_by_slug=slug == existing.slug)
        new = self._new_by_slug.get(slug) if slug else self._new_by_name.get(fold_name(name))
        if new is not None:
            return self._say_more(said, new, facts)
        return self._add(said, slug, name, facts)

    def _existing(
        self, said: ParsedRow, slug: str, name: str, team: str
    ) -> ExistingApplication | None:
        if slug:
            pk = self._register.by_slug.get(slug)
            if pk is not None:
                return self._register.applications.get(pk)
            if slug in self._new_by_slug or not name:
                return None
            named = self._register.by_name.get(fold_name(name), [])
            # the id was taken when the application was added, and it got a number
            numbered = [pk for pk, _, known in named if _is_numbered(known, slug)]
            if len(numbered) == 1:
                return self._register.applications.get(numbered[0])
            if named:
                raise self._refused(
                    said,
                    f"'{name}' is recorded as {', '.join(known for _, _, known in named[:3])}, "
                    f"not as '{slug}'. Enter that ID, or leave the ID empty.",
                    "application.slug",
                )
            return None
        named = self._register.by_name.get(fold_name(name), [])
        if len(named) > 1 and team:
            known = self._register.team(team)
            if not isinstance(known, str):
                named = [entry for entry in named if entry[1] == known.id]
        if len(named) > 1:
            raise self._refused(
                said,
                f"Several applications are called '{name}': "
                f"{', '.join(slug for _, _, slug in named[:5])}. Enter the ID.",
                "application.name",
            )
        return self._register.applications.get(named[0][0]) if named else None

    # --- what becomes of it -----------------------------------------------------------------------

    def _add(
        self, said: ParsedRow, slug: str, name: str, facts: dict[str, Any]
    ) -> tuple[ApplicationPlan, dict[str, Any]]:
        if slug and not _SLUG.fullmatch(slug):
            raise self._refused(
                said,
                f"'{slug}' is not a valid ID. Use letters, digits, hyphens and underscores only.",
                "application.slug",
            )
        if not name:
            raise self._refused(
                said,
                f'No application "{slug}" found. Check the ID, or add a name to create it.',
                "application.slug",
            )
        team = self._team_id(said, facts.get("team", "") or self._team)
        if facts.get("status") == Application.Status.RETIRED:
            raise self._refused(
                said,
                "A new application cannot be retired. Leave the status empty, or use proposed, "
                "pilot or production.",
                "application.status",
            )
        facts["team"] = team
        changes = {fact: (None, value) for fact, value in facts.items()}
        return ApplicationPlan("add", said.position, None, slug, name, changes), facts

    def _say_more(
        self, said: ParsedRow, new: _NewApplication, facts: dict[str, Any]
    ) -> tuple[ApplicationPlan, dict[str, Any]]:
        """Merge a further row about an application that an earlier one adds."""
        facts.pop("name", None)
        if facts.get("team"):
            facts["team"] = self._team_id(said, facts["team"])
        claims = self._claims[-new.key]
        self._refuse_contradiction(said, claims, facts)
        more = {fact: (None, value) for fact, value in facts.items() if fact not in claims}
        return ApplicationPlan(
            "change" if more else "keep", new.key, None, new.slug, new.name, more
        ), facts

    def _change(
        self,
        said: ParsedRow,
        known: ExistingApplication,
        facts: dict[str, Any],
        *,
        named_by_slug: bool,
    ) -> tuple[ApplicationPlan, dict[str, Any]]:
        if not named_by_slug and "name" in facts:
            # it was found by this name, in whatever letters
            facts.pop("name")
        current = self._register.team_by_id[known.team]
        if "team" in facts:
            text = facts["team"]
            same = text in {current.slug, current.name} or fold_name(text) == fold_name(
                current.name
            )
            facts["team"] = current.id if same else self._team_id(said, text)
        claims = self._claims.get(known.id, {})
        self._refuse_contradiction(said, claims, facts)
        changes: dict[str, tuple[Any, Any]] = {}
        for fact, value in facts.items():
            old = known.team if fact == "team" else known.facts[fact]
            if not same_value(old, value) and fact not in claims:
                changes[fact] = (old, value)
        if changes and not current.may_edit:
            raise RowError(
                f"You need the editor role on {current.name} to change its applications."
            )
        if "status" in changes:
            if changes["status"][1] == Application.Status.RETIRED:
                raise self._refused(
                    said,
                    "An import cannot retire an application. Retire it on its page, which also "
                    "ends its dependencies.",
                    "application.status",
                )
            if known.is_merged:
                raise self._refused(
                    said,
                    "The application was merged into another application. Undo the merge instead.",
                    "application.status",
                )
        do = "change" if changes else "keep"
        return ApplicationPlan(
            do, said.position, known.id, known.slug, known.facts["name"], changes
        ), facts

    def _team_id(self, said: ParsedRow, text: str) -> int:
        if not text:
            raise self._refused(
                said,
                "The row has no team for a new application. Enter the team, or select one for "
                "the whole file.",
                "application.team",
            )
        team = self._register.team(text)
        if isinstance(team, str):
            raise self._refused(said, team, "application.team")
        return team.id

    def _refuse_contradiction(
        self, said: ParsedRow, claims: Mapping[str, tuple[Any, int]], facts: Mapping[str, Any]
    ) -> None:
        for fact, value in facts.items():
            if fact in claims and not same_value(claims[fact][0], value):
                label = FIELDS[f"application.{fact}"].label
                raise self._refused(
                    said,
                    f"Row {claims[fact][1]} has a different {label} for the same application. "
                    "Make the two rows equal, or leave this cell empty.",
                    f"application.{fact}",
                )

    def _as_context(
        self, application: ApplicationPlan, facts: Mapping[str, Any]
    ) -> ApplicationOfRow:
        """Return the facts of the application that its dependency plan needs."""
        if application.id is None:
            claimed = self._claims.get(-application.key, {}).get(
                "status", (facts.get("status"), 0)
            )[0]
            return ApplicationOfRow(
                -application.key, None, claimed or Application.Status.PRODUCTION, True, ""
            )
        known = self._register.applications[application.id]
        team = self._register.team_by_id[known.team]
        claims = self._claims.get(known.id, {})
        status = facts.get("status") or claims.get("status", (known.facts["status"], 0))[0]
        return ApplicationOfRow(known.id, known.id, status, team.may_edit, team.name)

    def _keep(
        self,
        said: ParsedRow,
        application: ApplicationPlan,
        facts: Mapping[str, Any],
        use: DependencyPlan | None,
    ) -> None:
        """Record an accepted row: later ones are compared with it."""
        if application.do == "add":
            new = _NewApplication(
                said.position, application.slug, application.name, facts["team"], said.number
            )
            if application.slug:
                self._new_by_slug[application.slug] = new
            self._new_by_name.setdefault(fold_name(application.name), new)
        key = application.id if application.id is not None else -application.key
        claims = self._claims.setdefault(key, {})
        for fact, value in facts.items():
            claims.setdefault(fact, (value, said.number))
        if use is not None:
            self._uses.keep(said, use)

    def _refused(self, said: ParsedRow, sentence: str, code: str) -> RowError:
        return RowError(sentence, self._heads[said.sheet].get(code, ""))


def same_value(old: Any, new: Any) -> bool:
    """Return whether two values are equal; for text, spaces at the ends, line ends and the count of
    spaces do not count."""
    if isinstance(old, str) and isinstance(new, str):
        return (
            old == new
            or normalise_text(old) == new
            or " ".join(normalise_text(old).split()) == " ".join(new.split())
        )
    return bool(old == new)


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
    number = slug.removeprefix(f"{stem}-")
    return number != slug and number.isdigit()
