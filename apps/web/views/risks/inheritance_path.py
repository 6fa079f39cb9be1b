"""Inheritance path of a risk: the steps from the application down to the node that the risk is
attached to."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.catalog.models import Derivation, Footing, NodeKind, Provider, Version, Via
from apps.inventory.models import Dependency
from apps.risks.queries.inherited import InheritedRisk
from apps.web.views.risks.presenters import VIAS, node_of_risk, page_of_node

# lineage is walked no further
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
    """Application, offering, and down to the risk's node; `dependency` with application, offering
    and host.

    At most ten statements: one a step of lineage.
    """
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
    thing = node_of_risk(row.node_kind, row.node_ref)
    if row.via is None:
        party = dependency.via_party
        reached = (
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
                    reached,
                    reverse("providers:detail", args=[party.slug]),
                    is_node,
                )
            )
            if not is_node and thing is not None:
                steps.append(
                    PathStep(
                        row.node_kind.capitalize(),
                        str(thing),
                        "belongs to",
                        page_of_node("host", thing),
                        True,
                    )
                )
        return steps
    is_offering = row.node_kind == "offering" and row.node_ref == offering.pk
    steps.append(
        PathStep(
            "Offering",
            f"{offering.api_id} · {offering.host.name}",
            f"calls it as {role}",
            reverse("offerings:detail", args=[offering.pk]),
            is_offering,
        )
    )
    if is_offering or thing is None:
        return steps
    if row.node_kind in ("version", "foundation", "developer"):
        steps += _down_the_model(row, offering.pk)
    else:
        tie = {
            "host": "served by",
            "gateway": "served through",
            "region": "served in",
            "offering": "answered by, after its end",
        }.get(row.node_kind, VIAS[row.via])
        if row.node_kind == "host" and row.node_ref != offering.host_id:
            steps.append(
                PathStep(
                    "Host",
                    offering.host.name,
                    tie,
                    reverse("providers:detail", args=[offering.host.slug]),
                )
            )
            tie = "belongs to"
        steps.append(
            PathStep(
                row.node_kind.capitalize(),
                str(thing),
                tie,
                page_of_node(row.node_kind, thing),
                True,
            )
        )
    return steps


def _down_the_model(row: InheritedRisk, offering_id: int) -> list[PathStep]:
    """Version that answers, what it was made from, foundation, developer, as far as the node."""
    answering = list(
        Footing.objects.filter(
            offering=offering_id, node__kind=NodeKind.VERSION, via__in=(Via.DIRECT, Via.ONE_OF)
        )
        .order_by("depth", "via", "node__ref")
        .values_list("node__ref", "via")[:12]
    )
    if not answering:
        thing = node_of_risk(row.node_kind, row.node_ref)
        return [
            PathStep(row.node_kind.capitalize(), str(thing), VIAS[row.via or "direct"], "", True)
        ]
    path = _lineage(row, [ref for ref, _via in answering])
    tie = "answers with" if answering[0][1] == Via.DIRECT else "may answer with"
    steps = []
    for version, kind in path:
        made = f"made from, by {kind.lower()}" if kind else tie
        here = row.node_kind == "version" and version.pk == row.node_ref
        steps.append(
            PathStep("Version", version.identifier, made, page_of_node("version", version), here)
        )
    if row.node_kind == "version":
        return steps
    foundation = path[-1][0].foundation
    here = row.node_kind == "foundation"
    steps.append(
        PathStep(
            "Foundation",
            foundation.name,
            "a release of",
            page_of_node("foundation", foundation),
            here,
        )
    )
    if row.node_kind == "developer":
        developer: Provider | None = foundation.developer
        tie = "trained by"
        while developer is not None and len(steps) < MAX_DEPTH + 4:
            here = developer.pk == row.node_ref
            steps.append(
                PathStep(
                    "Developer", developer.name, tie, page_of_node("developer", developer), here
                )
            )
            developer, tie = (None if here else developer.parent), "belongs to"
    return steps


def _lineage(row: InheritedRisk, answering: list[int]) -> list[tuple[Version, str]]:
    """The shortest way up the lineage to a version that is, or belongs to, the risk's node:
    (version, how it was made into the one before)."""
    seen: dict[int, tuple[int | None, str]] = dict.fromkeys(answering, (None, ""))
    edge = list(answering)
    versions: dict[int, Any] = {}
    for _depth in range(MAX_DEPTH):
        loaded = Version.objects.select_related("foundation__developer__parent").in_bulk(edge)
        versions.update(loaded)
        for ref in edge:
            if ref in loaded and _is_of(loaded[ref], row):
                return _walked(ref, seen, versions)
        parents = (
            Derivation.objects.filter(child__in=edge)
            .order_by("pk")
            .values_list("parent_id", "child_id", "kind")
        )
        edge = []
        for parent, child, kind in parents:
            if parent not in seen:
                seen[parent] = (child, Derivation.Kind(kind).label)
                edge.append(parent)
        if not edge:
            break
    return _walked(answering[0], seen, versions)


def _is_of(version: Version, row: InheritedRisk) -> bool:
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


def _walked(
    ref: int, seen: dict[int, tuple[int | None, str]], versions: dict[int, Version]
) -> list[tuple[Version, str]]:
    path: list[tuple[Version, str]] = []
    at: int | None = ref
    while at is not None:
        child, kind = seen[at]
        path.append((versions[at], kind))
        at = child
    return list(reversed(path))
