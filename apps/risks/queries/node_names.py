"""The names of what risks lie on."""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import Case, CharField, OuterRef, QuerySet, Subquery, When

from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Region, Version
from apps.risks.queries.inheritance_sql import NODE_NAME as NODE_NAME_SQL


def _named(model: Any, column: str) -> Subquery:
    return Subquery(model.objects.filter(pk=OuterRef("node__ref")).values(column)[:1])


# of foundation risks
NODE_NAME = Case(
    When(node__kind=NodeKind.OFFERING, then=_named(Offering, "api_id")),
    When(node__kind=NodeKind.VERSION, then=_named(Version, "identifier")),
    When(node__kind=NodeKind.FOUNDATION, then=_named(Foundation, "name")),
    When(node__kind=NodeKind.REGION, then=_named(Region, "name")),
    default=_named(Provider, "name"),
    output_field=CharField(),
)


def with_node_names[M: QuerySet[Any]](risks: M) -> M:
    """Adds `node_name`."""
    return risks.annotate(node_name=NODE_NAME)


def node_names(node_ids: Collection[int]) -> dict[int, str]:
    """{node: its name}; one statement, none where there are none."""
    if not node_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT n.id, {NODE_NAME_SQL} FROM catalog_node n WHERE n.id = ANY (%s)",
            [list(node_ids)],
        )
        return {row[0]: row[1] or "" for row in cursor.fetchall()}
