"""What policies have replaced goes. Backwards the columns come back, and the step before fills them again."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exposure", "0004_tolerances_become_policies")]

    operations = [
        migrations.RemoveConstraint(
            model_name="tolerance",
            name="tolerance_is_a_share",
        ),
        migrations.RemoveField(
            model_name="exposureflaghistory",
            name="tolerance",
        ),
        migrations.RemoveField(
            model_name="tolerancehistory",
            name="pgh_obj",
        ),
        migrations.RemoveField(
            model_name="tolerancehistory",
            name="pgh_context",
        ),
        migrations.DeleteModel(
            name="ToleranceHistory",
        ),
        migrations.RemoveField(
            model_name="exposureflag",
            name="tolerance",
        ),
        migrations.DeleteModel(
            name="Tolerance",
        ),
        migrations.AlterField(
            model_name="exposureflag",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="flags",
                to="exposure.policy",
            ),
        ),
        migrations.AlterField(
            model_name="exposureflaghistory",
            name="policy",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="exposure.policy",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_until", "accepted_why", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT new_values."accepted_by_id", new_values."accepted_until", new_values."accepted_why", new_values."acknowledged_by_id", new_values."application_ids", new_values."below_since", new_values."ceiling", new_values."id", new_values."limit", new_values."n_applications", new_values."node_id", new_values."opened_at", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."policy_id", new_values."resolved_at", new_values."state", new_values."value" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5e5a4b8c957b5218005f503e556bd29e31264e07",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_af9fd",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_until", "accepted_why", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT new_values."accepted_by_id", new_values."accepted_until", new_values."accepted_why", new_values."acknowledged_by_id", new_values."application_ids", new_values."below_since", new_values."ceiling", new_values."id", new_values."limit", new_values."n_applications", new_values."node_id", new_values."opened_at", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."policy_id", new_values."resolved_at", new_values."state", new_values."value" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8f4b720bdcf0731dcde34782ca805e84d957d847",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b85a9",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_until", "accepted_why", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT old_values."accepted_by_id", old_values."accepted_until", old_values."accepted_why", old_values."acknowledged_by_id", old_values."application_ids", old_values."below_since", old_values."ceiling", old_values."id", old_values."limit", old_values."n_applications", old_values."node_id", old_values."opened_at", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."policy_id", old_values."resolved_at", old_values."state", old_values."value" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="57b9a5b0fc02776d8462f713e7686acf3a0e18b8",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_74da5",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
    ]
