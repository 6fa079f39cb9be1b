"""Exchange rates: US dollars for one unit of a currency, by day, with their source."""

import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0003_decision_proposals"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExchangeRateHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "currency",
                    models.CharField(
                        help_text="Code of the currency, such as EUR.",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{3}\\Z", "Enter three capital letters, such as EUR."
                            )
                        ],
                    ),
                ),
                (
                    "usd",
                    models.DecimalField(
                        decimal_places=8,
                        help_text="US dollars for one unit.",
                        max_digits=16,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="US dollars",
                    ),
                ),
                ("on", models.DateField(help_text="Day of the rate.", verbose_name="day")),
                (
                    "source",
                    models.CharField(
                        help_text="Publisher of the rate, or its URL.", max_length=300
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ExchangeRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        help_text="Code of the currency, such as EUR.",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{3}\\Z", "Enter three capital letters, such as EUR."
                            )
                        ],
                    ),
                ),
                (
                    "usd",
                    models.DecimalField(
                        decimal_places=8,
                        help_text="US dollars for one unit.",
                        max_digits=16,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="US dollars",
                    ),
                ),
                ("on", models.DateField(help_text="Day of the rate.", verbose_name="day")),
                (
                    "source",
                    models.CharField(
                        help_text="Publisher of the rate, or its URL.", max_length=300
                    ),
                ),
            ],
            options={
                "ordering": ["currency", "-on"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("currency", "on"),
                        name="exchange_rate_once",
                        violation_error_message="This currency already has a rate on that day.",
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exchangerate",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exchangeratehistory" ("currency", "id", "on", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "usd") SELECT new_values."currency", new_values."id", new_values."on", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."source", new_values."usd" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="403dba3791482d494cb9688592aa73afdf957231",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_9786b",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_exchangerate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exchangerate",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exchangeratehistory" ("currency", "id", "on", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "usd") SELECT new_values."currency", new_values."id", new_values."on", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."source", new_values."usd" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c131c5570d3005df2b7e99a213579b471078a490",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_8ca18",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_exchangerate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exchangerate",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exchangeratehistory" ("currency", "id", "on", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "usd") SELECT old_values."currency", old_values."id", old_values."on", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."source", old_values."usd" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="67d5920ff8f8c7dcd814e0d197cb6a1214d34954",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_711d8",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_exchangerate",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="exchangeratehistory",
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
            model_name="exchangeratehistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="inventory.exchangerate",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exchangeratehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c21c3b9c3f0ef6def1c633a4efa2ad23855efd60",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_175a4",
                    table="inventory_exchangeratehistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
