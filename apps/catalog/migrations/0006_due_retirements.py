"""Offerings whose retirement date has come and is not confirmed by their source yet."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_products"),
    ]

    operations = [
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
        migrations.AddField(
            model_name="offering",
            name="due_status",
            field=models.CharField(
                blank=True,
                choices=[
                    ("unconfirmed", "Not confirmed by the source"),
                    ("still_listed", "Still listed by the source"),
                ],
                db_default="",
                default="",
                editable=False,
                help_text="Set once an announced date has come: whether its source was not polled since, or still lists the offering.",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="offeringhistory",
            name="due_status",
            field=models.CharField(
                blank=True,
                choices=[
                    ("unconfirmed", "Not confirmed by the source"),
                    ("still_listed", "Still listed by the source"),
                ],
                db_default="",
                default="",
                editable=False,
                help_text="Set once an announced date has come: whether its source was not polled since, or still lists the offering.",
                max_length=12,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "due_status", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."due_status", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."kind", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."resolved_to_id", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a66787884caa7822553dbbb4f91b229f4c641b5e",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "due_status", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."due_status", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."kind", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."resolved_to_id", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."alias_id" IS DISTINCT FROM (new_values."alias_id") OR old_values."announced_on" IS DISTINCT FROM (new_values."announced_on") OR old_values."api_id" IS DISTINCT FROM (new_values."api_id") OR old_values."binding" IS DISTINCT FROM (new_values."binding") OR old_values."category" IS DISTINCT FROM (new_values."category") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."date_kind" IS DISTINCT FROM (new_values."date_kind") OR old_values."due_status" IS DISTINCT FROM (new_values."due_status") OR old_values."end_behaviour" IS DISTINCT FROM (new_values."end_behaviour") OR old_values."gateway_id" IS DISTINCT FROM (new_values."gateway_id") OR old_values."host_id" IS DISTINCT FROM (new_values."host_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."identity_confidence" IS DISTINCT FROM (new_values."identity_confidence") OR old_values."identity_explanation" IS DISTINCT FROM (new_values."identity_explanation") OR old_values."identity_reason" IS DISTINCT FROM (new_values."identity_reason") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."lifecycle" IS DISTINCT FROM (new_values."lifecycle") OR old_values."lifecycle_claim_id" IS DISTINCT FROM (new_values."lifecycle_claim_id") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."not_a_model" IS DISTINCT FROM (new_values."not_a_model") OR old_values."price_claim_id" IS DISTINCT FROM (new_values."price_claim_id") OR old_values."region_scope" IS DISTINCT FROM (new_values."region_scope") OR old_values."replacement_id" IS DISTINCT FROM (new_values."replacement_id") OR old_values."replacement_text" IS DISTINCT FROM (new_values."replacement_text") OR old_values."resolved_to_id" IS DISTINCT FROM (new_values."resolved_to_id") OR old_values."retires_on" IS DISTINCT FROM (new_values."retires_on") OR old_values."service_tier" IS DISTINCT FROM (new_values."service_tier") OR old_values."version_id" IS DISTINCT FROM (new_values."version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="2729cee81a536768d1ae5b54c48c6fd3995fae6c",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "due_status", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_on", "service_tier", "version_id") SELECT old_values."alias_id", old_values."announced_on", old_values."api_id", old_values."binding", old_values."category", old_values."created_at", old_values."date_kind", old_values."due_status", old_values."end_behaviour", old_values."gateway_id", old_values."host_id", old_values."id", old_values."identity_confidence", old_values."identity_explanation", old_values."identity_reason", old_values."kind", old_values."lifecycle", old_values."lifecycle_claim_id", old_values."name", old_values."not_a_model", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."price_claim_id", old_values."region_scope", old_values."replacement_id", old_values."replacement_text", old_values."resolved_to_id", old_values."retires_on", old_values."service_tier", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="0e3d19ff25dbb8a735bb4c8ce2109672da503663",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_66553",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offering",
            name="offering_changed_by_update",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="offering_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        INSERT INTO catalog_changedoffering (offering_id)\n        SELECT n.id FROM new_rows n JOIN old_rows o ON o.id = n.id\n        WHERE (n.lifecycle, n.due_status, n.retires_on, n.date_kind, n.end_behaviour, n.replacement_id, n.version_id,\n               n.host_id, n.gateway_id)\n           IS DISTINCT FROM (o.lifecycle, o.due_status, o.retires_on, o.date_kind, o.end_behaviour, o.replacement_id,\n               o.version_id, o.host_id, o.gateway_id);\n        RETURN NULL;\n    ",
                    hash="822cb3a7d55833867164e2459e150c77ed7710ed",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_offering_changed_by_update_0ac26",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
    ]
