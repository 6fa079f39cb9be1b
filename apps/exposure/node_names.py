"""Names of nodes for users and REST clients: `developer:anthropic`,
`version:openai/gpt-4o-2024-08-06`.

developer, host, gateway, vendor   the provider's slug
foundation                         its slug
version                            its identifier
offering                           its ID
region                             HOST/REGION, the host's slug
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from apps.catalog.models import Node, NodeKind

# (kind, ref) -> name and label; one branch per kind
_NAMES = """
SELECT n.id, n.kind,
       CASE n.kind
           WHEN node_kind('offering') THEN o.id::text
           WHEN node_kind('version') THEN v.identifier
           WHEN node_kind('foundation') THEN f.slug
           WHEN node_kind('region') THEN h.slug || '/' || r.name
           ELSE p.slug END AS name,
       CASE n.kind
           WHEN node_kind('offering') THEN o.api_id || ' at ' || oh.name
           WHEN node_kind('version') THEN v.name
           WHEN node_kind('foundation') THEN f.name
           WHEN node_kind('region') THEN r.name || ' at ' || h.name
           ELSE p.name END AS label,
       n.ref
FROM catalog_node n
LEFT JOIN catalog_offering o ON n.kind = node_kind('offering') AND o.id = n.ref
LEFT JOIN catalog_provider oh ON oh.id = o.host_id
LEFT JOIN catalog_version v ON n.kind = node_kind('version') AND v.id = n.ref
LEFT JOIN catalog_foundation f ON n.kind = node_kind('foundation') AND f.id = n.ref
LEFT JOIN catalog_region r ON n.kind = node_kind('region') AND r.id = n.ref
LEFT JOIN catalog_provider h ON h.id = r.host_id
LEFT JOIN catalog_provider p ON p.id = n.ref AND n.kind IN (
    node_kind('developer'), node_kind('host'), node_kind('gateway'), node_kind('vendor'))
"""


class UnknownNodeError(ValueError):
    """A name without a node; the text contains the name and the valid forms."""


@dataclass(frozen=True, slots=True)
class NodeName:
    """A node's name. `name` is unique and stable for REST clients (`host:azure`), `label` is for
    users."""

    node_id: int
    kind: NodeKind
    ref: int
    name: str
    label: str


def node_names(node_ids: Collection[int]) -> dict[int, NodeName]:
    """Return the names of these nodes; the name of a node whose subject was deleted is its
    number."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_NAMES} WHERE n.id = ANY (%s)", [list(node_ids)])
        names_by_id = {}
        for pk, number, name, label, ref in cursor.fetchall():
            kind = NodeKind(number)
            names_by_id[pk] = NodeName(
                pk, kind, ref, f"{kind.label}:{name or ref}", label or f"{kind.label} {ref}"
            )
        return names_by_id


def find_nodes(names: Iterable[str]) -> dict[str, int]:
    """Return {name: node ID}. Raises UnknownNodeError for the first unknown name, in the given
    order."""
    unique_names = list(dict.fromkeys(names))
    node_ids: dict[str, int] = {}
    by_kind: dict[NodeKind, list[str]] = {}
    kinds = {kind.label: kind for kind in NodeKind}
    for name in unique_names:
        label, _, identifier = name.partition(":")
        if label not in kinds or not identifier:
            raise UnknownNodeError(
                f"'{name}' is not a valid node name. Use a name such as developer:anthropic "
                "or host:azure."
            )
        by_kind.setdefault(kinds[label], []).append(identifier)
    for kind, rests in by_kind.items():
        for identifier, node_id in _find_node_ids(kind, rests).items():
            node_ids[f"{kind.label}:{identifier}"] = node_id
    for name in unique_names:
        if name not in node_ids:
            raise UnknownNodeError(f"'{name}' was not found. Check the name in the catalogue.")
    return node_ids


def _find_node_ids(kind: NodeKind, identifiers: list[str]) -> Mapping[str, int]:
    """Return {identifier: node ID} of the existing nodes of one kind; one statement."""
    if kind is NodeKind.OFFERING:
        ids = [
            int(identifier)
            for identifier in identifiers
            if identifier.isdecimal() and len(identifier) < 19
        ]
        rows = Node.objects.filter(kind=kind, ref__in=ids).values_list("ref", "pk")
        return {str(ref): pk for ref, pk in rows}
    column, source = {
        NodeKind.VERSION: ("s.identifier", "catalog_version s"),
        NodeKind.FOUNDATION: ("s.slug", "catalog_foundation s"),
        NodeKind.REGION: (
            "h.slug || '/' || s.name",
            "catalog_region s JOIN catalog_provider h ON h.id = s.host_id",
        ),
    }.get(kind, ("s.slug", "catalog_provider s"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column}, n.id FROM {source} JOIN catalog_node n ON n.ref = s.id AND n.kind = "
            "%s"
            f" WHERE {column} = ANY (%s)",
            [kind.value, identifiers],
        )
        return dict(cursor.fetchall())
