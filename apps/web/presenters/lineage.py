"""Lineage of versions and foundations: relatives within two steps, for the diagram, its table and
its CSV."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from apps.catalog.models import Derivation, Version
from apps.web.drawings.base.picture import ResponsivePicture, responsive_picture
from apps.web.drawings.diagrams.lineage import LineageLink, LineageVersion, draw_lineage

MAX_HOPS = 2
MAX_EDGES = 60
MAX_DRAWN_EDGES = 24
SUCCESSION = "succession"


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """Edge of the lineage: `child` was made from, or follows, `parent`. `kind` is a derivation's,
    or succession."""

    parent: Version
    child: Version
    kind: str
    word: str
    source_url: str = ""


def lineage_edges(versions: Iterable[int]) -> list[LineageEdge]:
    """Return the edges between these versions and their ancestors and descendants, up to MAX_HOPS
    steps away.

    Two statements per step and one for the versions. At most MAX_EDGES edges of each kind per
    step."""
    seen_ids, frontier_ids = set(versions), set(versions)
    derived: dict[int, tuple[int, int, str, str, str]] = {}
    successions: set[tuple[int, int]] = set()
    for _hop in range(MAX_HOPS):
        if not frontier_ids:
            break
        neighbour_ids: set[int] = set()
        for row in Derivation.objects.filter(
            Q(child__in=frontier_ids) | Q(parent__in=frontier_ids)
        ).order_by("pk")[:MAX_EDGES]:
            derived[row.pk] = (
                row.parent_id,
                row.child_id,
                row.kind,
                row.get_kind_display(),
                row.source_url,
            )
            neighbour_ids |= {row.parent_id, row.child_id}
        for pk, predecessor in (
            Version.objects.filter(
                Q(pk__in=frontier_ids) | Q(predecessor__in=frontier_ids), predecessor__isnull=False
            )
            .order_by("pk")
            .values_list("pk", "predecessor")[:MAX_EDGES]
        ):
            if predecessor is not None:
                successions.add((predecessor, pk))
                neighbour_ids |= {predecessor, pk}
        frontier_ids = neighbour_ids - seen_ids
        seen_ids |= neighbour_ids
    rows = (
        Version.objects.select_related("foundation__developer").in_bulk(seen_ids)
        if derived or successions
        else {}
    )
    derived_pairs = {(parent, child) for parent, child, *_rest in derived.values()}
    edges = [
        LineageEdge(rows[parent], rows[child], kind, kind_label, url)
        for parent, child, kind, kind_label, url in derived.values()
        if parent in rows and child in rows
    ]
    edges += [
        LineageEdge(rows[parent], rows[child], SUCCESSION, "Successor")
        for parent, child in sorted(successions - derived_pairs)
        if parent in rows and child in rows
    ]
    return sorted(
        edges,
        key=lambda edge: (
            edge.child.released_on is None,
            edge.child.identifier,
            edge.parent.identifier,
        ),
    )


def version_picture(
    version: Version, edges: Sequence[LineageEdge], *, width: float
) -> ResponsivePicture | None:
    """Return the drawing of the version and its relatives, nearest first; None without
    relatives."""
    if not edges:
        return None
    version_by_id = {
        version.pk: version,
        **{row.pk: row for edge in edges for row in (edge.parent, edge.child)},
    }
    nearest_edges = sorted(
        edges, key=lambda edge: version.pk not in {edge.parent.pk, edge.child.pk}
    )
    links = [
        LineageLink(str(edge.parent.pk), str(edge.child.pk), edge.kind) for edge in nearest_edges
    ][:MAX_DRAWN_EDGES]
    drawn_keys = {key for edge in links for key in (edge.parent, edge.child)}
    versions = [
        LineageVersion(
            str(pk),
            row.name,
            _version_note(row, version.foundation.developer_id),
            own=pk == version.pk,
        )
        for pk, row in version_by_id.items()
        if str(pk) in drawn_keys
    ]
    return responsive_picture(draw_lineage, versions, links, width=width)


def foundation_picture(
    pk: int, edges: Sequence[LineageEdge], *, width: float
) -> ResponsivePicture | None:
    """Draw the lineage of foundations: versions of one are one box; an edge within a foundation is
    left out."""
    edges_between = [
        edge for edge in edges if edge.parent.foundation_id != edge.child.foundation_id
    ]
    if not edges_between:
        return None
    version_by_foundation = {
        row.foundation_id: row for edge in edges_between for row in (edge.parent, edge.child)
    }
    own_version = version_by_foundation.get(pk)
    versions = [
        LineageVersion(
            str(foundation),
            row.foundation.name,
            _version_note(row, own_version.foundation.developer_id if own_version else 0),
            own=foundation == pk,
        )
        for foundation, row in version_by_foundation.items()
    ]
    # edges of the foundation itself first; a picture has room for MAX_DRAWN_EDGES
    nearest_edges = sorted(
        edges_between,
        key=lambda edge: pk not in {edge.parent.foundation_id, edge.child.foundation_id},
    )
    links = list(
        dict.fromkeys(
            LineageLink(str(edge.parent.foundation_id), str(edge.child.foundation_id), edge.kind)
            for edge in nearest_edges
        )
    )[:MAX_DRAWN_EDGES]
    drawn_keys = {key for edge in links for key in (edge.parent, edge.child)}
    return responsive_picture(
        draw_lineage,
        [drawn_version for drawn_version in versions if drawn_version.key in drawn_keys],
        links,
        width=width,
    )


def _version_note(row: Version, developer: int) -> str:
    """Return the developer if it is not `developer`, else the year of release."""
    if row.foundation.developer_id != developer:
        return row.foundation.developer.name
    return f"{row.released_on:%Y}" if row.released_on else ""


HEADS = ("child", "child foundation", "kind", "parent", "parent foundation", "address")


def csv_lines(edges: Iterable[LineageEdge]) -> list[list[str]]:
    """Return one row per edge, for a file under HEADS."""
    return [
        [
            edge.child.identifier,
            edge.child.foundation.name,
            edge.word,
            edge.parent.identifier,
            edge.parent.foundation.name,
            edge.source_url,
        ]
        for edge in edges
    ]
