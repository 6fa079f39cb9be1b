"""Queue of changed applications for higher layers: rows instead of signals.

Every write to an application, a dependency or an exit test adds its application here, by statement
triggers, so that bulk loads and raw SQL are included. The consumer deletes the rows it has read
(exposure does).
"""

from typing import Any

import pgtrigger
from django.db import models


class ChangedApplication(models.Model):
    """One row per statement and application; `application_id` is not a foreign key, because the row
    might be deleted."""

    application_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"application {self.application_id} changed"


def all_applications_triggers(name: str) -> list[Any]:
    """Return triggers that queue every application, because the row can affect any of them."""
    return [
        pgtrigger.Trigger(
            name=f"{name}_concerns_all",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
            func="INSERT INTO inventory_staleapplication (application_id) VALUES (NULL); "
            "RETURN NULL;",
        )
    ]


def application_change_triggers(name: str, application: str, through: str = "") -> list[Any]:
    """Return triggers that queue the application of every written row.

    `application` is an SQL expression on the columns of row `r`, `through` a join that it needs.
    """
    note = (
        "INSERT INTO inventory_changedapplication (application_id)"
        f" SELECT DISTINCT {application} FROM {{rows}} r {through};"
    )
    cases = [
        (
            "insert",
            pgtrigger.Insert,
            pgtrigger.Referencing(new="new_rows"),
            note.format(rows="new_rows"),
        ),
        (
            "delete",
            pgtrigger.Delete,
            pgtrigger.Referencing(old="old_rows"),
            note.format(rows="old_rows"),
        ),
        (
            "update",
            pgtrigger.Update,
            pgtrigger.Referencing(new="new_rows", old="old_rows"),
            note.format(rows="(SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows)"),
        ),
    ]
    return [
        pgtrigger.Trigger(
            name=f"{name}_changed_by_{verb}",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=operation,
            referencing=transition_tables,
            func=f"{statement} RETURN NULL;",
        )
        for verb, operation, transition_tables, statement in cases
    ]
