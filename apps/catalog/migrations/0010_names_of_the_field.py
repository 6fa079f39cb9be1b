import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0009_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="footing",
            name="footing_touched_by_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="footing",
            name="footing_touched_by_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="footing",
            name="footing_touched_by_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="provider",
            name="provider_parent_touched",
        ),
        migrations.RemoveConstraint(
            model_name="identitydecision",
            name="identity_decision_once",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="identitydecision",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="identitydecision",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="identitydecision",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="identitydecisionhistory",
            name="append_only",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offering",
            name="offering_touched_by_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offering",
            name="offering_footing_complete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offering",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offering",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offering",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offeringhistory",
            name="append_only",
        ),
        migrations.RenameModel(
            old_name="TouchedOffering",
            new_name="ChangedOffering",
        ),
        migrations.RenameField(
            model_name="offering",
            old_name="identity_why",
            new_name="identity_explanation",
        ),
        migrations.RenameField(
            model_name="offeringhistory",
            old_name="identity_why",
            new_name="identity_explanation",
        ),
        migrations.RenameField(
            model_name="identitydecision",
            old_name="lifted_at",
            new_name="revoked_at",
        ),
        migrations.RenameField(
            model_name="identitydecisionhistory",
            old_name="lifted_at",
            new_name="revoked_at",
        ),
        migrations.AddConstraint(
            model_name="identitydecision",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("raw"),
                models.F("host"),
                condition=models.Q(("revoked_at__isnull", True)),
                name="identity_decision_once",
                nulls_distinct=False,
                violation_error_message="This model ID is already identified on this host. Remove that decision first.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="footing",
            trigger=pgtrigger.compiler.Trigger(
                name="footing_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id) SELECT DISTINCT offering_id FROM (SELECT offering_id FROM new_rows) r;\n            RETURN NULL;\n        ",
                    hash="67d32a564226dbbee0aa89b865679cd40cb3c980",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_footing_changed_by_insert_5cd77",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="catalog_footing",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="footing",
            trigger=pgtrigger.compiler.Trigger(
                name="footing_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id) SELECT DISTINCT offering_id FROM (SELECT offering_id FROM new_rows) r;\n            RETURN NULL;\n        ",
                    hash="41c8a2410e19990e248083969c7f57dee3e2fd09",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_footing_changed_by_update_08705",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="catalog_footing",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="footing",
            trigger=pgtrigger.compiler.Trigger(
                name="footing_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id) SELECT DISTINCT offering_id FROM (SELECT offering_id FROM old_rows) r;\n            RETURN NULL;\n        ",
                    hash="83f7c863bfa4e4372b0b35184234f65db8d4bb2e",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_footing_changed_by_delete_3b656",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="catalog_footing",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identitydecision",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_identitydecisionhistory" ("alias_id", "decided_at", "decided_by_id", "host_id", "id", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raw", "reason", "revoked_at", "version_id") SELECT new_values."alias_id", new_values."decided_at", new_values."decided_by_id", new_values."host_id", new_values."id", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."raw", new_values."reason", new_values."revoked_at", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a602d99e2aa2867ee1366f8eacf5d61cb263e4d7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_995a6",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_identitydecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identitydecision",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_identitydecisionhistory" ("alias_id", "decided_at", "decided_by_id", "host_id", "id", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raw", "reason", "revoked_at", "version_id") SELECT new_values."alias_id", new_values."decided_at", new_values."decided_by_id", new_values."host_id", new_values."id", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."raw", new_values."reason", new_values."revoked_at", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5fdfb654e43ddca2aeedec80b20a8eb25f2fcda4",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_13bbc",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_identitydecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identitydecision",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_identitydecisionhistory" ("alias_id", "decided_at", "decided_by_id", "host_id", "id", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raw", "reason", "revoked_at", "version_id") SELECT old_values."alias_id", old_values."decided_at", old_values."decided_by_id", old_values."host_id", old_values."id", old_values."not_a_model", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."raw", old_values."reason", old_values."revoked_at", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="9fdbd926e6b83b5f1e06c46a5611e085dd643abd",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9c40a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_identitydecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identitydecisionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="b4309e339bda365288cc81c65688cd9b43e2b198",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_bcd75",
                    table="catalog_identitydecisionhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="offering_footing_complete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare="DECLARE resolved boolean;",
                    func="\n        SELECT o.version_id IS NOT NULL INTO resolved FROM catalog_offering o\n        WHERE o.id = coalesce(\n            (SELECT n.ref FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id AND n.kind = 1\n             WHERE f.offering_id = NEW.id AND n.ref <> NEW.id LIMIT 1), NEW.id);\n        IF EXISTS (SELECT 1 FROM catalog_offering o WHERE o.id = NEW.id) AND (\n            SELECT count(DISTINCT n.kind)\n            FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id\n            WHERE f.offering_id = NEW.id AND f.depth = 0\n              AND n.kind = ANY (CASE WHEN resolved THEN ARRAY[1, 2, 3, 4, 5] ELSE ARRAY[1, 5] END)\n        ) < (CASE WHEN resolved THEN 5 ELSE 2 END) THEN\n            RAISE EXCEPTION 'Offering % has no complete footing; change it through apps.catalog.actions.', NEW.id\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'offering_footing_complete';\n        END IF;\n        RETURN NULL;\n    ",
                    hash="252d128f58d2d1889e685f996ed041b2988af2a9",
                    operation='INSERT OR UPDATE OF "version_id", "host_id", "gateway_id"',
                    pgid="pgtrigger_offering_footing_complete_4eb9d",
                    table="catalog_offering",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="offering_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        INSERT INTO catalog_changedoffering (offering_id)\n        SELECT n.id FROM new_rows n JOIN old_rows o ON o.id = n.id\n        WHERE (n.lifecycle, n.retires_on, n.date_kind, n.end_behaviour, n.replacement_id, n.version_id, n.host_id,\n               n.gateway_id)\n           IS DISTINCT FROM (o.lifecycle, o.retires_on, o.date_kind, o.end_behaviour, o.replacement_id, o.version_id,\n               o.host_id, o.gateway_id);\n        RETURN NULL;\n    ",
                    hash="2540d3749e84769797130a3e552fb3ffd05a2968",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_offering_changed_by_update_0ac26",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a5ce206e3f9c2e7c30a629cd4cf32aad9e44a53a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_83700",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."alias_id" IS DISTINCT FROM (new_values."alias_id") OR old_values."announced_on" IS DISTINCT FROM (new_values."announced_on") OR old_values."api_id" IS DISTINCT FROM (new_values."api_id") OR old_values."binding" IS DISTINCT FROM (new_values."binding") OR old_values."category" IS DISTINCT FROM (new_values."category") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."date_kind" IS DISTINCT FROM (new_values."date_kind") OR old_values."end_behaviour" IS DISTINCT FROM (new_values."end_behaviour") OR old_values."gateway_id" IS DISTINCT FROM (new_values."gateway_id") OR old_values."host_id" IS DISTINCT FROM (new_values."host_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."identity_confidence" IS DISTINCT FROM (new_values."identity_confidence") OR old_values."identity_explanation" IS DISTINCT FROM (new_values."identity_explanation") OR old_values."identity_reason" IS DISTINCT FROM (new_values."identity_reason") OR old_values."lifecycle" IS DISTINCT FROM (new_values."lifecycle") OR old_values."lifecycle_claim_id" IS DISTINCT FROM (new_values."lifecycle_claim_id") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."not_a_model" IS DISTINCT FROM (new_values."not_a_model") OR old_values."price_claim_id" IS DISTINCT FROM (new_values."price_claim_id") OR old_values."region_scope" IS DISTINCT FROM (new_values."region_scope") OR old_values."replacement_id" IS DISTINCT FROM (new_values."replacement_id") OR old_values."replacement_text" IS DISTINCT FROM (new_values."replacement_text") OR old_values."retires_on" IS DISTINCT FROM (new_values."retires_on") OR old_values."service_tier" IS DISTINCT FROM (new_values."service_tier") OR old_values."version_id" IS DISTINCT FROM (new_values."version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c37802da2f5e6b3492a5cceeb1860900fb21b184",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_065e0",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "retires_on", "service_tier", "version_id") SELECT old_values."alias_id", old_values."announced_on", old_values."api_id", old_values."binding", old_values."category", old_values."created_at", old_values."date_kind", old_values."end_behaviour", old_values."gateway_id", old_values."host_id", old_values."id", old_values."identity_confidence", old_values."identity_explanation", old_values."identity_reason", old_values."lifecycle", old_values."lifecycle_claim_id", old_values."name", old_values."not_a_model", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."price_claim_id", old_values."region_scope", old_values."replacement_id", old_values."replacement_text", old_values."retires_on", old_values."service_tier", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="58149812c4b681d34e08792c81b070a370521680",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_66553",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f467402ba8c9da8ce0453ca57088e635540dbd99",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_09da2",
                    table="catalog_offeringhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="provider",
            trigger=pgtrigger.compiler.Trigger(
                name="provider_parent_changed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        INSERT INTO catalog_changedoffering (offering_id)\n        SELECT NULL WHERE EXISTS (\n            SELECT 1 FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE n.parent_id IS DISTINCT FROM o.parent_id\n        );\n        RETURN NULL;\n    ",
                    hash="afae5fbf20c017aafe687ab5f80b92b93f2ee313",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_provider_parent_changed_ead68",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="catalog_provider",
                    when="AFTER",
                ),
            ),
        ),
    ]
