"""Costs as billed, and the tags of bills that name an application."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0003_values_and_edits_of_imports"),
    ]

    operations = [
        migrations.CreateModel(
            name="BilledCost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.UUIDField(
                        help_text="Digest of what a later file replaces as a whole: account, billing period, day."
                    ),
                ),
                ("is_current", models.BooleanField(default=True)),
                ("day", models.DateField()),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("Usage", "Usage"),
                            ("Purchase", "Purchase"),
                            ("Tax", "Tax"),
                            ("Credit", "Credit"),
                            ("Adjustment", "Adjustment"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "is_correction",
                    models.BooleanField(
                        default=False,
                        help_text="Corrects a billing period that was already invoiced.",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("billed", models.DecimalField(decimal_places=18, max_digits=38)),
                ("effective", models.DecimalField(decimal_places=18, max_digits=38)),
                (
                    "listed",
                    models.DecimalField(
                        blank=True,
                        decimal_places=18,
                        help_text="At list prices of the bill; empty: not stated.",
                        max_digits=38,
                        null=True,
                    ),
                ),
                (
                    "contracted",
                    models.DecimalField(
                        blank=True,
                        decimal_places=18,
                        help_text="At contracted prices; empty: not stated.",
                        max_digits=38,
                        null=True,
                    ),
                ),
                (
                    "input_tokens",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=38, null=True),
                ),
                (
                    "output_tokens",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=38, null=True),
                ),
                (
                    "cache_read_tokens",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=38, null=True),
                ),
                (
                    "cache_write_tokens",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=38, null=True),
                ),
                (
                    "other_tokens",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Tokens of which the bill does not state the kind.",
                        max_digits=38,
                        null=True,
                    ),
                ),
                (
                    "requests",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=38, null=True),
                ),
                ("n_rows", models.PositiveBigIntegerField(help_text="Rows of the file.")),
            ],
            options={
                "ordering": ["-day", "-id"],
            },
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
        migrations.AddField(
            model_name="intakesettings",
            name="billing_tags",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Tags of bills that name an application, separated by commas, the first that is set counts. Empty: application, app, service, cost centre, and the key and team of LiteLLM.",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="intakesettingshistory",
            name="billing_tags",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Tags of bills that name an application, separated by commas, the first that is set counts. Empty: application, app, service, cost centre, and the key and team of LiteLLM.",
                max_length=500,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("billing_tags", "declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT new_values."billing_tags", new_values."declares_shadows", new_values."document_retention_days", new_values."drift_days", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."unseen_after_days", new_values."updated_at", new_values."usage_retention_days" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="75e0d84af87e139280c82f24f6a5ed1548a0d435",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("billing_tags", "declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT new_values."billing_tags", new_values."declares_shadows", new_values."document_retention_days", new_values."drift_days", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."unseen_after_days", new_values."updated_at", new_values."usage_retention_days" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="61461ebd5c32dd67e644505b429d9bf67e27e1b7",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("billing_tags", "declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT old_values."billing_tags", old_values."declares_shadows", old_values."document_retention_days", old_values."drift_days", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."unseen_after_days", old_values."updated_at", old_values."usage_retention_days" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="bb962ea0fa3752673cb2f09e8487c2593b0c490f",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_4667b",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_intakesettings",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="billedcost",
            name="import_record",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="charges",
                to="intake.import",
            ),
        ),
        migrations.AddField(
            model_name="billedcost",
            name="observation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="charges",
                to="intake.observation",
            ),
        ),
        migrations.AddIndex(
            model_name="billedcost",
            index=models.Index(fields=["scope"], name="billed_cost_by_scope"),
        ),
        migrations.AddIndex(
            model_name="billedcost",
            index=models.Index(
                condition=models.Q(("is_current", True)),
                fields=["day", "observation"],
                name="billed_cost_by_day",
            ),
        ),
    ]
