"""Integrity that a check constraint cannot express: no cycles in the lineage, and no offerings
without their footing.

Both are constraint triggers at the end of the transaction, so that bulk loads and reorderings can
pass through states that a row-by-row check would reject.
"""

import pgtrigger

from apps.common.database.tree_triggers import LOCK_TREE

NO_DERIVATION_CIRCLE = pgtrigger.Trigger(
    name="derivation_no_circle",
    level=pgtrigger.Row,
    when=pgtrigger.After,
    operation=pgtrigger.Insert | pgtrigger.Update,
    timing=pgtrigger.Deferred,
    func=f"""
        {LOCK_TREE.format(tree="catalog_derivation")}
        IF EXISTS (
            WITH RECURSIVE up(id) AS (
                SELECT NEW.parent_id
                UNION
                SELECT d.parent_id FROM up JOIN catalog_derivation d ON d.child_id = up.id
            )
            SELECT 1 FROM up WHERE id = NEW.child_id
        ) THEN
            RAISE EXCEPTION 'This lineage edge would close a circle: a version cannot descend from itself.'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'derivation_no_circle';
        END IF;
        RETURN NULL;
    """,  # noqa: E501
)

# Nodes 1 offering, 2 version, 3 foundation, 4 developer, 5 host (footing.NodeKind). An offering
# that is redirected has the upstream dependencies of its target, which its footing contains as a
# second offering; the target may be unresolved. A name or a product depends on itself, and has no
# host where none is stated.
FOOTING_COMPLETE = pgtrigger.Trigger(
    name="offering_footing_complete",
    level=pgtrigger.Row,
    when=pgtrigger.After,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("version_id", "host_id", "gateway_id"),
    timing=pgtrigger.Deferred,
    declare=[("due_kinds", "integer[]")],
    func="""
        SELECT CASE WHEN p.slug = 'host-not-stated' THEN ARRAY[1] ELSE ARRAY[1, 5] END
            || CASE WHEN o.version_id IS NOT NULL THEN ARRAY[2, 3, 4] ELSE '{}' END
        INTO due_kinds
        FROM catalog_offering o JOIN catalog_provider p ON p.id = o.host_id
        WHERE o.id = coalesce(
            (SELECT n.ref FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id AND n.kind = 1
             WHERE f.offering_id = NEW.id AND n.ref <> NEW.id AND NEW.kind = 'model_id' LIMIT 1), NEW.id);
        IF EXISTS (SELECT 1 FROM catalog_offering o WHERE o.id = NEW.id) AND (
            SELECT count(DISTINCT n.kind)
            FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id
            WHERE f.offering_id = NEW.id AND f.depth = 0 AND n.kind = ANY (due_kinds)
        ) < cardinality(due_kinds) THEN
            RAISE EXCEPTION 'Offering % has no complete footing; change it through apps.catalog.actions.', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'offering_footing_complete';
        END IF;
        RETURN NULL;
    """,  # noqa: E501
)
