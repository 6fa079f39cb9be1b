"""What a dependency uses of its offering."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import apps.common.database.fields


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0006_features_of_dependencies"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Requirement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "field",
                    models.CharField(
                        choices=[
                            ("input_modalities", "Input"),
                            ("output_modalities", "Output"),
                            ("tool_calling", "Tool calling"),
                            ("structured_output", "Structured output"),
                            ("reasoning", "Reasoning"),
                            ("vision", "Image input"),
                            ("pdf", "PDF input"),
                            ("audio_input", "Audio input"),
                            ("audio_output", "Audio output"),
                            ("caching", "Prompt caching"),
                            ("batch", "Batch requests"),
                            ("context_window", "Context window"),
                            ("max_output", "Largest output"),
                            ("knowledge_cutoff", "Knowledge cutoff"),
                            ("open_weights", "Open weights"),
                        ],
                        help_text="Capability of the offering.",
                        max_length=20,
                    ),
                ),
                ("value", models.JSONField()),
                (
                    "origin",
                    models.CharField(
                        choices=[("declared", "Declared"), ("observed", "Observed")],
                        default="declared",
                        max_length=8,
                    ),
                ),
                ("first_seen_on", models.DateField(blank=True, null=True)),
                ("last_seen_on", models.DateField(blank=True, null=True)),
                (
                    "n_requests",
                    models.PositiveBigIntegerField(
                        blank=True, help_text="Requests that were recorded with it.", null=True
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "dependency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requirements",
                        to="inventory.dependency",
                    ),
                ),
            ],
            options={
                "ordering": ["dependency", "field", "origin"],
            },
        ),
        migrations.CreateModel(
            name="RequirementHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "field",
                    models.CharField(
                        choices=[
                            ("input_modalities", "Input"),
                            ("output_modalities", "Output"),
                            ("tool_calling", "Tool calling"),
                            ("structured_output", "Structured output"),
                            ("reasoning", "Reasoning"),
                            ("vision", "Image input"),
                            ("pdf", "PDF input"),
                            ("audio_input", "Audio input"),
                            ("audio_output", "Audio output"),
                            ("caching", "Prompt caching"),
                            ("batch", "Batch requests"),
                            ("context_window", "Context window"),
                            ("max_output", "Largest output"),
                            ("knowledge_cutoff", "Knowledge cutoff"),
                            ("open_weights", "Open weights"),
                        ],
                        help_text="Capability of the offering.",
                        max_length=20,
                    ),
                ),
                ("value", models.JSONField()),
                (
                    "origin",
                    models.CharField(
                        choices=[("declared", "Declared"), ("observed", "Observed")],
                        default="declared",
                        max_length=8,
                    ),
                ),
                ("first_seen_on", models.DateField(blank=True, null=True)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "dependency",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="history",
                        to="inventory.requirement",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="requirement",
            constraint=models.UniqueConstraint(
                fields=("dependency", "field", "origin"),
                name="requirement_once",
                violation_error_message="This dependency already has this requirement.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requirement",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_requirementhistory" ("created_at", "dependency_id", "field", "first_seen_on", "id", "note", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "updated_at", "value") SELECT new_values."created_at", new_values."dependency_id", new_values."field", new_values."first_seen_on", new_values."id", new_values."note", new_values."origin", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."updated_at", new_values."value" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="960ca061dc56afc4d4a8422fd450d6ae52e5eb61",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_bb9f2",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_requirement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requirement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_requirementhistory" ("created_at", "dependency_id", "field", "first_seen_on", "id", "note", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "updated_at", "value") SELECT new_values."created_at", new_values."dependency_id", new_values."field", new_values."first_seen_on", new_values."id", new_values."note", new_values."origin", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."updated_at", new_values."value" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."field" IS DISTINCT FROM (new_values."field") OR old_values."first_seen_on" IS DISTINCT FROM (new_values."first_seen_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."origin" IS DISTINCT FROM (new_values."origin") OR old_values."updated_at" IS DISTINCT FROM (new_values."updated_at") OR old_values."value" IS DISTINCT FROM (new_values."value")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="93804c88bfcf2f0de1d8c7fea07b130dc0a51a01",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_3b42c",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_requirement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requirement",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_requirementhistory" ("created_at", "dependency_id", "field", "first_seen_on", "id", "note", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "updated_at", "value") SELECT old_values."created_at", old_values."dependency_id", old_values."field", old_values."first_seen_on", old_values."id", old_values."note", old_values."origin", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."updated_at", old_values."value" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="ef56d6cc44f5437c8d7494a81f3bd3151851c8ed",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_5a4a3",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_requirement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requirementhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1b03fc8525c4d97bc34e24c843a14ae1b9b1e640",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_85147",
                    table="inventory_requirementhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
