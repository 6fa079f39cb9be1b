"""Keeps the lifecycles and prices of names current: both are those of the model IDs that a name may
be (docs/catalogue.md, section Names). Set-based; one statement where the catalogue has no names."""

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db import connection

from apps.common.database.statements import load_statement

_LIFECYCLES = load_statement("catalog", "named_lifecycles")
_PRICES = load_statement("catalog", "named_prices")

# names among the given offerings, and names that may be one of them; all names without any given
_AFFECTED = """
SELECT n.id FROM catalog_offering n WHERE n.kind = 'name' AND (
    %(ids)s::bigint[] IS NULL OR n.id = ANY (%(ids)s::bigint[])
    OR n.id IN (SELECT k.name_id FROM known_model_id() k
                WHERE k.offering_id = ANY (%(ids)s::bigint[])))
"""


def refresh_name_facts(offering_ids: Collection[int] | None = None, *, today: date) -> list[int]:
    """Update lifecycles and prices of these names, and of the names that may be one of these model
    IDs (all if None); return the IDs of the names with a new lifecycle."""
    ids = None if offering_ids is None else sorted(offering_ids)
    if ids is not None and not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_AFFECTED, {"ids": ids})
        names = [row[0] for row in cursor.fetchall()]
        if not names:
            return []
        parameters: dict[str, Any] = {"names": names, "day": today}
        cursor.execute(_LIFECYCLES, parameters)
        changed = [row[0] for row in cursor.fetchall()]
        cursor.execute("DROP TABLE IF EXISTS name_price_due")
        cursor.execute(_PRICES, parameters)
        cursor.execute(
            """
            DELETE FROM catalog_price p
            WHERE p.offering_id = ANY (%(names)s::bigint[]) AND NOT EXISTS (
                SELECT 1 FROM name_price_due d
                WHERE (d.name_id, d.unit, d.above_tokens, d.currency, d.amount, d.valid)
                    = (p.offering_id, p.unit, p.above_tokens, p.currency, p.amount, p.valid))
            """,
            parameters,
        )
        cursor.execute(
            """
            INSERT INTO catalog_price
                (offering_id, unit, above_tokens, currency, amount, valid, claim_id)
            SELECT d.name_id, d.unit, d.above_tokens, d.currency, d.amount, d.valid, d.claim_id
            FROM name_price_due d
            WHERE NOT EXISTS (
                SELECT 1 FROM catalog_price p
                WHERE (p.offering_id, p.unit, p.above_tokens, p.currency)
                    = (d.name_id, d.unit, d.above_tokens, d.currency))
            """
        )
        cursor.execute("DROP TABLE name_price_due")
    return changed
