"""Campaigns can have a target for each offering, from a what-if scenario."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0009_outage_threshold"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="campaign",
            name="targets",
            field=models.JSONField(
                blank=True,
                db_default={},
                default=dict,
                help_text="Targets by offering, from a what-if scenario: {offering ID: target ID}. If it has any, only dependencies on these offerings have a task.",
            ),
        ),
        migrations.AddField(
            model_name="campaignhistory",
            name="targets",
            field=models.JSONField(
                blank=True,
                db_default={},
                default=dict,
                help_text="Targets by offering, from a what-if scenario: {offering ID: target ID}. If it has any, only dependencies on these offerings have a task.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaignhistory" ("announcement_id", "closed_at", "closed_by_id", "closing_note", "due_on", "event_id", "id", "note", "opened_at", "opened_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "subject_id", "target_id", "targets", "title") SELECT new_values."announcement_id", new_values."closed_at", new_values."closed_by_id", new_values."closing_note", new_values."due_on", new_values."event_id", new_values."id", new_values."note", new_values."opened_at", new_values."opened_by_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."state", new_values."subject_id", new_values."target_id", new_values."targets", new_values."title" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="2b8f2af3fd0668ad27c99561dc9cd4bc3ef7264f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_f37d7",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_campaign",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaignhistory" ("announcement_id", "closed_at", "closed_by_id", "closing_note", "due_on", "event_id", "id", "note", "opened_at", "opened_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "subject_id", "target_id", "targets", "title") SELECT new_values."announcement_id", new_values."closed_at", new_values."closed_by_id", new_values."closing_note", new_values."due_on", new_values."event_id", new_values."id", new_values."note", new_values."opened_at", new_values."opened_by_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."state", new_values."subject_id", new_values."target_id", new_values."targets", new_values."title" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."announcement_id" IS DISTINCT FROM (new_values."announcement_id") OR old_values."closed_at" IS DISTINCT FROM (new_values."closed_at") OR old_values."closed_by_id" IS DISTINCT FROM (new_values."closed_by_id") OR old_values."closing_note" IS DISTINCT FROM (new_values."closing_note") OR old_values."due_on" IS DISTINCT FROM (new_values."due_on") OR old_values."event_id" IS DISTINCT FROM (new_values."event_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."opened_at" IS DISTINCT FROM (new_values."opened_at") OR old_values."opened_by_id" IS DISTINCT FROM (new_values."opened_by_id") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."subject_id" IS DISTINCT FROM (new_values."subject_id") OR old_values."target_id" IS DISTINCT FROM (new_values."target_id") OR old_values."targets" IS DISTINCT FROM (new_values."targets") OR old_values."title" IS DISTINCT FROM (new_values."title")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b88a33a056487d9f8f8feb32480acf81fba3d70b",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_391cc",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_campaign",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaignhistory" ("announcement_id", "closed_at", "closed_by_id", "closing_note", "due_on", "event_id", "id", "note", "opened_at", "opened_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "subject_id", "target_id", "targets", "title") SELECT old_values."announcement_id", old_values."closed_at", old_values."closed_by_id", old_values."closing_note", old_values."due_on", old_values."event_id", old_values."id", old_values."note", old_values."opened_at", old_values."opened_by_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."state", old_values."subject_id", old_values."target_id", old_values."targets", old_values."title" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="15030c8746c26c852dc00a95132cefafc9c9f986",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_b3081",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_campaign",
                    when="AFTER",
                ),
            ),
        ),
    ]
