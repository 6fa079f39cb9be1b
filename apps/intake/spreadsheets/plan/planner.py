"""Import planner: the changes of a spreadsheet to the inventory, row by row, and the reasons for
rejected rows.

Writes nothing. A rejected row changes neither its application nor its dependency. Rows are
processed in order and in blocks, so that two rows about one application are compared and memory
does not grow with the inventory."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import batched
from typing import Any

from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.columns.reasons import RowReason
from apps.intake.spreadsheets.columns.rows import ParsedRow
from apps.intake.spreadsheets.columns.values import fold_name, normalise_text
from apps.intake.spreadsheets.plan.dependency_plans import (
    ApplicationOfRow,
    DependencyPlanner,
)
from apps.intake.spreadsheets.plan.errors import RowError, headers_by_code
from apps.intake.spreadsheets.plan.existing_records import (
    ExistingApplication,
    ExistingRecords,
)
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.model_references import ModelReference, ModelReferences
from apps.intake.spreadsheets.plan.row_plans import (
    ADDED,
    CHANGED,
    REFUSED,
    UNCHANGED,
    ApplicationPlan,
    DependencyPlan,
    RowPlan,
)
from apps.intake.spreadsheets.values.distinct import CREATE
from apps.inventory.models import Application

PLAN_BATCH_SIZE = 5_000
# the team of new applications whose row names none, of an import that may create teams
UNASSIGNED_TEAM = "Unassigned"
_NO_TEAM = 0
# facts without an unknown value: a new application has the default until one is stated
DEFAULTED_FACTS = frozenset({"criticality", "status"})
_SLUG = re.compile(r"[-a-zA-Z0-9_]{1,120}")


@dataclass(slots=True)
class _NewApplication:
    """Application that an earlier row of the spreadsheet adds."""

    key: int
    slug: str
    name: str
    team: int | str
    number: int
    identity: tuple[str, str] = ("", "")  # team and business owner as the row names them


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
        self._strict = mapping.strict
        self._team_choices = mapping.values.get("application.team", {})
        self._may_create = records.may_create and not mapping.strict
        self._heads = headers_by_code(mapping)
        self._dependency_planner = DependencyPlanner(
            records,
            catalogue,
            ModelReferences(
                catalogue,
                models=mapping.models,
                hosts=mapping.values.get("use.host", {}),
                may_create=self._may_create,
            ),
            heads=self._heads,
            on=on,
            strict=mapping.strict,
        )
        # of the row that is planned
        self._reasons: list[RowReason] = []
        self._new_by_slug: dict[str, _NewApplication] = {}
        self._new_by_name: dict[str, list[_NewApplication]] = {}
        # facts of accepted rows: {id of the application, or negative key of a new one: {fact:
        # (value, row number)}}
        self._claims: dict[int, dict[str, tuple[Any, int]]] = {}

    @property
    def references(self) -> ModelReferences:
        """Return the reader of model cells, which keeps what it has read."""
        return self._dependency_planner.model_references

    def plan(self, rows: Iterable[ParsedRow]) -> Iterator[RowPlan]:
        """Yield one plan per row, in order; two statements per block of rows."""
        for block in batched(rows, PLAN_BATCH_SIZE):
            ids = {pk for row in block for pk in self._find_candidates(row.application)}
            self._records.load(ids, on=self._on)
            for row in block:
                yield self._plan_row(row)

    def _plan_row(self, row: ParsedRow) -> RowPlan:
        """Return the plan of a row with all reasons; refused if one of them rejects it. An accepted
        row is remembered."""
        self._reasons = list(row.reasons)
        references = self._dependency_planner.references(row)
        application: ApplicationPlan | None = None
        facts: dict[str, Any] = {}
        uses: list[DependencyPlan] = []
        if row.application.get("slug") or row.application.get("name"):
            row_facts = self._facts_of(row, references)
            try:
                application, facts = self._plan_application(row, row_facts)
                context = self._build_context(application, facts)
                if references and context.is_retired_addition:
                    self._leave(
                        row,
                        "The application is retired, so no dependency is recorded.",
                        "application.status",
                        refuses=False,
                    )
                elif references:
                    planned = self._dependency_planner.plan(row, references, context)
                    uses = planned.uses
                    self._reasons += planned.reasons
            except RowError as error:
                self._reasons.append(RowReason(error.column, error.code, str(error)))
        refusing = [reason for reason in self._reasons if reason.refuses]
        if refusing or application is None:
            return RowPlan(
                row,
                REFUSED,
                " ".join(dict.fromkeys(reason.sentence for reason in refusing)),
                refusing[0].column if refusing else "",
                reasons=self._reasons,
            )
        self._record_row(row, application, facts, uses)
        outcome = (
            ADDED
            if application.do == "add" or any(use.do == "add" for use in uses)
            else CHANGED
            if application.do == "change" or any(use.do == "change" for use in uses)
            else UNCHANGED
        )
        note = " ".join(dict.fromkeys(use.note for use in uses if use.note))
        return RowPlan(
            row, outcome, note=note, application=application, uses=uses, reasons=self._reasons
        )

    def _facts_of(self, row: ParsedRow, references: Sequence[ModelReference]) -> dict[str, Any]:
        """Return the row's facts of the application. The spend of a row without a dependency, or
        with several, is that of the application."""
        facts = dict(row.application)
        n_models = sum(reference.model is not None for reference in references)
        if row.use and "monthly_spend" in row.use and n_models != 1:
            facts.setdefault("monthly_spend", row.use["monthly_spend"])
        return facts

    def _leave(
        self, row: ParsedRow, sentence: str, code: str, *, refuses: bool | None = None
    ) -> None:
        """Add a reason why a cell is left out; it rejects the row if the import is strict."""
        self._reasons.append(
            RowReason(
                self._heads[row.sheet].get(code, ""),
                code,
                sentence,
                refuses=self._strict if refuses is None else refuses,
            )
        )

    # --- existing application ---------------------------------------------------------------------

    def _find_candidates(self, facts: Mapping[str, Any]) -> list[int]:
        """Return the ids of existing applications that the row may be about, by slug, else by
        name."""
        slug = facts.get("slug")
        ids = [self._records.by_slug[slug]] if slug in self._records.by_slug else []
        if not ids and facts.get("name"):
            ids = [pk for pk, _, _ in self._records.by_name.get(fold_name(facts["name"]), ())]
        return ids

    def _plan_application(
        self, row: ParsedRow, facts: dict[str, Any]
    ) -> tuple[ApplicationPlan, dict[str, Any]]:
        """Return the plan for the row's application, and the row's facts of it with the team as an
        id; as a name if the import creates it."""
        slug, name = facts.pop("slug", ""), facts.get("name", "")
        existing = self._find_existing(row, slug, name, facts.get("team", ""))
        if existing is not None:
            return self._plan_change(row, existing, facts, named_by_slug=slug == existing.slug)
        new_application = (
            self._new_by_slug.get(slug) if slug else self._find_new(name, _identity_of(facts))
        )
        if new_application is not None:
            return self._plan_further_row(row, new_application, facts)
        return self._plan_addition(row, slug, name, facts)

    def _find_new(self, name: str, identity: tuple[str, str]) -> _NewApplication | None:
        """Return the application of an earlier row with this name. Rows whose teams and owners both
        differ are about two applications of the same name."""
        for application in self._new_by_name.get(fold_name(name), ()):
            pairs = zip(application.identity, identity, strict=True)
            if not all(known and stated and known != stated for known, stated in pairs):
                return application
        return None

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
            self._leave(
                row,
                f"'{slug}' is not a valid ID. Use letters, digits, hyphens and underscores only.",
                "application.slug",
            )
            slug = ""
        if not name:
            raise self._build_row_error(
                row,
                f'No application "{slug}" found. Check the ID, or add a name to create it.',
                "application.slug",
            )
        team = self._resolve_team(row, facts.get("team", ""))
        if facts.get("status") == Application.Status.RETIRED and self._strict:
            self._leave(
                row,
                "A new application cannot be retired. Leave the status empty, or use proposed, "
                "pilot or production.",
                "application.status",
            )
        facts["team"] = team
        self._note_defaults(row, facts)
        changes = {fact: (None, value) for fact, value in facts.items()}
        return ApplicationPlan("add", row.position, None, slug, name, changes), facts

    def _note_defaults(self, row: ParsedRow, facts: Mapping[str, Any]) -> None:
        """Say in the row which default a new application has because its cell is empty or cannot
        be read."""
        if self._strict:
            return
        for fact in sorted(DEFAULTED_FACTS - facts.keys()):
            code = f"application.{fact}"
            if code not in self._heads[row.sheet]:
                continue
            column: Any = Application._meta.get_field(fact)
            default = dict(column.flatchoices)[column.get_default()]
            sentence = f'The {FIELDS[code].label.lower()} is not stated: "{default}" is taken.'
            place = next((n for n, reason in enumerate(self._reasons) if reason.code == code), None)
            if place is None:
                self._leave(row, sentence, code, refuses=False)
            else:
                known = self._reasons[place]
                self._reasons[place] = replace(known, sentence=f"{known.sentence} {sentence}")

    def _plan_further_row(
        self, row: ParsedRow, new_application: _NewApplication, facts: dict[str, Any]
    ) -> tuple[ApplicationPlan, dict[str, Any]]:
        """Return the plan for a further row about an application that an earlier row adds."""
        facts.pop("name", None)
        if facts.get("team"):
            facts["team"] = self._resolve_team(row, facts["team"])
        claims = self._claims[-new_application.key]
        self._leave_contradictions(row, claims, facts)
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
        self._leave_contradictions(row, claims, facts)
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
                self._leave(
                    row,
                    "An import cannot retire an application. Retire it on its page, which also "
                    "ends its dependencies.",
                    "application.status",
                )
                changes.pop("status")
                facts.pop("status")
            elif existing.is_merged:
                self._leave(
                    row,
                    "The application was merged into another application. Undo the merge instead.",
                    "application.status",
                )
                changes.pop("status")
                facts.pop("status")
        do = "change" if changes else "keep"
        return ApplicationPlan(
            do, row.position, existing.id, existing.slug, existing.facts["name"], changes
        ), facts

    def _resolve_team(self, row: ParsedRow, text: str) -> int | str:
        """Return the id of the team that the row names, or its name if the import creates it. The
        team of the whole file stands in for one that is missing or not allowed."""
        chosen = self._team_choices.get(fold_name(text), text) if text else ""
        if text and chosen == CREATE:
            chosen = text
        chosen = chosen or ""
        if chosen and self._may_create and not self._records.has_team(chosen):
            return " ".join(chosen.split())
        if not chosen and not self._team and self._may_create:
            return UNASSIGNED_TEAM
        wanted = chosen or self._team
        if not wanted:
            self._leave(
                row,
                "The row has no team for a new application. Enter the team, or select one for "
                "the whole file.",
                "application.team",
                refuses=True,
            )
            return _NO_TEAM
        team = self._records.team(wanted)
        if isinstance(team, str) and wanted != self._team and self._team and not self._strict:
            self._leave(row, team, "application.team")
            team = self._records.team(self._team)
        if isinstance(team, str):
            self._leave(row, team, "application.team", refuses=True)
            return _NO_TEAM
        return team.id

    def _leave_contradictions(
        self, row: ParsedRow, claims: Mapping[str, tuple[Any, int]], facts: dict[str, Any]
    ) -> None:
        """Leave out the facts that an earlier row states otherwise."""
        for fact, value in list(facts.items()):
            if fact in claims and not same_value(claims[fact][0], value):
                label = FIELDS[f"application.{fact}"].label
                self._leave(
                    row,
                    f"Row {claims[fact][1]} has a different {label} for the same application. "
                    "Make the two rows equal, or leave this cell empty.",
                    f"application.{fact}",
                )
                facts.pop(fact)

    def _build_context(
        self, application: ApplicationPlan, facts: Mapping[str, Any]
    ) -> ApplicationOfRow:
        """Return the facts of the application that the plan for its dependency needs."""
        if application.id is None:
            claimed_status = self._claims.get(-application.key, {}).get(
                "status", (facts.get("status"), 0)
            )[0]
            return ApplicationOfRow(
                -application.key,
                None,
                claimed_status or Application.Status.PRODUCTION,
                True,
                "",
                is_retired_addition=claimed_status == Application.Status.RETIRED,
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
        uses: Sequence[DependencyPlan],
    ) -> None:
        """Record the facts of an accepted row, so that later rows are compared with them."""
        if application.do == "add":
            new_application = _NewApplication(
                row.position,
                application.slug,
                application.name,
                facts["team"],
                row.number,
                _identity_of(row.application),
            )
            if application.slug:
                self._new_by_slug[application.slug] = new_application
            self._new_by_name.setdefault(fold_name(application.name), []).append(new_application)
        key = application.id if application.id is not None else -application.key
        claims = self._claims.setdefault(key, {})
        for fact, value in facts.items():
            claims.setdefault(fact, (value, row.number))
        for use in uses:
            self._dependency_planner.keep(row, use)

    def _build_row_error(self, row: ParsedRow, sentence: str, code: str) -> RowError:
        return RowError(sentence, self._heads[row.sheet].get(code, ""), code)


def _identity_of(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return team and business owner of a row, folded."""
    return fold_name(facts.get("team", "")), fold_name(facts.get("business_owner", ""))


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


def _is_numbered(slug: str, stem: str) -> bool:
    """Return whether the slug is `stem-2`, as a second application of that slug gets."""
    suffix = slug.removeprefix(f"{stem}-")
    return suffix != slug and suffix.isdigit()
