"""The names of the nodes that risks are attached to."""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import Case, CharField, OuterRef, QuerySet, Subquery, When

from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Region, Version
from apps.risks.queries.inheritance_sql import NODE_NAME as NODE_NAME_SQL


def _name_subquery(model: Any, column: str) -> Subquery:
    return Subquery(model.objects.filter(pk=OuterRef("node__ref")).values(column)[:1])


# annotation for querysets of foundation risks
NODE_NAME = Case(
    When(node__kind=NodeKind.OFFERING, then=_name_subquery(Offering, "api_id")),
    When(node__kind=NodeKind.VERSION, then=_name_subquery(Version, "identifier")),
    When(node__kind=NodeKind.FOUNDATION, then=_name_subquery(Foundation, "name")),
    When(node__kind=NodeKind.REGION, then=_name_subquery(Region, "name")),
    default=_name_subquery(Provider, "name"),
    output_field=CharField(),
)


def with_node_names[M: QuerySet[Any]](risks: M) -> M:
    """Annotate the risks with `node_name`."""
    return risks.annotate(node_name=NODE_NAME)


def node_names(node_ids: Collection[int]) -> dict[int, str]:
    """Return {node: its name}; one statement, none for an empty collection."""
    if not node_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT n.id, {NODE_NAME_SQL} FROM catalog_node n WHERE n.id = ANY (%s)",
            [list(node_ids)],
        )
        return {row[0]: row[1] or "" for row in cursor.fetchall()}
