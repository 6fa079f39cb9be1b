import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0011_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="application",
            name="application_touched_by_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="application",
            name="application_touched_by_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="application",
            name="application_touched_by_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exitplan",
            name="exit_plan_touched_by_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exitplan",
            name="exit_plan_touched_by_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exitplan",
            name="exit_plan_touched_by_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exittest",
            name="exit_test_touched_by_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exittest",
            name="exit_test_touched_by_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exittest",
            name="exit_test_touched_by_update",
        ),
        migrations.RemoveConstraint(
            model_name="keptfinding",
            name="kept_finding_once",
        ),
        migrations.RemoveConstraint(
            model_name="writtenfilepart",
            name="written_file_part_once",
        ),
        migrations.RemoveIndex(
            model_name="keptrunway",
            name="kept_runway_most_urgent",
        ),
        migrations.RemoveIndex(
            model_name="writtenfile",
            name="written_file_latest",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="approval_concerns_all",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approvalhistory",
            name="append_only",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="dependency",
            name="dependency_touched_by_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="dependency",
            name="dependency_touched_by_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="dependency",
            name="dependency_touched_by_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="dependency",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="dependency",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="dependency",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="dependencyhistory",
            name="append_only",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="writtenfile",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="writtenfile",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="writtenfile",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="writtenfilehistory",
            name="append_only",
        ),
        migrations.RenameModel(
            old_name="KeptFinding",
            new_name="CachedFinding",
        ),
        migrations.RenameModel(
            old_name="KeptRunway",
            new_name="CachedRunway",
        ),
        migrations.RenameModel(
            old_name="KeptState",
            new_name="ReadModelState",
        ),
        migrations.RenameModel(
            old_name="UnkeptApplication",
            new_name="StaleApplication",
        ),
        migrations.RenameModel(
            old_name="TouchedApplication",
            new_name="ChangedApplication",
        ),
        migrations.RenameModel(
            old_name="WrittenFile",
            new_name="ListExport",
        ),
        migrations.RenameModel(
            old_name="WrittenFileHistory",
            new_name="ListExportHistory",
        ),
        migrations.RenameModel(
            old_name="WrittenFilePart",
            new_name="ListExportPart",
        ),
        migrations.RenameField(
            model_name="cachedrunway",
            old_name="leave_by",
            new_name="start_by",
        ),
        migrations.RenameField(
            model_name="readmodelstate",
            old_name="kept_on",
            new_name="as_of",
        ),
        migrations.RenameField(
            model_name="readmodelstate",
            old_name="kept_at",
            new_name="refreshed_at",
        ),
        migrations.RenameField(
            model_name="listexport",
            old_name="asked_by",
            new_name="requested_by",
        ),
        migrations.RenameField(
            model_name="listexporthistory",
            old_name="asked_by",
            new_name="requested_by",
        ),
        migrations.RenameField(
            model_name="approval",
            old_name="revoked_why",
            new_name="revoked_reason",
        ),
        migrations.RenameField(
            model_name="approvalhistory",
            old_name="revoked_why",
            new_name="revoked_reason",
        ),
        migrations.RenameField(
            model_name="dependency",
            old_name="known",
            new_name="origin",
        ),
        migrations.RenameField(
            model_name="dependencyhistory",
            old_name="known",
            new_name="origin",
        ),
        migrations.RenameIndex(
            model_name="cachedfinding",
            new_name="cached_finding_by_code",
            old_name="kept_finding_by_code",
        ),
        migrations.RenameIndex(
            model_name="cachedfinding",
            new_name="cached_finding_by_severity",
            old_name="kept_finding_gravest",
        ),
        migrations.RenameIndex(
            model_name="cachedfinding",
            new_name="cached_finding_by_team",
            old_name="kept_finding_by_team",
        ),
        migrations.RenameIndex(
            model_name="cachedrunway",
            new_name="cached_runway_by_application",
            old_name="kept_runway_by_application",
        ),
        migrations.RenameIndex(
            model_name="listexport",
            new_name="list_export_waiting",
            old_name="written_file_waiting",
        ),
        migrations.AlterField(
            model_name="listexport",
            name="requested_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="list_exports",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="cachedrunway",
            index=models.Index(
                condition=models.Q(("is_first", True)),
                fields=["start_by", "criticality", "dependency_id"],
                include=("application_id", "team_id"),
                name="cached_runway_most_urgent",
            ),
        ),
        migrations.AddIndex(
            model_name="listexport",
            index=models.Index(fields=["requested_by", "-as_of", "-id"], name="list_export_latest"),
        ),
        migrations.AddConstraint(
            model_name="cachedfinding",
            constraint=models.UniqueConstraint(
                fields=("application_id", "code", "dependency_id"),
                name="cached_finding_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="listexportpart",
            constraint=models.UniqueConstraint(
                fields=("file", "number"), name="list_export_part_once"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT id FROM new_rows r ; RETURN NULL;",
                    hash="44cfe5b1fd36540a18d03be2e4d16bf64130bfa0",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_application_changed_by_insert_c0c37",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT id FROM old_rows r ; RETURN NULL;",
                    hash="3be6a8fb06c946bb5bf52099403bf0e39f4fb745",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_application_changed_by_delete_ffa67",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) r ; RETURN NULL;",
                    hash="be96e611d8c27f0ec49cb9712df6aafd5eca17ea",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_application_changed_by_update_32506",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="approval_concerns_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_staleapplication (application_id) VALUES (NULL); RETURN NULL;",
                    hash="1815e77bbbf3372d213336783655fb0d7deb428c",
                    level="STATEMENT",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_approval_concerns_all_809f3",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "revoked_at", "revoked_by_id", "revoked_reason", "version_id") SELECT new_values."approver_id", new_values."created_at", new_values."criticalities", new_values."data_classes", new_values."decided_on", new_values."decision", new_values."expires_on", new_values."foundation_id", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."reason", new_values."regions", new_values."revoked_at", new_values."revoked_by_id", new_values."revoked_reason", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="19fbdbdd71b1587ab32867132d6af5843e6f97cb",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e3716",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "revoked_at", "revoked_by_id", "revoked_reason", "version_id") SELECT new_values."approver_id", new_values."created_at", new_values."criticalities", new_values."data_classes", new_values."decided_on", new_values."decision", new_values."expires_on", new_values."foundation_id", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."reason", new_values."regions", new_values."revoked_at", new_values."revoked_by_id", new_values."revoked_reason", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."approver_id" IS DISTINCT FROM (new_values."approver_id") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."criticalities" IS DISTINCT FROM (new_values."criticalities") OR old_values."data_classes" IS DISTINCT FROM (new_values."data_classes") OR old_values."decided_on" IS DISTINCT FROM (new_values."decided_on") OR old_values."decision" IS DISTINCT FROM (new_values."decision") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."foundation_id" IS DISTINCT FROM (new_values."foundation_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."offering_id" IS DISTINCT FROM (new_values."offering_id") OR old_values."provider_id" IS DISTINCT FROM (new_values."provider_id") OR old_values."reason" IS DISTINCT FROM (new_values."reason") OR old_values."regions" IS DISTINCT FROM (new_values."regions") OR old_values."revoked_at" IS DISTINCT FROM (new_values."revoked_at") OR old_values."revoked_by_id" IS DISTINCT FROM (new_values."revoked_by_id") OR old_values."revoked_reason" IS DISTINCT FROM (new_values."revoked_reason") OR old_values."version_id" IS DISTINCT FROM (new_values."version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="bdb4f8f58f5b625c52c229799096b60c0dcb6eb8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e745f",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "revoked_at", "revoked_by_id", "revoked_reason", "version_id") SELECT old_values."approver_id", old_values."created_at", old_values."criticalities", old_values."data_classes", old_values."decided_on", old_values."decision", old_values."expires_on", old_values."foundation_id", old_values."id", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."reason", old_values."regions", old_values."revoked_at", old_values."revoked_by_id", old_values."revoked_reason", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="5ffb8b87f348b6e24b946c8ddbffd271ae0c827a",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ab36a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approvalhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="0b4ee78cd73fb89b2343f56c83dd501d36197a03",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_8e41f",
                    table="inventory_approvalhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="dependency_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT application_id FROM new_rows r ; RETURN NULL;",
                    hash="1737f2693c690fcd511cc4bfbadeffc0f9910305",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_dependency_changed_by_insert_f479d",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="dependency_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT application_id FROM old_rows r ; RETURN NULL;",
                    hash="6a36cf4daa59460252f4a2af7040435dad514600",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_dependency_changed_by_delete_4aea3",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="dependency_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT application_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) r ; RETURN NULL;",
                    hash="f1a8325144c3e2e3ddc2adc3ec8704a91fc1ccdf",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_dependency_changed_by_update_7f928",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT new_values."application_id", new_values."binding", new_values."confirmed_on", new_values."created_at", new_values."fallback_order", new_values."id", new_values."last_observed_on", new_values."monthly_cache_read_tokens", new_values."monthly_cache_write_tokens", new_values."monthly_input_tokens", new_values."monthly_output_tokens", new_values."monthly_requests", new_values."monthly_spend", new_values."offering_id", new_values."origin", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."reached", new_values."role", new_values."since", new_values."tags", new_values."traffic_share", new_values."typical_request_tokens", new_values."until", new_values."via_party_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b39f3a0a0fd0bdacf490620a33aa16756f881590",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_a8eeb",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT new_values."application_id", new_values."binding", new_values."confirmed_on", new_values."created_at", new_values."fallback_order", new_values."id", new_values."last_observed_on", new_values."monthly_cache_read_tokens", new_values."monthly_cache_write_tokens", new_values."monthly_input_tokens", new_values."monthly_output_tokens", new_values."monthly_requests", new_values."monthly_spend", new_values."offering_id", new_values."origin", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."reached", new_values."role", new_values."since", new_values."tags", new_values."traffic_share", new_values."typical_request_tokens", new_values."until", new_values."via_party_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."binding" IS DISTINCT FROM (new_values."binding") OR old_values."confirmed_on" IS DISTINCT FROM (new_values."confirmed_on") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."fallback_order" IS DISTINCT FROM (new_values."fallback_order") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."last_observed_on" IS DISTINCT FROM (new_values."last_observed_on") OR old_values."monthly_cache_read_tokens" IS DISTINCT FROM (new_values."monthly_cache_read_tokens") OR old_values."monthly_cache_write_tokens" IS DISTINCT FROM (new_values."monthly_cache_write_tokens") OR old_values."monthly_input_tokens" IS DISTINCT FROM (new_values."monthly_input_tokens") OR old_values."monthly_output_tokens" IS DISTINCT FROM (new_values."monthly_output_tokens") OR old_values."monthly_requests" IS DISTINCT FROM (new_values."monthly_requests") OR old_values."monthly_spend" IS DISTINCT FROM (new_values."monthly_spend") OR old_values."offering_id" IS DISTINCT FROM (new_values."offering_id") OR old_values."origin" IS DISTINCT FROM (new_values."origin") OR old_values."reached" IS DISTINCT FROM (new_values."reached") OR old_values."role" IS DISTINCT FROM (new_values."role") OR old_values."since" IS DISTINCT FROM (new_values."since") OR old_values."tags" IS DISTINCT FROM (new_values."tags") OR old_values."traffic_share" IS DISTINCT FROM (new_values."traffic_share") OR old_values."typical_request_tokens" IS DISTINCT FROM (new_values."typical_request_tokens") OR old_values."until" IS DISTINCT FROM (new_values."until") OR old_values."via_party_id" IS DISTINCT FROM (new_values."via_party_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8d9e91af8f8405bd2756a983360f390612453ae2",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_5f622",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT old_values."application_id", old_values."binding", old_values."confirmed_on", old_values."created_at", old_values."fallback_order", old_values."id", old_values."last_observed_on", old_values."monthly_cache_read_tokens", old_values."monthly_cache_write_tokens", old_values."monthly_input_tokens", old_values."monthly_output_tokens", old_values."monthly_requests", old_values."monthly_spend", old_values."offering_id", old_values."origin", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."reached", old_values."role", old_values."since", old_values."tags", old_values."traffic_share", old_values."typical_request_tokens", old_values."until", old_values."via_party_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="fba375c72c403f0999d07aa59ad5cbcdfcdd0365",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_26a67",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependencyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="df3e70252f4f895fc0ab2d0f0c22200da38f9305",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e76ae",
                    table="inventory_dependencyhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_plan_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM new_rows r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="c1533e783000159bf9597d44071d0d4dafded16c",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_exit_plan_changed_by_insert_19882",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_plan_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM old_rows r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="0661e271b05f62907854a846495f0788d4e62289",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_exit_plan_changed_by_delete_d080b",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_plan_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="0b355f9702d6cc7976b7dbbc515a57df4a4ba629",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_exit_plan_changed_by_update_76228",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_test_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM new_rows r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="09d5fe992235c21f734adb190a2bff599006f30e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_exit_test_changed_by_insert_aba09",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_test_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM old_rows r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="487f93cab402c13c198d1ca6a74441acec1093d5",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_exit_test_changed_by_delete_b4c70",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_test_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="d09fbb9a883ec39d2dd06259ac0884677d652b6c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_exit_test_changed_by_update_7c37f",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listexport",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_listexporthistory" ("as_of", "expires_on", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "requested_by_id", "team_ids", "whole_organisation") SELECT new_values."as_of", new_values."expires_on", new_values."id", new_values."kind", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."query", new_values."requested_by_id", new_values."team_ids", new_values."whole_organisation" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="fea2775902af14d954aee85226ccfd0880f92f0e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_1bb7a",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_listexport",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listexport",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_listexporthistory" ("as_of", "expires_on", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "requested_by_id", "team_ids", "whole_organisation") SELECT new_values."as_of", new_values."expires_on", new_values."id", new_values."kind", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."query", new_values."requested_by_id", new_values."team_ids", new_values."whole_organisation" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."as_of" IS DISTINCT FROM (new_values."as_of") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."query" IS DISTINCT FROM (new_values."query") OR old_values."requested_by_id" IS DISTINCT FROM (new_values."requested_by_id") OR old_values."team_ids" IS DISTINCT FROM (new_values."team_ids") OR old_values."whole_organisation" IS DISTINCT FROM (new_values."whole_organisation")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b63b7e264996a17e41be01690f2b7ace8046757a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_21000",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_listexport",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listexport",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_listexporthistory" ("as_of", "expires_on", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "requested_by_id", "team_ids", "whole_organisation") SELECT old_values."as_of", old_values."expires_on", old_values."id", old_values."kind", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."query", old_values."requested_by_id", old_values."team_ids", old_values."whole_organisation" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="537d07cf44e9b277109b8b54b415499dbef2ba69",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d9743",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_listexport",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listexporthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="86c0e8331b104f8c30f93252222979e747551d68",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_000e9",
                    table="inventory_listexporthistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
