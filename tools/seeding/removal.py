"""Removal of the synthetic portfolio: only rows that seeding wrote, never what people recorded on
them.
"""

from django.db import IntegrityError, connection, transaction

from tools.seeding.catalog import MARK

# `of` marks what is synthetic; the order is from what refers to what is referred to
_DELETIONS = (
    # people's own tests name who recorded them, and stay; so they hold the rest, and removing is
    # refused
    "DELETE FROM inventory_exittest t USING synthetic_use u WHERE t.dependency_id = u.id AND "
    "t.recorded_by_id IS NULL",
    "DELETE FROM inventory_exitplan t USING synthetic_use u WHERE t.dependency_id = u.id",
    "DELETE FROM inventory_adaptation t USING synthetic_use u WHERE t.dependency_id = u.id",
    "DELETE FROM inventory_requirement t USING synthetic_use u WHERE t.dependency_id = u.id",
    "DELETE FROM inventory_dependency t USING synthetic_use u WHERE t.id = u.id",
    "DELETE FROM inventory_application WHERE slug LIKE %(mark)s",
    "DELETE FROM risks_teamcount t USING accounts_team g"
    " WHERE t.team_id = g.id AND (g.slug LIKE %(mark)s OR g.slug = %(root)s)",
    "DELETE FROM accounts_team WHERE slug LIKE %(mark)s OR slug = %(root)s",
    "DELETE FROM exposure_flagevent t USING exposure_exposureflag f, synthetic_node n"
    " WHERE t.flag_id = f.id AND f.node_id = n.id",
    "DELETE FROM exposure_exposureflag t USING synthetic_node n WHERE t.node_id = n.id",
    "DELETE FROM risks_riskcount t USING risks_foundationrisk r, synthetic_node n"
    " WHERE t.risk_id = r.id AND r.node_id = n.id AND r.title LIKE 'Synthetic risk %%'",
    "DELETE FROM risks_foundationrisk t USING synthetic_node n"
    " WHERE t.node_id = n.id AND t.title LIKE 'Synthetic risk %%'",
    "DELETE FROM catalog_price t USING synthetic_offering o WHERE t.offering_id = o.id",
    "DELETE FROM catalog_offering_regions t USING synthetic_offering o WHERE t.offering_id = o.id",
    "DELETE FROM catalog_footing t USING synthetic_offering o WHERE t.offering_id = o.id",
    "DELETE FROM catalog_offering t USING synthetic_offering o WHERE t.id = o.id",
    "DELETE FROM catalog_region t USING catalog_provider p WHERE t.host_id = p.id AND p.slug LIKE "
    "%(mark)s",
    "DELETE FROM catalog_derivation t USING catalog_version v WHERE t.child_id = v.id AND "
    "v.identifier LIKE %(path)s",
    "DELETE FROM catalog_version WHERE identifier LIKE %(path)s",
    "DELETE FROM catalog_foundation WHERE line LIKE %(path)s",
    "DELETE FROM catalog_provider WHERE slug LIKE %(mark)s",
    "DELETE FROM catalog_node t USING synthetic_node n WHERE t.id = n.id",
)
_SYNTHETIC_ROWS = (
    "CREATE TEMPORARY TABLE synthetic_offering ON COMMIT DROP AS SELECT o.id FROM catalog_offering "
    "o"
    " JOIN catalog_provider p ON p.id = o.host_id WHERE p.slug LIKE %(mark)s",
    "CREATE TEMPORARY TABLE synthetic_use ON COMMIT DROP AS SELECT d.id FROM inventory_dependency d"
    " JOIN inventory_application a ON a.id = d.application_id WHERE a.slug LIKE %(mark)s",
    """
    CREATE TEMPORARY TABLE synthetic_node ON COMMIT DROP AS SELECT n.id FROM catalog_node n WHERE
        (n.kind = 1 AND n.ref IN (SELECT id FROM synthetic_offering))
        OR (n.kind = 2 AND n.ref IN (SELECT id FROM catalog_version WHERE identifier LIKE %(path)s))
        OR (n.kind = 3 AND n.ref IN (SELECT id FROM catalog_foundation WHERE line LIKE %(path)s))
        OR (n.kind IN (4, 5, 6, 8) AND n.ref IN (SELECT id FROM catalog_provider
        WHERE slug LIKE %(mark)s))
        OR (n.kind = 7 AND n.ref IN (SELECT r.id FROM catalog_region r
        JOIN catalog_provider p ON p.id = r.host_id
                                     WHERE p.slug LIKE %(mark)s))
    """,
)


class StillInUseError(Exception):
    """Something that seeding did not write refers to the synthetic portfolio; the text says
    what."""


@transaction.atomic
def remove_portfolio() -> None:
    """Delete the synthetic portfolio and its catalogue, with the flags that were raised on it.

    Raises StillInUse, and removes nothing, where anything else refers to it: an assessment, a
    campaign, a test that somebody recorded, an application of one's own.
    """
    params = {"mark": f"{MARK}-%", "root": MARK, "path": f"{MARK}/%"}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in _SYNTHETIC_ROWS:
                cursor.execute(statement, params)
            for statement in _DELETIONS:
                cursor.execute(statement, params)
            # foreign keys are looked at now, so that the sentence below is said and nothing is half
            # done
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("DROP TABLE synthetic_offering, synthetic_use, synthetic_node")
    except IntegrityError as error:
        table = (
            getattr(getattr(error.__cause__, "diag", None), "table_name", None) or "another table"
        )
        raise StillInUseError(
            f"Other rows of {table} refer to the synthetic portfolio, so it was not changed. "
            "Remove these rows first, or use an empty database."
        ) from error
