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
    """Return what these were made from and what was made from or follows them, MAX_HOPS steps far.

    Two statements per step and one for the versions. At most MAX_EDGES edges of each kind per
    step."""
    seen, frontier = set(versions), set(versions)
    derived: dict[int, tuple[int, int, str, str, str]] = {}
    followed: set[tuple[int, int]] = set()
    for _hop in range(MAX_HOPS):
        if not frontier:
            break
        around: set[int] = set()
        for row in Derivation.objects.filter(
            Q(child__in=frontier) | Q(parent__in=frontier)
        ).order_by("pk")[:MAX_EDGES]:
            derived[row.pk] = (
                row.parent_id,
                row.child_id,
                row.kind,
                row.get_kind_display(),
                row.source_url,
            )
            around |= {row.parent_id, row.child_id}
        for pk, predecessor in (
            Version.objects.filter(
                Q(pk__in=frontier) | Q(predecessor__in=frontier), predecessor__isnull=False
            )
            .order_by("pk")
            .values_list("pk", "predecessor")[:MAX_EDGES]
        ):
            if predecessor is not None:
                followed.add((predecessor, pk))
                around |= {predecessor, pk}
        frontier = around - seen
        seen |= around
    rows = (
        Version.objects.select_related("foundation__developer").in_bulk(seen)
        if derived or followed
        else {}
    )
    told = {(parent, child) for parent, child, *_rest in derived.values()}
    found = [
        LineageEdge(rows[parent], rows[child], kind, word, url)
        for parent, child, kind, word, url in derived.values()
        if parent in rows and child in rows
    ]
    found += [
        LineageEdge(rows[parent], rows[child], SUCCESSION, "Successor")
        for parent, child in sorted(followed - told)
        if parent in rows and child in rows
    ]
    return sorted(
        found,
        key=lambda edge: (
            edge.child.released_on is None,
            edge.child.identifier,
            edge.parent.identifier,
        ),
    )


def version_picture(
    version: Version, edges: Sequence[LineageEdge], *, width: float
) -> ResponsivePicture | None:
    if not edges:
        return None
    rows = {
        version.pk: version,
        **{row.pk: row for edge in edges for row in (edge.parent, edge.child)},
    }
    nearest = sorted(edges, key=lambda edge: version.pk not in {edge.parent.pk, edge.child.pk})
    descents = [
        LineageLink(str(edge.parent.pk), str(edge.child.pk), edge.kind) for edge in nearest
    ][:MAX_DRAWN_EDGES]
    named = {one for edge in descents for one in (edge.parent, edge.child)}
    kin = [
        LineageVersion(
            str(pk), row.name, _note(row, version.foundation.developer_id), own=pk == version.pk
        )
        for pk, row in rows.items()
        if str(pk) in named
    ]
    return responsive_picture(draw_lineage, kin, descents, width=width)


def foundation_picture(
    pk: int, edges: Sequence[LineageEdge], *, width: float
) -> ResponsivePicture | None:
    """Draw the lineage of foundations: versions of one are one box; an edge within a foundation is
    left out."""
    between = [edge for edge in edges if edge.parent.foundation_id != edge.child.foundation_id]
    if not between:
        return None
    rows = {row.foundation_id: row for edge in between for row in (edge.parent, edge.child)}
    own = rows.get(pk)
    kin = [
        LineageVersion(
            str(foundation),
            row.foundation.name,
            _note(row, own.foundation.developer_id if own else 0),
            own=foundation == pk,
        )
        for foundation, row in rows.items()
    ]
    # those of the foundation itself first, and no more than a picture can say
    nearest = sorted(
        between, key=lambda edge: pk not in {edge.parent.foundation_id, edge.child.foundation_id}
    )
    descents = list(
        dict.fromkeys(
            LineageLink(str(edge.parent.foundation_id), str(edge.child.foundation_id), edge.kind)
            for edge in nearest
        )
    )[:MAX_DRAWN_EDGES]
    named = {one for edge in descents for one in (edge.parent, edge.child)}
    return responsive_picture(
        draw_lineage, [one for one in kin if one.key in named], descents, width=width
    )


def _note(row: Version, developer: int) -> str:
    """The developer where it is another one, else the year."""
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
