"""Calls of MCP tools, with the history that the audit log reads."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_people"),
        ("api", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ToolCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tool",
                    models.CharField(
                        help_text="Name of the tool, as it was called.", max_length=128
                    ),
                ),
                (
                    "arguments",
                    models.CharField(
                        blank=True,
                        help_text="Names of the arguments, without their values.",
                        max_length=300,
                    ),
                ),
                (
                    "arguments_digest",
                    models.CharField(
                        help_text="SHA-256 of the arguments: equal calls have equal digests.",
                        max_length=64,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("answered", "Answered"),
                            ("refused", "Refused"),
                            ("failed", "Failed"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "n_bytes",
                    models.PositiveIntegerField(default=0, help_text="Length of the answer."),
                ),
                ("called_at", models.DateTimeField()),
                (
                    "token",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.apitoken",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ToolCallHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "tool",
                    models.CharField(
                        help_text="Name of the tool, as it was called.", max_length=128
                    ),
                ),
                (
                    "arguments",
                    models.CharField(
                        blank=True,
                        help_text="Names of the arguments, without their values.",
                        max_length=300,
                    ),
                ),
                (
                    "arguments_digest",
                    models.CharField(
                        help_text="SHA-256 of the arguments: equal calls have equal digests.",
                        max_length=64,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("answered", "Answered"),
                            ("refused", "Refused"),
                            ("failed", "Failed"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "n_bytes",
                    models.PositiveIntegerField(default=0, help_text="Length of the answer."),
                ),
                ("called_at", models.DateTimeField()),
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
                        to="api.toolcall",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.apitoken",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(fields=["called_at"], name="tool_call_by_age"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="toolcall",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "api_toolcallhistory" ("arguments", "arguments_digest", "called_at", "id", "n_bytes", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "token_id", "tool", "user_id") SELECT new_values."arguments", new_values."arguments_digest", new_values."called_at", new_values."id", new_values."n_bytes", new_values."outcome", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."token_id", new_values."tool", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9388c41036ff6dd935e3619605a68adbe6a3514f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_4c640",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="api_toolcall",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="toolcallhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="d47b8ccc76ec393d0e880be51788bcd96d69740c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_4a7af",
                    table="api_toolcallhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
