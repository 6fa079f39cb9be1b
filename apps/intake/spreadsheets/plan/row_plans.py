"""Plan of one row of a spreadsheet: what becomes of its application and its dependencies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apps.catalog.identity.named_models import NamedModel
from apps.intake.spreadsheets.columns.reasons import RowReason
from apps.intake.spreadsheets.columns.rows import ParsedRow, jsonable
from apps.intake.spreadsheets.plan.known_models import KnownProvider, ResolvedModel

ADDED, CHANGED, UNCHANGED, REFUSED = "added", "changed", "unchanged", "refused"


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
class DependencyPlan:
    """Plan for a dependency: `id` is the existing dependency, None for a new one; `offering` is
    None if `new` has to be created first."""

    do: str  # add, change or keep
    id: int | None
    model: ResolvedModel
    role: str
    via: KnownProvider | None
    since: date
    until: date | None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    key: Any = None
    note: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)  # {slug: name} to be created

    def as_json(self) -> dict[str, Any]:
        """Return the plan as stored with its row; `changes` are {fact: [old value, new value]}."""
        model = self.model
        return {
            "do": self.do,
            "id": self.id,
            "offering": model.offering,
            "new": list(model.new) if model.new else None,
            "named": _named_as_json(model.named) if model.named else None,
            "host": model.host,
            "api_id": model.api_id,
            "confidence": model.confidence,
            "why": model.why,
            "resolved": model.resolved,
            "role": self.role,
            "via": self.via.id if self.via else None,
            "via_name": self.via.name if self.via else "",
            "since": self.since.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "changes": {
                name: [jsonable(old_value), jsonable(new_value)]
                for name, (old_value, new_value) in self.changes.items()
            },
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
    uses: list[DependencyPlan] = field(default_factory=list)
    reasons: list[RowReason] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the planned changes; equal for two plans with the same effect. `further` are the
        dependencies after the first one."""
        uses = [use.as_json() for use in self.uses]
        return {
            "application": self.application.as_json() if self.application else None,
            "use": uses[0] if uses else None,
            **({"further": uses[1:]} if uses[1:] else {}),
        }


def _named_as_json(named: NamedModel) -> dict[str, Any]:
    return {
        "host": named.host,
        "text": named.text,
        "kind": str(named.kind),
        "label": named.label,
        "region": named.region,
        "tier": named.tier,
        "versions": list(named.versions),
        "foundations": list(named.foundations),
    }
