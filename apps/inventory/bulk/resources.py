"""Bulk changes by natural key, as REST offers them: `BULK_RESOURCES` by resource."""

from dataclasses import dataclass

from apps.inventory.bulk import applications, dependencies, dependency_children
from apps.inventory.bulk.merge import Merger


@dataclass(frozen=True, slots=True)
class BulkResource:
    """What a resource takes: `fields` are the names a row may give, `key` says by which it is
    recognised."""

    merge: Merger
    fields: tuple[str, ...]
    key: str


BULK_RESOURCES: dict[str, BulkResource] = {
    "applications": BulkResource(applications.merge_applications, applications.FIELDS, "slug"),
    "dependencies": BulkResource(
        dependencies.merge_dependencies,
        dependencies.FIELDS,
        (
            "application, offering (or host and api_id, with region and tier) and role, on the "
            "date of the row"
        ),
    ),
    "adaptations": BulkResource(
        dependency_children.merge_adaptations,
        dependency_children.ADAPTATION_FIELDS,
        "dependency (or application, host, api_id and role), kind and name",
    ),
    "exit-plans": BulkResource(
        dependency_children.merge_exit_plans,
        dependency_children.EXIT_PLAN_FIELDS,
        "dependency (or application, host, api_id and role)",
    ),
}
