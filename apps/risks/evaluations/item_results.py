"""Results of single items as they are stored with their evidence: columns of JSON, compressed."""

import zlib
from collections.abc import Collection

import orjson

from apps.risks.evaluations.results import ItemResults
from apps.risks.models import EvaluationItems, Evidence

_COLUMNS = ("ids", "labels", "scores", "answers", "options")


def store_items(evidence: Evidence, items: ItemResults) -> EvaluationItems:
    """Store the results of the items behind the figure of `evidence`."""
    columns = {name: getattr(items, name) for name in _COLUMNS}
    return EvaluationItems.objects.create(
        evidence=evidence, n=len(items.ids), content=zlib.compress(orjson.dumps(columns))
    )


def load_items(evidence_ids: Collection[int]) -> dict[int, ItemResults]:
    """Return the results of the items by ID of the evidence, of those that have any."""
    rows = EvaluationItems.objects.filter(evidence__in=evidence_ids)
    return {
        evidence_id: ItemResults(**orjson.loads(zlib.decompress(content)))
        for evidence_id, content in rows.values_list("evidence_id", "content")
    }
