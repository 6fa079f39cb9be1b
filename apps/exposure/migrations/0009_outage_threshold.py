"""The threshold from which incidents count as outages in simulated losses."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0008_texts_of_default_rows"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="exposuresettings",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exposuresettings",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exposuresettings",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="exposuresettings",
            name="outage_hours",
            field=models.FloatField(
                default=4.0,
                help_text="Shortest incident that counts as an outage in simulated losses, in hours: 0, 0.5, 1, 2, 4 or 8.",
            ),
        ),
        migrations.AddField(
            model_name="exposuresettings",
            name="outage_impact",
            field=models.CharField(
                choices=[("minor", "Minor"), ("major", "Major"), ("critical", "Critical")],
                default="critical",
                help_text="Incidents with at least this impact count as outages in simulated losses.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="exposuresettingshistory",
            name="outage_hours",
            field=models.FloatField(
                default=4.0,
                help_text="Shortest incident that counts as an outage in simulated losses, in hours: 0, 0.5, 1, 2, 4 or 8.",
            ),
        ),
        migrations.AddField(
            model_name="exposuresettingshistory",
            name="outage_impact",
            field=models.CharField(
                choices=[("minor", "Minor"), ("major", "Major"), ("critical", "Critical")],
                default="critical",
                help_text="Incidents with at least this impact count as outages in simulated losses.",
                max_length=8,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposuresettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposuresettingshistory" ("criticality_points", "cut_kinds", "cut_threshold", "horizon_days", "id", "outage_hours", "outage_impact", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "required_grade", "state_factor", "statuses", "test_validity_days") SELECT new_values."criticality_points", new_values."cut_kinds", new_values."cut_threshold", new_values."horizon_days", new_values."id", new_values."outage_hours", new_values."outage_impact", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."required_grade", new_values."state_factor", new_values."statuses", new_values."test_validity_days" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b8ea586706b5f081efc46dbaa68e529c83c2486c",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_2f6cb",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_exposuresettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposuresettings",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposuresettingshistory" ("criticality_points", "cut_kinds", "cut_threshold", "horizon_days", "id", "outage_hours", "outage_impact", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "required_grade", "state_factor", "statuses", "test_validity_days") SELECT new_values."criticality_points", new_values."cut_kinds", new_values."cut_threshold", new_values."horizon_days", new_values."id", new_values."outage_hours", new_values."outage_impact", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."required_grade", new_values."state_factor", new_values."statuses", new_values."test_validity_days" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."criticality_points" IS DISTINCT FROM (new_values."criticality_points") OR old_values."cut_kinds" IS DISTINCT FROM (new_values."cut_kinds") OR old_values."cut_threshold" IS DISTINCT FROM (new_values."cut_threshold") OR old_values."horizon_days" IS DISTINCT FROM (new_values."horizon_days") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."outage_hours" IS DISTINCT FROM (new_values."outage_hours") OR old_values."outage_impact" IS DISTINCT FROM (new_values."outage_impact") OR old_values."required_grade" IS DISTINCT FROM (new_values."required_grade") OR old_values."state_factor" IS DISTINCT FROM (new_values."state_factor") OR old_values."statuses" IS DISTINCT FROM (new_values."statuses") OR old_values."test_validity_days" IS DISTINCT FROM (new_values."test_validity_days")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5f99d2e3e198e806211b2aac6ce0810648453063",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9fa31",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_exposuresettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposuresettings",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposuresettingshistory" ("criticality_points", "cut_kinds", "cut_threshold", "horizon_days", "id", "outage_hours", "outage_impact", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "required_grade", "state_factor", "statuses", "test_validity_days") SELECT old_values."criticality_points", old_values."cut_kinds", old_values."cut_threshold", old_values."horizon_days", old_values."id", old_values."outage_hours", old_values."outage_impact", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."required_grade", old_values."state_factor", old_values."statuses", old_values."test_validity_days" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="0c10596a54136d35efb4a026877fdae507283082",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_8cc0a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_exposuresettings",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="exposuresettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("outage_hours__in", (0.0, 0.5, 1.0, 2.0, 4.0, 8.0))),
                name="exposure_settings_outage_hours",
                violation_error_message="Enter 0, 0.5, 1, 2, 4 or 8 hours.",
            ),
        ),
    ]
