"""The resources that REST can change in bulk by natural key."""

from dataclasses import dataclass

from apps.inventory.bulk import applications, dependencies, dependency_children
from apps.inventory.bulk.merge import Merger


@dataclass(frozen=True, slots=True)
class BulkResource:
    """The definition of a resource: `fields` are the fields that a row can have, `key` those that
    identify its record."""

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
