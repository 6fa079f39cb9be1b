"""Dependency plans: the dependency that a row describes, compared with the inventory (the second
half of a row's plan)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from apps.intake.spreadsheets.columns.rows import ParsedRow, jsonable
from apps.intake.spreadsheets.plan.errors import RowError
from apps.intake.spreadsheets.plan.existing_records import (
    SHEET_DEPENDENCY_FACTS,
    ExistingDependency,
    ExistingRecords,
)
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup, KnownProvider, ResolvedModel
from apps.inventory.models import Application, Dependency


@dataclass(frozen=True, slots=True)
class ApplicationOfRow:
    """Application of a row: `key` is the existing id, or minus the key of one that the spreadsheet
    adds."""

    key: int
    id: int | None
    status: str
    may_edit: bool
    team: str


@dataclass(slots=True)
class DependencyPlan:
    """Plan for a dependency: `id` is the existing dependency, None for a new one; `offering` is
    None if `new` has to be created first."""

    do: str  # add, change or keep
    id: int | None
    named: ResolvedModel
    role: str
    via: KnownProvider | None
    since: date
    until: date | None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    key: Any = None

    def as_json(self) -> dict[str, Any]:
        named = self.named
        return {
            "do": self.do,
            "id": self.id,
            "offering": named.offering,
            "new": list(named.new) if named.new else None,
            "host": named.host,
            "api_id": named.api_id,
            "confidence": named.confidence,
            "why": named.why,
            "resolved": named.resolved,
            "role": self.role,
            "via": self.via.id if self.via else None,
            "via_name": self.via.name if self.via else "",
            "since": self.since.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "changes": {
                name: [jsonable(old), jsonable(new)] for name, (old, new) in self.changes.items()
            },
        }


class _AcceptedRow(NamedTuple):
    """Facts of a dependency in an earlier row, in compact form: a million of them are held while a
    spreadsheet is processed."""

    number: int
    since: date
    until: date | None
    told: int


class DependencyPlanner:
    def __init__(
        self,
        register: ExistingRecords,
        catalogue: CatalogueLookup,
        *,
        heads: Sequence[Mapping[str, str]],
        on: date,
    ) -> None:
        self._register = register
        self._catalogue = catalogue
        self._heads = heads
        self._on = on
        self._accepted: dict[Any, tuple[_AcceptedRow, ...]] = {}

    def plan(self, said: ParsedRow, application: ApplicationOfRow) -> tuple[DependencyPlan, str]:
        """Return the plan of the row's dependency and a note on what was assumed; RowError with a
        sentence."""
        facts = said.use or {}
        heads = self._heads[said.sheet]
        named = self._catalogue.name(
            host=facts.get("host", ""),
            model=facts["model"],
            region=facts.get("region", ""),
            tier=facts.get("tier", ""),
        )
        if named.refusal:
            raise RowError(named.refusal, heads.get(named.column, heads.get("use.model", "")))
        via = self._via(facts, heads)
        candidates = [
            use
            for use in (
                self._register.uses.get(application.id, ()) if application.id is not None else ()
            )
            if use.offering == named.offering
            and ("role" not in facts or use.role == facts["role"])
            and (use.via == (via.id if via else None) if "use.via" in heads else True)
        ]
        role, note = self._role(facts, named, candidates)
        candidates = [use for use in candidates if use.role == role]
        found = self._match(facts, candidates, heads)
        if found is not None:
            plan = self._change(facts, named, found, application, heads, candidates)
        else:
            plan = self._add(facts, named, role, via, application, heads, candidates)
            if plan.named.new is not None and not plan.named.resolved:
                note = f"{note} Select the model under Unresolved models.".strip()
        plan.key = (application.key, named.key, plan.role, plan.via.id if plan.via else None)
        return self._against_earlier(said, plan, facts, note)

    def keep(self, said: ParsedRow, plan: DependencyPlan) -> None:
        accepted = _AcceptedRow(said.number, plan.since, plan.until, _fact_hash(said.use or {}))
        self._accepted[plan.key] = (*self._accepted.get(plan.key, ()), accepted)

    # --- which use --------------------------------------------------------------------------------

    def _via(self, facts: Mapping[str, Any], heads: Mapping[str, str]) -> KnownProvider | None:
        text = facts.get("via", "")
        if not text or text.casefold() in {"direct", "directly"}:
            return None
        party = self._catalogue.party(text)
        if party is None:
            raise RowError(
                f"'{text}' is not a known provider. Use the name or ID of a provider in the "
                "registry, or ask a governance user to add it.",
                heads.get("use.via", ""),
            )
        return party

    def _role(
        self,
        facts: Mapping[str, Any],
        named: ResolvedModel,
        candidates: Sequence[ExistingDependency],
    ) -> tuple[str, str]:
        """Return the role and, if it was not stated, a note."""
        if "role" in facts:
            return str(facts["role"]), ""
        current = {use.role for use in candidates if use.is_current(self._on)}
        if len(current) == 1:
            return current.pop(), ""
        role = named.role or str(Dependency.Role.PRIMARY)
        return role, f"The role was read as {role}."

    def _match(
        self,
        facts: Mapping[str, Any],
        candidates: Sequence[ExistingDependency],
        heads: Mapping[str, str],
    ) -> ExistingDependency | None:
        """Return the matching dependency, by its first day if that is stated, else the one in
        use."""
        since = facts.get("since")
        exact = [use for use in candidates if use.since == since]
        if len(exact) == 1:
            return exact[0]
        current = [use for use in exact or candidates if use.is_current(self._on)]
        if since is not None and not exact:
            # the sheet may correct the day; a time that has ended before is another use
            until = facts.get("until")
            current = [use for use in current if until is None or use.since < until]
        if len(current) > 1:
            raise RowError(
                "Several recorded dependencies match this row. Add the role, via and the start "
                "date.",
                heads.get("use.model", ""),
            )
        return current[0] if current else None

    # --- what becomes of it -----------------------------------------------------------------------

    def _change(
        self,
        facts: Mapping[str, Any],
        named: ResolvedModel,
        found: ExistingDependency,
        application: ApplicationOfRow,
        heads: Mapping[str, str],
        candidates: Sequence[ExistingDependency],
    ) -> DependencyPlan:
        changes: dict[str, tuple[Any, Any]] = {
            name: (found.facts[name], facts[name])
            for name in SHEET_DEPENDENCY_FACTS
            if name in facts and facts[name] != found.facts[name]
        }
        if (
            changes.get("reached", ("", found.facts["reached"]))[1] == Dependency.Reached.DIRECT
        ) != (found.via is None):
            raise RowError(
                "A direct call has no gateway or vendor. Leave Via empty, or change Reached.",
                heads.get("use.reached", ""),
            )
        since, until = facts.get("since", found.since), facts.get("until")
        if since != found.since:
            if found.until is not None and since >= found.until:
                raise RowError(
                    f"The recorded dependency ended on {found.until}, before the start date in "
                    "the row. Leave the date empty.",
                    heads.get("use.since", ""),
                )
            if any(
                use is not found
                and use.via == found.via
                and use.until is not None
                and since < use.until <= found.since
                for use in candidates
            ):
                raise RowError(
                    "The dependency was recorded before and has ended. Leave the date empty.",
                    heads.get("use.since", ""),
                )
            changes["since"] = (found.since, since)
        if until is not None and until != found.until:
            if until <= since:
                raise RowError(
                    f"The dependency is in use since {since}. Enter a later end date.",
                    heads.get("use.until", ""),
                )
            if found.until is not None and until > found.until:
                raise RowError(
                    f"The recorded dependency ends on {found.until}. Change its end date on the "
                    "page of the application.",
                    heads.get("use.until", ""),
                )
            changes["until"] = (found.until, until)
        if changes and not application.may_edit:
            raise RowError(
                f"You need the editor role on {application.team} to change its applications."
            )
        return DependencyPlan(
            "change" if changes else "keep",
            found.id,
            named,
            found.role,
            self._catalogue.party_by_id(found.via) if found.via is not None else None,
            since,
            until or found.until,
            changes,
        )

    def _add(
        self,
        facts: Mapping[str, Any],
        named: ResolvedModel,
        role: str,
        via: KnownProvider | None,
        application: ApplicationOfRow,
        heads: Mapping[str, str],
        candidates: Sequence[ExistingDependency],
    ) -> DependencyPlan:
        if not application.may_edit:
            raise RowError(
                f"You need the editor role on {application.team} to change its applications."
            )
        if application.status == Application.Status.RETIRED:
            raise RowError("The application is retired. Reactivate it first.")
        since, until = facts.get("since") or self._on, facts.get("until")
        if until is not None and until <= since:
            raise RowError("The end date must be after the start date.", heads.get("use.until", ""))
        same = [use for use in candidates if use.via == (via.id if via else None)]
        if any(
            (use.until is None or use.until > since) and (until is None or use.since < until)
            for use in same
        ):
            raise RowError(
                "This dependency is already declared for that period. Enter another period, or "
                "edit the recorded dependency.",
                heads.get("use.since", heads.get("use.model", "")),
            )
        values = {name: facts[name] for name in SHEET_DEPENDENCY_FACTS if name in facts}
        values["reached"] = self._reached(facts.get("reached"), via, heads)
        changes = {name: (None, value) for name, value in values.items()}
        return DependencyPlan("add", None, named, role, via, since, until, changes)

    def _reached(
        self, said: str | None, via: KnownProvider | None, heads: Mapping[str, str]
    ) -> str:
        if via is None:
            if said not in {None, Dependency.Reached.DIRECT}:
                raise RowError(
                    "Enter the gateway or vendor in between, or set Reached to direct.",
                    heads.get("use.via", heads.get("use.reached", "")),
                )
            return str(Dependency.Reached.DIRECT)
        if said == Dependency.Reached.DIRECT:
            raise RowError(
                f"The row says direct but has {via.name} under Via. Leave one of the two empty.",
                heads.get("use.via", ""),
            )
        if said:
            return said
        if via.is_gateway:
            return str(Dependency.Reached.GATEWAY)
        raise RowError(
            f"Enter under Reached whether {via.name} is a gateway or the vendor of a product.",
            heads.get("use.reached", heads.get("use.via", "")),
        )

    def _against_earlier(
        self, said: ParsedRow, plan: DependencyPlan, facts: Mapping[str, Any], note: str
    ) -> tuple[DependencyPlan, str]:
        """Compare two rows of one spreadsheet about the same dependency: the second repeats the
        first, or contradicts it."""
        for other in self._accepted.get(plan.key, ()):
            if (other.until is None or other.until > plan.since) and (
                plan.until is None or other.since < plan.until
            ):
                if other.told == _fact_hash(facts):
                    plan.do, plan.changes = "keep", {}
                    return plan, f"Repeats row {other.number}."
                raise RowError(
                    f"Row {other.number} has different values for the same dependency. Keep one "
                    "of the two rows.",
                    self._heads[said.sheet].get("use.model", ""),
                )
        return plan, note


def _fact_hash(facts: Mapping[str, Any]) -> int:
    """Return a hash of the facts of a dependency, without the spelling of the model."""
    spelling = {"model", "host", "region", "tier", "via"}
    return hash(
        tuple(sorted((name, repr(value)) for name, value in facts.items() if name not in spelling))
    )
