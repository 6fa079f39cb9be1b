"""Dependency plans: the dependency that a row describes, compared with the inventory (the second
part of a row's plan)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from apps.intake.spreadsheets.columns.reasons import RowReason
from apps.intake.spreadsheets.columns.rows import ParsedRow
from apps.intake.spreadsheets.plan.errors import RowError
from apps.intake.spreadsheets.plan.existing_records import (
    SHEET_DEPENDENCY_FACTS,
    ExistingDependency,
    ExistingRecords,
)
from apps.intake.spreadsheets.plan.known_models import KnownProvider, ResolvedModel
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.model_references import ModelReference, ModelReferences
from apps.intake.spreadsheets.plan.row_plans import DependencyPlan
from apps.inventory.models import Application, Dependency


@dataclass(frozen=True, slots=True)
class ApplicationOfRow:
    """Application of a row: `key` is the existing id, or the negative key of one that the
    spreadsheet adds."""

    key: int
    id: int | None
    status: str
    may_edit: bool
    team: str
    is_retired_addition: bool = False


class _AcceptedRow(NamedTuple):
    """Dependency of an accepted earlier row, in compact form: up to a million of them are held
    during an import."""

    number: int
    since: date
    until: date | None
    fact_hash: int


@dataclass(frozen=True, slots=True)
class PlannedUses:
    """Dependencies that a row describes, with the reasons why others are left out."""

    uses: list[DependencyPlan]
    reasons: list[RowReason]


# facts that the whole row states, which cannot be divided among several models
_ROW_TOTALS = (
    "monthly_spend",
    "monthly_requests",
    "monthly_input_tokens",
    "monthly_output_tokens",
    "monthly_cache_read_tokens",
    "monthly_cache_write_tokens",
    "traffic_share",
)


class DependencyPlanner:
    """Planner of dependencies, which compares each row with the inventory and with accepted earlier
    rows.

    `heads` is {code of a field: header} for each table of the spreadsheet."""

    def __init__(
        self,
        records: ExistingRecords,
        catalogue: CatalogueLookup,
        references: ModelReferences,
        *,
        heads: Sequence[Mapping[str, str]],
        on: date,
        strict: bool,
    ) -> None:
        self._records = records
        self._catalogue = catalogue
        self.model_references = references
        self._heads = heads
        self._on = on
        self._strict = strict
        self._accepted: dict[Any, tuple[_AcceptedRow, ...]] = {}

    def references(self, row: ParsedRow) -> tuple[ModelReference, ...]:
        """Return the models that the row names."""
        facts = row.use or {}
        if not facts.get("model"):
            return ()
        return self.model_references.read(
            facts["model"], facts.get("host", ""), facts.get("region", ""), facts.get("tier", "")
        )

    def plan(
        self,
        row: ParsedRow,
        references: Sequence[ModelReference],
        application: ApplicationOfRow,
    ) -> PlannedUses:
        """Return the plans of the row's dependencies. Each that cannot be imported has a reason,
        which rejects the whole row if the import is strict."""
        planned = PlannedUses([], [])
        heads = self._heads[row.sheet]
        n_models = sum(reference.model is not None for reference in references)
        facts = dict(row.use or {})
        if n_models > 1:
            for name in _ROW_TOTALS:
                if name in facts and name != "monthly_spend":
                    planned.reasons.append(
                        RowReason(
                            heads.get(f"use.{name}", ""),
                            f"use.{name}",
                            "The row names several models, so the number is not divided among "
                            "them. Enter it on the page of the application.",
                            refuses=False,
                        )
                    )
                facts.pop(name, None)
        for reference in references:
            if reference.model is None:
                planned.reasons.append(
                    RowReason(
                        heads.get("use.model", ""), "use.model", reference.problem, refuses=False
                    )
                )
                continue
            if reference.host.problem:
                planned.reasons.append(
                    RowReason(
                        heads.get("use.host", ""),
                        "use.host",
                        reference.host.problem,
                        refuses=self._strict,
                    )
                )
            try:
                planned.uses.append(self._plan_reference(row, facts, reference, application))
            except RowError as error:
                planned.reasons.append(
                    RowReason(
                        error.column,
                        error.code,
                        str(error),
                        refuses=self._strict or error.is_forbidden,
                    )
                )
        return planned

    def _plan_reference(
        self,
        row: ParsedRow,
        facts: Mapping[str, Any],
        reference: ModelReference,
        application: ApplicationOfRow,
    ) -> DependencyPlan:
        """Return the plan of one dependency. Raise RowError if it cannot be imported."""
        heads = self._heads[row.sheet]
        model = reference.model
        assert model is not None
        if reference.role:
            facts = {**facts, "role": reference.role} if "role" not in facts else facts
        via = self._find_via(facts, heads) or reference.host.via
        candidates = [
            use
            for use in (
                self._records.uses.get(application.id, ()) if application.id is not None else ()
            )
            if use.offering == model.offering
            and ("role" not in facts or use.role == facts["role"])
            and (use.via == (via.id if via else None) if "use.via" in heads or via else True)
        ]
        role, note = self._determine_role(facts, model, candidates)
        candidates = [use for use in candidates if use.role == role]
        existing = self._find_existing(facts, candidates, heads)
        if existing is not None:
            plan = self._plan_change(facts, model, existing, application, heads, candidates)
        else:
            plan = self._plan_addition(facts, model, role, via, application, heads, candidates)
            if plan.model.named is not None:
                note = f"{note} The model ID is not known.".strip()
        plan.key = (application.key, model.key, plan.role, plan.via.id if plan.via else None)
        plan.hosts = reference.created_hosts
        plan, plan.note = self._check_earlier_rows(row, plan, facts, note)
        return plan

    def keep(self, row: ParsedRow, plan: DependencyPlan) -> None:
        """Record the dependency of an accepted row, so that later rows are compared with it."""
        accepted_row = _AcceptedRow(row.number, plan.since, plan.until, _hash_facts(row.use or {}))
        self._accepted[plan.key] = (*self._accepted.get(plan.key, ()), accepted_row)

    # --- existing dependency ----------------------------------------------------------------------

    def _find_via(self, facts: Mapping[str, Any], heads: Mapping[str, str]) -> KnownProvider | None:
        text = facts.get("via", "")
        if not text or text.casefold() in {"direct", "directly"}:
            return None
        party = self._catalogue.party(text)
        if party is None:
            raise RowError(
                f"'{text}' is not a known provider. Use the name or ID of a provider in the "
                "registry. A governance user can add providers.",
                heads.get("use.via", ""),
            )
        return party

    def _determine_role(
        self,
        facts: Mapping[str, Any],
        model: ResolvedModel,
        candidates: Sequence[ExistingDependency],
    ) -> tuple[str, str]:
        """Return (role, note): the stated role, else the role that all current candidates have,
        else the usual role of the model with a note."""
        if "role" in facts:
            return str(facts["role"]), ""
        current = {use.role for use in candidates if use.is_current(self._on)}
        if len(current) == 1:
            return current.pop(), ""
        role = model.role or str(Dependency.Role.PRIMARY)
        return role, f"The role was read as {role}."

    def _find_existing(
        self,
        facts: Mapping[str, Any],
        candidates: Sequence[ExistingDependency],
        heads: Mapping[str, str],
    ) -> ExistingDependency | None:
        """Return the existing dependency with the stated first day, else the current one; None if
        there is none."""
        since = facts.get("since")
        exact = [use for use in candidates if use.since == since]
        if len(exact) == 1:
            return exact[0]
        current = [use for use in exact or candidates if use.is_current(self._on)]
        if since is not None and not exact:
            # the row may correct the first day; a dependency that starts after the stated end is
            # another one
            until = facts.get("until")
            current = [use for use in current if until is None or use.since < until]
        if len(current) > 1:
            raise RowError(
                "Several recorded dependencies match this row. Add the role, via and the start "
                "date.",
                heads.get("use.model", ""),
            )
        return current[0] if current else None

    # --- planned change ---------------------------------------------------------------------------

    def _plan_change(
        self,
        facts: Mapping[str, Any],
        model: ResolvedModel,
        existing: ExistingDependency,
        application: ApplicationOfRow,
        heads: Mapping[str, str],
        candidates: Sequence[ExistingDependency],
    ) -> DependencyPlan:
        """Return the plan for a row that describes an existing dependency: what differs in the row,
        or "keep". Facts that the row does not state stay. Raises RowError for dates that contradict
        the record or another of the `candidates`, and without the editor role."""
        changes: dict[str, tuple[Any, Any]] = {
            name: (existing.facts[name], facts[name])
            for name in SHEET_DEPENDENCY_FACTS
            if name in facts and facts[name] != existing.facts[name]
        }
        if (
            changes.get("reached", ("", existing.facts["reached"]))[1] == Dependency.Reached.DIRECT
        ) != (existing.via is None):
            raise RowError(
                "A direct call has no gateway or vendor. Leave Via empty, or change Reached.",
                heads.get("use.reached", ""),
            )
        since, until = facts.get("since", existing.since), facts.get("until")
        if since != existing.since:
            if existing.until is not None and since >= existing.until:
                raise RowError(
                    f"The recorded dependency ended on {existing.until}, before the start date in "
                    "the row. Leave the date empty.",
                    heads.get("use.since", ""),
                )
            if any(
                use is not existing
                and use.via == existing.via
                and use.until is not None
                and since < use.until <= existing.since
                for use in candidates
            ):
                raise RowError(
                    "The dependency was recorded before and has ended. Leave the date empty.",
                    heads.get("use.since", ""),
                )
            changes["since"] = (existing.since, since)
        if until is not None and until != existing.until:
            if until <= since:
                raise RowError(
                    f"The dependency is in use since {since}. Enter a later end date.",
                    heads.get("use.until", ""),
                )
            if existing.until is not None and until > existing.until:
                raise RowError(
                    f"The recorded dependency ends on {existing.until}. Change its end date on the "
                    "page of the application.",
                    heads.get("use.until", ""),
                )
            changes["until"] = (existing.until, until)
        if changes and not application.may_edit:
            raise RowError(
                f"You need the editor role on {application.team} to change its applications.",
                is_forbidden=True,
            )
        return DependencyPlan(
            "change" if changes else "keep",
            existing.id,
            model,
            existing.role,
            self._catalogue.party_by_id(existing.via) if existing.via is not None else None,
            since,
            until or existing.until,
            changes,
        )

    def _plan_addition(
        self,
        facts: Mapping[str, Any],
        model: ResolvedModel,
        role: str,
        via: KnownProvider | None,
        application: ApplicationOfRow,
        heads: Mapping[str, str],
        candidates: Sequence[ExistingDependency],
    ) -> DependencyPlan:
        """Return the plan for a row that describes a new dependency. Raises RowError if its period
        is invalid or overlaps one of the `candidates` via the same gateway or vendor, and without
        the editor role."""
        if not application.may_edit:
            raise RowError(
                f"You need the editor role on {application.team} to change its applications.",
                is_forbidden=True,
            )
        if application.status == Application.Status.RETIRED:
            raise RowError("The application is retired. Reactivate it first.")
        since, until = facts.get("since") or self._on, facts.get("until")
        if until is not None and until <= since:
            raise RowError("The end date must be after the start date.", heads.get("use.until", ""))
        uses_via_party = [use for use in candidates if use.via == (via.id if via else None)]
        if any(
            (use.until is None or use.until > since) and (until is None or use.since < until)
            for use in uses_via_party
        ):
            raise RowError(
                "This dependency is already declared for that period. Enter another period, or "
                "edit the recorded dependency.",
                heads.get("use.since", heads.get("use.model", "")),
            )
        values = {name: facts[name] for name in SHEET_DEPENDENCY_FACTS if name in facts}
        values["reached"] = self._determine_reached(facts.get("reached"), via, heads)
        changes = {name: (None, value) for name, value in values.items()}
        return DependencyPlan("add", None, model, role, via, since, until, changes)

    def _determine_reached(
        self, stated: str | None, via: KnownProvider | None, heads: Mapping[str, str]
    ) -> str:
        """Return how the model is reached, derived from `via` if it is not stated; RowError if the
        two contradict."""
        if via is None:
            if stated not in {None, Dependency.Reached.DIRECT}:
                raise RowError(
                    "Enter the gateway or vendor in between, or set Reached to direct.",
                    heads.get("use.via", heads.get("use.reached", "")),
                )
            return str(Dependency.Reached.DIRECT)
        if stated == Dependency.Reached.DIRECT:
            raise RowError(
                f"The row says direct but has {via.name} under Via. Leave one of the two empty.",
                heads.get("use.via", ""),
            )
        if stated:
            return stated
        if via.is_gateway:
            return str(Dependency.Reached.GATEWAY)
        raise RowError(
            f"Enter under Reached whether {via.name} is a gateway or the vendor of a product.",
            heads.get("use.reached", heads.get("use.via", "")),
        )

    def _check_earlier_rows(
        self, row: ParsedRow, plan: DependencyPlan, facts: Mapping[str, Any], note: str
    ) -> tuple[DependencyPlan, str]:
        """Compare the plan with earlier rows about the same dependency: a row that repeats one
        changes nothing, one that contradicts it raises RowError."""
        for earlier_row in self._accepted.get(plan.key, ()):
            if (earlier_row.until is None or earlier_row.until > plan.since) and (
                plan.until is None or earlier_row.since < plan.until
            ):
                if earlier_row.fact_hash == _hash_facts(row.use or {}):
                    plan.do, plan.changes = "keep", {}
                    return plan, f"Repeats row {earlier_row.number}."
                raise RowError(
                    f"Row {earlier_row.number} has different values for the same dependency. Keep "
                    "one of the two rows.",
                    self._heads[row.sheet].get("use.model", ""),
                )
        return plan, note


def _hash_facts(facts: Mapping[str, Any]) -> int:
    """Return a hash of the facts of a dependency, without the spelling of the model."""
    spelling = {"model", "host", "region", "tier", "via"}
    return hash(
        tuple(sorted((name, repr(value)) for name, value in facts.items() if name not in spelling))
    )
