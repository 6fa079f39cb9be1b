"""The features of its host that a dependency uses."""

import django.contrib.postgres.fields
import django.contrib.postgres.validators
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0009_stages_and_features"),
        ("inventory", "0005_proposed_use_cases"),
    ]

    operations = [
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
        migrations.AddField(
            model_name="dependency",
            name="features",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=300),
                blank=True,
                db_default=[],
                default=list,
                help_text="Features, endpoints and parameters of the host that the application uses, by their names in the catalogue.",
                validators=[django.contrib.postgres.validators.ArrayMaxLengthValidator(50)],
            ),
        ),
        migrations.AddField(
            model_name="dependencyhistory",
            name="features",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=300),
                blank=True,
                db_default=[],
                default=list,
                help_text="Features, endpoints and parameters of the host that the application uses, by their names in the catalogue.",
                validators=[django.contrib.postgres.validators.ArrayMaxLengthValidator(50)],
            ),
        ),
        migrations.AddIndex(
            model_name="dependency",
            index=models.Index(
                condition=models.Q(("features", []), _negated=True),
                fields=["offering"],
                name="dependency_with_features",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "features", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT new_values."application_id", new_values."binding", new_values."confirmed_on", new_values."created_at", new_values."fallback_order", new_values."features", new_values."id", new_values."last_observed_on", new_values."monthly_cache_read_tokens", new_values."monthly_cache_write_tokens", new_values."monthly_input_tokens", new_values."monthly_output_tokens", new_values."monthly_requests", new_values."monthly_spend", new_values."offering_id", new_values."origin", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."reached", new_values."role", new_values."since", new_values."tags", new_values."traffic_share", new_values."typical_request_tokens", new_values."until", new_values."via_party_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c9b46e060a008b6dedb3dd45b573084b26f28915",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "features", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT new_values."application_id", new_values."binding", new_values."confirmed_on", new_values."created_at", new_values."fallback_order", new_values."features", new_values."id", new_values."last_observed_on", new_values."monthly_cache_read_tokens", new_values."monthly_cache_write_tokens", new_values."monthly_input_tokens", new_values."monthly_output_tokens", new_values."monthly_requests", new_values."monthly_spend", new_values."offering_id", new_values."origin", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."reached", new_values."role", new_values."since", new_values."tags", new_values."traffic_share", new_values."typical_request_tokens", new_values."until", new_values."via_party_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."binding" IS DISTINCT FROM (new_values."binding") OR old_values."confirmed_on" IS DISTINCT FROM (new_values."confirmed_on") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."fallback_order" IS DISTINCT FROM (new_values."fallback_order") OR old_values."features" IS DISTINCT FROM (new_values."features") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."last_observed_on" IS DISTINCT FROM (new_values."last_observed_on") OR old_values."monthly_cache_read_tokens" IS DISTINCT FROM (new_values."monthly_cache_read_tokens") OR old_values."monthly_cache_write_tokens" IS DISTINCT FROM (new_values."monthly_cache_write_tokens") OR old_values."monthly_input_tokens" IS DISTINCT FROM (new_values."monthly_input_tokens") OR old_values."monthly_output_tokens" IS DISTINCT FROM (new_values."monthly_output_tokens") OR old_values."monthly_requests" IS DISTINCT FROM (new_values."monthly_requests") OR old_values."monthly_spend" IS DISTINCT FROM (new_values."monthly_spend") OR old_values."offering_id" IS DISTINCT FROM (new_values."offering_id") OR old_values."origin" IS DISTINCT FROM (new_values."origin") OR old_values."reached" IS DISTINCT FROM (new_values."reached") OR old_values."role" IS DISTINCT FROM (new_values."role") OR old_values."since" IS DISTINCT FROM (new_values."since") OR old_values."tags" IS DISTINCT FROM (new_values."tags") OR old_values."traffic_share" IS DISTINCT FROM (new_values."traffic_share") OR old_values."typical_request_tokens" IS DISTINCT FROM (new_values."typical_request_tokens") OR old_values."until" IS DISTINCT FROM (new_values."until") OR old_values."via_party_id" IS DISTINCT FROM (new_values."via_party_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9035051f790767f0509e4dbf3bb1e851e834bd22",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "features", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT old_values."application_id", old_values."binding", old_values."confirmed_on", old_values."created_at", old_values."fallback_order", old_values."features", old_values."id", old_values."last_observed_on", old_values."monthly_cache_read_tokens", old_values."monthly_cache_write_tokens", old_values."monthly_input_tokens", old_values."monthly_output_tokens", old_values."monthly_requests", old_values."monthly_spend", old_values."offering_id", old_values."origin", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."reached", old_values."role", old_values."since", old_values."tags", old_values."traffic_share", old_values."typical_request_tokens", old_values."until", old_values."via_party_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="45a62f633d81a68fd9ca96c1e4662ead0c59fa97",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_26a67",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="dependency",
            constraint=models.CheckConstraint(
                condition=models.Q(("features__len__lte", 50)),
                name="dependency_features_are_few",
                violation_error_message="At most 50 features can be saved. Remove some.",
            ),
        ),
    ]
