"""The tables of reports, with their history and triggers."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
import apps.common.validators


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0001_initial"),
        ("common", "0001_initial"),
        ("inventory", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CachedReportFigures",
            fields=[
                ("report", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("body", models.JSONField()),
                ("as_of", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ComponentAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "question",
                    models.CharField(
                        choices=[
                            (
                                "25a",
                                "Is a high-risk system put on the market under your own name or trademark? (Art. 25(1)(a))",
                            ),
                            (
                                "25b",
                                "Was a high-risk system modified substantially, so that it stays one? (Art. 25(1)(b))",
                            ),
                            (
                                "25c",
                                "Was the intended purpose changed, so that the system became high-risk? (Art. 25(1)(c))",
                            ),
                            (
                                "25-4",
                                "Is there a written agreement with the supplier of the model on information and help? (Art. 25(4))",
                            ),
                            (
                                "third",
                                "Did adapting the model take more than a third of the compute that training it took? (Commission guideline on modified general-purpose models)",
                            ),
                        ],
                        max_length=5,
                    ),
                ),
                (
                    "answer",
                    models.CharField(
                        choices=[("yes", "Yes"), ("no", "No"), ("na", "Does not apply")],
                        max_length=3,
                    ),
                ),
                (
                    "explanation",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Reason, and where it is documented.",
                        max_length=20000,
                    ),
                ),
                ("answered_on", models.DateField()),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="component_answers",
                        to="inventory.application",
                    ),
                ),
            ],
            options={
                "ordering": ["application", "question"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("application", "question"),
                        name="component_answer_once",
                        violation_error_message="This question already has an answer. Edit it.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ComponentAnswerHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "question",
                    models.CharField(
                        choices=[
                            (
                                "25a",
                                "Is a high-risk system put on the market under your own name or trademark? (Art. 25(1)(a))",
                            ),
                            (
                                "25b",
                                "Was a high-risk system modified substantially, so that it stays one? (Art. 25(1)(b))",
                            ),
                            (
                                "25c",
                                "Was the intended purpose changed, so that the system became high-risk? (Art. 25(1)(c))",
                            ),
                            (
                                "25-4",
                                "Is there a written agreement with the supplier of the model on information and help? (Art. 25(4))",
                            ),
                            (
                                "third",
                                "Did adapting the model take more than a third of the compute that training it took? (Commission guideline on modified general-purpose models)",
                            ),
                        ],
                        max_length=5,
                    ),
                ),
                (
                    "answer",
                    models.CharField(
                        choices=[("yes", "Yes"), ("no", "No"), ("na", "Does not apply")],
                        max_length=3,
                    ),
                ),
                (
                    "explanation",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Reason, and where it is documented.",
                        max_length=20000,
                    ),
                ),
                ("answered_on", models.DateField()),
                (
                    "answered_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
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
                        to="reports.componentanswer",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="EvidencePack",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("application", "One application"),
                            ("provider", "All dependencies on one provider"),
                            ("organisation", "Everything you can view"),
                        ],
                        max_length=12,
                    ),
                ),
                ("since", models.DateField(help_text="First day of the period.")),
                (
                    "until",
                    models.DateField(help_text="Expires on (not in the pack from this date)."),
                ),
                ("whole_organisation", models.BooleanField(default=False)),
                (
                    "team_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list
                    ),
                ),
                (
                    "as_of",
                    models.DateTimeField(
                        help_text="Time of the request; days are counted from it."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                (
                    "error",
                    models.TextField(
                        blank=True, help_text="Reason for the failure, as a sentence."
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Claims since the last saved progress, including the current one.",
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        help_text="Time at which a worker first started the job.", null=True
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("manifest", models.JSONField(null=True)),
                ("n_bytes", models.PositiveBigIntegerField(default=0)),
                ("n_files", models.PositiveIntegerField(default=0)),
                (
                    "expires_on",
                    models.DateField(help_text="Expires on (the file is deleted on this date)."),
                ),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evidence_packs",
                        to="inventory.application",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence_packs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evidence_packs",
                        to="catalog.provider",
                    ),
                ),
                (
                    "claim_number",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Increases with each claim; only the latest claim can write the result.",
                    ),
                ),
                (
                    "heartbeat_at",
                    models.DateTimeField(
                        help_text="Last heartbeat of the worker that runs the job.", null=True
                    ),
                ),
            ],
            options={
                "ordering": ["-as_of", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["as_of"],
                        name="evidence_pack_waiting",
                    ),
                    models.Index(fields=["-as_of", "-id"], name="evidence_pack_latest"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("application__isnull", False),
                                ("provider__isnull", True),
                                ("scope", "application"),
                            ),
                            models.Q(
                                ("application__isnull", True),
                                ("provider__isnull", False),
                                ("scope", "provider"),
                            ),
                            models.Q(
                                ("application__isnull", True),
                                ("provider__isnull", True),
                                ("scope", "organisation"),
                            ),
                            _connector="OR",
                        ),
                        name="evidence_pack_scope_has_subject",
                        violation_error_message="Select the application or the provider of the pack.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("until__gt", models.F("since"))),
                        name="evidence_pack_period_not_empty",
                        violation_error_message="The period must end after its start.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EvidencePackHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("application", "One application"),
                            ("provider", "All dependencies on one provider"),
                            ("organisation", "Everything you can view"),
                        ],
                        max_length=12,
                    ),
                ),
                ("since", models.DateField(help_text="First day of the period.")),
                (
                    "until",
                    models.DateField(help_text="Expires on (not in the pack from this date)."),
                ),
                ("whole_organisation", models.BooleanField(default=False)),
                (
                    "team_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list
                    ),
                ),
                (
                    "as_of",
                    models.DateTimeField(
                        help_text="Time of the request; days are counted from it."
                    ),
                ),
                (
                    "expires_on",
                    models.DateField(help_text="Expires on (the file is deleted on this date)."),
                ),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                        to="reports.evidencepack",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.provider",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="EvidencePackPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("body", models.BinaryField()),
                (
                    "pack",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="reports.evidencepack",
                    ),
                ),
            ],
            options={
                "ordering": ["pack", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("pack", "number"), name="evidence_pack_part_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ModelStatement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "intended_use",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Approved use, and uses that are not allowed.",
                        max_length=20000,
                    ),
                ),
                (
                    "inputs",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Inputs and their sources.", max_length=20000
                    ),
                ),
                (
                    "outputs",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Outputs and their use.", max_length=20000
                    ),
                ),
                (
                    "limitations",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Known limitations.", max_length=20000
                    ),
                ),
                (
                    "monitoring_plan",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="What is monitored, how often, by which role.",
                        max_length=20000,
                    ),
                ),
                (
                    "validator",
                    models.CharField(
                        blank=True,
                        help_text="Validator, independent of the owners.",
                        max_length=200,
                    ),
                ),
                (
                    "validation_planned_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "valid_until",
                    models.DateField(
                        blank=True,
                        help_text="Date until which it is expected to be valid.",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "attested_by",
                    models.CharField(
                        blank=True,
                        help_text="User who attested that the statement is correct.",
                        max_length=200,
                    ),
                ),
                (
                    "attested_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="model_statement",
                        to="inventory.application",
                    ),
                ),
            ],
            options={
                "ordering": ["application"],
            },
        ),
        migrations.CreateModel(
            name="ModelStatementHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "intended_use",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Approved use, and uses that are not allowed.",
                        max_length=20000,
                    ),
                ),
                (
                    "inputs",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Inputs and their sources.", max_length=20000
                    ),
                ),
                (
                    "outputs",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Outputs and their use.", max_length=20000
                    ),
                ),
                (
                    "limitations",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Known limitations.", max_length=20000
                    ),
                ),
                (
                    "monitoring_plan",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="What is monitored, how often, by which role.",
                        max_length=20000,
                    ),
                ),
                (
                    "validator",
                    models.CharField(
                        blank=True,
                        help_text="Validator, independent of the owners.",
                        max_length=200,
                    ),
                ),
                (
                    "validation_planned_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "valid_until",
                    models.DateField(
                        blank=True,
                        help_text="Date until which it is expected to be valid.",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "attested_by",
                    models.CharField(
                        blank=True,
                        help_text="User who attested that the statement is correct.",
                        max_length=200,
                    ),
                ),
                (
                    "attested_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
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
                        to="reports.modelstatement",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ReportingEntity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="Legal name of the organisation.", max_length=200
                    ),
                ),
                (
                    "lei",
                    models.CharField(
                        blank=True,
                        help_text="Legal entity identifier (ISO 17442), 20 characters.",
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z0-9]{18}[0-9]{2}$",
                                "An LEI must have 18 capital letters or digits, then two digits.",
                            )
                        ],
                        verbose_name="LEI",
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        help_text="ISO 3166-1 alpha-2 code.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}$", "Two capital letters, such as DE."
                            )
                        ],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "reporting entity",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pk", 1)),
                        name="reporting_entity_once",
                        violation_error_message="The reporting entity already exists. Edit it.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReportingEntityHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="Legal name of the organisation.", max_length=200
                    ),
                ),
                (
                    "lei",
                    models.CharField(
                        blank=True,
                        help_text="Legal entity identifier (ISO 17442), 20 characters.",
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z0-9]{18}[0-9]{2}$",
                                "An LEI must have 18 capital letters or digits, then two digits.",
                            )
                        ],
                        verbose_name="LEI",
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        help_text="ISO 3166-1 alpha-2 code.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}$", "Two capital letters, such as DE."
                            )
                        ],
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
                        to="reports.reportingentity",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="reportingentity",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_reportingentityhistory" ("country", "id", "lei", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."country", new_values."id", new_values."lei", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="61630a5c5cf3f07855b6088cc621cb84ea12fac7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_017ae",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="reports_reportingentity",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="reportingentity",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_reportingentityhistory" ("country", "id", "lei", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."country", new_values."id", new_values."lei", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."country" IS DISTINCT FROM (new_values."country") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."lei" IS DISTINCT FROM (new_values."lei") OR old_values."name" IS DISTINCT FROM (new_values."name")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="18d1508677c1171ddf0eca91967abee2ee678a62",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_70a08",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="reports_reportingentity",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="reportingentity",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_reportingentityhistory" ("country", "id", "lei", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT old_values."country", old_values."id", old_values."lei", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="200f747996a12a849023d13575c784959bb7b177",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d9408",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="reports_reportingentity",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="componentanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_componentanswerhistory" ("answer", "answered_by_id", "answered_on", "application_id", "explanation", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question") SELECT new_values."answer", new_values."answered_by_id", new_values."answered_on", new_values."application_id", new_values."explanation", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."question" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="aaea2de6b9216c36d1cb14ea1c361e41281743cf",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_66e66",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="reports_componentanswer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="componentanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_componentanswerhistory" ("answer", "answered_by_id", "answered_on", "application_id", "explanation", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question") SELECT new_values."answer", new_values."answered_by_id", new_values."answered_on", new_values."application_id", new_values."explanation", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."question" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."answer" IS DISTINCT FROM (new_values."answer") OR old_values."answered_by_id" IS DISTINCT FROM (new_values."answered_by_id") OR old_values."answered_on" IS DISTINCT FROM (new_values."answered_on") OR old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."explanation" IS DISTINCT FROM (new_values."explanation") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."question" IS DISTINCT FROM (new_values."question")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="539ab2c876f8e2100fc249f2ab7b75e7b2fc1784",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_19fdc",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="reports_componentanswer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="componentanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_componentanswerhistory" ("answer", "answered_by_id", "answered_on", "application_id", "explanation", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question") SELECT old_values."answer", old_values."answered_by_id", old_values."answered_on", old_values."application_id", old_values."explanation", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."question" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="c185ac34d9026d49d5d606e1d601593de494a612",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_149cd",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="reports_componentanswer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="componentanswerhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="22dd08f65a56e489cb0124a5a76e788b768b11f3",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_3e4c5",
                    table="reports_componentanswerhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencepack",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_evidencepackhistory" ("application_id", "as_of", "expires_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "requested_by_id", "scope", "since", "team_ids", "until", "whole_organisation") SELECT new_values."application_id", new_values."as_of", new_values."expires_on", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."requested_by_id", new_values."scope", new_values."since", new_values."team_ids", new_values."until", new_values."whole_organisation" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a50c3f1d3fe4937964832693e44dda3a189b54cb",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_5cfa9",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="reports_evidencepack",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencepack",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_evidencepackhistory" ("application_id", "as_of", "expires_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "requested_by_id", "scope", "since", "team_ids", "until", "whole_organisation") SELECT new_values."application_id", new_values."as_of", new_values."expires_on", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."requested_by_id", new_values."scope", new_values."since", new_values."team_ids", new_values."until", new_values."whole_organisation" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."as_of" IS DISTINCT FROM (new_values."as_of") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."provider_id" IS DISTINCT FROM (new_values."provider_id") OR old_values."requested_by_id" IS DISTINCT FROM (new_values."requested_by_id") OR old_values."scope" IS DISTINCT FROM (new_values."scope") OR old_values."since" IS DISTINCT FROM (new_values."since") OR old_values."team_ids" IS DISTINCT FROM (new_values."team_ids") OR old_values."until" IS DISTINCT FROM (new_values."until") OR old_values."whole_organisation" IS DISTINCT FROM (new_values."whole_organisation")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="50554f03ac372b5c99295a23a95aec483e79a625",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_418d9",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="reports_evidencepack",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencepack",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_evidencepackhistory" ("application_id", "as_of", "expires_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "requested_by_id", "scope", "since", "team_ids", "until", "whole_organisation") SELECT old_values."application_id", old_values."as_of", old_values."expires_on", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."requested_by_id", old_values."scope", old_values."since", old_values."team_ids", old_values."until", old_values."whole_organisation" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="43b32ca1b966802465d3bb1742683148d6b31d6b",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_5a074",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="reports_evidencepack",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencepackhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="5dadf0d8e1b7a476611985a37abebe8a35814efb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_f8ce3",
                    table="reports_evidencepackhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modelstatement",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_modelstatementhistory" ("application_id", "attested_by", "attested_on", "id", "inputs", "intended_use", "limitations", "monitoring_plan", "outputs", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "valid_until", "validation_planned_on", "validator") SELECT new_values."application_id", new_values."attested_by", new_values."attested_on", new_values."id", new_values."inputs", new_values."intended_use", new_values."limitations", new_values."monitoring_plan", new_values."outputs", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."valid_until", new_values."validation_planned_on", new_values."validator" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f40530bd4529e03c06d1dd283c9896043c390b7b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_a5cbd",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="reports_modelstatement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modelstatement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_modelstatementhistory" ("application_id", "attested_by", "attested_on", "id", "inputs", "intended_use", "limitations", "monitoring_plan", "outputs", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "valid_until", "validation_planned_on", "validator") SELECT new_values."application_id", new_values."attested_by", new_values."attested_on", new_values."id", new_values."inputs", new_values."intended_use", new_values."limitations", new_values."monitoring_plan", new_values."outputs", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."valid_until", new_values."validation_planned_on", new_values."validator" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."attested_by" IS DISTINCT FROM (new_values."attested_by") OR old_values."attested_on" IS DISTINCT FROM (new_values."attested_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."inputs" IS DISTINCT FROM (new_values."inputs") OR old_values."intended_use" IS DISTINCT FROM (new_values."intended_use") OR old_values."limitations" IS DISTINCT FROM (new_values."limitations") OR old_values."monitoring_plan" IS DISTINCT FROM (new_values."monitoring_plan") OR old_values."outputs" IS DISTINCT FROM (new_values."outputs") OR old_values."valid_until" IS DISTINCT FROM (new_values."valid_until") OR old_values."validation_planned_on" IS DISTINCT FROM (new_values."validation_planned_on") OR old_values."validator" IS DISTINCT FROM (new_values."validator")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="af11081c72f5881e6adb0669262120ce77d92664",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b0e67",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="reports_modelstatement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modelstatement",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "reports_modelstatementhistory" ("application_id", "attested_by", "attested_on", "id", "inputs", "intended_use", "limitations", "monitoring_plan", "outputs", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "valid_until", "validation_planned_on", "validator") SELECT old_values."application_id", old_values."attested_by", old_values."attested_on", old_values."id", old_values."inputs", old_values."intended_use", old_values."limitations", old_values."monitoring_plan", old_values."outputs", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."valid_until", old_values."validation_planned_on", old_values."validator" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="c5db4ebdd63428991ad62bfeed39aa49c4989bce",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f995e",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="reports_modelstatement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modelstatementhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f3524957cb641ad491d21d0a81be257ac7310fd8",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e2406",
                    table="reports_modelstatementhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="reportingentityhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="56e8b3000b96b9f336c985983fdaed8d76490daa",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e8bdd",
                    table="reports_reportingentityhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
