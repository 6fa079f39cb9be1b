"""Names and products: offerings without a model ID, with what they may be."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_region_sources_and_history"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="OfferingCandidate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source_url", models.URLField(blank=True, default="", max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
            ],
            options={
                "ordering": ["offering", "id"],
            },
        ),
        migrations.CreateModel(
            name="OfferingCandidateHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("source_url", models.URLField(blank=True, default="", max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
            ],
            options={
                "abstract": False,
            },
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
        migrations.AddField(
            model_name="offering",
            name="kind",
            field=models.CharField(
                choices=[("model_id", "Model ID"), ("name", "Name"), ("product", "Product")],
                db_default="model_id",
                default="model_id",
                help_text="Model ID of the host, name as written, or product.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="offering",
            name="resolved_to",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="Model ID that was chosen for the name.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="resolved_names",
                to="catalog.offering",
            ),
        ),
        migrations.AddField(
            model_name="offeringhistory",
            name="kind",
            field=models.CharField(
                choices=[("model_id", "Model ID"), ("name", "Name"), ("product", "Product")],
                db_default="model_id",
                default="model_id",
                help_text="Model ID of the host, name as written, or product.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="offeringhistory",
            name="resolved_to",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                help_text="Model ID that was chosen for the name.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.offering",
            ),
        ),
        migrations.AddIndex(
            model_name="offering",
            index=models.Index(
                condition=models.Q(("kind", "model_id"), _negated=True),
                fields=["kind", "host"],
                name="offering_without_model_id",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="offering_footing_complete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare="DECLARE due_kinds integer[];",
                    func="\n        SELECT CASE WHEN p.slug = 'host-not-stated' THEN ARRAY[1] ELSE ARRAY[1, 5] END\n            || CASE WHEN o.version_id IS NOT NULL THEN ARRAY[2, 3, 4] ELSE '{}' END\n        INTO due_kinds\n        FROM catalog_offering o JOIN catalog_provider p ON p.id = o.host_id\n        WHERE o.id = coalesce(\n            (SELECT n.ref FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id AND n.kind = 1\n             WHERE f.offering_id = NEW.id AND n.ref <> NEW.id AND NEW.kind = 'model_id' LIMIT 1), NEW.id);\n        IF EXISTS (SELECT 1 FROM catalog_offering o WHERE o.id = NEW.id) AND (\n            SELECT count(DISTINCT n.kind)\n            FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id\n            WHERE f.offering_id = NEW.id AND f.depth = 0 AND n.kind = ANY (due_kinds)\n        ) < cardinality(due_kinds) THEN\n            RAISE EXCEPTION 'Offering % has no complete footing; change it through apps.catalog.actions.', NEW.id\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'offering_footing_complete';\n        END IF;\n        RETURN NULL;\n    ",
                    hash="9f9f13604ab6e5ae61bfb34e21c502e61e6184c1",
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
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."kind", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."resolved_to_id", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a418ef55c853467183a5ed6162dae956c9d6a382",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."kind", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."resolved_to_id", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."alias_id" IS DISTINCT FROM (new_values."alias_id") OR old_values."announced_on" IS DISTINCT FROM (new_values."announced_on") OR old_values."api_id" IS DISTINCT FROM (new_values."api_id") OR old_values."binding" IS DISTINCT FROM (new_values."binding") OR old_values."category" IS DISTINCT FROM (new_values."category") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."date_kind" IS DISTINCT FROM (new_values."date_kind") OR old_values."end_behaviour" IS DISTINCT FROM (new_values."end_behaviour") OR old_values."gateway_id" IS DISTINCT FROM (new_values."gateway_id") OR old_values."host_id" IS DISTINCT FROM (new_values."host_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."identity_confidence" IS DISTINCT FROM (new_values."identity_confidence") OR old_values."identity_explanation" IS DISTINCT FROM (new_values."identity_explanation") OR old_values."identity_reason" IS DISTINCT FROM (new_values."identity_reason") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."lifecycle" IS DISTINCT FROM (new_values."lifecycle") OR old_values."lifecycle_claim_id" IS DISTINCT FROM (new_values."lifecycle_claim_id") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."not_a_model" IS DISTINCT FROM (new_values."not_a_model") OR old_values."price_claim_id" IS DISTINCT FROM (new_values."price_claim_id") OR old_values."region_scope" IS DISTINCT FROM (new_values."region_scope") OR old_values."replacement_id" IS DISTINCT FROM (new_values."replacement_id") OR old_values."replacement_text" IS DISTINCT FROM (new_values."replacement_text") OR old_values."resolved_to_id" IS DISTINCT FROM (new_values."resolved_to_id") OR old_values."retires_on" IS DISTINCT FROM (new_values."retires_on") OR old_values."service_tier" IS DISTINCT FROM (new_values."service_tier") OR old_values."version_id" IS DISTINCT FROM (new_values."version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f80631162a11aa59611de6b0186c6b1cf65a0f04",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_on", "service_tier", "version_id") SELECT old_values."alias_id", old_values."announced_on", old_values."api_id", old_values."binding", old_values."category", old_values."created_at", old_values."date_kind", old_values."end_behaviour", old_values."gateway_id", old_values."host_id", old_values."id", old_values."identity_confidence", old_values."identity_explanation", old_values."identity_reason", old_values."kind", old_values."lifecycle", old_values."lifecycle_claim_id", old_values."name", old_values."not_a_model", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."price_claim_id", old_values."region_scope", old_values."replacement_id", old_values."replacement_text", old_values."resolved_to_id", old_values."retires_on", old_values."service_tier", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="b064585deae26a391324b2f98b09c69fde094305",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_66553",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "model_id"), _negated=True),
                    ("resolved_to__isnull", True),
                    _connector="OR",
                ),
                name="offering_model_id_is_final",
                violation_error_message="Only a name or a product can have a chosen model ID.",
            ),
        ),
        migrations.AddField(
            model_name="offeringcandidate",
            name="foundation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="catalog.foundation",
            ),
        ),
        migrations.AddField(
            model_name="offeringcandidate",
            name="offering",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="candidates",
                to="catalog.offering",
            ),
        ),
        migrations.AddField(
            model_name="offeringcandidate",
            name="version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="catalog.version",
            ),
        ),
        migrations.AddField(
            model_name="offeringcandidatehistory",
            name="foundation",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.foundation",
            ),
        ),
        migrations.AddField(
            model_name="offeringcandidatehistory",
            name="offering",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.offering",
            ),
        ),
        migrations.AddField(
            model_name="offeringcandidatehistory",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="offeringcandidatehistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="catalog.offeringcandidate",
            ),
        ),
        migrations.AddField(
            model_name="offeringcandidatehistory",
            name="version",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.version",
            ),
        ),
        migrations.AddConstraint(
            model_name="offeringcandidate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("foundation__isnull", True), ("version__isnull", False)),
                    models.Q(("foundation__isnull", False), ("version__isnull", True)),
                    _connector="OR",
                ),
                name="candidate_is_one_thing",
                violation_error_message="Choose a version or a foundation.",
            ),
        ),
        migrations.AddConstraint(
            model_name="offeringcandidate",
            constraint=models.UniqueConstraint(
                fields=("offering", "version", "foundation"),
                name="candidate_once",
                nulls_distinct=False,
                violation_error_message="This candidate is already listed.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringcandidate",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringcandidatehistory" ("foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_on", "source_url", "version_id") SELECT new_values."foundation_id", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."source_on", new_values."source_url", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="74a050093d7919576e8723d108221f14c107282e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_913cc",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_offeringcandidate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringcandidate",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringcandidatehistory" ("foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_on", "source_url", "version_id") SELECT new_values."foundation_id", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."source_on", new_values."source_url", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="164839aa8c6e685c5534a2a59100aa0df2e94dae",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_57fc7",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_offeringcandidate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringcandidate",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringcandidatehistory" ("foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_on", "source_url", "version_id") SELECT old_values."foundation_id", old_values."id", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."source_on", old_values."source_url", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="977533f09b79f53ab497e13d2b7777d39118f35d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9dd84",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_offeringcandidate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringcandidatehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f862a0fc1a884facfe8f62890e0933a72945653e",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c8f83",
                    table="catalog_offeringcandidatehistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(
            sql=load_statement("catalog", "definitions/candidate_version"),
            reverse_sql="DROP FUNCTION candidate_version()",
        ),
        migrations.RunSQL(
            sql=load_statement("catalog", "definitions/known_model_id"),
            reverse_sql="DROP FUNCTION known_model_id()",
        ),
    ]
