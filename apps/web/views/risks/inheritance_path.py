"""Inheritance path of a risk: the steps from the application down to the node that the risk is
attached to."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.catalog.models import Derivation, Footing, NodeKind, Provider, Version, Via
from apps.inventory.models import Dependency
from apps.risks.queries.inherited import InheritedRisk
from apps.web.views.risks.presenters import VIAS, node_of_risk, page_of_node

# levels of lineage to follow
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class PathStep:
    """Step of the path; `tie` is its relationship to the step before."""

    kind: str
    name: str
    tie: str
    url: str
    is_node: bool = False


def inheritance_path(row: InheritedRisk, dependency: Dependency) -> list[PathStep]:
    """Return the path from the application to the risk's node. `dependency` must be loaded with
    application, offering and host. Ten statements at most: one per step of the lineage."""
    offering = dependency.offering
    steps = [
        PathStep(
            "Application",
            dependency.application.name,
            "",
            reverse("applications:detail", args=[dependency.application.slug]),
        )
    ]
    role = dependency.get_role_display().lower()
    node = node_of_risk(row.node_kind, row.node_ref)
    if row.via is None:
        party = dependency.via_party
        party_relationship = (
            "reached through a gateway"
            if row.node_kind == "gateway"
            else "embedded in a product of"
        )
        if party is not None:
            is_node = party.pk == row.node_ref
            steps.append(
                PathStep(
                    row.node_kind.capitalize(),
                    party.name,
                    party_relationship,
                    reverse("providers:detail", args=[party.slug]),
                    is_node,
                )
            )
            if not is_node and node is not None:
                steps.append(
                    PathStep(
                        row.node_kind.capitalize(),
                        str(node),
                        "belongs to",
                        page_of_node("host", node),
                        True,
                    )
                )
        return steps
    is_offering = row.node_kind == "offering" and row.node_ref == offering.pk
    steps.append(
        PathStep(
            "Offering",
            f"{offering.api_id} · {offering.host.name}",
            f"used as {role}",
            reverse("offerings:detail", args=[offering.pk]),
            is_offering,
        )
    )
    if is_offering or node is None:
        return steps
    if row.node_kind in ("version", "foundation", "developer"):
        steps += _build_model_steps(row, offering.pk)
    else:
        relationship = {
            "host": "served by",
            "gateway": "served through",
            "region": "served in",
            "offering": "redirected to, after retirement",
        }.get(row.node_kind, VIAS[row.via])
        if row.node_kind == "host" and row.node_ref != offering.host_id:
            steps.append(
                PathStep(
                    "Host",
                    offering.host.name,
                    relationship,
                    reverse("providers:detail", args=[offering.host.slug]),
                )
            )
            relationship = "belongs to"
        steps.append(
            PathStep(
                row.node_kind.capitalize(),
                str(node),
                relationship,
                page_of_node(row.node_kind, node),
                True,
            )
        )
    return steps


def _build_model_steps(row: InheritedRisk, offering_id: int) -> list[PathStep]:
    """Return the steps below the offering: served version, the versions it derives from, foundation
    and developer, as far as the node."""
    served_versions = list(
        Footing.objects.filter(
            offering=offering_id, node__kind=NodeKind.VERSION, via__in=(Via.DIRECT, Via.ONE_OF)
        )
        .order_by("depth", "via", "node__ref")
        .values_list("node__ref", "via")[:12]
    )
    if not served_versions:
        node = node_of_risk(row.node_kind, row.node_ref)
        return [
            PathStep(row.node_kind.capitalize(), str(node), VIAS[row.via or "direct"], "", True)
        ]
    path = _find_lineage(row, [ref for ref, _via in served_versions])
    relationship = (
        "served model" if served_versions[0][1] == Via.DIRECT else "possible served model"
    )
    steps = []
    for version, kind in path:
        version_relationship = f"made from, by {kind.lower()}" if kind else relationship
        is_node = row.node_kind == "version" and version.pk == row.node_ref
        steps.append(
            PathStep(
                "Version",
                version.identifier,
                version_relationship,
                page_of_node("version", version),
                is_node,
            )
        )
    if row.node_kind == "version":
        return steps
    foundation = path[-1][0].foundation
    is_node = row.node_kind == "foundation"
    steps.append(
        PathStep(
            "Foundation",
            foundation.name,
            "a release of",
            page_of_node("foundation", foundation),
            is_node,
        )
    )
    if row.node_kind == "developer":
        developer: Provider | None = foundation.developer
        relationship = "trained by"
        while developer is not None and len(steps) < MAX_DEPTH + 4:
            is_node = developer.pk == row.node_ref
            steps.append(
                PathStep(
                    "Developer",
                    developer.name,
                    relationship,
                    page_of_node("developer", developer),
                    is_node,
                )
            )
            developer, relationship = (None if is_node else developer.parent), "belongs to"
    return steps


def _find_lineage(row: InheritedRisk, version_ids: list[int]) -> list[tuple[Version, str]]:
    """Return the shortest path [(version, derivation kind)] up the lineage to a version that is the
    risk's node or belongs to it."""
    links: dict[int, tuple[int | None, str]] = dict.fromkeys(version_ids, (None, ""))
    level_ids = list(version_ids)
    versions: dict[int, Any] = {}
    for _depth in range(MAX_DEPTH):
        loaded_versions = Version.objects.select_related("foundation__developer__parent").in_bulk(
            level_ids
        )
        versions.update(loaded_versions)
        for ref in level_ids:
            if ref in loaded_versions and _belongs_to_node(loaded_versions[ref], row):
                return _trace_lineage(ref, links, versions)
        parents = (
            Derivation.objects.filter(child__in=level_ids)
            .order_by("pk")
            .values_list("parent_id", "child_id", "kind")
        )
        level_ids = []
        for parent, child, kind in parents:
            if parent not in links:
                links[parent] = (child, Derivation.Kind(kind).label)
                level_ids.append(parent)
        if not level_ids:
            break
    return _trace_lineage(version_ids[0], links, versions)


def _belongs_to_node(version: Version, row: InheritedRisk) -> bool:
    match row.node_kind:
        case "version":
            return version.pk == row.node_ref
        case "foundation":
            return version.foundation_id == row.node_ref
    developer: Provider | None = version.foundation.developer
    for _up in range(4):
        if developer is None:
            return False
        if developer.pk == row.node_ref:
            return True
        developer = developer.parent
    return False


def _trace_lineage(
    served_version_id: int, links: dict[int, tuple[int | None, str]], versions: dict[int, Version]
) -> list[tuple[Version, str]]:
    path: list[tuple[Version, str]] = []
    version_id: int | None = served_version_id
    while version_id is not None:
        child, kind = links[version_id]
        path.append((versions[version_id], kind))
        version_id = child
    return list(reversed(path))
