"""The tables of risks, with their history and triggers."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
import apps.common.validators


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
            name="CountState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("counted_at", models.DateTimeField()),
                ("n_applications", models.PositiveIntegerField(help_text="Applications in scope.")),
                (
                    "changes",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Date and latest history entries of the count.",
                        max_length=200,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HandledEvent",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="catalog.providerevent",
                    ),
                ),
                ("handled_at", models.DateTimeField()),
                (
                    "n_assessments",
                    models.PositiveIntegerField(
                        help_text="Number of assessments that became stale."
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LevelCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[("current", "Current"), ("residual", "Residual")], max_length=8
                    ),
                ),
                ("likelihood", models.PositiveSmallIntegerField()),
                ("impact", models.PositiveSmallIntegerField()),
                ("n", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("basis", "likelihood", "impact"),
                        name="level_count_once",
                        violation_error_message="This level is already counted.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RiskTemplate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=20, unique=True)),
                ("title", models.CharField(max_length=200)),
                (
                    "description",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "layer",
                    models.CharField(
                        choices=[
                            ("training_data", "Training data"),
                            ("weights", "Weights"),
                            ("alignment", "Alignment"),
                            ("serving", "Serving"),
                            ("commercial", "Commercial"),
                            ("legal", "Legal"),
                            ("ecosystem", "Ecosystem"),
                        ],
                        max_length=13,
                    ),
                ),
                (
                    "inherits_by_default",
                    models.BooleanField(
                        default=True,
                        help_text="Off: the risk stays on its node until inheritance is switched on.",
                    ),
                ),
                (
                    "applies_when",
                    models.CharField(
                        blank=True,
                        choices=[
                            (
                                "judge_shares_base",
                                "Judge or guardrail shares lineage with a primary model of its application",
                            ),
                            ("calls_moving_name", "Calls an alias that the provider can move"),
                        ],
                        help_text="Empty: every dependency that depends on the node inherits the risk.",
                        max_length=20,
                    ),
                ),
                (
                    "usual_likelihood",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="1 rare to 5 almost certain."
                    ),
                ),
                (
                    "usual_impact",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="1 negligible to 5 severe."
                    ),
                ),
                (
                    "stale_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list
                    ),
                ),
                (
                    "suggested_tests",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), blank=True, default=list
                    ),
                ),
                (
                    "suggested_treatments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), blank=True, default=list
                    ),
                ),
                (
                    "sources",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), blank=True, default=list
                    ),
                ),
                ("built_in", models.BooleanField(default=False, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["code"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("usual_impact__range", (1, 5)), ("usual_likelihood__range", (1, 5))
                        ),
                        name="risk_template_levels_1_to_5",
                        violation_error_message="Likelihood and impact must be between 1 and 5.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
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
                            ("own_evaluation", "Evaluation on own workload"),
                            ("red_team", "Red-team exercise"),
                            ("benchmark", "Third-party benchmark"),
                            ("provider_card", "Provider's documentation"),
                            ("exit_test", "Exit test"),
                            ("incident", "Incident"),
                            ("contract", "Contract"),
                            ("document", "Other document"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "tool",
                    models.CharField(
                        blank=True,
                        help_text="promptfoo, inspect_ai, lm-eval, garak, ...",
                        max_length=60,
                    ),
                ),
                (
                    "evaluator",
                    models.CharField(
                        choices=[
                            ("first", "Own organisation"),
                            ("second", "Provider"),
                            ("third", "Third party"),
                        ],
                        default="first",
                        max_length=6,
                    ),
                ),
                ("dataset", models.CharField(blank=True, max_length=200)),
                ("metric", models.CharField(blank=True, max_length=120)),
                (
                    "value",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=14, null=True),
                ),
                (
                    "threshold",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=14, null=True),
                ),
                ("higher_is_better", models.BooleanField(default=True)),
                ("passed", models.BooleanField(blank=True, null=True)),
                (
                    "n",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="number of cases"
                    ),
                ),
                (
                    "run_on",
                    models.DateField(validators=[apps.common.validators.validate_plausible_date]),
                ),
                (
                    "expires_on",
                    models.DateField(
                        blank=True,
                        help_text="Expires on (not valid from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        blank=True,
                        help_text="SHA-256 digest of the file.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[0-9a-f]{64}$", "A SHA-256 digest has 64 hexadecimal digits."
                            )
                        ],
                    ),
                ),
                ("link", models.URLField(blank=True, max_length=1000)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("recorded_at", models.DateTimeField()),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: concerns the version or offering, not one application.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evidence",
                        to="inventory.application",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="catalog.offering",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="catalog.version",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        help_text="Risk that the evidence tests; empty: all inherited risks.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="risks.risktemplate",
                    ),
                ),
                (
                    "run",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="ID of the run in the tool.",
                        max_length=200,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "evidence",
                "ordering": ["-run_on", "-id"],
                "indexes": [
                    models.Index(fields=["application"], name="evidence_by_application"),
                    models.Index(
                        condition=models.Q(("passed", False)),
                        fields=["recorded_at"],
                        name="evidence_failing",
                    ),
                    models.Index(
                        condition=models.Q(("run", ""), _negated=True),
                        fields=["tool", "run"],
                        name="evidence_by_run",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("application__isnull", False),
                            ("version__isnull", False),
                            ("offering__isnull", False),
                            _connector="OR",
                        ),
                        name="evidence_is_about_something",
                        violation_error_message="Select what was tested: an application, a version or an offering.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_on__isnull", True),
                            ("expires_on__gt", models.F("run_on")),
                            _connector="OR",
                        ),
                        name="evidence_expires_after_run",
                        violation_error_message="The evidence must expire after its date.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EvidenceHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("own_evaluation", "Evaluation on own workload"),
                            ("red_team", "Red-team exercise"),
                            ("benchmark", "Third-party benchmark"),
                            ("provider_card", "Provider's documentation"),
                            ("exit_test", "Exit test"),
                            ("incident", "Incident"),
                            ("contract", "Contract"),
                            ("document", "Other document"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "tool",
                    models.CharField(
                        blank=True,
                        help_text="promptfoo, inspect_ai, lm-eval, garak, ...",
                        max_length=60,
                    ),
                ),
                (
                    "evaluator",
                    models.CharField(
                        choices=[
                            ("first", "Own organisation"),
                            ("second", "Provider"),
                            ("third", "Third party"),
                        ],
                        default="first",
                        max_length=6,
                    ),
                ),
                ("dataset", models.CharField(blank=True, max_length=200)),
                ("metric", models.CharField(blank=True, max_length=120)),
                (
                    "value",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=14, null=True),
                ),
                (
                    "threshold",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=14, null=True),
                ),
                ("higher_is_better", models.BooleanField(default=True)),
                ("passed", models.BooleanField(blank=True, null=True)),
                (
                    "n",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="number of cases"
                    ),
                ),
                (
                    "run_on",
                    models.DateField(validators=[apps.common.validators.validate_plausible_date]),
                ),
                (
                    "expires_on",
                    models.DateField(
                        blank=True,
                        help_text="Expires on (not valid from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        blank=True,
                        help_text="SHA-256 digest of the file.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[0-9a-f]{64}$", "A SHA-256 digest has 64 hexadecimal digits."
                            )
                        ],
                    ),
                ),
                ("link", models.URLField(blank=True, max_length=1000)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("recorded_at", models.DateTimeField()),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Empty: concerns the version or offering, not one application.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
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
                        to="risks.evidence",
                    ),
                ),
                (
                    "recorded_by",
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
                    "version",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.version",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Risk that the evidence tests; empty: all inherited risks.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.risktemplate",
                    ),
                ),
                (
                    "run",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="ID of the run in the tool.",
                        max_length=200,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Modifier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "adaptation",
                    models.CharField(
                        choices=[
                            ("prompt", "Prompt"),
                            ("few_shot", "Few-shot examples"),
                            ("fine_tune", "Fine-tune"),
                            ("retrieval", "Retrieval"),
                            ("agentic_tools", "Agentic tools"),
                        ],
                        max_length=13,
                    ),
                ),
                ("likelihood", models.SmallIntegerField(default=0)),
                ("impact", models.SmallIntegerField(default=0)),
                ("rationale", models.CharField(max_length=300)),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="modifiers",
                        to="risks.risktemplate",
                    ),
                ),
            ],
            options={
                "ordering": ["template", "adaptation"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("template", "adaptation"),
                        name="modifier_once",
                        violation_error_message="This template already has a modifier for this type of adaptation.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("impact__range", (-2, 2)), ("likelihood__range", (-2, 2))
                        ),
                        name="modifier_at_most_two_steps",
                        violation_error_message="An adaptation can change likelihood or impact by at most 2 steps.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ModifierHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "adaptation",
                    models.CharField(
                        choices=[
                            ("prompt", "Prompt"),
                            ("few_shot", "Few-shot examples"),
                            ("fine_tune", "Fine-tune"),
                            ("retrieval", "Retrieval"),
                            ("agentic_tools", "Agentic tools"),
                        ],
                        max_length=13,
                    ),
                ),
                ("likelihood", models.SmallIntegerField(default=0)),
                ("impact", models.SmallIntegerField(default=0)),
                ("rationale", models.CharField(max_length=300)),
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
                        to="risks.modifier",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.risktemplate",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RiskTemplateHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("code", models.CharField(max_length=20)),
                ("title", models.CharField(max_length=200)),
                (
                    "description",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "layer",
                    models.CharField(
                        choices=[
                            ("training_data", "Training data"),
                            ("weights", "Weights"),
                            ("alignment", "Alignment"),
                            ("serving", "Serving"),
                            ("commercial", "Commercial"),
                            ("legal", "Legal"),
                            ("ecosystem", "Ecosystem"),
                        ],
                        max_length=13,
                    ),
                ),
                (
                    "inherits_by_default",
                    models.BooleanField(
                        default=True,
                        help_text="Off: the risk stays on its node until inheritance is switched on.",
                    ),
                ),
                (
                    "applies_when",
                    models.CharField(
                        blank=True,
                        choices=[
                            (
                                "judge_shares_base",
                                "Judge or guardrail shares lineage with a primary model of its application",
                            ),
                            ("calls_moving_name", "Calls an alias that the provider can move"),
                        ],
                        help_text="Empty: every dependency that depends on the node inherits the risk.",
                        max_length=20,
                    ),
                ),
                (
                    "usual_likelihood",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="1 rare to 5 almost certain."
                    ),
                ),
                (
                    "usual_impact",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="1 negligible to 5 severe."
                    ),
                ),
                (
                    "stale_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list
                    ),
                ),
                (
                    "suggested_tests",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), blank=True, default=list
                    ),
                ),
                (
                    "suggested_treatments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), blank=True, default=list
                    ),
                ),
                (
                    "sources",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), blank=True, default=list
                    ),
                ),
                ("built_in", models.BooleanField(default=False, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        to="risks.risktemplate",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Taxonomy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("version", models.CharField(blank=True, max_length=20)),
                ("licence", models.CharField(max_length=200)),
                ("attribution", models.CharField(max_length=300)),
                ("source_url", models.URLField(max_length=500)),
                (
                    "coverage",
                    models.CharField(
                        blank=True,
                        help_text="Part of the taxonomy that is recorded here.",
                        max_length=200,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "taxonomies",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="TaxonomyEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=80)),
                ("name", models.CharField(max_length=200)),
                ("text", models.TextField(blank=True)),
                ("url", models.URLField(blank=True, max_length=500)),
                (
                    "taxonomy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="risks.taxonomy",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "taxonomy entries",
                "ordering": ["taxonomy", "code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("taxonomy", "code"),
                        name="taxonomy_entry_once",
                        violation_error_message="This taxonomy already has an entry with this code.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TaxonomyEntryHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("code", models.CharField(max_length=80)),
                ("name", models.CharField(max_length=200)),
                ("text", models.TextField(blank=True)),
                ("url", models.URLField(blank=True, max_length=500)),
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
                        to="risks.taxonomyentry",
                    ),
                ),
                (
                    "taxonomy",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.taxonomy",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="TaxonomyHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("slug", models.SlugField(db_index=False, max_length=40)),
                ("name", models.CharField(max_length=200)),
                ("version", models.CharField(blank=True, max_length=20)),
                ("licence", models.CharField(max_length=200)),
                ("attribution", models.CharField(max_length=300)),
                ("source_url", models.URLField(max_length=500)),
                (
                    "coverage",
                    models.CharField(
                        blank=True,
                        help_text="Part of the taxonomy that is recorded here.",
                        max_length=200,
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
                        to="risks.taxonomy",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="TeamCount",
            fields=[
                (
                    "team",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="accounts.team",
                    ),
                ),
                ("n_inherited", models.PositiveIntegerField()),
                ("n_assessed", models.PositiveIntegerField()),
                ("n_stale", models.PositiveIntegerField()),
                ("n_not_applicable", models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="TemplateMapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "predicate",
                    models.CharField(
                        choices=[
                            ("exactMatch", "Exact"),
                            ("closeMatch", "Close"),
                            ("broadMatch", "Broader in the taxonomy"),
                            ("narrowMatch", "Narrower in the taxonomy"),
                            ("relatedMatch", "Related"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "justification",
                    models.CharField(default="semapv:ManualMappingCuration", max_length=60),
                ),
                ("author", models.CharField(max_length=100)),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mappings",
                        to="risks.taxonomyentry",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mappings",
                        to="risks.risktemplate",
                    ),
                ),
            ],
            options={
                "ordering": ["template", "entry"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("template", "entry"),
                        name="template_mapping_once",
                        violation_error_message="This template is already mapped to this entry. Change the mapping instead.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TemplateMappingHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "predicate",
                    models.CharField(
                        choices=[
                            ("exactMatch", "Exact"),
                            ("closeMatch", "Close"),
                            ("broadMatch", "Broader in the taxonomy"),
                            ("narrowMatch", "Narrower in the taxonomy"),
                            ("relatedMatch", "Related"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "justification",
                    models.CharField(default="semapv:ManualMappingCuration", max_length=60),
                ),
                ("author", models.CharField(max_length=100)),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.taxonomyentry",
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
                        to="risks.templatemapping",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.risktemplate",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="FoundationRisk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "title",
                    models.CharField(
                        blank=True,
                        help_text="Title of the risk; empty: the title of the template.",
                        max_length=300,
                    ),
                ),
                (
                    "description",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "inherits",
                    models.BooleanField(
                        default=True, help_text="Dependencies on the node inherit the risk."
                    ),
                ),
                (
                    "likelihood",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        help_text="Inherent likelihood: 1 rare to 5 almost certain.",
                    ),
                ),
                (
                    "impact",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        help_text="Inherent impact: 1 negligible to 5 severe.",
                    ),
                ),
                (
                    "inherent",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("likelihood"), "*", models.F("impact")
                        ),
                        output_field=models.PositiveSmallIntegerField(),
                    ),
                ),
                (
                    "confidence",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        default="medium",
                        max_length=6,
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("retirement", "Retirement within the planning horizon"),
                            ("redirect", "Redirect after retirement"),
                            ("moving_name", "Unpinned alias"),
                            ("short_notice", "Short notice period"),
                            ("one_host", "Single host"),
                            ("price_moves", "Price volatility"),
                            ("terms", "Terms changed"),
                            ("licence", "Licence changed"),
                        ],
                        editable=False,
                        max_length=12,
                    ),
                ),
                (
                    "facts",
                    models.TextField(blank=True, help_text="Basis of the risk, as a sentence."),
                ),
                ("facts_key", models.CharField(blank=True, editable=False, max_length=200)),
                ("source_url", models.CharField(blank=True, max_length=1000)),
                ("opened_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "review_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_reason", models.CharField(blank=True, max_length=500)),
                ("dismissed_at", models.DateTimeField(blank=True, null=True)),
                ("dismissed_reason", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "dismissed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "node",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="foundation_risks",
                        to="catalog.node",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="risks",
                        to="risks.risktemplate",
                    ),
                ),
            ],
            options={
                "ordering": ["-inherent", "id"],
            },
        ),
        migrations.CreateModel(
            name="Assessment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("assessed", "Assessed"),
                            ("stale", "Stale"),
                            ("not_applicable", "Not applicable"),
                        ],
                        default="assessed",
                        max_length=14,
                    ),
                ),
                (
                    "not_applicable_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "inherent_likelihood",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")]
                    ),
                ),
                (
                    "inherent_impact",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")]
                    ),
                ),
                (
                    "current_likelihood",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        null=True,
                    ),
                ),
                (
                    "current_impact",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        null=True,
                    ),
                ),
                (
                    "residual_likelihood",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        null=True,
                    ),
                ),
                (
                    "residual_impact",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        null=True,
                    ),
                ),
                (
                    "inherent",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("inherent_likelihood"), "*", models.F("inherent_impact")
                        ),
                        output_field=models.PositiveSmallIntegerField(null=True),
                    ),
                ),
                (
                    "current",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("current_likelihood"), "*", models.F("current_impact")
                        ),
                        output_field=models.PositiveSmallIntegerField(null=True),
                    ),
                ),
                (
                    "residual",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("residual_likelihood"), "*", models.F("residual_impact")
                        ),
                        output_field=models.PositiveSmallIntegerField(null=True),
                    ),
                ),
                (
                    "confidence",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        default="medium",
                        max_length=6,
                    ),
                ),
                (
                    "treatment",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("avoid", "Avoid"),
                            ("reduce", "Reduce"),
                            ("share", "Share"),
                            ("accept", "Accept"),
                        ],
                        max_length=6,
                    ),
                ),
                (
                    "plan",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Treatment of the risk.", max_length=20000
                    ),
                ),
                (
                    "due_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "accepted_until",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "accept_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "revoke_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                ("stale_since", models.DateTimeField(blank=True, null=True)),
                (
                    "stale_cause",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("event", "Provider event"),
                            ("replaced", "Dependency ended or replaced"),
                            ("exit_test_expired", "Exit test expired"),
                            ("evidence_failed", "New evidence fails"),
                            ("evidence_expired", "Evidence expired"),
                            ("facts_changed", "Risk changed"),
                            ("acceptance_expired", "Acceptance expired"),
                            ("acceptance_revoked", "Acceptance revoked"),
                        ],
                        max_length=18,
                    ),
                ),
                (
                    "stale_reason",
                    models.TextField(blank=True, help_text="Event or reason, as a sentence."),
                ),
                ("assessed_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "assessed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dependency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assessments",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "stale_event",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="stale_assessments",
                        to="catalog.providerevent",
                    ),
                ),
                (
                    "risk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assessments",
                        to="risks.foundationrisk",
                    ),
                ),
            ],
            options={
                "ordering": ["-inherent", "-id"],
            },
        ),
        migrations.CreateModel(
            name="AssessmentEvidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "assessment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evidence_links",
                        to="risks.assessment",
                    ),
                ),
                (
                    "evidence",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assessment_links",
                        to="risks.evidence",
                    ),
                ),
            ],
            options={
                "ordering": ["assessment", "evidence"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("assessment", "evidence"),
                        name="assessment_evidence_once",
                        violation_error_message="This evidence is already attached.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AssessmentEvidenceHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "assessment",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.assessment",
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
                        to="risks.assessmentevidence",
                    ),
                ),
                (
                    "evidence",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.evidence",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AssessmentHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("assessed", "Assessed"),
                            ("stale", "Stale"),
                            ("not_applicable", "Not applicable"),
                        ],
                        default="assessed",
                        max_length=14,
                    ),
                ),
                (
                    "not_applicable_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "inherent_likelihood",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")]
                    ),
                ),
                (
                    "inherent_impact",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")]
                    ),
                ),
                (
                    "current_likelihood",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        null=True,
                    ),
                ),
                (
                    "current_impact",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        null=True,
                    ),
                ),
                (
                    "residual_likelihood",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        null=True,
                    ),
                ),
                (
                    "residual_impact",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        null=True,
                    ),
                ),
                (
                    "confidence",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        default="medium",
                        max_length=6,
                    ),
                ),
                (
                    "treatment",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("avoid", "Avoid"),
                            ("reduce", "Reduce"),
                            ("share", "Share"),
                            ("accept", "Accept"),
                        ],
                        max_length=6,
                    ),
                ),
                (
                    "plan",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Treatment of the risk.", max_length=20000
                    ),
                ),
                (
                    "due_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "accepted_until",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "accept_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "revoke_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                ("stale_since", models.DateTimeField(blank=True, null=True)),
                (
                    "stale_cause",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("event", "Provider event"),
                            ("replaced", "Dependency ended or replaced"),
                            ("exit_test_expired", "Exit test expired"),
                            ("evidence_failed", "New evidence fails"),
                            ("evidence_expired", "Evidence expired"),
                            ("facts_changed", "Risk changed"),
                            ("acceptance_expired", "Acceptance expired"),
                            ("acceptance_revoked", "Acceptance revoked"),
                        ],
                        max_length=18,
                    ),
                ),
                (
                    "stale_reason",
                    models.TextField(blank=True, help_text="Event or reason, as a sentence."),
                ),
                ("assessed_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "accepted_by",
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
                    "assessed_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "owner",
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
                        to="risks.assessment",
                    ),
                ),
                (
                    "revoked_by",
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
                    "stale_event",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.providerevent",
                    ),
                ),
                (
                    "risk",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.foundationrisk",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="FoundationRiskHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "title",
                    models.CharField(
                        blank=True,
                        help_text="Title of the risk; empty: the title of the template.",
                        max_length=300,
                    ),
                ),
                (
                    "description",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "inherits",
                    models.BooleanField(
                        default=True, help_text="Dependencies on the node inherit the risk."
                    ),
                ),
                (
                    "likelihood",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        help_text="Inherent likelihood: 1 rare to 5 almost certain.",
                    ),
                ),
                (
                    "impact",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
                        help_text="Inherent impact: 1 negligible to 5 severe.",
                    ),
                ),
                (
                    "confidence",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        default="medium",
                        max_length=6,
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("retirement", "Retirement within the planning horizon"),
                            ("redirect", "Redirect after retirement"),
                            ("moving_name", "Unpinned alias"),
                            ("short_notice", "Short notice period"),
                            ("one_host", "Single host"),
                            ("price_moves", "Price volatility"),
                            ("terms", "Terms changed"),
                            ("licence", "Licence changed"),
                        ],
                        editable=False,
                        max_length=12,
                    ),
                ),
                (
                    "facts",
                    models.TextField(blank=True, help_text="Basis of the risk, as a sentence."),
                ),
                ("facts_key", models.CharField(blank=True, editable=False, max_length=200)),
                ("source_url", models.CharField(blank=True, max_length=1000)),
                ("opened_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "review_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_reason", models.CharField(blank=True, max_length=500)),
                ("dismissed_at", models.DateTimeField(blank=True, null=True)),
                ("dismissed_reason", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "dismissed_by",
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
                    "node",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.node",
                    ),
                ),
                (
                    "owner",
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
                        to="risks.foundationrisk",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.risktemplate",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RiskCount",
            fields=[
                (
                    "risk",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="risks.foundationrisk",
                    ),
                ),
                ("n_inherited", models.PositiveIntegerField()),
                ("n_assessed", models.PositiveIntegerField()),
                ("n_stale", models.PositiveIntegerField()),
                ("n_not_applicable", models.PositiveIntegerField()),
                ("n_accepted", models.PositiveIntegerField()),
                ("n_critical", models.PositiveIntegerField(help_text="In critical applications.")),
                (
                    "n_critical_decided",
                    models.PositiveIntegerField(help_text="Number of these with an assessment."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RiskEvidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "evidence",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="risk_links",
                        to="risks.evidence",
                    ),
                ),
                (
                    "risk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evidence_links",
                        to="risks.foundationrisk",
                    ),
                ),
            ],
            options={
                "ordering": ["risk", "evidence"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("risk", "evidence"),
                        name="risk_evidence_once",
                        violation_error_message="This evidence is already attached.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RiskEvidenceHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "evidence",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.evidence",
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
                        to="risks.riskevidence",
                    ),
                ),
                (
                    "risk",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="risks.foundationrisk",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="assessment",
            name="evidence",
            field=models.ManyToManyField(
                blank=True,
                related_name="backed_assessments",
                through="risks.AssessmentEvidence",
                to="risks.evidence",
            ),
        ),
        migrations.AddField(
            model_name="foundationrisk",
            name="evidence",
            field=models.ManyToManyField(
                blank=True,
                related_name="foundation_risks",
                through="risks.RiskEvidence",
                to="risks.evidence",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="risktemplate",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_risktemplatehistory" ("applies_when", "built_in", "code", "created_at", "description", "id", "inherits_by_default", "layer", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sources", "stale_by", "suggested_tests", "suggested_treatments", "title", "usual_impact", "usual_likelihood") SELECT new_values."applies_when", new_values."built_in", new_values."code", new_values."created_at", new_values."description", new_values."id", new_values."inherits_by_default", new_values."layer", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."sources", new_values."stale_by", new_values."suggested_tests", new_values."suggested_treatments", new_values."title", new_values."usual_impact", new_values."usual_likelihood" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3a8b6f43d988d0c253c18fb034d7a7d89d1bf161",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_123cc",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_risktemplate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="risktemplate",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_risktemplatehistory" ("applies_when", "built_in", "code", "created_at", "description", "id", "inherits_by_default", "layer", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sources", "stale_by", "suggested_tests", "suggested_treatments", "title", "usual_impact", "usual_likelihood") SELECT new_values."applies_when", new_values."built_in", new_values."code", new_values."created_at", new_values."description", new_values."id", new_values."inherits_by_default", new_values."layer", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."sources", new_values."stale_by", new_values."suggested_tests", new_values."suggested_treatments", new_values."title", new_values."usual_impact", new_values."usual_likelihood" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."applies_when" IS DISTINCT FROM (new_values."applies_when") OR old_values."built_in" IS DISTINCT FROM (new_values."built_in") OR old_values."code" IS DISTINCT FROM (new_values."code") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."description" IS DISTINCT FROM (new_values."description") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."inherits_by_default" IS DISTINCT FROM (new_values."inherits_by_default") OR old_values."layer" IS DISTINCT FROM (new_values."layer") OR old_values."sources" IS DISTINCT FROM (new_values."sources") OR old_values."stale_by" IS DISTINCT FROM (new_values."stale_by") OR old_values."suggested_tests" IS DISTINCT FROM (new_values."suggested_tests") OR old_values."suggested_treatments" IS DISTINCT FROM (new_values."suggested_treatments") OR old_values."title" IS DISTINCT FROM (new_values."title") OR old_values."usual_impact" IS DISTINCT FROM (new_values."usual_impact") OR old_values."usual_likelihood" IS DISTINCT FROM (new_values."usual_likelihood")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e1027d5d75852bd28ed4841f3bec57abac49da05",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_43bee",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_risktemplate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="risktemplate",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_risktemplatehistory" ("applies_when", "built_in", "code", "created_at", "description", "id", "inherits_by_default", "layer", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sources", "stale_by", "suggested_tests", "suggested_treatments", "title", "usual_impact", "usual_likelihood") SELECT old_values."applies_when", old_values."built_in", old_values."code", old_values."created_at", old_values."description", old_values."id", old_values."inherits_by_default", old_values."layer", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."sources", old_values."stale_by", old_values."suggested_tests", old_values."suggested_treatments", old_values."title", old_values."usual_impact", old_values."usual_likelihood" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="d5ab026b56ba8bcf52b3d25555f4fc15dae15bf4",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_63937",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_risktemplate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyhistory" ("attribution", "coverage", "id", "licence", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_url", "version") SELECT new_values."attribution", new_values."coverage", new_values."id", new_values."licence", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."slug", new_values."source_url", new_values."version" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="74ee1c711be84744e2f94d5c32114b097c8c9fa7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b8262",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_taxonomy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyhistory" ("attribution", "coverage", "id", "licence", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_url", "version") SELECT new_values."attribution", new_values."coverage", new_values."id", new_values."licence", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."slug", new_values."source_url", new_values."version" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1ffb19c2ef7a670f16145006570c22cb9779e18a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_0eeee",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_taxonomy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomy",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyhistory" ("attribution", "coverage", "id", "licence", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_url", "version") SELECT old_values."attribution", old_values."coverage", old_values."id", old_values."licence", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."slug", old_values."source_url", old_values."version" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="1eac414f120e31328ae1f9816afea698cfd9bdd6",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_dc586",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_taxonomy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessmentevidencehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="340fc167cf056ea90f1603f5afe04b15e99d3dce",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_33281",
                    table="risks_assessmentevidencehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessmentevidence",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmentevidencehistory" ("assessment_id", "evidence_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."assessment_id", new_values."evidence_id", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5f58d42b8af7de48c0e2709fd1d6d8eff486791a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_4c4ac",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_assessmentevidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessmentevidence",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmentevidencehistory" ("assessment_id", "evidence_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."assessment_id", new_values."evidence_id", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="aa543bfc91988e4b07332bdd7ca67aa86ab8058c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_0912e",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_assessmentevidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessmentevidence",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmentevidencehistory" ("assessment_id", "evidence_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT old_values."assessment_id", old_values."evidence_id", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="df6a7e91123cfa4a72ecfc1bd6ee4984b3c69444",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_799f9",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_assessmentevidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessmenthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="d123d1cd1a6b6e0b00351ab15eee4bcb0485376c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c4cc3",
                    table="risks_assessmenthistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="assessment",
            index=models.Index(fields=["dependency"], name="assessment_by_dependency"),
        ),
        migrations.AddIndex(
            model_name="assessment",
            index=models.Index(fields=["-inherent", "-id"], name="assessment_gravest"),
        ),
        migrations.AddIndex(
            model_name="assessment",
            index=models.Index(fields=["state", "id"], name="assessment_by_state"),
        ),
        migrations.AddIndex(
            model_name="assessment",
            index=models.Index(
                condition=models.Q(("treatment", "accept")),
                fields=["accepted_until"],
                name="assessment_acceptance_ends",
            ),
        ),
        migrations.AddIndex(
            model_name="assessment",
            index=models.Index(
                condition=models.Q(("due_on__isnull", False)),
                fields=["due_on", "id"],
                name="assessment_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.UniqueConstraint(
                fields=("risk", "dependency"),
                name="assessment_once",
                violation_error_message="Another user already assessed this risk. Reload it, then change the assessment.",
            ),
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "not_applicable"), _negated=True),
                    models.Q(("not_applicable_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="assessment_not_applicable_says_why",
                violation_error_message="Enter a reason why the risk does not apply.",
            ),
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "stale"), _negated=True),
                    models.Q(("stale_cause", ""), _negated=True),
                    _connector="OR",
                ),
                name="assessment_stale_says_why",
                violation_error_message="Enter the reason why the assessment is stale.",
            ),
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("treatment", "accept"), _negated=True),
                    models.Q(
                        ("accepted_at__isnull", False),
                        ("accepted_by__isnull", False),
                        ("accepted_until__isnull", False),
                        models.Q(("accept_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="assessment_acceptance_is_complete",
                violation_error_message="An acceptance needs an approver, a reason and an expiry date.",
            ),
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("inherent_impact__range", (1, 5)),
                    ("inherent_likelihood__range", (1, 5)),
                    models.Q(
                        ("current_likelihood__isnull", True),
                        ("current_likelihood__range", (1, 5)),
                        _connector="OR",
                    ),
                    models.Q(
                        ("current_impact__isnull", True),
                        ("current_impact__range", (1, 5)),
                        _connector="OR",
                    ),
                    models.Q(
                        ("residual_likelihood__isnull", True),
                        ("residual_likelihood__range", (1, 5)),
                        _connector="OR",
                    ),
                    models.Q(
                        ("residual_impact__isnull", True),
                        ("residual_impact__range", (1, 5)),
                        _connector="OR",
                    ),
                ),
                name="assessment_levels_1_to_5",
                violation_error_message="Likelihood and impact must be between 1 and 5.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessment",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmenthistory" ("accept_reason", "accepted_at", "accepted_by_id", "accepted_until", "assessed_at", "assessed_by_id", "confidence", "created_at", "current_impact", "current_likelihood", "dependency_id", "due_on", "id", "inherent_impact", "inherent_likelihood", "not_applicable_reason", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan", "residual_impact", "residual_likelihood", "revoke_reason", "revoked_at", "revoked_by_id", "risk_id", "stale_cause", "stale_event_id", "stale_reason", "stale_since", "state", "treatment", "version") SELECT new_values."accept_reason", new_values."accepted_at", new_values."accepted_by_id", new_values."accepted_until", new_values."assessed_at", new_values."assessed_by_id", new_values."confidence", new_values."created_at", new_values."current_impact", new_values."current_likelihood", new_values."dependency_id", new_values."due_on", new_values."id", new_values."inherent_impact", new_values."inherent_likelihood", new_values."not_applicable_reason", new_values."owner_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."plan", new_values."residual_impact", new_values."residual_likelihood", new_values."revoke_reason", new_values."revoked_at", new_values."revoked_by_id", new_values."risk_id", new_values."stale_cause", new_values."stale_event_id", new_values."stale_reason", new_values."stale_since", new_values."state", new_values."treatment", new_values."version" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="584e24d2b1ef893a853eeed88fecad15e24385a0",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_a2fa5",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_assessment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessment",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmenthistory" ("accept_reason", "accepted_at", "accepted_by_id", "accepted_until", "assessed_at", "assessed_by_id", "confidence", "created_at", "current_impact", "current_likelihood", "dependency_id", "due_on", "id", "inherent_impact", "inherent_likelihood", "not_applicable_reason", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan", "residual_impact", "residual_likelihood", "revoke_reason", "revoked_at", "revoked_by_id", "risk_id", "stale_cause", "stale_event_id", "stale_reason", "stale_since", "state", "treatment", "version") SELECT new_values."accept_reason", new_values."accepted_at", new_values."accepted_by_id", new_values."accepted_until", new_values."assessed_at", new_values."assessed_by_id", new_values."confidence", new_values."created_at", new_values."current_impact", new_values."current_likelihood", new_values."dependency_id", new_values."due_on", new_values."id", new_values."inherent_impact", new_values."inherent_likelihood", new_values."not_applicable_reason", new_values."owner_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."plan", new_values."residual_impact", new_values."residual_likelihood", new_values."revoke_reason", new_values."revoked_at", new_values."revoked_by_id", new_values."risk_id", new_values."stale_cause", new_values."stale_event_id", new_values."stale_reason", new_values."stale_since", new_values."state", new_values."treatment", new_values."version" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."accept_reason" IS DISTINCT FROM (new_values."accept_reason") OR old_values."accepted_at" IS DISTINCT FROM (new_values."accepted_at") OR old_values."accepted_by_id" IS DISTINCT FROM (new_values."accepted_by_id") OR old_values."accepted_until" IS DISTINCT FROM (new_values."accepted_until") OR old_values."assessed_at" IS DISTINCT FROM (new_values."assessed_at") OR old_values."assessed_by_id" IS DISTINCT FROM (new_values."assessed_by_id") OR old_values."confidence" IS DISTINCT FROM (new_values."confidence") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."current_impact" IS DISTINCT FROM (new_values."current_impact") OR old_values."current_likelihood" IS DISTINCT FROM (new_values."current_likelihood") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."due_on" IS DISTINCT FROM (new_values."due_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."inherent_impact" IS DISTINCT FROM (new_values."inherent_impact") OR old_values."inherent_likelihood" IS DISTINCT FROM (new_values."inherent_likelihood") OR old_values."not_applicable_reason" IS DISTINCT FROM (new_values."not_applicable_reason") OR old_values."owner_id" IS DISTINCT FROM (new_values."owner_id") OR old_values."plan" IS DISTINCT FROM (new_values."plan") OR old_values."residual_impact" IS DISTINCT FROM (new_values."residual_impact") OR old_values."residual_likelihood" IS DISTINCT FROM (new_values."residual_likelihood") OR old_values."revoke_reason" IS DISTINCT FROM (new_values."revoke_reason") OR old_values."revoked_at" IS DISTINCT FROM (new_values."revoked_at") OR old_values."revoked_by_id" IS DISTINCT FROM (new_values."revoked_by_id") OR old_values."risk_id" IS DISTINCT FROM (new_values."risk_id") OR old_values."stale_cause" IS DISTINCT FROM (new_values."stale_cause") OR old_values."stale_event_id" IS DISTINCT FROM (new_values."stale_event_id") OR old_values."stale_reason" IS DISTINCT FROM (new_values."stale_reason") OR old_values."stale_since" IS DISTINCT FROM (new_values."stale_since") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."treatment" IS DISTINCT FROM (new_values."treatment") OR old_values."version" IS DISTINCT FROM (new_values."version")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f40cc95b715296b4552d6f6539e937c9b27534b6",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_04e4e",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_assessment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessment",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmenthistory" ("accept_reason", "accepted_at", "accepted_by_id", "accepted_until", "assessed_at", "assessed_by_id", "confidence", "created_at", "current_impact", "current_likelihood", "dependency_id", "due_on", "id", "inherent_impact", "inherent_likelihood", "not_applicable_reason", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan", "residual_impact", "residual_likelihood", "revoke_reason", "revoked_at", "revoked_by_id", "risk_id", "stale_cause", "stale_event_id", "stale_reason", "stale_since", "state", "treatment", "version") SELECT old_values."accept_reason", old_values."accepted_at", old_values."accepted_by_id", old_values."accepted_until", old_values."assessed_at", old_values."assessed_by_id", old_values."confidence", old_values."created_at", old_values."current_impact", old_values."current_likelihood", old_values."dependency_id", old_values."due_on", old_values."id", old_values."inherent_impact", old_values."inherent_likelihood", old_values."not_applicable_reason", old_values."owner_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."plan", old_values."residual_impact", old_values."residual_likelihood", old_values."revoke_reason", old_values."revoked_at", old_values."revoked_by_id", old_values."risk_id", old_values."stale_cause", old_values."stale_event_id", old_values."stale_reason", old_values."stale_since", old_values."state", old_values."treatment", old_values."version" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="d9b6f56d078405cbf16487d6e02943b96efcd201",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_59597",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_assessment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="riskevidence",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_riskevidencehistory" ("evidence_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "risk_id") SELECT new_values."evidence_id", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."risk_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="ce4db2fedd691de554f154e34b17a9f04ed3320a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e23ee",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_riskevidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="riskevidence",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_riskevidencehistory" ("evidence_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "risk_id") SELECT new_values."evidence_id", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."risk_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e6a38362f4203e3e47473504dafd636e5f7b46c6",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_f4733",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_riskevidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="riskevidence",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_riskevidencehistory" ("evidence_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "risk_id") SELECT old_values."evidence_id", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."risk_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="7ee566f8718120b2f06a91ab51be5b5f7d253e96",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f2101",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_riskevidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="riskevidencehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="320713a237d8224a344f72840f3b6770b9e3270d",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_6ff00",
                    table="risks_riskevidencehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modifierhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1b51571a5d117c199377440e0416e336edb09992",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_988d0",
                    table="risks_modifierhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modifier",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_modifierhistory" ("adaptation", "id", "impact", "likelihood", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rationale", "template_id") SELECT new_values."adaptation", new_values."id", new_values."impact", new_values."likelihood", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."rationale", new_values."template_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="413218c5b52cb56233f8faee4c1806a7b1b7a65e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e527a",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_modifier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modifier",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_modifierhistory" ("adaptation", "id", "impact", "likelihood", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rationale", "template_id") SELECT new_values."adaptation", new_values."id", new_values."impact", new_values."likelihood", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."rationale", new_values."template_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b940dea5e7b5ad600b8092613df59ade2005c91c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c4048",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_modifier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modifier",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_modifierhistory" ("adaptation", "id", "impact", "likelihood", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rationale", "template_id") SELECT old_values."adaptation", old_values."id", old_values."impact", old_values."likelihood", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."rationale", old_values."template_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="6d9272e229bdc2ba9ead01ae90487a8cb0d266ed",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_7e9fc",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_modifier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="foundationriskhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="d94b31f82c8de37bdc80cb46cd8f10e67212b24c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_f546b",
                    table="risks_foundationriskhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="foundationrisk",
            index=models.Index(
                models.OrderBy(models.F("inherent"), descending=True),
                models.F("id"),
                condition=models.Q(
                    ("closed_at__isnull", True), ("dismissed_at__isnull", True), ("inherits", True)
                ),
                name="foundation_risk_gravest",
            ),
        ),
        migrations.AddIndex(
            model_name="foundationrisk",
            index=models.Index(fields=["node"], name="foundation_risk_by_node"),
        ),
        migrations.AddIndex(
            model_name="foundationrisk",
            index=models.Index(fields=["-inherent", "-id"], name="foundation_risk_in_order"),
        ),
        migrations.AddConstraint(
            model_name="foundationrisk",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True), ("template__isnull", False)),
                fields=("template", "node"),
                name="foundation_risk_once",
                violation_error_message="This risk is already recorded on this node. Change it, or close it first.",
            ),
        ),
        migrations.AddConstraint(
            model_name="foundationrisk",
            constraint=models.CheckConstraint(
                condition=models.Q(("impact__range", (1, 5)), ("likelihood__range", (1, 5))),
                name="foundation_risk_levels_1_to_5",
                violation_error_message="Likelihood and impact must be between 1 and 5.",
            ),
        ),
        migrations.AddConstraint(
            model_name="foundationrisk",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("template__isnull", False),
                    models.Q(("title", ""), _negated=True),
                    _connector="OR",
                ),
                name="foundation_risk_has_a_name",
                violation_error_message="Choose a template, or enter a title.",
            ),
        ),
        migrations.AddConstraint(
            model_name="foundationrisk",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("dismissed_at__isnull", True),
                    models.Q(("dismissed_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="foundation_risk_dismissed_with_reason",
                violation_error_message="Enter a reason for dismissing the risk.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="foundationrisk",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_foundationriskhistory" ("changed_at", "closed_at", "closed_reason", "confidence", "created_at", "description", "dismissed_at", "dismissed_by_id", "dismissed_reason", "facts", "facts_key", "id", "impact", "inherits", "likelihood", "node_id", "opened_at", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "review_on", "rule", "source_url", "template_id", "title") SELECT new_values."changed_at", new_values."closed_at", new_values."closed_reason", new_values."confidence", new_values."created_at", new_values."description", new_values."dismissed_at", new_values."dismissed_by_id", new_values."dismissed_reason", new_values."facts", new_values."facts_key", new_values."id", new_values."impact", new_values."inherits", new_values."likelihood", new_values."node_id", new_values."opened_at", new_values."owner_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."review_on", new_values."rule", new_values."source_url", new_values."template_id", new_values."title" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="94e50845a7faabb5d47e562c030cd80c12c7f4d1",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_2aae6",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_foundationrisk",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="foundationrisk",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_foundationriskhistory" ("changed_at", "closed_at", "closed_reason", "confidence", "created_at", "description", "dismissed_at", "dismissed_by_id", "dismissed_reason", "facts", "facts_key", "id", "impact", "inherits", "likelihood", "node_id", "opened_at", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "review_on", "rule", "source_url", "template_id", "title") SELECT new_values."changed_at", new_values."closed_at", new_values."closed_reason", new_values."confidence", new_values."created_at", new_values."description", new_values."dismissed_at", new_values."dismissed_by_id", new_values."dismissed_reason", new_values."facts", new_values."facts_key", new_values."id", new_values."impact", new_values."inherits", new_values."likelihood", new_values."node_id", new_values."opened_at", new_values."owner_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."review_on", new_values."rule", new_values."source_url", new_values."template_id", new_values."title" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."changed_at" IS DISTINCT FROM (new_values."changed_at") OR old_values."closed_at" IS DISTINCT FROM (new_values."closed_at") OR old_values."closed_reason" IS DISTINCT FROM (new_values."closed_reason") OR old_values."confidence" IS DISTINCT FROM (new_values."confidence") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."description" IS DISTINCT FROM (new_values."description") OR old_values."dismissed_at" IS DISTINCT FROM (new_values."dismissed_at") OR old_values."dismissed_by_id" IS DISTINCT FROM (new_values."dismissed_by_id") OR old_values."dismissed_reason" IS DISTINCT FROM (new_values."dismissed_reason") OR old_values."facts" IS DISTINCT FROM (new_values."facts") OR old_values."facts_key" IS DISTINCT FROM (new_values."facts_key") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."impact" IS DISTINCT FROM (new_values."impact") OR old_values."inherits" IS DISTINCT FROM (new_values."inherits") OR old_values."likelihood" IS DISTINCT FROM (new_values."likelihood") OR old_values."node_id" IS DISTINCT FROM (new_values."node_id") OR old_values."opened_at" IS DISTINCT FROM (new_values."opened_at") OR old_values."owner_id" IS DISTINCT FROM (new_values."owner_id") OR old_values."review_on" IS DISTINCT FROM (new_values."review_on") OR old_values."rule" IS DISTINCT FROM (new_values."rule") OR old_values."source_url" IS DISTINCT FROM (new_values."source_url") OR old_values."template_id" IS DISTINCT FROM (new_values."template_id") OR old_values."title" IS DISTINCT FROM (new_values."title")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="13c2286c518adb8ed89ab567cd48d93a61654b3d",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_62524",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_foundationrisk",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="foundationrisk",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_foundationriskhistory" ("changed_at", "closed_at", "closed_reason", "confidence", "created_at", "description", "dismissed_at", "dismissed_by_id", "dismissed_reason", "facts", "facts_key", "id", "impact", "inherits", "likelihood", "node_id", "opened_at", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "review_on", "rule", "source_url", "template_id", "title") SELECT old_values."changed_at", old_values."closed_at", old_values."closed_reason", old_values."confidence", old_values."created_at", old_values."description", old_values."dismissed_at", old_values."dismissed_by_id", old_values."dismissed_reason", old_values."facts", old_values."facts_key", old_values."id", old_values."impact", old_values."inherits", old_values."likelihood", old_values."node_id", old_values."opened_at", old_values."owner_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."review_on", old_values."rule", old_values."source_url", old_values."template_id", old_values."title" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="3b75ea59ed1cbbcb87a1610293cc9f2cb2c696e2",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_dc456",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_foundationrisk",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidencehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a5ce36cd87a35e80d682979264e2d2cd6baf7062",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_7eadb",
                    table="risks_evidencehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_evidencehistory" ("application_id", "dataset", "digest", "evaluator", "expires_on", "higher_is_better", "id", "kind", "link", "metric", "n", "note", "offering_id", "passed", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recorded_at", "recorded_by_id", "run", "run_on", "template_id", "threshold", "tool", "value", "version_id") SELECT new_values."application_id", new_values."dataset", new_values."digest", new_values."evaluator", new_values."expires_on", new_values."higher_is_better", new_values."id", new_values."kind", new_values."link", new_values."metric", new_values."n", new_values."note", new_values."offering_id", new_values."passed", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."recorded_at", new_values."recorded_by_id", new_values."run", new_values."run_on", new_values."template_id", new_values."threshold", new_values."tool", new_values."value", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e32e7129980ca53cf2c40a260126bbe0467ebb17",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_fdfaf",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_evidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_evidencehistory" ("application_id", "dataset", "digest", "evaluator", "expires_on", "higher_is_better", "id", "kind", "link", "metric", "n", "note", "offering_id", "passed", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recorded_at", "recorded_by_id", "run", "run_on", "template_id", "threshold", "tool", "value", "version_id") SELECT new_values."application_id", new_values."dataset", new_values."digest", new_values."evaluator", new_values."expires_on", new_values."higher_is_better", new_values."id", new_values."kind", new_values."link", new_values."metric", new_values."n", new_values."note", new_values."offering_id", new_values."passed", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."recorded_at", new_values."recorded_by_id", new_values."run", new_values."run_on", new_values."template_id", new_values."threshold", new_values."tool", new_values."value", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="12a9663f355380f40a9d4c49d499935a59b6b853",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_bf45d",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_evidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_evidencehistory" ("application_id", "dataset", "digest", "evaluator", "expires_on", "higher_is_better", "id", "kind", "link", "metric", "n", "note", "offering_id", "passed", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recorded_at", "recorded_by_id", "run", "run_on", "template_id", "threshold", "tool", "value", "version_id") SELECT old_values."application_id", old_values."dataset", old_values."digest", old_values."evaluator", old_values."expires_on", old_values."higher_is_better", old_values."id", old_values."kind", old_values."link", old_values."metric", old_values."n", old_values."note", old_values."offering_id", old_values."passed", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."recorded_at", old_values."recorded_by_id", old_values."run", old_values."run_on", old_values."template_id", old_values."threshold", old_values."tool", old_values."value", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="57e0bd296a567fde9f16ee1e04f801b4740071bf",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_32a29",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_evidence",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="risktemplatehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c61344c07e0eabae3b5410b229f073635615384a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c8b7e",
                    table="risks_risktemplatehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomyentry",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyentryhistory" ("code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "taxonomy_id", "text", "url") SELECT new_values."code", new_values."id", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."taxonomy_id", new_values."text", new_values."url" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="63b906df005108b4c72bd25a74982deb24d7a8a4",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b6459",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_taxonomyentry",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomyentry",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyentryhistory" ("code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "taxonomy_id", "text", "url") SELECT new_values."code", new_values."id", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."taxonomy_id", new_values."text", new_values."url" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="93af2e957e3d7e3f2a47cf35f9c289c74683b1ac",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_2dd36",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_taxonomyentry",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomyentry",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyentryhistory" ("code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "taxonomy_id", "text", "url") SELECT old_values."code", old_values."id", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."taxonomy_id", old_values."text", old_values."url" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="049070f88165f96f41c66d4b3bf4747e4fe7a4e7",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_99029",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_taxonomyentry",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomyentryhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="8b44d62a2495eff0793a991d8e7839b90f7ffbab",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_f518b",
                    table="risks_taxonomyentryhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3354184b8a7b30d0ac50e18a46111bc2e7fb466f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_851dc",
                    table="risks_taxonomyhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="templatemapping",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_templatemappinghistory" ("author", "entry_id", "id", "justification", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predicate", "template_id") SELECT new_values."author", new_values."entry_id", new_values."id", new_values."justification", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."predicate", new_values."template_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3961f9fc106fcda7bfc27c6daa42bdb947e8f649",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e4810",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_templatemapping",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="templatemapping",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_templatemappinghistory" ("author", "entry_id", "id", "justification", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predicate", "template_id") SELECT new_values."author", new_values."entry_id", new_values."id", new_values."justification", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."predicate", new_values."template_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="adf20f8fe4ca73b00066290aa8b76e07274e767d",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_ed040",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_templatemapping",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="templatemapping",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_templatemappinghistory" ("author", "entry_id", "id", "justification", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predicate", "template_id") SELECT old_values."author", old_values."entry_id", old_values."id", old_values."justification", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."predicate", old_values."template_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="182d9da9b22df386586229568d03a2fb9a1b678a",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_2c187",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_templatemapping",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="templatemappinghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e096d3afc65d174658443e5cd72cc115d692e707",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b1470",
                    table="risks_templatemappinghistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
