"""Queue of offerings with changed footing or lifecycle, for apps that depend on the catalogue: rows
instead of signals.

Statement triggers add every offering whose footing or lifecycle changed, so that bulk polls and raw
SQL are included. The consumer deletes the rows it has read (exposure does).
"""

import pgtrigger
from django.db import models


class ChangedOffering(models.Model):
    """One row per statement and offering; not a foreign key, because the offering might be deleted.
    Null: a corporate parent changed, which can affect everything."""

    offering_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"offering {self.offering_id} changed"


def _trigger(name: str, operation: pgtrigger.Operation, **rows: str) -> pgtrigger.Trigger:
    """Return a statement trigger on the footing that adds the affected offerings to the queue.
    `rows` names the transition tables by kind, such as `new="new_rows"`."""
    union = " UNION ALL ".join(f"SELECT offering_id FROM {table}" for table in rows.values())
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(**rows),
        func=f"""
            INSERT INTO catalog_changedoffering (offering_id) SELECT DISTINCT offering_id FROM ({union}) r;
            RETURN NULL;
        """,  # noqa: E501
    )


def _terms_trigger(operation: pgtrigger.Operation, verb: str, **rows: str) -> pgtrigger.Trigger:
    """Return a statement trigger on settled claims that adds the offerings with other data terms.
    Capabilities decide about no stored state, and change with every poll."""
    union = " UNION ALL ".join(f"SELECT offering_id, topic FROM {table}" for table in rows.values())
    return pgtrigger.Trigger(
        name=f"terms_changed_by_{verb}",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(**rows),
        func=f"""
            INSERT INTO catalog_changedoffering (offering_id)
            SELECT DISTINCT offering_id FROM ({union}) r WHERE topic = 'data_terms';
            RETURN NULL;
        """,
    )


TERMS_CHANGE_TRIGGERS = [
    _terms_trigger(pgtrigger.Insert, "insert", new="new_rows"),
    _terms_trigger(pgtrigger.Update, "update", new="new_rows"),
    _terms_trigger(pgtrigger.Delete, "delete", old="old_rows"),
]

FOOTING_CHANGE_TRIGGERS = [
    _trigger("footing_changed_by_insert", pgtrigger.Insert, new="new_rows"),
    _trigger("footing_changed_by_update", pgtrigger.Update, new="new_rows"),
    _trigger("footing_changed_by_delete", pgtrigger.Delete, old="old_rows"),
]

# columns that decide whether an offering can replace another, and which version it serves
OFFERING_CHANGE_TRIGGER = pgtrigger.Trigger(
    name="offering_changed_by_update",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    referencing=pgtrigger.Referencing(old="old_rows", new="new_rows"),
    func="""
        INSERT INTO catalog_changedoffering (offering_id)
        SELECT n.id FROM new_rows n JOIN old_rows o ON o.id = n.id
        WHERE (n.lifecycle, n.due_status, n.retires_on, n.date_kind, n.end_behaviour, n.replacement_id, n.version_id,
               n.host_id, n.gateway_id)
           IS DISTINCT FROM (o.lifecycle, o.due_status, o.retires_on, o.date_kind, o.end_behaviour, o.replacement_id,
               o.version_id, o.host_id, o.gateway_id);
        RETURN NULL;
    """,  # noqa: E501
)

PARENT_CHANGE_TRIGGER = pgtrigger.Trigger(
    name="provider_parent_changed",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    referencing=pgtrigger.Referencing(old="old_rows", new="new_rows"),
    func="""
        INSERT INTO catalog_changedoffering (offering_id)
        SELECT NULL WHERE EXISTS (
            SELECT 1 FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE n.parent_id IS DISTINCT FROM o.parent_id
        );
        RETURN NULL;
    """,  # noqa: E501
)
