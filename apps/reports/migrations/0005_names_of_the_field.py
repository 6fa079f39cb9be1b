import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0004_texts"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="componentanswer",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="componentanswer",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="componentanswer",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="componentanswerhistory",
            name="append_only",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="evidencepack",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="evidencepack",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="evidencepack",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="evidencepackhistory",
            name="append_only",
        ),
        migrations.RenameModel(
            old_name="KeptFigures",
            new_name="CachedReportFigures",
        ),
        migrations.RenameField(
            model_name="evidencepack",
            old_name="asked_by",
            new_name="requested_by",
        ),
        migrations.RenameField(
            model_name="evidencepackhistory",
            old_name="asked_by",
            new_name="requested_by",
        ),
        migrations.RenameField(
            model_name="componentanswer",
            old_name="because",
            new_name="explanation",
        ),
        migrations.RenameField(
            model_name="componentanswerhistory",
            old_name="because",
            new_name="explanation",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="componentanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_componentanswerhistory" ("answer", "answered_by_id", "answered_on", "application_id", "explanation", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question") SELECT new_values."answer", new_values."answered_by_id", new_values."answered_on", new_values."application_id", new_values."explanation", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."question" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="aaea2de6b9216c36d1cb14ea1c361e41281743cf",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_66e66",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="reports_componentanswer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="componentanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_componentanswerhistory" ("answer", "answered_by_id", "answered_on", "application_id", "explanation", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question") SELECT new_values."answer", new_values."answered_by_id", new_values."answered_on", new_values."application_id", new_values."explanation", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."question" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."answer" IS DISTINCT FROM (new_values."answer") OR old_values."answered_by_id" IS DISTINCT FROM (new_values."answered_by_id") OR old_values."answered_on" IS DISTINCT FROM (new_values."answered_on") OR old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."explanation" IS DISTINCT FROM (new_values."explanation") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."question" IS DISTINCT FROM (new_values."question")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="539ab2c876f8e2100fc249f2ab7b75e7b2fc1784",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_19fdc",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="reports_componentanswer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="componentanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_componentanswerhistory" ("answer", "answered_by_id", "answered_on", "application_id", "explanation", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question") SELECT old_values."answer", old_values."answered_by_id", old_values."answered_on", old_values."application_id", old_values."explanation", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."question" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="c185ac34d9026d49d5d606e1d601593de494a612",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_149cd",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="reports_componentanswer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="componentanswerhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="22dd08f65a56e489cb0124a5a76e788b768b11f3",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_3e4c5",
                    table="reports_componentanswerhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencepack",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_evidencepackhistory" ("application_id", "as_of", "expires_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "requested_by_id", "scope", "since", "team_ids", "until", "whole_organisation") SELECT new_values."application_id", new_values."as_of", new_values."expires_on", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."requested_by_id", new_values."scope", new_values."since", new_values."team_ids", new_values."until", new_values."whole_organisation" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a50c3f1d3fe4937964832693e44dda3a189b54cb",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_5cfa9",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="reports_evidencepack",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencepack",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_evidencepackhistory" ("application_id", "as_of", "expires_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "requested_by_id", "scope", "since", "team_ids", "until", "whole_organisation") SELECT new_values."application_id", new_values."as_of", new_values."expires_on", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."requested_by_id", new_values."scope", new_values."since", new_values."team_ids", new_values."until", new_values."whole_organisation" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."as_of" IS DISTINCT FROM (new_values."as_of") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."provider_id" IS DISTINCT FROM (new_values."provider_id") OR old_values."requested_by_id" IS DISTINCT FROM (new_values."requested_by_id") OR old_values."scope" IS DISTINCT FROM (new_values."scope") OR old_values."since" IS DISTINCT FROM (new_values."since") OR old_values."team_ids" IS DISTINCT FROM (new_values."team_ids") OR old_values."until" IS DISTINCT FROM (new_values."until") OR old_values."whole_organisation" IS DISTINCT FROM (new_values."whole_organisation")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="50554f03ac372b5c99295a23a95aec483e79a625",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_418d9",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="reports_evidencepack",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencepack",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_evidencepackhistory" ("application_id", "as_of", "expires_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "requested_by_id", "scope", "since", "team_ids", "until", "whole_organisation") SELECT old_values."application_id", old_values."as_of", old_values."expires_on", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."requested_by_id", old_values."scope", old_values."since", old_values."team_ids", old_values."until", old_values."whole_organisation" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="43b32ca1b966802465d3bb1742683148d6b31d6b",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_5a074",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="reports_evidencepack",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencepackhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="5dadf0d8e1b7a476611985a37abebe8a35814efb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_f8ce3",
                    table="reports_evidencepackhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
