"""What all candidates of a name or product have in common, for pages that show one foundation."""

from collections.abc import Collection
from dataclasses import dataclass

from apps.catalog.models import Footing, Foundation, NodeKind, Provider, Via


@dataclass(frozen=True, slots=True)
class AgreedModel:
    """The foundation and developer of an offering; None where its candidates differ, or where none
    is known."""

    foundation: Foundation | None
    developer: Provider | None


def agreed_models(offering_ids: Collection[int]) -> dict[int, AgreedModel]:
    """Return {offering: what its candidates agree on}, for those that agree on a developer at
    least; no statement without offerings, otherwise at most three."""
    if not offering_ids:
        return {}
    refs: dict[int, dict[int, int]] = {}
    rows = Footing.objects.filter(
        offering__in=offering_ids,
        via=Via.DIRECT,
        depth=0,
        node__kind__in=(NodeKind.FOUNDATION, NodeKind.DEVELOPER),
    ).values_list("offering_id", "node__kind", "node__ref")
    for offering_id, kind, ref in rows:
        refs.setdefault(offering_id, {})[kind] = ref
    foundations = _load(Foundation, NodeKind.FOUNDATION, refs, "developer")
    developers = _load(Provider, NodeKind.DEVELOPER, refs)
    return {
        pk: AgreedModel(
            foundations.get(kinds.get(NodeKind.FOUNDATION, 0)),
            developers.get(kinds.get(NodeKind.DEVELOPER, 0)),
        )
        for pk, kinds in refs.items()
    }


def _load[M: (Foundation, Provider)](
    model: type[M], kind: NodeKind, refs: dict[int, dict[int, int]], *relations: str
) -> dict[int, M]:
    ids = {kinds[kind] for kinds in refs.values() if kind in kinds}
    rows = (
        model._default_manager.select_related(*relations) if relations else model._default_manager
    )
    return dict(rows.in_bulk(ids)) if ids else {}
