"""Decisions that a second governance person confirms, and the settings that require it."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0002_owner_persons"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ConfirmationSettingsHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "tolerances",
                    models.BooleanField(
                        default=True,
                        help_text="A tolerance that is loosened while a measurement is above it.",
                    ),
                ),
                (
                    "acceptances",
                    models.BooleanField(
                        default=False,
                        help_text="The acceptance of a critical inherited risk: likelihood times impact is 15 or more.",
                    ),
                ),
                (
                    "blocks",
                    models.BooleanField(
                        default=False,
                        help_text="The block of a provider, foundation, version or offering.",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="DecisionProposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("tolerance", "Tolerance"),
                            ("acceptance", "Acceptance of a critical risk"),
                            ("block", "Block"),
                            ("setting", "Requirement of a second person"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        help_text="Record that the decision is about, for example `policy:3`.",
                        max_length=120,
                    ),
                ),
                (
                    "target_name",
                    models.CharField(
                        help_text="Name of the record when the decision was proposed.",
                        max_length=300,
                    ),
                ),
                (
                    "before",
                    models.JSONField(default=dict, help_text="Values of the record when proposed."),
                ),
                (
                    "after",
                    models.JSONField(default=dict, help_text="Values that the decision sets."),
                ),
                ("reason", apps.common.database.fields.LimitedTextField(max_length=10000)),
                ("proposed_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("confirmed", "Confirmed"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                            ("applied", "Applied by one person"),
                        ],
                        default="proposed",
                        max_length=9,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decision_reason",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Reason for confirming, rejecting or withdrawing.",
                        max_length=10000,
                    ),
                ),
            ],
            options={
                "ordering": ["-proposed_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="DecisionProposalHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("tolerance", "Tolerance"),
                            ("acceptance", "Acceptance of a critical risk"),
                            ("block", "Block"),
                            ("setting", "Requirement of a second person"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        help_text="Record that the decision is about, for example `policy:3`.",
                        max_length=120,
                    ),
                ),
                (
                    "target_name",
                    models.CharField(
                        help_text="Name of the record when the decision was proposed.",
                        max_length=300,
                    ),
                ),
                (
                    "before",
                    models.JSONField(default=dict, help_text="Values of the record when proposed."),
                ),
                (
                    "after",
                    models.JSONField(default=dict, help_text="Values that the decision sets."),
                ),
                ("reason", apps.common.database.fields.LimitedTextField(max_length=10000)),
                ("proposed_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("confirmed", "Confirmed"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                            ("applied", "Applied by one person"),
                        ],
                        default="proposed",
                        max_length=9,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decision_reason",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Reason for confirming, rejecting or withdrawing.",
                        max_length=10000,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ConfirmationSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tolerances",
                    models.BooleanField(
                        default=True,
                        help_text="A tolerance that is loosened while a measurement is above it.",
                    ),
                ),
                (
                    "acceptances",
                    models.BooleanField(
                        default=False,
                        help_text="The acceptance of a critical inherited risk: likelihood times impact is 15 or more.",
                    ),
                ),
                (
                    "blocks",
                    models.BooleanField(
                        default=False,
                        help_text="The block of a provider, foundation, version or offering.",
                    ),
                ),
            ],
            options={
                "verbose_name": "confirmation settings",
                "verbose_name_plural": "confirmation settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="confirmation_settings_once"
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="confirmationsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_confirmationsettingshistory" ("acceptances", "blocks", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tolerances") SELECT new_values."acceptances", new_values."blocks", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."tolerances" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="71b407a52ce2a16fa4772f3f8f7cb8de2f5cc63f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_29ecc",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_confirmationsettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="confirmationsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_confirmationsettingshistory" ("acceptances", "blocks", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tolerances") SELECT new_values."acceptances", new_values."blocks", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."tolerances" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="d5e648d64d5d5e374a37d037bf9088ebc48efda8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d7fb1",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_confirmationsettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="confirmationsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_confirmationsettingshistory" ("acceptances", "blocks", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tolerances") SELECT old_values."acceptances", old_values."blocks", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."tolerances" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="93749f2e5024be1e9eb310e8864697104b15b655",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_8215d",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_confirmationsettings",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="confirmationsettingshistory",
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
            model_name="confirmationsettingshistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="inventory.confirmationsettings",
            ),
        ),
        migrations.AddField(
            model_name="decisionproposal",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="decisionproposal",
            name="dependency",
            field=models.ForeignKey(
                blank=True,
                help_text="Dependency whose risk is accepted; empty for other decisions.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="decision_proposals",
                to="inventory.dependency",
            ),
        ),
        migrations.AddField(
            model_name="decisionproposal",
            name="proposed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="decisionproposalhistory",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="decisionproposalhistory",
            name="dependency",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Dependency whose risk is accepted; empty for other decisions.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="inventory.dependency",
            ),
        ),
        migrations.AddField(
            model_name="decisionproposalhistory",
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
            model_name="decisionproposalhistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="inventory.decisionproposal",
            ),
        ),
        migrations.AddField(
            model_name="decisionproposalhistory",
            name="proposed_by",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="confirmationsettingshistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="fc52af8d050ffb89b1cc9c976f18ccaf93cfb749",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_55318",
                    table="inventory_confirmationsettingshistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="decisionproposal",
            index=models.Index(fields=["target", "-id"], name="decision_proposal_by_target"),
        ),
        migrations.AddConstraint(
            model_name="decisionproposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "proposed")),
                fields=("kind", "target"),
                name="decision_proposal_one_open",
                violation_error_message="A decision about this record is already proposed. Confirm, reject or withdraw it first.",
            ),
        ),
        migrations.AddConstraint(
            model_name="decisionproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at__isnull", True),
                        ("decided_by__isnull", True),
                        ("state__in", ["proposed", "applied"]),
                    ),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("state__in", ["confirmed", "rejected", "withdrawn"]),
                    ),
                    _connector="OR",
                ),
                name="decision_proposal_decided_with_user",
                violation_error_message="A decision on a proposal must have a user and a time.",
            ),
        ),
        migrations.AddConstraint(
            model_name="decisionproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["confirmed", "rejected"]), _negated=True),
                    models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                    _connector="OR",
                ),
                name="decision_proposal_two_persons",
                violation_error_message="A proposal cannot be confirmed by the user who made it. Another governance user must decide.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decisionproposal",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_decisionproposalhistory" ("after", "before", "decided_at", "decided_by_id", "decision_reason", "dependency_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "proposed_at", "proposed_by_id", "reason", "state", "target", "target_name") SELECT new_values."after", new_values."before", new_values."decided_at", new_values."decided_by_id", new_values."decision_reason", new_values."dependency_id", new_values."id", new_values."kind", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."proposed_at", new_values."proposed_by_id", new_values."reason", new_values."state", new_values."target", new_values."target_name" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e4cbb4c89ba7dc6b73cda82e7fcde2e0d7aeaab3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b8b64",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_decisionproposal",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decisionproposal",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_decisionproposalhistory" ("after", "before", "decided_at", "decided_by_id", "decision_reason", "dependency_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "proposed_at", "proposed_by_id", "reason", "state", "target", "target_name") SELECT new_values."after", new_values."before", new_values."decided_at", new_values."decided_by_id", new_values."decision_reason", new_values."dependency_id", new_values."id", new_values."kind", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."proposed_at", new_values."proposed_by_id", new_values."reason", new_values."state", new_values."target", new_values."target_name" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="709b550783f28506e79acf75cfdc18387b56ccc0",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c0b7f",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_decisionproposal",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decisionproposal",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_decisionproposalhistory" ("after", "before", "decided_at", "decided_by_id", "decision_reason", "dependency_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "proposed_at", "proposed_by_id", "reason", "state", "target", "target_name") SELECT old_values."after", old_values."before", old_values."decided_at", old_values."decided_by_id", old_values."decision_reason", old_values."dependency_id", old_values."id", old_values."kind", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."proposed_at", old_values."proposed_by_id", old_values."reason", old_values."state", old_values."target", old_values."target_name" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="976c93d08eb6f1553d88e7b9bc7b6567a3c9d91c",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f9bc9",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_decisionproposal",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decisionproposalhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="fc8b588cde27c8a97001f799b70747a3f72bd989",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_a5d3f",
                    table="inventory_decisionproposalhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
