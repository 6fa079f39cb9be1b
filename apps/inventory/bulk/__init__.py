"""Bulk changes by natural key, as REST offers them: `MERGERS` by resource."""

from dataclasses import dataclass

from apps.inventory.bulk import applications, dependencies, of_dependencies
from apps.inventory.bulk.merging import BLOCK, MOST_NAMED, Merge, Merger, Numbered, Rejected, Report


@dataclass(frozen=True, slots=True)
class BulkKind:
    """What a resource takes: `fields` are the names a row may give, `key` says by which it is
    recognised."""

    merge: Merger
    fields: tuple[str, ...]
    key: str


MERGERS: dict[str, BulkKind] = {
    "applications": BulkKind(applications.merge_applications, applications.FIELDS, "slug"),
    "dependencies": BulkKind(
        dependencies.merge_dependencies,
        dependencies.FIELDS,
        "application, offering (or host and api_id, with region and tier) and role, at the time it "
        "speaks of",
    ),
    "adaptations": BulkKind(
        of_dependencies.merge_adaptations,
        of_dependencies.ADAPTATION_FIELDS,
        "dependency (or application, host, api_id and role), kind and name",
    ),
    "exit-plans": BulkKind(
        of_dependencies.merge_exit_plans,
        of_dependencies.EXIT_PLAN_FIELDS,
        "dependency (or application, host, api_id and role)",
    ),
}

__all__ = [
    "BLOCK",
    "MERGERS",
    "MOST_NAMED",
    "BulkKind",
    "Merge",
    "Merger",
    "Numbered",
    "Rejected",
    "Report",
]
