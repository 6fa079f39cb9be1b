"""The tables of gate, with their history and triggers."""

import datetime

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
import apps.gate.models.policy
import apps.gate.rules.definitions


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("catalog", "0001_initial"),
        ("common", "0001_initial"),
        ("inventory", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GatePolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "levels",
                    models.JSONField(
                        default=apps.gate.rules.definitions.default_levels,
                        help_text="{rule: error, warning, note or off}",
                    ),
                ),
                (
                    "stale_after_days",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="Days without a poll of any source after which the gate cannot decide.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(366),
                        ],
                    ),
                ),
                (
                    "requires_approval",
                    models.BooleanField(
                        default=False,
                        help_text="Models without an approval are not approved (FR001).",
                    ),
                ),
                (
                    "evidence_days",
                    models.PositiveSmallIntegerField(
                        default=365,
                        help_text="Days after which an evaluation is stale (FR006).",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                    ),
                ),
                (
                    "evidence_criticalities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(
                            choices=[(0, "Critical"), (1, "Important"), (2, "Standard"), (3, "Low")]
                        ),
                        blank=True,
                        default=apps.gate.models.policy._critical,
                        help_text="Applications of these criticalities need evidence (FR006).",
                    ),
                ),
                (
                    "keep_runs_days",
                    models.PositiveSmallIntegerField(
                        default=400,
                        help_text="Days for which runs are stored; the last released run is stored longer.",
                        validators=[
                            django.core.validators.MinValueValidator(7),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "gate policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pk", 1)), name="gate_policy_one_row"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="GatePolicyHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "levels",
                    models.JSONField(
                        default=apps.gate.rules.definitions.default_levels,
                        help_text="{rule: error, warning, note or off}",
                    ),
                ),
                (
                    "stale_after_days",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="Days without a poll of any source after which the gate cannot decide.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(366),
                        ],
                    ),
                ),
                (
                    "requires_approval",
                    models.BooleanField(
                        default=False,
                        help_text="Models without an approval are not approved (FR001).",
                    ),
                ),
                (
                    "evidence_days",
                    models.PositiveSmallIntegerField(
                        default=365,
                        help_text="Days after which an evaluation is stale (FR006).",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                    ),
                ),
                (
                    "evidence_criticalities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(
                            choices=[(0, "Critical"), (1, "Important"), (2, "Standard"), (3, "Low")]
                        ),
                        blank=True,
                        default=apps.gate.models.policy._critical,
                        help_text="Applications of these criticalities need evidence (FR006).",
                    ),
                ),
                (
                    "keep_runs_days",
                    models.PositiveSmallIntegerField(
                        default=400,
                        help_text="Days for which runs are stored; the last released run is stored longer.",
                        validators=[
                            django.core.validators.MinValueValidator(7),
                            django.core.validators.MaxValueValidator(3660),
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
                        to="gate.gatepolicy",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="GateRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("environment", models.CharField(blank=True, max_length=60)),
                ("commit", models.CharField(blank=True, max_length=64)),
                ("ref", models.CharField(blank=True, max_length=255)),
                (
                    "mode",
                    models.CharField(
                        choices=[("enforce", "Enforce"), ("report", "Report only")],
                        default="enforce",
                        max_length=7,
                    ),
                ),
                (
                    "baseline",
                    models.CharField(
                        choices=[("last_released", "Last released"), ("none", "No baseline")],
                        default="last_released",
                        max_length=13,
                    ),
                ),
                (
                    "blocks_all",
                    models.BooleanField(
                        default=False, help_text="Also report what the baseline already contained."
                    ),
                ),
                ("digest", models.CharField(help_text="SHA-256 of the request.", max_length=64)),
                (
                    "question",
                    models.JSONField(
                        default=list, help_text="Requested models, until they are evaluated."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("done", "Decided"), ("failed", "Failed")],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pass", "Pass"),
                            ("warn", "Warn"),
                            ("block", "Block"),
                            ("unknown", "Cannot decide"),
                        ],
                        max_length=7,
                    ),
                ),
                ("exit_code", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("summary", models.TextField(blank=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True, help_text="SHA-256 of decision and findings.", max_length=64
                    ),
                ),
                ("policy_version", models.PositiveIntegerField(blank=True, null=True)),
                ("catalogue_as_of", models.DateTimeField(blank=True, null=True)),
                (
                    "evaluated",
                    models.JSONField(
                        default=list, help_text="[{model, resolved_id, match, location}]"
                    ),
                ),
                ("n_models", models.PositiveIntegerField(default=0)),
                ("n_errors", models.PositiveIntegerField(default=0)),
                ("n_warnings", models.PositiveIntegerField(default=0)),
                ("n_waived", models.PositiveIntegerField(default=0)),
                ("requested_at", models.DateTimeField()),
                (
                    "last_requested_at",
                    models.DateTimeField(
                        help_text="Time of the last identical request with the same decision."
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("released_at", models.DateTimeField(blank=True, null=True)),
                (
                    "baseline_run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="gate.gaterun",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="gate_runs",
                        to="inventory.application",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "released_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "catalogue_sources",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="[{slug, name, read_at}] of the sources of retirement dates, newest first.",
                    ),
                ),
                (
                    "horizon",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="{environment, criticality, warning_days, error_days} of FR003.",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["application", "-id"], name="gate_run_by_application"),
                    models.Index(
                        fields=["application", "commit", "digest", "-id"],
                        name="gate_run_by_question",
                    ),
                    models.Index(
                        condition=models.Q(("released_at__isnull", False)),
                        fields=["application", "environment", "-released_at"],
                        name="gate_run_released",
                    ),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["id"],
                        name="gate_run_waiting",
                    ),
                    models.Index(fields=["last_requested_at"], name="gate_run_by_age"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "done"), _negated=True),
                            models.Q(
                                models.Q(("decision", ""), _negated=True),
                                ("exit_code__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="gate_run_done_is_decided",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Horizon",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        default="*",
                        help_text="As named in pipelines; * for all others.",
                        max_length=60,
                    ),
                ),
                (
                    "criticality",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "Critical"), (1, "Important"), (2, "Standard"), (3, "Low")]
                    ),
                ),
                (
                    "warning_days",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MaxValueValidator(1500)]
                    ),
                ),
                (
                    "error_days",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="0: an upcoming retirement never blocks.",
                        validators=[django.core.validators.MaxValueValidator(1500)],
                    ),
                ),
            ],
            options={
                "ordering": ["environment", "criticality"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("environment", "criticality"), name="horizon_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("error_days__lte", models.F("warning_days"))),
                        name="horizon_warns_before_it_blocks",
                        violation_error_message="The days to block must be fewer than the days to warn.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HorizonHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "environment",
                    models.CharField(
                        default="*",
                        help_text="As named in pipelines; * for all others.",
                        max_length=60,
                    ),
                ),
                (
                    "criticality",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "Critical"), (1, "Important"), (2, "Standard"), (3, "Low")]
                    ),
                ),
                (
                    "warning_days",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MaxValueValidator(1500)]
                    ),
                ),
                (
                    "error_days",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="0: an upcoming retirement never blocks.",
                        validators=[django.core.validators.MaxValueValidator(1500)],
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
                        to="gate.horizon",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Waiver",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("FR001", "Model not approved"),
                            ("FR002", "Model retired"),
                            ("FR003", "Model retires soon"),
                            ("FR004", "Ambiguous model name"),
                            ("FR005", "Unknown model"),
                            ("FR006", "Evidence missing or stale"),
                            ("FR007", "Data classification not allowed"),
                            ("FR008", "Region not allowed"),
                            ("FR009", "Wildcard route"),
                            ("FR010", "Application without an owner"),
                        ],
                        max_length=5,
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True,
                        help_text="Model as in the findings; empty: any model.",
                        max_length=300,
                    ),
                ),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(
                        help_text="Reason for the waiver, and measures until it expires.",
                        max_length=10000,
                    ),
                ),
                ("until", models.DateField(help_text="Expires on (not valid from this date).")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Requested"),
                            ("granted", "Granted"),
                            ("refused", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="asked",
                        max_length=9,
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("requested_on", models.DateField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decision",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Reason for granting, rejecting or withdrawing.",
                        max_length=10000,
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waivers",
                        to="inventory.application",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        help_text="Only on this host; empty: on any host.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
            ],
            options={
                "ordering": ["-requested_at", "-id"],
                "indexes": [
                    models.Index(fields=["application", "until"], name="waiver_by_application"),
                    models.Index(
                        condition=models.Q(("state", "asked")),
                        fields=["-id"],
                        name="waiver_waiting",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until__gt", models.F("requested_on")),
                            (
                                "until__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("requested_on"),
                                    "+",
                                    models.Value(datetime.timedelta(days=180)),
                                ),
                            ),
                        ),
                        name="waiver_ends_in_time",
                        violation_error_message="A waiver must expire after today and within 180 days. Request a new one when it has expired.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", True),
                                ("decided_by__isnull", True),
                                ("state", "asked"),
                            ),
                            models.Q(
                                models.Q(("state", "asked"), _negated=True),
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="waiver_decided_by_somebody",
                        violation_error_message="A decision on a waiver must have a user and a time.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "granted"), _negated=True),
                            models.Q(("decided_by", models.F("requested_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="waiver_granted_by_another",
                        violation_error_message="A waiver cannot be decided by the user who requested it. Another governance user must decide.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GateFinding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("FR001", "Model not approved"),
                            ("FR002", "Model retired"),
                            ("FR003", "Model retires soon"),
                            ("FR004", "Ambiguous model name"),
                            ("FR005", "Unknown model"),
                            ("FR006", "Evidence missing or stale"),
                            ("FR007", "Data classification not allowed"),
                            ("FR008", "Region not allowed"),
                            ("FR009", "Wildcard route"),
                            ("FR010", "Application without an owner"),
                        ],
                        max_length=5,
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("error", "Error: blocks"),
                            ("warning", "Warning"),
                            ("note", "Note"),
                            ("off", "Off"),
                        ],
                        max_length=7,
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=300)),
                ("resolved_id", models.CharField(blank=True, max_length=300)),
                ("file", models.CharField(blank=True, max_length=300)),
                ("line", models.PositiveIntegerField(blank=True, null=True)),
                ("message", models.TextField()),
                ("replacement", models.CharField(blank=True, max_length=300)),
                ("by_date", models.DateField(blank=True, null=True)),
                (
                    "is_new",
                    models.BooleanField(help_text="Not in the baseline, or less severe there."),
                ),
                ("waived_until", models.DateField(blank=True, null=True)),
                (
                    "fingerprint",
                    models.CharField(
                        help_text="SHA-256 of rule, application, model and file.", max_length=64
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="findings",
                        to="gate.gaterun",
                    ),
                ),
                (
                    "waiver",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="gate.waiver",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["run", "id"], name="gate_finding_by_run")],
            },
        ),
        migrations.CreateModel(
            name="WaiverHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("FR001", "Model not approved"),
                            ("FR002", "Model retired"),
                            ("FR003", "Model retires soon"),
                            ("FR004", "Ambiguous model name"),
                            ("FR005", "Unknown model"),
                            ("FR006", "Evidence missing or stale"),
                            ("FR007", "Data classification not allowed"),
                            ("FR008", "Region not allowed"),
                            ("FR009", "Wildcard route"),
                            ("FR010", "Application without an owner"),
                        ],
                        max_length=5,
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True,
                        help_text="Model as in the findings; empty: any model.",
                        max_length=300,
                    ),
                ),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(
                        help_text="Reason for the waiver, and measures until it expires.",
                        max_length=10000,
                    ),
                ),
                ("until", models.DateField(help_text="Expires on (not valid from this date).")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Requested"),
                            ("granted", "Granted"),
                            ("refused", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="asked",
                        max_length=9,
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("requested_on", models.DateField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decision",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Reason for granting, rejecting or withdrawing.",
                        max_length=10000,
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
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Only on this host; empty: on any host.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.offering",
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
                        to="gate.waiver",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="gatepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_gatepolicyhistory" ("evidence_criticalities", "evidence_days", "id", "keep_runs_days", "levels", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "requires_approval", "stale_after_days", "version") SELECT new_values."evidence_criticalities", new_values."evidence_days", new_values."id", new_values."keep_runs_days", new_values."levels", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."requires_approval", new_values."stale_after_days", new_values."version" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8274a92fa6e18c5cebf23f0e47a4e9cee9d6f72a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_55dfd",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="gate_gatepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="gatepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_gatepolicyhistory" ("evidence_criticalities", "evidence_days", "id", "keep_runs_days", "levels", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "requires_approval", "stale_after_days", "version") SELECT new_values."evidence_criticalities", new_values."evidence_days", new_values."id", new_values."keep_runs_days", new_values."levels", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."requires_approval", new_values."stale_after_days", new_values."version" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."evidence_criticalities" IS DISTINCT FROM (new_values."evidence_criticalities") OR old_values."evidence_days" IS DISTINCT FROM (new_values."evidence_days") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."keep_runs_days" IS DISTINCT FROM (new_values."keep_runs_days") OR old_values."levels" IS DISTINCT FROM (new_values."levels") OR old_values."requires_approval" IS DISTINCT FROM (new_values."requires_approval") OR old_values."stale_after_days" IS DISTINCT FROM (new_values."stale_after_days") OR old_values."version" IS DISTINCT FROM (new_values."version")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f35466e2de9e0911f92b0c0811e989fa383b010a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_13eba",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="gate_gatepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="gatepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_gatepolicyhistory" ("evidence_criticalities", "evidence_days", "id", "keep_runs_days", "levels", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "requires_approval", "stale_after_days", "version") SELECT old_values."evidence_criticalities", old_values."evidence_days", old_values."id", old_values."keep_runs_days", old_values."levels", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."requires_approval", old_values."stale_after_days", old_values."version" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="106b37174884acab9b7c8f1dd935024b519d2db6",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_192f9",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="gate_gatepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="horizon",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_horizonhistory" ("criticality", "environment", "error_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "warning_days") SELECT new_values."criticality", new_values."environment", new_values."error_days", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."warning_days" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="ab676952ff122f505ed08e698da3d25cc959d079",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_1a591",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="gate_horizon",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="horizon",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_horizonhistory" ("criticality", "environment", "error_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "warning_days") SELECT new_values."criticality", new_values."environment", new_values."error_days", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."warning_days" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="db3dca284b0ee9987cf6284c85b4aeb7a197696f",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_384a7",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="gate_horizon",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="horizon",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_horizonhistory" ("criticality", "environment", "error_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "warning_days") SELECT old_values."criticality", old_values."environment", old_values."error_days", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."warning_days" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="3f58745184c28bd82fb4c0c85dee935c16eabaf8",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_79e39",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="gate_horizon",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="gatepolicyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="67086b3acd1fccd3e3edf41367bb4df08b5b16b1",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b3a0a",
                    table="gate_gatepolicyhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="horizonhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1ba4e0020e01b7e52725f071009616eaf3c085fa",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_279a8",
                    table="gate_horizonhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_waiverhistory" ("application_id", "decided_at", "decided_by_id", "decision", "id", "model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "requested_at", "requested_by_id", "requested_on", "rule", "state", "until") SELECT new_values."application_id", new_values."decided_at", new_values."decided_by_id", new_values."decision", new_values."id", new_values."model", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."reason", new_values."requested_at", new_values."requested_by_id", new_values."requested_on", new_values."rule", new_values."state", new_values."until" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="667c437c340f3ae0c1999bcb13e41ac07c69d64a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_82a31",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="gate_waiver",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_waiverhistory" ("application_id", "decided_at", "decided_by_id", "decision", "id", "model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "requested_at", "requested_by_id", "requested_on", "rule", "state", "until") SELECT new_values."application_id", new_values."decided_at", new_values."decided_by_id", new_values."decision", new_values."id", new_values."model", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."reason", new_values."requested_at", new_values."requested_by_id", new_values."requested_on", new_values."rule", new_values."state", new_values."until" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9142f49a07d54974c5e5a6853d6559cb6e3fc1e8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_de569",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="gate_waiver",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_waiverhistory" ("application_id", "decided_at", "decided_by_id", "decision", "id", "model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "requested_at", "requested_by_id", "requested_on", "rule", "state", "until") SELECT old_values."application_id", old_values."decided_at", old_values."decided_by_id", old_values."decision", old_values."id", old_values."model", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."reason", old_values."requested_at", old_values."requested_by_id", old_values."requested_on", old_values."rule", old_values."state", old_values."until" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="f48b3a370871ea80f4dfe04a6289e2104ed37c81",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a6564",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="gate_waiver",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiverhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="16e9efdaefaa65e6adb169f15fa6c42f5a236970",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_9563e",
                    table="gate_waiverhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
