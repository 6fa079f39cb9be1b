"""Tasks have a start date and a finish date; the due date becomes the finish date."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import apps.common.validators


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0003_campaign_offerings"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaigntask",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaigntask",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaigntask",
            name="delete_delete",
        ),
        migrations.RenameField(
            model_name="campaigntask",
            old_name="due_on",
            new_name="finish_by",
        ),
        migrations.RenameField(
            model_name="campaigntaskhistory",
            old_name="due_on",
            new_name="finish_by",
        ),
        migrations.AlterModelOptions(
            name="campaigntask",
            options={"ordering": ["campaign", "finish_by", "id"]},
        ),
        migrations.AlterField(
            model_name="campaigntask",
            name="finish_by",
            field=models.DateField(
                blank=True,
                help_text="Last date to finish: the retirement date minus a margin of 14 days.",
                null=True,
                validators=[apps.common.validators.validate_plausible_date],
            ),
        ),
        migrations.AddField(
            model_name="campaigntask",
            name="scheduled_on",
            field=models.DateField(
                blank=True, help_text="Date on which start and finish were set.", null=True
            ),
        ),
        migrations.AddField(
            model_name="campaigntask",
            name="start_by",
            field=models.DateField(
                blank=True,
                help_text="Last date to start: the finish date minus the days of the migration.",
                null=True,
                validators=[apps.common.validators.validate_plausible_date],
            ),
        ),
        migrations.AlterField(
            model_name="campaigntaskhistory",
            name="finish_by",
            field=models.DateField(
                blank=True,
                help_text="Last date to finish: the retirement date minus a margin of 14 days.",
                null=True,
                validators=[apps.common.validators.validate_plausible_date],
            ),
        ),
        migrations.AddField(
            model_name="campaigntaskhistory",
            name="scheduled_on",
            field=models.DateField(
                blank=True, help_text="Date on which start and finish were set.", null=True
            ),
        ),
        migrations.AddField(
            model_name="campaigntaskhistory",
            name="start_by",
            field=models.DateField(
                blank=True,
                help_text="Last date to start: the finish date minus the days of the migration.",
                null=True,
                validators=[apps.common.validators.validate_plausible_date],
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "finish_by", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scheduled_on", "signed_off_at", "signed_off_by_id", "start_by", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT new_values."after", new_values."before", new_values."campaign_id", new_values."dependency_id", new_values."finish_by", new_values."id", new_values."note", new_values."owner_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."scheduled_on", new_values."signed_off_at", new_values."signed_off_by_id", new_values."start_by", new_values."state", new_values."successor_id", new_values."target_id", new_values."waived_by_id", new_values."waived_reason", new_values."waived_until" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4283cd7f457c6456e7ea6fa501d7c949a2ea06ee",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_431f1",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "finish_by", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scheduled_on", "signed_off_at", "signed_off_by_id", "start_by", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT new_values."after", new_values."before", new_values."campaign_id", new_values."dependency_id", new_values."finish_by", new_values."id", new_values."note", new_values."owner_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."scheduled_on", new_values."signed_off_at", new_values."signed_off_by_id", new_values."start_by", new_values."state", new_values."successor_id", new_values."target_id", new_values."waived_by_id", new_values."waived_reason", new_values."waived_until" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."after" IS DISTINCT FROM (new_values."after") OR old_values."before" IS DISTINCT FROM (new_values."before") OR old_values."campaign_id" IS DISTINCT FROM (new_values."campaign_id") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."finish_by" IS DISTINCT FROM (new_values."finish_by") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."owner_id" IS DISTINCT FROM (new_values."owner_id") OR old_values."scheduled_on" IS DISTINCT FROM (new_values."scheduled_on") OR old_values."signed_off_at" IS DISTINCT FROM (new_values."signed_off_at") OR old_values."signed_off_by_id" IS DISTINCT FROM (new_values."signed_off_by_id") OR old_values."start_by" IS DISTINCT FROM (new_values."start_by") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."successor_id" IS DISTINCT FROM (new_values."successor_id") OR old_values."target_id" IS DISTINCT FROM (new_values."target_id") OR old_values."waived_by_id" IS DISTINCT FROM (new_values."waived_by_id") OR old_values."waived_reason" IS DISTINCT FROM (new_values."waived_reason") OR old_values."waived_until" IS DISTINCT FROM (new_values."waived_until")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="22d1155334d35e3a934097bc0f03d7f85bb88fe9",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d799b",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "finish_by", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scheduled_on", "signed_off_at", "signed_off_by_id", "start_by", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT old_values."after", old_values."before", old_values."campaign_id", old_values."dependency_id", old_values."finish_by", old_values."id", old_values."note", old_values."owner_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."scheduled_on", old_values."signed_off_at", old_values."signed_off_by_id", old_values."start_by", old_values."state", old_values."successor_id", old_values."target_id", old_values."waived_by_id", old_values."waived_reason", old_values."waived_until" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="1f7f533fec6102c573550d31e9f3365388219a46",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_1dfa4",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
    ]
