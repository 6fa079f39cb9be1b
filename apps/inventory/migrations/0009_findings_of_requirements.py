"""Contradicting requirements are findings, which follow their changes."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0008_data_terms_of_approvals"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="requirement",
            trigger=pgtrigger.compiler.Trigger(
                name="requirement_findings_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\nINSERT INTO inventory_staleapplication (application_id)\nSELECT DISTINCT d.application_id FROM new_rows r\nJOIN inventory_dependency d ON d.id = r.dependency_id\nWHERE r.value = 'false' OR r.origin = 'observed' AND EXISTS (\n    SELECT 1 FROM inventory_requirement x\n    WHERE x.dependency_id = r.dependency_id AND x.field = r.field AND x.value = 'false'\n);\nRETURN NULL;\n",
                    hash="e9df66ffa45cee6b05bce6a888d933314cf570ba",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_requirement_findings_by_insert_12409",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_requirement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requirement",
            trigger=pgtrigger.compiler.Trigger(
                name="requirement_findings_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\nINSERT INTO inventory_staleapplication (application_id)\nSELECT DISTINCT d.application_id FROM old_rows r\nJOIN inventory_dependency d ON d.id = r.dependency_id\nWHERE r.value = 'false' OR r.origin = 'observed' AND EXISTS (\n    SELECT 1 FROM inventory_requirement x\n    WHERE x.dependency_id = r.dependency_id AND x.field = r.field AND x.value = 'false'\n);\nRETURN NULL;\n",
                    hash="fd431928da8bd52017550c915f889b9bbaf8e9a1",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_requirement_findings_by_delete_b8b1d",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_requirement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requirement",
            trigger=pgtrigger.compiler.Trigger(
                name="requirement_findings_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\nINSERT INTO inventory_staleapplication (application_id)\nSELECT DISTINCT d.application_id FROM (\n    SELECT n.dependency_id, n.field, n.origin,\n           CASE WHEN o.value = 'false' THEN o.value ELSE n.value END AS value\n    FROM new_rows n JOIN old_rows o ON o.id = n.id\n    WHERE o.value IS DISTINCT FROM n.value OR o.dependency_id <> n.dependency_id\n) r\nJOIN inventory_dependency d ON d.id = r.dependency_id\nWHERE r.value = 'false' OR r.origin = 'observed' AND EXISTS (\n    SELECT 1 FROM inventory_requirement x\n    WHERE x.dependency_id = r.dependency_id AND x.field = r.field AND x.value = 'false'\n);\nRETURN NULL;\n",
                    hash="a9aaade88e56161391e83097cd98f18750522985",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_requirement_findings_by_update_9a011",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_requirement",
                    when="AFTER",
                ),
            ),
        ),
    ]
