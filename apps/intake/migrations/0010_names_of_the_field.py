import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0009_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="handledidentity",
            name="identity_handled_once",
        ),
        migrations.RemoveConstraint(
            model_name="importrow",
            name="import_row_once",
        ),
        migrations.RemoveConstraint(
            model_name="namedecision",
            name="name_decision_once",
        ),
        migrations.RemoveConstraint(
            model_name="sheetmemory",
            name="sheet_memory_once",
        ),
        migrations.RemoveIndex(
            model_name="importrow",
            name="import_row_by_outcome",
        ),
        migrations.RemoveIndex(
            model_name="sheetmemory",
            name="sheet_memory_by_heads",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="intakesettings",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="intakesettings",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="intakesettings",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="intakesettingshistory",
            name="append_only",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="namedecision",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="namedecision",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="namedecision",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="namedecisionhistory",
            name="append_only",
        ),
        migrations.RenameModel(
            old_name="HalfCall",
            new_name="UnmatchedCall",
        ),
        migrations.RenameModel(
            old_name="SeenCall",
            new_name="CountedCall",
        ),
        migrations.RenameModel(
            old_name="SheetMemory",
            new_name="SavedMapping",
        ),
        migrations.RenameModel(
            old_name="KeptStream",
            new_name="StreamSummary",
        ),
        migrations.RenameField(
            model_name="streamsummary",
            old_name="kept_at",
            new_name="counted_at",
        ),
        migrations.RenameField(
            model_name="namedecision",
            old_name="lifted_at",
            new_name="revoked_at",
        ),
        migrations.RenameField(
            model_name="namedecisionhistory",
            old_name="lifted_at",
            new_name="revoked_at",
        ),
        migrations.RenameField(
            model_name="handledidentity",
            old_name="was_lifted",
            new_name="was_revoked",
        ),
        migrations.RenameField(
            model_name="import",
            old_name="heads_digest",
            new_name="header_digest",
        ),
        migrations.RenameField(
            model_name="savedmapping",
            old_name="heads_digest",
            new_name="header_digest",
        ),
        migrations.RenameField(
            model_name="unmatchedcall",
            old_name="told",
            new_name="counted_call",
        ),
        migrations.RenameField(
            model_name="importrow",
            old_name="of",
            new_name="import_record",
        ),
        migrations.RenameField(
            model_name="importcontent",
            old_name="of",
            new_name="import_record",
        ),
        migrations.RenameField(
            model_name="observation",
            old_name="why",
            new_name="explanation",
        ),
        migrations.RenameField(
            model_name="intakesettings",
            old_name="keep_documents_days",
            new_name="document_retention_days",
        ),
        migrations.RenameField(
            model_name="intakesettingshistory",
            old_name="keep_documents_days",
            new_name="document_retention_days",
        ),
        migrations.RenameField(
            model_name="intakesettings",
            old_name="keep_usage_days",
            new_name="usage_retention_days",
        ),
        migrations.RenameField(
            model_name="intakesettingshistory",
            old_name="keep_usage_days",
            new_name="usage_retention_days",
        ),
        migrations.AlterModelOptions(
            name="importrow",
            options={"ordering": ["import_record", "position"]},
        ),
        migrations.RenameIndex(
            model_name="countedcall",
            new_name="counted_call_by_hour",
            old_name="seen_call_by_hour",
        ),
        migrations.RenameIndex(
            model_name="unmatchedcall",
            new_name="unmatched_call_by_time",
            old_name="half_call_by_time",
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                fields=["import_record", "outcome", "position"], name="import_row_by_outcome"
            ),
        ),
        migrations.AddIndex(
            model_name="savedmapping",
            index=models.Index(
                fields=["header_digest", "-used_at"], name="saved_mapping_by_header"
            ),
        ),
        migrations.AddConstraint(
            model_name="handledidentity",
            constraint=models.UniqueConstraint(
                fields=("decision", "was_revoked"), name="identity_handled_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="importrow",
            constraint=models.UniqueConstraint(
                fields=("import_record", "position"), name="import_row_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="namedecision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at__isnull", True)),
                fields=("stream", "provider", "name"),
                name="name_decision_once",
                violation_error_message="A decision on this name already exists. Revoke it first.",
            ),
        ),
        migrations.AddConstraint(
            model_name="savedmapping",
            constraint=models.UniqueConstraint(
                fields=("user", "header_digest"), name="saved_mapping_once"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT new_values."declares_shadows", new_values."document_retention_days", new_values."drift_days", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."unseen_after_days", new_values."updated_at", new_values."usage_retention_days" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e608c458f9d67aa3a61ac1ad60d8733c302376b3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_cd3b7",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_intakesettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT new_values."declares_shadows", new_values."document_retention_days", new_values."drift_days", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."unseen_after_days", new_values."updated_at", new_values."usage_retention_days" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="2e74a84c2595267da40387f567c2e1bc397bc51d",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_77fd9",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_intakesettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT old_values."declares_shadows", old_values."document_retention_days", old_values."drift_days", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."unseen_after_days", old_values."updated_at", old_values."usage_retention_days" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="ce30a83a873f4566cd05018329c634703fecde36",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_4667b",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_intakesettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettingshistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ce238034bc375c5193bb98a560f7830924702e40",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_685a2",
                    table="intake_intakesettingshistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedecision",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_namedecisionhistory" ("decided_at", "decided_by_id", "id", "name", "not_a_model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "reason", "revoked_at", "stream") SELECT new_values."decided_at", new_values."decided_by_id", new_values."id", new_values."name", new_values."not_a_model", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider", new_values."reason", new_values."revoked_at", new_values."stream" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c8af6f7e5e19e456675491ed52186f1676fa8b0b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_a23da",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_namedecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedecision",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_namedecisionhistory" ("decided_at", "decided_by_id", "id", "name", "not_a_model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "reason", "revoked_at", "stream") SELECT new_values."decided_at", new_values."decided_by_id", new_values."id", new_values."name", new_values."not_a_model", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider", new_values."reason", new_values."revoked_at", new_values."stream" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1bedce7655e54499e16e87f1de32ec8156e9f2c3",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a536d",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_namedecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedecision",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_namedecisionhistory" ("decided_at", "decided_by_id", "id", "name", "not_a_model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "reason", "revoked_at", "stream") SELECT old_values."decided_at", old_values."decided_by_id", old_values."id", old_values."name", old_values."not_a_model", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider", old_values."reason", old_values."revoked_at", old_values."stream" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="2be972476da1549295e9a38260d9fbd968348bc4",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_94845",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_namedecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedecisionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="7e264341b80e61e699b9c9ccf59691e4356f7b1a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_aea93",
                    table="intake_namedecisionhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
