"""Base of the records on which offerings depend: a write refreshes their upstream dependencies."""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from django.db import models

from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.footing import refresh_footing
from apps.catalog.models import (
    Alias,
    Footing,
    Foundation,
    Node,
    NodeKind,
    Offering,
    Provider,
    Version,
)
from apps.catalog.models.change_queue import ChangedOffering
from apps.common.records.record_type import RecordType

# the column by which users name a related row, in forms and requests
RECORD_KEYS: dict[type[models.Model], str] = {
    Provider: "slug",
    Foundation: "slug",
    Version: "identifier",
    Alias: "identifier",
}


class CatalogueRecord[M: models.Model](RecordType[M]):
    """A record of the catalogue. Changes of the catalogue wait for each other.

    `node_kinds` are the kinds of nodes that a row is; `footing_columns` are the columns that decide
    on upstream dependencies.
    """

    node_kinds: ClassVar[frozenset[NodeKind]] = frozenset()
    footing_columns: ClassVar[frozenset[str]] = frozenset()

    def lock(self) -> None:
        catalogue_lock()

    def affected_by(self, row: M) -> set[int]:
        """Return the IDs of the offerings that depend on the row, by any relationship."""
        return offerings_on_nodes(self.node_kinds, row.pk) if self.node_kinds else set()

    def after_write(self, row: M, *, before: Any, changed: frozenset[str], by: Any) -> None:
        if changed & self.footing_columns:
            offering_ids = set(before or ()) | self.affected_by(row)
            refresh_footing(
                set(Offering.objects.filter(pk__in=offering_ids).values_list("pk", flat=True))
            )

    def blocking_rows(self, row: M) -> Iterable[models.Model]:
        if not self.node_kinds:
            return ()
        return Node.objects.filter(kind__in=self.node_kinds, ref=row.pk)

    def is_derived_table(self, model: type[models.Model]) -> bool:
        return model in (Footing, ChangedOffering)


def offerings_on_nodes(kinds: Collection[NodeKind], ref: int) -> set[int]:
    """Return the IDs of the offerings that depend on one of these nodes, by any relationship."""
    return set(
        Footing.objects.filter(node__kind__in=kinds, node__ref=ref).values_list(
            "offering_id", flat=True
        )
    )
