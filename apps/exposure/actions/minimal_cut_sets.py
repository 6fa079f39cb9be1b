"""Keeps the smallest sets at hand: working them out takes a second on a large portfolio, so a job
does it."""

from datetime import date

from django.db import transaction

from apps.exposure.engine.minimal_cut_sets import minimal_cut_sets
from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import MinimalCutSet


@transaction.atomic
def store_minimal_cut_sets(*, on: date) -> int:
    """Work the smallest sets out and keep those that differ from what is kept; the number of rows
    written."""
    found = minimal_cut_sets(engine_settings())
    due: dict[tuple[int, ...], float] = {(node,): float(share) for node, share in found.singles}
    due |= {(first, second): float(share) for first, second, share in found.pairs}
    kept: dict[tuple[int, ...], MinimalCutSet] = {
        tuple(row.node_ids): row for row in MinimalCutSet.objects.select_for_update()
    }
    gone = [row.pk for nodes, row in kept.items() if due.get(nodes) != row.share]
    new = [
        MinimalCutSet(node_ids=list(nodes), share=share, as_of=on)
        for nodes, share in due.items()
        if nodes not in kept or kept[nodes].share != share
    ]
    if gone:
        MinimalCutSet.objects.filter(pk__in=gone).delete()
    if new:
        MinimalCutSet.objects.bulk_create(new)
    return len(gone) + len(new)
