"""Stages, retirements by region, months without a day, and features of hosts."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0008_price_units"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="OfferingStage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("preview", "Preview"),
                            ("active", "Active"),
                            ("legacy", "Legacy"),
                            ("deprecated", "Deprecated"),
                            ("closed_to_new", "Closed to new customers"),
                            ("training_ended", "Training of fine-tuned models ended"),
                            ("extended_access", "Extended access"),
                            ("retired", "Retired"),
                        ],
                        max_length=15,
                    ),
                ),
                ("starts_on", models.DateField(blank=True, null=True)),
                (
                    "date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        default="",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["offering", "starts_on", "stage"],
            },
        ),
        migrations.CreateModel(
            name="OfferingStageHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("preview", "Preview"),
                            ("active", "Active"),
                            ("legacy", "Legacy"),
                            ("deprecated", "Deprecated"),
                            ("closed_to_new", "Closed to new customers"),
                            ("training_ended", "Training of fine-tuned models ended"),
                            ("extended_access", "Extended access"),
                            ("retired", "Retired"),
                        ],
                        max_length=15,
                    ),
                ),
                ("starts_on", models.DateField(blank=True, null=True)),
                (
                    "date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        default="",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RegionalRetirement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("region", models.CharField(max_length=60)),
                ("retires_on", models.DateField(blank=True, null=True)),
                (
                    "date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        default="",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["offering", "retires_on", "region"],
            },
        ),
        migrations.CreateModel(
            name="RegionalRetirementHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("region", models.CharField(max_length=60)),
                ("retires_on", models.DateField(blank=True, null=True)),
                (
                    "date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        default="",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
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
        migrations.RemoveConstraint(
            model_name="offering",
            name="offering_once",
        ),
        migrations.AddField(
            model_name="offering",
            name="retires_month",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Month of the retirement (YYYY-MM) where its source states no day; the date is then the first day of the month, as the earliest.",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="offeringhistory",
            name="retires_month",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Month of the retirement (YYYY-MM) where its source states no day; the date is then the first day of the month, as the earliest.",
                max_length=7,
            ),
        ),
        migrations.AlterField(
            model_name="offering",
            name="kind",
            field=models.CharField(
                choices=[
                    ("model_id", "Model ID"),
                    ("name", "Name"),
                    ("product", "Product"),
                    ("feature", "Feature"),
                    ("endpoint", "Endpoint"),
                    ("parameter", "Parameter"),
                ],
                db_default="model_id",
                default="model_id",
                help_text="Model ID of the host, name as written, product, or feature of the host.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="offeringhistory",
            name="kind",
            field=models.CharField(
                choices=[
                    ("model_id", "Model ID"),
                    ("name", "Name"),
                    ("product", "Product"),
                    ("feature", "Feature"),
                    ("endpoint", "Endpoint"),
                    ("parameter", "Parameter"),
                ],
                db_default="model_id",
                default="model_id",
                help_text="Model ID of the host, name as written, product, or feature of the host.",
                max_length=10,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "due_status", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_month", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."due_status", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."kind", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."resolved_to_id", new_values."retires_month", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5dfdbf4530a207253ca79329d4f617ff1e9806b8",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "due_status", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_month", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."due_status", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."kind", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."resolved_to_id", new_values."retires_month", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."alias_id" IS DISTINCT FROM (new_values."alias_id") OR old_values."announced_on" IS DISTINCT FROM (new_values."announced_on") OR old_values."api_id" IS DISTINCT FROM (new_values."api_id") OR old_values."binding" IS DISTINCT FROM (new_values."binding") OR old_values."category" IS DISTINCT FROM (new_values."category") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."date_kind" IS DISTINCT FROM (new_values."date_kind") OR old_values."due_status" IS DISTINCT FROM (new_values."due_status") OR old_values."end_behaviour" IS DISTINCT FROM (new_values."end_behaviour") OR old_values."gateway_id" IS DISTINCT FROM (new_values."gateway_id") OR old_values."host_id" IS DISTINCT FROM (new_values."host_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."identity_confidence" IS DISTINCT FROM (new_values."identity_confidence") OR old_values."identity_explanation" IS DISTINCT FROM (new_values."identity_explanation") OR old_values."identity_reason" IS DISTINCT FROM (new_values."identity_reason") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."lifecycle" IS DISTINCT FROM (new_values."lifecycle") OR old_values."lifecycle_claim_id" IS DISTINCT FROM (new_values."lifecycle_claim_id") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."not_a_model" IS DISTINCT FROM (new_values."not_a_model") OR old_values."price_claim_id" IS DISTINCT FROM (new_values."price_claim_id") OR old_values."region_scope" IS DISTINCT FROM (new_values."region_scope") OR old_values."replacement_id" IS DISTINCT FROM (new_values."replacement_id") OR old_values."replacement_text" IS DISTINCT FROM (new_values."replacement_text") OR old_values."resolved_to_id" IS DISTINCT FROM (new_values."resolved_to_id") OR old_values."retires_month" IS DISTINCT FROM (new_values."retires_month") OR old_values."retires_on" IS DISTINCT FROM (new_values."retires_on") OR old_values."service_tier" IS DISTINCT FROM (new_values."service_tier") OR old_values."version_id" IS DISTINCT FROM (new_values."version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4f96a6b4848911d56ec9aa52a902444c16032c1b",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "due_status", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "kind", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "resolved_to_id", "retires_month", "retires_on", "service_tier", "version_id") SELECT old_values."alias_id", old_values."announced_on", old_values."api_id", old_values."binding", old_values."category", old_values."created_at", old_values."date_kind", old_values."due_status", old_values."end_behaviour", old_values."gateway_id", old_values."host_id", old_values."id", old_values."identity_confidence", old_values."identity_explanation", old_values."identity_reason", old_values."kind", old_values."lifecycle", old_values."lifecycle_claim_id", old_values."name", old_values."not_a_model", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."price_claim_id", old_values."region_scope", old_values."replacement_id", old_values."replacement_text", old_values."resolved_to_id", old_values."retires_month", old_values."retires_on", old_values."service_tier", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="b2f0c7d64e03a0cfc60253366b0c1d5aec777c56",
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
            constraint=models.UniqueConstraint(
                models.F("host"),
                models.F("api_id"),
                models.F("region_scope"),
                models.F("service_tier"),
                models.Case(
                    models.When(
                        kind__in=("feature", "endpoint", "parameter"), then=models.Value(1)
                    ),
                    default=models.Value(0),
                ),
                name="offering_once",
                violation_error_message="This host already has an offering with this model ID, region and tier.",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("retires_month", ""), ("date_kind", "not_before"), _connector="OR"
                ),
                name="offering_month_is_earliest",
                violation_error_message="A month without a day is an earliest retirement date. Choose that type.",
            ),
        ),
        migrations.AddField(
            model_name="offeringstage",
            name="claim",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="stages",
                to="catalog.assertion",
            ),
        ),
        migrations.AddField(
            model_name="offeringstage",
            name="offering",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="stages",
                to="catalog.offering",
            ),
        ),
        migrations.AddField(
            model_name="offeringstagehistory",
            name="claim",
            field=models.ForeignKey(
                db_constraint=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.assertion",
            ),
        ),
        migrations.AddField(
            model_name="offeringstagehistory",
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
            model_name="offeringstagehistory",
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
            model_name="offeringstagehistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="catalog.offeringstage",
            ),
        ),
        migrations.AddField(
            model_name="regionalretirement",
            name="claim",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="regional_retirements",
                to="catalog.assertion",
            ),
        ),
        migrations.AddField(
            model_name="regionalretirement",
            name="offering",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="regional_retirements",
                to="catalog.offering",
            ),
        ),
        migrations.AddField(
            model_name="regionalretirementhistory",
            name="claim",
            field=models.ForeignKey(
                db_constraint=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.assertion",
            ),
        ),
        migrations.AddField(
            model_name="regionalretirementhistory",
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
            model_name="regionalretirementhistory",
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
            model_name="regionalretirementhistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="catalog.regionalretirement",
            ),
        ),
        migrations.AddIndex(
            model_name="offeringstage",
            index=models.Index(fields=["stage", "starts_on"], name="offering_stage_by_day"),
        ),
        migrations.AddConstraint(
            model_name="offeringstage",
            constraint=models.UniqueConstraint(
                fields=("offering", "stage"),
                name="offering_stage_once",
                violation_error_message="This stage of the offering is already recorded.",
            ),
        ),
        migrations.AddConstraint(
            model_name="offeringstage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("date_kind", ""), ("starts_on__isnull", True)),
                    models.Q(
                        ("starts_on__isnull", False), models.Q(("date_kind", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="offering_stage_date_has_kind",
                violation_error_message="The date of a stage needs a type, announced or earliest.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringstage",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringstagehistory" ("claim_id", "date_kind", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "stage", "starts_on") SELECT new_values."claim_id", new_values."date_kind", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."stage", new_values."starts_on" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="730cdd56d23292a21f354366344d37f972d60b91",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_805d7",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_offeringstage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringstage",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringstagehistory" ("claim_id", "date_kind", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "stage", "starts_on") SELECT new_values."claim_id", new_values."date_kind", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."stage", new_values."starts_on" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e02f768d7d50f1104ae7f00680aa0ef38840b91e",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b86e3",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_offeringstage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringstage",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringstagehistory" ("claim_id", "date_kind", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "stage", "starts_on") SELECT old_values."claim_id", old_values."date_kind", old_values."id", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."stage", old_values."starts_on" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="c5256963e87672ecd2542d2266a65ee38da6f9db",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_89d96",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_offeringstage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringstagehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="216637e119cb10ce457855190f0dd88d7ebf1d79",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_6d75f",
                    table="catalog_offeringstagehistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="regionalretirement",
            constraint=models.UniqueConstraint(
                fields=("offering", "region"),
                name="regional_retirement_once",
                violation_error_message="The date of this region is already recorded.",
            ),
        ),
        migrations.AddConstraint(
            model_name="regionalretirement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("date_kind", ""), ("retires_on__isnull", True)),
                    models.Q(
                        ("retires_on__isnull", False), models.Q(("date_kind", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="regional_retirement_date_has_kind",
                violation_error_message="A retirement date needs a type, announced or earliest.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="regionalretirement",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_regionalretirementhistory" ("claim_id", "date_kind", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "retires_on") SELECT new_values."claim_id", new_values."date_kind", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."region", new_values."retires_on" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9725d5496ba2642ae373eb45c1bfb2a5450f1dc0",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_56fdf",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_regionalretirement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="regionalretirement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_regionalretirementhistory" ("claim_id", "date_kind", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "retires_on") SELECT new_values."claim_id", new_values."date_kind", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."region", new_values."retires_on" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="995286009de877fdfc83ad9d6231c7fc3f2fd052",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_025f2",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_regionalretirement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="regionalretirement",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_regionalretirementhistory" ("claim_id", "date_kind", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "retires_on") SELECT old_values."claim_id", old_values."date_kind", old_values."id", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."region", old_values."retires_on" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="4d93974263056e6116fe660fd5030a80dc27ea36",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_eb351",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_regionalretirement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="regionalretirementhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c5311d95db3ac800aa520df7c8f3f88a70b60afb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_0a6a0",
                    table="catalog_regionalretirementhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
