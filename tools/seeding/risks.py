"""Foundation risks on the synthetic catalogue, more of them on what is used more."""

from datetime import date

import numpy as np
from django.db import connection

from apps.catalog.models import NodeKind
from apps.common.time import start_of
from apps.risks.models import FoundationRisk
from tools.seeding.catalog import SeededCatalog
from tools.seeding.distributions import Ints, count_days, draw_values, zipf_probabilities
from tools.seeding.rows import allocate_ids, copy_rows
from tools.seeding.sizes import SeedSizes

# part of all risks on each kind of node
_KINDS = {
    NodeKind.VERSION: 0.45,
    NodeKind.FOUNDATION: 0.25,
    NodeKind.OFFERING: 0.15,
    NodeKind.DEVELOPER: 0.08,
    NodeKind.HOST: 0.07,
}


def write_risks(
    sizes: SeedSizes, catalog: SeededCatalog, rng: np.random.Generator, *, on: date
) -> None:
    """Write own risks without a template (several may lie on one node), in the caller's
    transaction.
    """
    refs: dict[NodeKind, Ints] = {
        NodeKind.VERSION: catalog.versions,
        NodeKind.FOUNDATION: catalog.foundations,
        NodeKind.OFFERING: catalog.popular,
        NodeKind.DEVELOPER: catalog.developers,
        NodeKind.HOST: catalog.hosts,
    }
    nodes: list[int] = []
    for kind, share in _KINDS.items():
        node_ids = _nodes(kind, refs[kind])
        nodes += node_ids[
            rng.choice(
                len(node_ids), round(sizes.risks * share), p=zipf_probabilities(len(node_ids), 0.5)
            )
        ].tolist()
    n = len(nodes)
    moment = start_of(on).isoformat()
    copy_rows(
        FoundationRisk._meta.db_table,
        n,
        {
            "id": allocate_ids(FoundationRisk, n),
            "title": [f"Synthetic risk {number:04d}" for number in range(1, n + 1)],
            **dict.fromkeys(("description", "rule", "facts", "facts_key", "source_url"), ""),
            **dict.fromkeys(("closed_reason", "dismissed_reason"), ""),
            "node_id": nodes,
            "inherits": rng.random(n) < 0.95,
            "likelihood": rng.integers(1, 6, n),
            "impact": rng.integers(1, 6, n),
            "confidence": draw_values(rng, ("low", "medium", "high"), n, (0.2, 0.6, 0.2)),
            "opened_at": moment,
            "changed_at": moment,
            "review_on": count_days(on, rng.integers(-30, 365, n)),
            "created_at": moment,
            "updated_at": moment,
        },
    )


def _nodes(kind: NodeKind, refs: Ints) -> Ints:
    """Ids of the nodes that footing has of these, in the order of `refs`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.id FROM unnest(%s::bigint[]) WITH ORDINALITY AS r(ref, place)"
            " JOIN catalog_node n ON n.kind = %s AND n.ref = r.ref ORDER BY r.place",
            [refs.tolist(), int(kind)],
        )
        return np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)
