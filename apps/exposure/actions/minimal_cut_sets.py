"""Storage of the minimal cut sets: computing them takes a second for a large portfolio, so a job
does it."""

from datetime import date

from django.db import transaction

from apps.exposure.engine.minimal_cut_sets import minimal_cut_sets
from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import MinimalCutSet


@transaction.atomic
def store_minimal_cut_sets(*, on: date) -> int:
    """Compute the minimal cut sets and store the differences; return the number of rows written."""
    cut_sets = minimal_cut_sets(engine_settings())
    share_by_nodes: dict[tuple[int, ...], float] = {
        (node,): float(share) for node, share in cut_sets.singles
    }
    share_by_nodes |= {(first, second): float(share) for first, second, share in cut_sets.pairs}
    stored_cuts: dict[tuple[int, ...], MinimalCutSet] = {
        tuple(row.node_ids): row for row in MinimalCutSet.objects.select_for_update()
    }
    outdated_ids = [
        row.pk for nodes, row in stored_cuts.items() if share_by_nodes.get(nodes) != row.share
    ]
    new_cut_sets = [
        MinimalCutSet(node_ids=list(nodes), share=share, as_of=on)
        for nodes, share in share_by_nodes.items()
        if nodes not in stored_cuts or stored_cuts[nodes].share != share
    ]
    if outdated_ids:
        MinimalCutSet.objects.filter(pk__in=outdated_ids).delete()
    if new_cut_sets:
        MinimalCutSet.objects.bulk_create(new_cut_sets)
    return len(outdated_ids) + len(new_cut_sets)
