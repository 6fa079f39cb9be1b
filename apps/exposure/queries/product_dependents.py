"""Counts the applications that depend on a product, with or without a stated model."""

from collections.abc import Collection

from django.db import connection

from apps.accounts.models import User
from apps.catalog.models import NodeKind
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.portfolio import DependentCount

_COUNT = """
WITH member AS (
    -- the offering of the record, and those for which an organisation states the model inside
    SELECT p.id AS product_id, p.offering_id FROM catalog_product p
    WHERE p.id = ANY (%(products)s) AND p.offering_id IS NOT NULL
    UNION
    SELECT p.id, o.id FROM catalog_offering o
    JOIN catalog_product p ON p.slug = split_part(o.api_id, '/', 1)
    WHERE o.kind = 'product' AND strpos(o.api_id, '/') > 0 AND p.id = ANY (%(products)s)
)
SELECT m.product_id, count(DISTINCT l.application_id),
       count(DISTINCT l.application_id) FILTER (WHERE l.criticality = 0)
FROM member m
JOIN catalog_node k ON k.kind = %(kind)s AND k.ref = m.offering_id
JOIN exposure_enginefooting f ON f.node_id = k.id
JOIN exposure_activedependency l ON l.offering_id = f.offering_id
WHERE %(teams)s::bigint[] IS NULL OR l.team_id = ANY (%(teams)s)
GROUP BY m.product_id
"""


def product_dependents(product_ids: Collection[int], *, user: User) -> dict[int, DependentCount]:
    """Return {product: count} of the products with any dependent, each application once: one
    statement."""
    if not product_ids:
        return {}
    teams = visible_team_ids(user)
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {
                "products": list(product_ids),
                "kind": NodeKind.OFFERING.value,
                "teams": None if teams is None else list(teams),
            },
        )
        return {
            product_id: DependentCount(n=n, n_critical=n_critical)
            for product_id, n, n_critical in cursor.fetchall()
        }
