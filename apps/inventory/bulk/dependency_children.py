"""Bulk import of the records of dependencies: adaptations, exit plans and exit tests, each found by
its dependency and its own name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apps.common.database.bulk_writes import copy_rows, reserve_ids, update_rows
from apps.inventory.actions.exits import EDITABLE_ADAPTATION_FIELDS, EDITABLE_EXIT_PLAN_FIELDS
from apps.inventory.bulk.field_readers import readers_of
from apps.inventory.bulk.merge import Merge, MergeReport, RejectedRowError, SourceRow, read_fields
from apps.inventory.bulk.references import (
    OFFERING_NAMES,
    DependencyIndex,
    OfferingLookup,
    editable_application,
    lock_applications_by_slug,
)
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan

_DEPENDENCY_NAMES = ("dependency", "application", *OFFERING_NAMES, "role")
_TARGET_NAMES = tuple(f"target_{name}" for name in OFFERING_NAMES[1:])


@dataclass(slots=True)
class _ChildKind:
    model: type[Any]
    facts: Sequence[str]
    # the fields that identify a row within its dependency
    key: tuple[str, ...]
    has_target: bool = False
    needed: tuple[str, ...] = ()
    readers: dict[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        return (
            *_DEPENDENCY_NAMES,
            *(("target", *_TARGET_NAMES) if self.has_target else ()),
            *self.facts,
        )


_ADAPTATIONS = _ChildKind(
    Adaptation, sorted(EDITABLE_ADAPTATION_FIELDS), key=("kind", "name"), needed=("kind",)
)
_EXIT_PLANS = _ChildKind(
    ExitPlan, sorted(EDITABLE_EXIT_PLAN_FIELDS - {"target"}), key=(), has_target=True
)

ADAPTATION_FIELDS = _ADAPTATIONS.fields
EXIT_PLAN_FIELDS = _EXIT_PLANS.fields


def merge_adaptations(rows: Sequence[SourceRow], merge: Merge, report: MergeReport) -> None:
    """Merge adaptations by dependency, kind and name."""
    _merge_rows(_ADAPTATIONS, rows, merge, report)


def merge_exit_plans(rows: Sequence[SourceRow], merge: Merge, report: MergeReport) -> None:
    """Merge exit plans by dependency, which has at most one."""
    _merge_rows(_EXIT_PLANS, rows, merge, report)


def _merge_rows(
    kind: _ChildKind, rows: Sequence[SourceRow], merge: Merge, report: MergeReport
) -> None:
    """Create or update one record per row and count them in `report`; rejected rows do not stop the
    others."""
    if not kind.readers:
        kind.readers.update(readers_of(kind.model, kind.facts))
    other_names = [*_DEPENDENCY_NAMES, *(("target", *_TARGET_NAMES) if kind.has_target else ())]
    lookup = _DependencyLookup(rows, merge)
    targets = _find_targets(rows, merge) if kind.has_target else None
    stored_rows = _load_rows(kind, lookup.ids)
    new_rows: list[dict[str, Any]] = []
    changes: dict[int, dict[str, Any]] = {}
    for row in rows:
        try:
            facts, other_values = read_fields(row, kind.readers, other_names)
            dependency, offering = lookup.of(other_values)
            if targets is not None and (target := targets(other_values)) is not None:
                facts["target_id"] = _check_target(target, offering)
            key = (dependency, *(facts.get(name, "") for name in kind.key))
            stored_row = stored_rows.get(key)
            if stored_row is None:
                _refuse_incomplete(kind, facts)
            else:
                facts = {name: value for name, value in facts.items() if stored_row[name] != value}
            merge.only_once((kind.model.__name__, *key), row.number)
        except RejectedRowError as rejection:
            report.reject(row.number, _row_label(row.value), str(rejection))
            continue
        if stored_row is None:
            new_rows.append({**facts, "dependency_id": dependency})
        elif facts:
            changes[stored_row["id"]] = {**facts, "updated_at": merge.at}
        else:
            report.unchanged += 1
    for new_row, pk in zip(new_rows, reserve_ids(kind.model, len(new_rows)), strict=True):
        new_row["id"] = pk
    copy_rows(kind.model, new_rows, at=merge.at)
    update_rows(kind.model, changes)
    report.created += len(new_rows)
    report.updated += len(changes)


def _check_target(target: int, offering: int) -> int:
    if target == offering:
        raise RejectedRowError(
            "target: The target is the offering in use today. Choose the offering to migrate to."
        )
    return target


def _refuse_incomplete(kind: _ChildKind, facts: dict[str, Any]) -> None:
    missing_names = [name for name in kind.needed if not facts.get(name)]
    if missing_names:
        raise RejectedRowError(
            f"No record has this name, and a new one needs {' and '.join(missing_names)}. Check "
            "the name, or add what is missing."
        )


def _load_rows(kind: _ChildKind, ids: set[int]) -> dict[tuple[Any, ...], dict[str, Any]]:
    columns = [*kind.facts, *(["target_id"] if kind.has_target else [])]
    rows = (
        kind.model.objects.filter(dependency_id__in=ids)
        .order_by("-pk")
        .values("id", "dependency_id", *columns)
    )
    # if two rows have the same name, the older one is used
    return {(row["dependency_id"], *(row[name] for name in kind.key)): row for row in rows}


def _find_targets(
    rows: Sequence[SourceRow], merge: Merge
) -> Callable[[dict[str, Any]], int | None]:
    """Return a function that reads the target offering of a row: `target` is its ID, or
    `target_host` and `target_api_id` identify it."""
    target_rows = [
        SourceRow(row.number, {**row.value, "target_offering": row.value.get("target")})
        for row in rows
        if isinstance(row.value, dict)
    ]
    offerings = OfferingLookup(target_rows, merge, prefix="target_")
    return lambda other_values: offerings.of(
        {**other_values, "target_offering": other_values.get("target")}
    )


class _DependencyLookup:
    """The dependencies that the rows identify: by ID, or by application, offering and role as of
    today."""

    def __init__(self, rows: Sequence[SourceRow], merge: Merge) -> None:
        """Load the dependencies that the rows name by ID or by application, offering and role; lock
        their applications."""
        self._merge = merge
        self._applications = lock_applications_by_slug(rows, merge)
        self._offerings = OfferingLookup(rows, merge)
        self._uses = DependencyIndex(application.id for application in self._applications.values())
        dependency_ids = {
            dependency_id
            for row in rows
            if isinstance(row.value, dict)
            and type(dependency_id := row.value.get("dependency")) is int
        }
        self._by_id: dict[int, tuple[int, int]] = {}
        if dependency_ids:
            dependencies = Dependency.objects.filter(
                merge.visible_rows("application__team"),
                pk__in=[pk for pk in dependency_ids if 0 < pk < 2**63],
            )
            self._by_id = {
                pk: (team, offering)
                for pk, team, offering in dependencies.values_list(
                    "pk", "application__team_id", "offering_id"
                )
            }
            application_ids = (
                Application.objects.filter(dependencies__in=self._by_id)
                .order_by("pk")
                .values_list("pk")
            )
            # concurrent changes of these dependencies wait
            list(
                Application.objects.select_for_update(of=("self",))
                .filter(pk__in=application_ids)
                .order_by("pk")
            )
        self.ids = {*self._by_id, *self._uses.ids}

    def of(self, other_values: dict[str, Any]) -> tuple[int, int]:
        """Return (dependency ID, ID of its offering)."""
        if "dependency" in other_values:
            pk = other_values["dependency"]
            team, offering = self._by_id.get(pk, (None, 0)) if type(pk) is int else (None, 0)
            if team is None:
                raise RejectedRowError(
                    f"dependency: Dependency {str(pk)[:40]} was not found. It does not exist "
                    "or you do not have access."
                )
            if team not in self._merge.editable:
                raise RejectedRowError(
                    f"You need the editor role on {self._merge.team_slugs[team]} to change this "
                    "dependency."
                )
            return int(pk), offering
        application = editable_application(other_values, self._applications, self._merge)
        offering_id = self._offerings.required(other_values)
        role = other_values.get("role", Dependency.Role.PRIMARY.value)
        today: date = self._merge.on
        uses = self._uses.at(application.id, offering_id, str(role), today, None)
        if not uses:
            raise RejectedRowError(
                f"The application does not use this offering as {str(role)[:20]} today. Check "
                "the role and the offering."
            )
        if len(uses) > 1:
            raise RejectedRowError(
                "Several dependencies use this offering in that role. Use the id of the dependency."
            )
        return uses[0]["id"], offering_id


def _row_label(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    label = (
        value.get("dependency")
        or f"{value.get('application', '')} {value.get('host', '')}/{value.get('api_id', '')}"
    )
    return f"{label} {value.get('kind', '')} {value.get('name', '')}".strip()[:240]


__all__ = ["ADAPTATION_FIELDS", "EXIT_PLAN_FIELDS", "merge_adaptations", "merge_exit_plans"]
