"""The tables of exposure, with their history and triggers."""

from decimal import Decimal

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
import apps.common.validators
import apps.exposure.models.scenarios
import apps.exposure.models.settings

# Models do not say that a table is partitioned.
NODESNAPSHOT_TABLE = """
CREATE TABLE exposure_nodesnapshot (
    day date NOT NULL,
    node_id bigint NOT NULL,
    threat smallint NOT NULL,
    state smallint NOT NULL,
    n bigint NOT NULL,
    n_critical bigint NOT NULL,
    points bigint NOT NULL,
    users bigint NOT NULL,
    spend numeric(20,2) NOT NULL,
    PRIMARY KEY (day, node_id, threat, state)
)
PARTITION BY RANGE (day)
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0001_initial"),
        ("common", "0001_initial"),
        ("inventory", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("risks", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ActiveDependency",
            fields=[
                ("dependency_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("offering_id", models.BigIntegerField()),
                ("application_id", models.BigIntegerField()),
                ("team_id", models.BigIntegerField()),
                ("criticality", models.PositiveSmallIntegerField()),
                (
                    "role",
                    models.PositiveSmallIntegerField(
                        help_text="Order of the role; 0 primary, 1 fallback or standby."
                    ),
                ),
                (
                    "reached",
                    models.PositiveSmallIntegerField(
                        help_text="0 direct, 1 through a gateway, 2 inside a product."
                    ),
                ),
                ("via_party_id", models.BigIntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["offering_id"],
                        include=("application_id", "team_id", "criticality", "role"),
                        name="active_by_offering",
                    ),
                    models.Index(fields=["application_id"], name="active_by_application"),
                    models.Index(
                        condition=models.Q(("via_party_id__isnull", False)),
                        fields=["via_party_id", "reached"],
                        include=("application_id", "team_id", "criticality", "role"),
                        name="active_by_party",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BaseLoss",
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
                            ("retirement", "Retirement"),
                            ("outage", "Outage"),
                            ("developer_failure", "Developer failure"),
                            ("repricing", "Price increase"),
                            ("regression", "Correlated error"),
                            ("shutdown_day", "Shutdown day"),
                            ("short_notice", "Short notice"),
                            ("own", "Independent incidents"),
                        ],
                        max_length=17,
                    ),
                ),
                ("criticality", models.PositiveSmallIntegerField()),
                (
                    "amount",
                    models.FloatField(
                        help_text="Loss of one event of mean severity, in one currency for all."
                    ),
                ),
                (
                    "chance",
                    models.FloatField(
                        default=0, help_text="Probability per year; for independent incidents only."
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "placeholder",
                    models.BooleanField(
                        default=True,
                        help_text="Default value. Only relative results are meaningful until you enter your own.",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "base losses",
                "ordering": ["kind", "criticality"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "criticality"), name="base_loss_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__gte", 0), ("chance__gte", 0), ("chance__lte", 1)
                        ),
                        name="base_loss_in_range",
                        violation_error_message="A loss must be 0 or more, and a probability must be between 0 and 1.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BaseLossHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("retirement", "Retirement"),
                            ("outage", "Outage"),
                            ("developer_failure", "Developer failure"),
                            ("repricing", "Price increase"),
                            ("regression", "Correlated error"),
                            ("shutdown_day", "Shutdown day"),
                            ("short_notice", "Short notice"),
                            ("own", "Independent incidents"),
                        ],
                        max_length=17,
                    ),
                ),
                ("criticality", models.PositiveSmallIntegerField()),
                (
                    "amount",
                    models.FloatField(
                        help_text="Loss of one event of mean severity, in one currency for all."
                    ),
                ),
                (
                    "chance",
                    models.FloatField(
                        default=0, help_text="Probability per year; for independent incidents only."
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
                        to="exposure.baseloss",
                    ),
                ),
                (
                    "placeholder",
                    models.BooleanField(
                        default=True,
                        help_text="Default value. Only relative results are meaningful until you enter your own.",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed")],
                        default="open",
                        max_length=6,
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
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "closing_note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to="catalog.providerevent",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to="catalog.offering",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("event__isnull", False), ("state", "open")),
                        fields=("event",),
                        name="campaign_one_open_per_event",
                        violation_error_message="A campaign for this event is already open.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("event__isnull", True), ("state", "open")),
                        fields=("subject",),
                        name="campaign_one_open_per_subject",
                        violation_error_message="A campaign for this offering is already open.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CampaignHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("title", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed")],
                        default="open",
                        max_length=6,
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
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "closing_note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "closed_by",
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
                    "event",
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
                    "opened_by",
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
                        to="exposure.campaign",
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "target",
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
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CampaignTask",
            fields=[
                (
                    "evidence",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Evidence for the sign-off.",
                        related_name="campaign_tasks",
                        to="risks.evidence",
                    ),
                ),
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("in_progress", "In progress"),
                            ("ready", "Ready to sign off"),
                            ("done", "Signed off"),
                            ("waived", "Deferred until"),
                            ("obsolete", "No longer needed"),
                        ],
                        default="open",
                        max_length=11,
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
                (
                    "before",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Measured on the current offering: {metric: value}.",
                    ),
                ),
                (
                    "after",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Measured on the target: {metric: value}.",
                    ),
                ),
                ("signed_off_at", models.DateTimeField(blank=True, null=True)),
                (
                    "waived_until",
                    models.DateField(
                        blank=True,
                        help_text="Deferral expires on (not valid from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "waived_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="exposure.campaign",
                    ),
                ),
                (
                    "dependency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaign_tasks",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaign_tasks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "signed_off_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "successor",
                    models.ForeignKey(
                        blank=True,
                        help_text="Dependency that replaced it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "waived_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["campaign", "due_on", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "dependency"), name="campaign_task_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "waived"), _negated=True),
                            models.Q(
                                ("waived_by__isnull", False),
                                ("waived_until__isnull", False),
                                models.Q(("waived_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="campaign_task_waiver_ends",
                        violation_error_message="A deferral needs a user, a reason and an expiry date.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "done"), _negated=True),
                            models.Q(
                                ("signed_off_at__isnull", False), ("signed_off_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="campaign_task_done_is_signed",
                        violation_error_message="A task is done when a user has signed it off.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CampaignTaskHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("in_progress", "In progress"),
                            ("ready", "Ready to sign off"),
                            ("done", "Signed off"),
                            ("waived", "Deferred until"),
                            ("obsolete", "No longer needed"),
                        ],
                        default="open",
                        max_length=11,
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
                (
                    "before",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Measured on the current offering: {metric: value}.",
                    ),
                ),
                (
                    "after",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Measured on the target: {metric: value}.",
                    ),
                ),
                ("signed_off_at", models.DateTimeField(blank=True, null=True)),
                (
                    "waived_until",
                    models.DateField(
                        blank=True,
                        help_text="Deferral expires on (not valid from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "waived_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="exposure.campaign",
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
                        to="exposure.campaigntask",
                    ),
                ),
                (
                    "signed_off_by",
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
                    "successor",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Dependency that replaced it.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "target",
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
                    "waived_by",
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
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Candidate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("application_id", models.BigIntegerField()),
                ("primary_id", models.BigIntegerField(null=True)),
                ("dependency_id", models.BigIntegerField(null=True)),
                ("offering_id", models.BigIntegerField()),
                ("effective_id", models.BigIntegerField()),
                ("reached", models.PositiveSmallIntegerField()),
                ("via_party_id", models.BigIntegerField(null=True)),
                (
                    "parties",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField()),
                ),
                (
                    "place",
                    models.IntegerField(
                        help_text="Order among equals: declared fallbacks, standby, exit-test targets."
                    ),
                ),
                (
                    "tested",
                    models.BooleanField(
                        help_text="The latest exit test passed and is valid; otherwise untested or expired."
                    ),
                ),
                ("ever_tested", models.BooleanField()),
                ("alive", models.BooleanField()),
                ("alive_at_horizon", models.BooleanField()),
                (
                    "next_change_on",
                    models.DateField(
                        help_text="Next date on which one of the flags changes.", null=True
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["application_id"], name="candidate_by_application"),
                    models.Index(fields=["offering_id"], name="candidate_by_offering"),
                    models.Index(fields=["effective_id"], name="candidate_by_effective"),
                    models.Index(fields=["next_change_on"], name="candidate_by_next_change"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CandidateGrade",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "primary_id",
                        "candidate_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("primary_id", models.BigIntegerField()),
                ("candidate_id", models.BigIntegerField()),
                ("application_id", models.BigIntegerField()),
                ("grade", models.PositiveSmallIntegerField()),
                ("offering_id", models.BigIntegerField()),
                ("reached", models.PositiveSmallIntegerField()),
                ("via_party_id", models.BigIntegerField(null=True)),
                ("dependency_id", models.BigIntegerField(null=True)),
                ("place", models.IntegerField()),
                ("is_immediate", models.BooleanField()),
                ("tested", models.BooleanField()),
                ("alive", models.BooleanField()),
                ("alive_at_horizon", models.BooleanField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["application_id"], name="candidate_grade_by_application")
                ],
            },
        ),
        migrations.CreateModel(
            name="ConcentrationSnapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "layer",
                    models.CharField(
                        choices=[
                            ("developer", "Developer"),
                            ("host", "Host"),
                            ("foundation", "Foundation"),
                            ("version", "Version"),
                            ("region", "Region"),
                            ("gateway", "Gateway"),
                            ("vendor", "Vendor"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("count", "Applications"),
                            ("criticality", "Criticality points"),
                            ("spend", "Monthly spend"),
                            ("users", "Users affected"),
                        ],
                        max_length=11,
                    ),
                ),
                ("n_applications", models.PositiveIntegerField()),
                ("covered_weight", models.FloatField()),
                ("none_weight", models.FloatField()),
                ("unknown", models.FloatField(null=True)),
                ("cr1", models.FloatField(null=True)),
                ("cr3", models.FloatField(null=True)),
                ("hhi", models.FloatField(null=True)),
                ("hhi_best", models.FloatField(null=True)),
                ("hhi_worst", models.FloatField(null=True)),
                ("n1", models.FloatField(null=True)),
                ("n2", models.FloatField(null=True)),
                ("top", models.JSONField(default=list)),
            ],
            options={
                "ordering": ["day", "layer", "basis"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "layer", "basis"), name="concentration_snapshot_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EngineFooting",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "node_id",
                        "offering_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("node_id", models.BigIntegerField()),
                ("offering_id", models.BigIntegerField()),
                ("via", models.PositiveSmallIntegerField()),
                ("depth", models.PositiveSmallIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["offering_id"],
                        include=("node_id", "via", "depth"),
                        name="engine_footing_by_offering",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EngineState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("as_of", models.DateField(null=True)),
                ("settings_digest", models.CharField(blank=True, max_length=64)),
                ("built_at", models.DateTimeField(null=True)),
                ("refreshed_at", models.DateTimeField(null=True)),
                (
                    "n_applications",
                    models.PositiveIntegerField(default=0, help_text="Applications in scope."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EventRate",
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
                            ("retirement", "Retirement"),
                            ("outage", "Outage"),
                            ("developer_failure", "Developer failure"),
                            ("repricing", "Price increase"),
                            ("regression", "Correlated error"),
                            ("shutdown_day", "Shutdown day"),
                            ("short_notice", "Short notice"),
                        ],
                        max_length=17,
                    ),
                ),
                ("node_kind", models.CharField(max_length=10)),
                (
                    "rate",
                    models.FloatField(
                        help_text="Events per year; for an event that happens once, the probability is 1 - exp(-rate)."
                    ),
                ),
                ("low", models.FloatField(blank=True, null=True)),
                ("high", models.FloatField(blank=True, null=True)),
                (
                    "once",
                    models.BooleanField(
                        default=False, help_text="Happens at most once (a retirement, a failure)."
                    ),
                ),
                (
                    "severity_cv",
                    models.FloatField(
                        default=0,
                        help_text="Spread of severity: standard deviation divided by mean.",
                    ),
                ),
                (
                    "assumption",
                    models.BooleanField(
                        default=False,
                        help_text="Assumption, not measured. Replace it with your own value.",
                    ),
                ),
                (
                    "source",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "node",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.node",
                    ),
                ),
            ],
            options={
                "ordering": ["kind", "node_kind", "node"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "node_kind", "node"),
                        name="event_rate_once",
                        nulls_distinct=False,
                        violation_error_message="A rate for this is already recorded. Change it instead.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rate__gte", 0), ("severity_cv__gte", 0)),
                        name="event_rate_not_negative",
                        violation_error_message="A rate and its spread must be 0 or more.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EventRateHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("retirement", "Retirement"),
                            ("outage", "Outage"),
                            ("developer_failure", "Developer failure"),
                            ("repricing", "Price increase"),
                            ("regression", "Correlated error"),
                            ("shutdown_day", "Shutdown day"),
                            ("short_notice", "Short notice"),
                        ],
                        max_length=17,
                    ),
                ),
                ("node_kind", models.CharField(max_length=10)),
                (
                    "rate",
                    models.FloatField(
                        help_text="Events per year; for an event that happens once, the probability is 1 - exp(-rate)."
                    ),
                ),
                ("low", models.FloatField(blank=True, null=True)),
                ("high", models.FloatField(blank=True, null=True)),
                (
                    "once",
                    models.BooleanField(
                        default=False, help_text="Happens at most once (a retirement, a failure)."
                    ),
                ),
                (
                    "severity_cv",
                    models.FloatField(
                        default=0,
                        help_text="Spread of severity: standard deviation divided by mean.",
                    ),
                ),
                (
                    "assumption",
                    models.BooleanField(
                        default=False,
                        help_text="Assumption, not measured. Replace it with your own value.",
                    ),
                ),
                (
                    "source",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "node",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.node",
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
                        to="exposure.eventrate",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ExposureSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "statuses",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        default=apps.exposure.models.settings.default_statuses,
                        help_text="Applications with these statuses are in scope.",
                    ),
                ),
                (
                    "criticality_points",
                    models.JSONField(
                        default=apps.exposure.models.settings.default_points,
                        help_text="Weight of an application by criticality.",
                    ),
                ),
                (
                    "required_grade",
                    models.JSONField(
                        default=apps.exposure.models.settings.default_grades,
                        help_text='Required independence of a fallback: {failure mode: {layer or "*": 0 to 5}}.',
                    ),
                ),
                (
                    "test_validity_days",
                    models.PositiveIntegerField(
                        default=365,
                        help_text="Validity of an exit test without an expiry date, in days.",
                        validators=[django.core.validators.MaxValueValidator(36500)],
                    ),
                ),
                (
                    "horizon_days",
                    models.PositiveIntegerField(
                        default=180,
                        help_text="Planning horizon in days: a fallback must be served at least this long.",
                        validators=[django.core.validators.MaxValueValidator(36500)],
                    ),
                ),
                (
                    "cut_kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        default=apps.exposure.models.settings.default_cut_kinds,
                    ),
                ),
                (
                    "cut_threshold",
                    models.DecimalField(
                        decimal_places=15,
                        default=Decimal("0.5"),
                        help_text="Share of the critical weight that a cut set must stop.",
                        max_digits=16,
                    ),
                ),
                (
                    "state_factor",
                    models.JSONField(
                        default=apps.exposure.models.settings.default_factors,
                        help_text="Share of the loss of an exposed application, by state.",
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "exposure settings",
                "verbose_name_plural": "exposure settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="exposure_settings_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cut_threshold__gt", 0), ("cut_threshold__lte", 1)),
                        name="exposure_settings_cut_threshold",
                        violation_error_message="The share that a cut set must stop must be above 0 and at most 1.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("horizon_days__lte", 36500), ("test_validity_days__lte", 36500)
                        ),
                        name="exposure_settings_days_within_a_century",
                        violation_error_message="Enter at most 36,500 days.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExposureSettingsHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "statuses",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        default=apps.exposure.models.settings.default_statuses,
                        help_text="Applications with these statuses are in scope.",
                    ),
                ),
                (
                    "criticality_points",
                    models.JSONField(
                        default=apps.exposure.models.settings.default_points,
                        help_text="Weight of an application by criticality.",
                    ),
                ),
                (
                    "required_grade",
                    models.JSONField(
                        default=apps.exposure.models.settings.default_grades,
                        help_text='Required independence of a fallback: {failure mode: {layer or "*": 0 to 5}}.',
                    ),
                ),
                (
                    "test_validity_days",
                    models.PositiveIntegerField(
                        default=365,
                        help_text="Validity of an exit test without an expiry date, in days.",
                        validators=[django.core.validators.MaxValueValidator(36500)],
                    ),
                ),
                (
                    "horizon_days",
                    models.PositiveIntegerField(
                        default=180,
                        help_text="Planning horizon in days: a fallback must be served at least this long.",
                        validators=[django.core.validators.MaxValueValidator(36500)],
                    ),
                ),
                (
                    "cut_kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        default=apps.exposure.models.settings.default_cut_kinds,
                    ),
                ),
                (
                    "cut_threshold",
                    models.DecimalField(
                        decimal_places=15,
                        default=Decimal("0.5"),
                        help_text="Share of the critical weight that a cut set must stop.",
                        max_digits=16,
                    ),
                ),
                (
                    "state_factor",
                    models.JSONField(
                        default=apps.exposure.models.settings.default_factors,
                        help_text="Share of the loss of an exposed application, by state.",
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
                        to="exposure.exposuresettings",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
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
                    "n_applications",
                    models.PositiveIntegerField(
                        help_text="Active applications that depended on it at that time."
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LossRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                ("seed", models.BigIntegerField(default=1)),
                ("years", models.PositiveIntegerField(default=100000)),
                (
                    "keep",
                    models.FloatField(
                        default=0.999,
                        help_text="Share of the variance that is simulated node by node.",
                    ),
                ),
                ("as_of", models.DateField(null=True)),
                (
                    "assumptions",
                    models.JSONField(
                        default=dict,
                        help_text="Rates, base losses, factors and versions of the run.",
                    ),
                ),
                ("result", models.JSONField(null=True)),
                (
                    "error",
                    models.TextField(
                        blank=True, help_text="Reason for the failure, as a sentence."
                    ),
                ),
                ("queued_at", models.DateTimeField()),
                (
                    "started_at",
                    models.DateTimeField(
                        help_text="Time at which a worker first started the job.", null=True
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                "ordering": ["-queued_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["queued_at"],
                        name="loss_run_waiting",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MinimalCutSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "node_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField()),
                ),
                ("share", models.FloatField()),
                ("as_of", models.DateField()),
            ],
            options={
                "ordering": ["-share", "id"],
            },
        ),
        migrations.CreateModel(
            name="NodeReach",
            fields=[
                ("node_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("n", models.BigIntegerField()),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    sql=NODESNAPSHOT_TABLE,
                    reverse_sql="DROP TABLE exposure_nodesnapshot",
                ),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="NodeSnapshot",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "day",
                                "node_id",
                                "threat",
                                "state",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("day", models.DateField()),
                        ("node_id", models.BigIntegerField()),
                        ("threat", models.PositiveSmallIntegerField()),
                        ("state", models.PositiveSmallIntegerField()),
                        ("n", models.BigIntegerField()),
                        ("n_critical", models.BigIntegerField()),
                        ("points", models.BigIntegerField()),
                        ("users", models.BigIntegerField()),
                        ("spend", models.DecimalField(decimal_places=2, max_digits=20)),
                    ],
                ),
            ],
        ),
        migrations.CreateModel(
            name="NodeSummary",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "node_id",
                        "threat",
                        "state",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("node_id", models.BigIntegerField()),
                (
                    "threat",
                    models.PositiveSmallIntegerField(
                        help_text="Failure mode; codes as in threats.THREATS."
                    ),
                ),
                (
                    "state",
                    models.PositiveSmallIntegerField(
                        help_text="0 exposed, 1 cushioned, 2 portable, 3 partial."
                    ),
                ),
                ("n", models.BigIntegerField()),
                ("n_critical", models.BigIntegerField()),
                ("points", models.BigIntegerField()),
                ("users", models.BigIntegerField()),
                ("spend", models.DecimalField(decimal_places=2, max_digits=20)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["threat", "state", "-n_critical", "-n"], name="node_summary_gravest"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PairGrade",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "primary_id",
                        "candidate_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("primary_id", models.BigIntegerField()),
                ("candidate_id", models.BigIntegerField()),
                ("grade", models.PositiveSmallIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["candidate_id", "primary_id"],
                        include=("grade",),
                        name="pair_grade_by_candidate",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PartyFooting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reached", models.PositiveSmallIntegerField()),
                ("party_id", models.BigIntegerField()),
                ("node_id", models.BigIntegerField()),
                ("depth", models.PositiveSmallIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["party_id", "reached"], name="party_footing_by_party")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("node_id", "reached", "party_id"), name="party_footing_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Path",
            fields=[
                ("dependency_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("application_id", models.BigIntegerField()),
                ("team_id", models.BigIntegerField()),
                ("criticality", models.PositiveSmallIntegerField()),
                ("offering_id", models.BigIntegerField()),
                (
                    "effective_id",
                    models.BigIntegerField(help_text="Offering that is served today."),
                ),
                ("reached", models.PositiveSmallIntegerField()),
                ("via_party_id", models.BigIntegerField(null=True)),
                (
                    "parties",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField()),
                ),
                (
                    "share",
                    models.FloatField(
                        help_text="Share of the application's primary traffic; above 0, up to 1."
                    ),
                ),
                ("points", models.FloatField()),
                ("users", models.FloatField()),
                ("spend", models.FloatField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["offering_id"],
                        include=("application_id", "share"),
                        name="path_by_offering",
                    ),
                    models.Index(fields=["effective_id"], name="path_by_effective"),
                    models.Index(
                        fields=["application_id"],
                        include=("offering_id", "share"),
                        name="path_by_application",
                    ),
                    models.Index(
                        condition=models.Q(("via_party_id__isnull", False)),
                        fields=["via_party_id", "reached"],
                        name="path_by_party",
                    ),
                    models.Index(
                        condition=models.Q(("criticality", 0)),
                        fields=["application_id", "dependency_id"],
                        name="path_of_critical",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=60, unique=True)),
                (
                    "name",
                    models.CharField(
                        help_text="Description of the policy, as a sentence.", max_length=200
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        blank=True,
                        default=list,
                        help_text="Layers; empty if a condition is set.",
                    ),
                ),
                (
                    "threat",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("outage", "outage"),
                            ("retirement", "retirement"),
                            ("developer_failure", "developer failure"),
                            ("error", "error"),
                        ],
                        help_text="Empty: the usual failure mode of each layer.",
                        max_length=17,
                    ),
                ),
                (
                    "states",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("exposed", "Exposed"),
                                ("cushioned", "Cushioned"),
                                ("portable", "Portable"),
                                ("partial", "Partial"),
                            ],
                            max_length=9,
                        ),
                        blank=True,
                        default=list,
                    ),
                ),
                (
                    "predicate",
                    models.CharField(
                        blank=True,
                        choices=[
                            (
                                "no_independent_fallback",
                                "No fallback with independence 4 or higher",
                            ),
                            (
                                "judge_shares_lineage",
                                "Judge or guardrail shares lineage with a primary model",
                            ),
                            ("unresolved_primary", "Unresolved primary model"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("n_applications", "Number of applications"),
                            ("n_critical", "Number of critical applications"),
                            ("weight_share", "Share of the weight in scope"),
                            ("critical_share", "Share of the critical applications in scope"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("count", "Applications"),
                            ("criticality", "Criticality points"),
                            ("spend", "Monthly spend"),
                            ("users", "Users affected"),
                        ],
                        default="count",
                        help_text="Weight of the share.",
                        max_length=11,
                    ),
                ),
                (
                    "tolerance",
                    models.DecimalField(
                        decimal_places=15,
                        help_text="A value equal to the tolerance does not raise a flag.",
                        max_digits=24,
                    ),
                ),
                (
                    "hysteresis",
                    models.DecimalField(decimal_places=15, default=Decimal("0.1"), max_digits=16),
                ),
                ("clear_days", models.PositiveSmallIntegerField(default=2)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Reason for the tolerance.", max_length=10000
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "policies",
                "ordering": ["slug"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("tolerance__gte", 0)),
                        name="policy_tolerance_not_negative",
                        violation_error_message="A tolerance must be 0 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("measure__in", ["weight_share", "critical_share"]), _negated=True
                            ),
                            ("tolerance__lte", 1),
                            _connector="OR",
                        ),
                        name="policy_share_at_most_one",
                        violation_error_message="A tolerance for a share must be at most 1.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hysteresis__gte", 0), ("hysteresis__lt", 1)),
                        name="policy_hysteresis_is_a_part",
                        violation_error_message="The hysteresis is a share of the tolerance, from 0 to below 1.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("predicate", ""),
                                models.Q(("kinds", []), _negated=True),
                                models.Q(("states", []), _negated=True),
                            ),
                            models.Q(models.Q(("predicate", ""), _negated=True), ("kinds", [])),
                            _connector="OR",
                        ),
                        name="policy_nodes_or_predicate",
                        violation_error_message="Select either exposure states and layers, or a condition of applications.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExposureFlag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("acknowledged", "Acknowledged"),
                            ("accepted", "Accepted until"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("value", models.DecimalField(decimal_places=15, max_digits=24)),
                ("limit", models.DecimalField(decimal_places=15, max_digits=24)),
                (
                    "application_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("below_since", models.DateField(blank=True, null=True)),
                (
                    "acknowledged_by",
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
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="flags",
                        to="catalog.node",
                    ),
                ),
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
                    "accepted_until",
                    models.DateField(
                        blank=True,
                        help_text="Acceptance expires on (not valid from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "accepted_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "ceiling",
                    models.DecimalField(blank=True, decimal_places=15, max_digits=24, null=True),
                ),
                ("n_applications", models.PositiveIntegerField(default=0)),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="flags",
                        to="exposure.policy",
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["open", "acknowledged", "accepted"])),
                        fields=("policy", "node"),
                        name="exposure_flag_one_live",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "accepted"), _negated=True),
                            models.Q(
                                ("accepted_by__isnull", False),
                                ("accepted_until__isnull", False),
                                ("ceiling__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="exposure_flag_accepted_has_end",
                        violation_error_message="An acceptance needs a user, an expiry date and an accepted value.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExposureFlagHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("acknowledged", "Acknowledged"),
                            ("accepted", "Accepted until"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("value", models.DecimalField(decimal_places=15, max_digits=24)),
                ("limit", models.DecimalField(decimal_places=15, max_digits=24)),
                (
                    "application_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("below_since", models.DateField(blank=True, null=True)),
                (
                    "acknowledged_by",
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
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.node",
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
                        to="exposure.exposureflag",
                    ),
                ),
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
                    "accepted_until",
                    models.DateField(
                        blank=True,
                        help_text="Acceptance expires on (not valid from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "accepted_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "ceiling",
                    models.DecimalField(blank=True, decimal_places=15, max_digits=24, null=True),
                ),
                ("n_applications", models.PositiveIntegerField(default=0)),
                (
                    "policy",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="exposure.policy",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="FlagEvent",
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
                            ("opened", "Opened"),
                            ("acknowledged", "Acknowledged"),
                            ("accepted", "Accepted"),
                            ("worsened", "Above accepted level"),
                            ("acceptance_revoked", "Acceptance revoked"),
                            ("acceptance_expired", "Acceptance expired"),
                            ("resolved", "Resolved"),
                        ],
                        max_length=18,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("value", models.DecimalField(decimal_places=15, max_digits=24)),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
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
                    "flag",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="exposure.exposureflag",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
            },
        ),
        migrations.CreateModel(
            name="PolicyHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("slug", models.SlugField(db_index=False, max_length=60)),
                (
                    "name",
                    models.CharField(
                        help_text="Description of the policy, as a sentence.", max_length=200
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        blank=True,
                        default=list,
                        help_text="Layers; empty if a condition is set.",
                    ),
                ),
                (
                    "threat",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("outage", "outage"),
                            ("retirement", "retirement"),
                            ("developer_failure", "developer failure"),
                            ("error", "error"),
                        ],
                        help_text="Empty: the usual failure mode of each layer.",
                        max_length=17,
                    ),
                ),
                (
                    "states",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("exposed", "Exposed"),
                                ("cushioned", "Cushioned"),
                                ("portable", "Portable"),
                                ("partial", "Partial"),
                            ],
                            max_length=9,
                        ),
                        blank=True,
                        default=list,
                    ),
                ),
                (
                    "predicate",
                    models.CharField(
                        blank=True,
                        choices=[
                            (
                                "no_independent_fallback",
                                "No fallback with independence 4 or higher",
                            ),
                            (
                                "judge_shares_lineage",
                                "Judge or guardrail shares lineage with a primary model",
                            ),
                            ("unresolved_primary", "Unresolved primary model"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("n_applications", "Number of applications"),
                            ("n_critical", "Number of critical applications"),
                            ("weight_share", "Share of the weight in scope"),
                            ("critical_share", "Share of the critical applications in scope"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("count", "Applications"),
                            ("criticality", "Criticality points"),
                            ("spend", "Monthly spend"),
                            ("users", "Users affected"),
                        ],
                        default="count",
                        help_text="Weight of the share.",
                        max_length=11,
                    ),
                ),
                (
                    "tolerance",
                    models.DecimalField(
                        decimal_places=15,
                        help_text="A value equal to the tolerance does not raise a flag.",
                        max_digits=24,
                    ),
                ),
                (
                    "hysteresis",
                    models.DecimalField(decimal_places=15, default=Decimal("0.1"), max_digits=16),
                ),
                ("clear_days", models.PositiveSmallIntegerField(default=2)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Reason for the tolerance.", max_length=10000
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
                        to="exposure.policy",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Scenario",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "ops",
                    models.JSONField(
                        help_text="Operations in order; see docs/exposure.md for their form."
                    ),
                ),
                (
                    "layers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("developer", "Developer"),
                                ("host", "Host"),
                                ("foundation", "Foundation"),
                                ("version", "Version"),
                                ("region", "Region"),
                                ("gateway", "Gateway"),
                                ("vendor", "Vendor"),
                            ],
                            max_length=10,
                        ),
                        default=apps.exposure.models.scenarios.default_layers,
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("count", "Applications"),
                            ("criticality", "Criticality points"),
                            ("spend", "Monthly spend"),
                            ("users", "Users affected"),
                        ],
                        default="count",
                        max_length=11,
                    ),
                ),
                (
                    "prices_on",
                    models.DateField(
                        blank=True,
                        help_text="Prices of this date; empty: the date of the run.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scenarios",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "shared",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="All users can open it and run it for their own teams.",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ScenarioHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=200)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "ops",
                    models.JSONField(
                        help_text="Operations in order; see docs/exposure.md for their form."
                    ),
                ),
                (
                    "layers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("developer", "Developer"),
                                ("host", "Host"),
                                ("foundation", "Foundation"),
                                ("version", "Version"),
                                ("region", "Region"),
                                ("gateway", "Gateway"),
                                ("vendor", "Vendor"),
                            ],
                            max_length=10,
                        ),
                        default=apps.exposure.models.scenarios.default_layers,
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("count", "Applications"),
                            ("criticality", "Criticality points"),
                            ("spend", "Monthly spend"),
                            ("users", "Users affected"),
                        ],
                        default="count",
                        max_length=11,
                    ),
                ),
                (
                    "prices_on",
                    models.DateField(
                        blank=True,
                        help_text="Prices of this date; empty: the date of the run.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
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
                        to="exposure.scenario",
                    ),
                ),
                (
                    "shared",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="All users can open it and run it for their own teams.",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ScenarioRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                ("ops", models.JSONField()),
                ("as_of", models.DateField(null=True)),
                ("whole_organisation", models.BooleanField(default=True)),
                (
                    "team_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        default=list,
                        help_text="Teams for which it was run; empty: all.",
                    ),
                ),
                ("result", models.JSONField(null=True)),
                (
                    "error",
                    models.TextField(
                        blank=True, help_text="Reason for the failure, as a sentence."
                    ),
                ),
                ("queued_at", models.DateTimeField()),
                (
                    "started_at",
                    models.DateTimeField(
                        help_text="Time at which a worker first started the job.", null=True
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "scenario",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="exposure.scenario",
                    ),
                ),
                (
                    "details",
                    models.JSONField(
                        help_text="Figures for lists: applications by state, affected teams, new flags.",
                        null=True,
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
                "ordering": ["-queued_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["queued_at"],
                        name="scenario_run_waiting",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScopedApplication",
            fields=[
                ("application_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("team_id", models.BigIntegerField()),
                ("criticality", models.PositiveSmallIntegerField()),
                ("n_paths", models.IntegerField(help_text="Active primary models with traffic.")),
                ("points", models.BigIntegerField()),
                ("users", models.BigIntegerField(null=True)),
                ("spend", models.DecimalField(decimal_places=2, max_digits=16, null=True)),
                ("unresolved", models.BooleanField(help_text="A primary model is unresolved.")),
                (
                    "independent_fallback",
                    models.BooleanField(
                        help_text="Every primary model has a fallback with independence 4 or higher."
                    ),
                ),
                (
                    "judge_shares_lineage",
                    models.BooleanField(
                        help_text="A judge or guardrail shares lineage with a primary model."
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["criticality", "application_id"], name="scoped_by_criticality"
                    ),
                    models.Index(
                        fields=["team_id"],
                        include=("application_id", "criticality"),
                        name="scoped_by_team",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveSmallIntegerField()),
                ("kind", models.CharField(max_length=30)),
                ("title", models.CharField(max_length=300)),
                ("required", models.BooleanField(default=True)),
                (
                    "done_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "adaptation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="inventory.adaptation",
                    ),
                ),
                (
                    "done_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="exposure.campaigntask",
                    ),
                ),
            ],
            options={
                "ordering": ["task", "place", "id"],
            },
        ),
        migrations.CreateModel(
            name="TaskStepHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("place", models.PositiveSmallIntegerField()),
                ("kind", models.CharField(max_length=30)),
                ("title", models.CharField(max_length=300)),
                ("required", models.BooleanField(default=True)),
                (
                    "done_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "adaptation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.adaptation",
                    ),
                ),
                (
                    "done_by",
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
                        to="exposure.taskstep",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="exposure.campaigntask",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="baseloss",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_baselosshistory" ("amount", "chance", "criticality", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "placeholder") SELECT new_values."amount", new_values."chance", new_values."criticality", new_values."id", new_values."kind", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."placeholder" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="11e4483a130ca3fffe3826518e78f90a4cf36b63",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_a03b7",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_baseloss",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="baseloss",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_baselosshistory" ("amount", "chance", "criticality", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "placeholder") SELECT new_values."amount", new_values."chance", new_values."criticality", new_values."id", new_values."kind", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."placeholder" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."amount" IS DISTINCT FROM (new_values."amount") OR old_values."chance" IS DISTINCT FROM (new_values."chance") OR old_values."criticality" IS DISTINCT FROM (new_values."criticality") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."placeholder" IS DISTINCT FROM (new_values."placeholder")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9a1136adec6564aab681427c22f76584607e9143",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_3482f",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_baseloss",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="baseloss",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_baselosshistory" ("amount", "chance", "criticality", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "placeholder") SELECT old_values."amount", old_values."chance", old_values."criticality", old_values."id", old_values."kind", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."placeholder" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="c56ceebe2c386d1d3e582757caa1ba0c0c66de43",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c385f",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_baseloss",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposuresettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposuresettingshistory" ("criticality_points", "cut_kinds", "cut_threshold", "horizon_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "required_grade", "state_factor", "statuses", "test_validity_days") SELECT new_values."criticality_points", new_values."cut_kinds", new_values."cut_threshold", new_values."horizon_days", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."required_grade", new_values."state_factor", new_values."statuses", new_values."test_validity_days" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8805719b485d87667262530b1541cf0a115ac9b7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_2f6cb",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_exposuresettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposuresettings",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposuresettingshistory" ("criticality_points", "cut_kinds", "cut_threshold", "horizon_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "required_grade", "state_factor", "statuses", "test_validity_days") SELECT new_values."criticality_points", new_values."cut_kinds", new_values."cut_threshold", new_values."horizon_days", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."required_grade", new_values."state_factor", new_values."statuses", new_values."test_validity_days" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."criticality_points" IS DISTINCT FROM (new_values."criticality_points") OR old_values."cut_kinds" IS DISTINCT FROM (new_values."cut_kinds") OR old_values."cut_threshold" IS DISTINCT FROM (new_values."cut_threshold") OR old_values."horizon_days" IS DISTINCT FROM (new_values."horizon_days") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."required_grade" IS DISTINCT FROM (new_values."required_grade") OR old_values."state_factor" IS DISTINCT FROM (new_values."state_factor") OR old_values."statuses" IS DISTINCT FROM (new_values."statuses") OR old_values."test_validity_days" IS DISTINCT FROM (new_values."test_validity_days")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f810748ef7db7fd1c786dde92c80b9c009c5f85c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9fa31",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_exposuresettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposuresettings",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposuresettingshistory" ("criticality_points", "cut_kinds", "cut_threshold", "horizon_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "required_grade", "state_factor", "statuses", "test_validity_days") SELECT old_values."criticality_points", old_values."cut_kinds", old_values."cut_threshold", old_values."horizon_days", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."required_grade", old_values."state_factor", old_values."statuses", old_values."test_validity_days" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="f362a1b0bafb7992125dfcdaaeb2ec52efbe5e8f",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_8cc0a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_exposuresettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_policyhistory" ("basis", "clear_days", "enabled", "hysteresis", "id", "kinds", "measure", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predicate", "reason", "slug", "states", "threat", "tolerance") SELECT new_values."basis", new_values."clear_days", new_values."enabled", new_values."hysteresis", new_values."id", new_values."kinds", new_values."measure", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."predicate", new_values."reason", new_values."slug", new_values."states", new_values."threat", new_values."tolerance" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="75bf18d3c7c294a1a45bb75fe096d41ce57a15b1",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_52fb9",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_policy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_policyhistory" ("basis", "clear_days", "enabled", "hysteresis", "id", "kinds", "measure", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predicate", "reason", "slug", "states", "threat", "tolerance") SELECT new_values."basis", new_values."clear_days", new_values."enabled", new_values."hysteresis", new_values."id", new_values."kinds", new_values."measure", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."predicate", new_values."reason", new_values."slug", new_values."states", new_values."threat", new_values."tolerance" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."basis" IS DISTINCT FROM (new_values."basis") OR old_values."clear_days" IS DISTINCT FROM (new_values."clear_days") OR old_values."enabled" IS DISTINCT FROM (new_values."enabled") OR old_values."hysteresis" IS DISTINCT FROM (new_values."hysteresis") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kinds" IS DISTINCT FROM (new_values."kinds") OR old_values."measure" IS DISTINCT FROM (new_values."measure") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."predicate" IS DISTINCT FROM (new_values."predicate") OR old_values."reason" IS DISTINCT FROM (new_values."reason") OR old_values."slug" IS DISTINCT FROM (new_values."slug") OR old_values."states" IS DISTINCT FROM (new_values."states") OR old_values."threat" IS DISTINCT FROM (new_values."threat") OR old_values."tolerance" IS DISTINCT FROM (new_values."tolerance")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="77feb731be3bd57d662049138863d8eed28fc2e0",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_efd26",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_policy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policy",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_policyhistory" ("basis", "clear_days", "enabled", "hysteresis", "id", "kinds", "measure", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predicate", "reason", "slug", "states", "threat", "tolerance") SELECT old_values."basis", old_values."clear_days", old_values."enabled", old_values."hysteresis", old_values."id", old_values."kinds", old_values."measure", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."predicate", old_values."reason", old_values."slug", old_values."states", old_values."threat", old_values."tolerance" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="76fd43dc5a1b971506975dd414a5bb9d470bafd4",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_cb9f1",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_policy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="baselosshistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="16bd0baffa546ba407f2e5aea55c278d4cb75623",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_59d7c",
                    table="exposure_baselosshistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaignhistory" ("closed_at", "closed_by_id", "closing_note", "due_on", "event_id", "id", "note", "opened_at", "opened_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "subject_id", "target_id", "title") SELECT new_values."closed_at", new_values."closed_by_id", new_values."closing_note", new_values."due_on", new_values."event_id", new_values."id", new_values."note", new_values."opened_at", new_values."opened_by_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."state", new_values."subject_id", new_values."target_id", new_values."title" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b526c4026ad57baa5011c834f5108a8d5014291d",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_f37d7",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_campaign",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaignhistory" ("closed_at", "closed_by_id", "closing_note", "due_on", "event_id", "id", "note", "opened_at", "opened_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "subject_id", "target_id", "title") SELECT new_values."closed_at", new_values."closed_by_id", new_values."closing_note", new_values."due_on", new_values."event_id", new_values."id", new_values."note", new_values."opened_at", new_values."opened_by_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."state", new_values."subject_id", new_values."target_id", new_values."title" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."closed_at" IS DISTINCT FROM (new_values."closed_at") OR old_values."closed_by_id" IS DISTINCT FROM (new_values."closed_by_id") OR old_values."closing_note" IS DISTINCT FROM (new_values."closing_note") OR old_values."due_on" IS DISTINCT FROM (new_values."due_on") OR old_values."event_id" IS DISTINCT FROM (new_values."event_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."opened_at" IS DISTINCT FROM (new_values."opened_at") OR old_values."opened_by_id" IS DISTINCT FROM (new_values."opened_by_id") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."subject_id" IS DISTINCT FROM (new_values."subject_id") OR old_values."target_id" IS DISTINCT FROM (new_values."target_id") OR old_values."title" IS DISTINCT FROM (new_values."title")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5f34a098b9a439f0aee7319d57f46ae4eb53d02a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_391cc",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_campaign",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaignhistory" ("closed_at", "closed_by_id", "closing_note", "due_on", "event_id", "id", "note", "opened_at", "opened_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "subject_id", "target_id", "title") SELECT old_values."closed_at", old_values."closed_by_id", old_values."closing_note", old_values."due_on", old_values."event_id", old_values."id", old_values."note", old_values."opened_at", old_values."opened_by_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."state", old_values."subject_id", old_values."target_id", old_values."title" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="4da30b8760037026a6d2c0e6fb67f232f776231d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_b3081",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_campaign",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaignhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c2c9d0c7140ee0c2bb42c06b27e2f92a76d52e15",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_6b5d8",
                    table="exposure_campaignhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "due_on", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "signed_off_at", "signed_off_by_id", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT new_values."after", new_values."before", new_values."campaign_id", new_values."dependency_id", new_values."due_on", new_values."id", new_values."note", new_values."owner_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."signed_off_at", new_values."signed_off_by_id", new_values."state", new_values."successor_id", new_values."target_id", new_values."waived_by_id", new_values."waived_reason", new_values."waived_until" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3eab03ee4bcd771f8b2456b61dd51fae98e69eea",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_431f1",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "due_on", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "signed_off_at", "signed_off_by_id", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT new_values."after", new_values."before", new_values."campaign_id", new_values."dependency_id", new_values."due_on", new_values."id", new_values."note", new_values."owner_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."signed_off_at", new_values."signed_off_by_id", new_values."state", new_values."successor_id", new_values."target_id", new_values."waived_by_id", new_values."waived_reason", new_values."waived_until" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."after" IS DISTINCT FROM (new_values."after") OR old_values."before" IS DISTINCT FROM (new_values."before") OR old_values."campaign_id" IS DISTINCT FROM (new_values."campaign_id") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."due_on" IS DISTINCT FROM (new_values."due_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."owner_id" IS DISTINCT FROM (new_values."owner_id") OR old_values."signed_off_at" IS DISTINCT FROM (new_values."signed_off_at") OR old_values."signed_off_by_id" IS DISTINCT FROM (new_values."signed_off_by_id") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."successor_id" IS DISTINCT FROM (new_values."successor_id") OR old_values."target_id" IS DISTINCT FROM (new_values."target_id") OR old_values."waived_by_id" IS DISTINCT FROM (new_values."waived_by_id") OR old_values."waived_reason" IS DISTINCT FROM (new_values."waived_reason") OR old_values."waived_until" IS DISTINCT FROM (new_values."waived_until")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="0020c2e94bdf3821334ee0cbfe977663aea71331",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d799b",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "due_on", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "signed_off_at", "signed_off_by_id", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT old_values."after", old_values."before", old_values."campaign_id", old_values."dependency_id", old_values."due_on", old_values."id", old_values."note", old_values."owner_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."signed_off_at", old_values."signed_off_by_id", old_values."state", old_values."successor_id", old_values."target_id", old_values."waived_by_id", old_values."waived_reason", old_values."waived_until" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="98c9f2677bdebf2e3cb117d9d3d80b27d8611dd1",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_1dfa4",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntaskhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e4b1fcfcdd380a6746177cab55f3770415391d08",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_87ff7",
                    table="exposure_campaigntaskhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="eventrate",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_eventratehistory" ("assumption", "enabled", "high", "id", "kind", "low", "node_id", "node_kind", "once", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "severity_cv", "source") SELECT new_values."assumption", new_values."enabled", new_values."high", new_values."id", new_values."kind", new_values."low", new_values."node_id", new_values."node_kind", new_values."once", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."rate", new_values."severity_cv", new_values."source" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5c5bcee39ee74741fc3cee0182b67f8b9fc249d1",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_cf94b",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_eventrate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="eventrate",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_eventratehistory" ("assumption", "enabled", "high", "id", "kind", "low", "node_id", "node_kind", "once", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "severity_cv", "source") SELECT new_values."assumption", new_values."enabled", new_values."high", new_values."id", new_values."kind", new_values."low", new_values."node_id", new_values."node_kind", new_values."once", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."rate", new_values."severity_cv", new_values."source" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."assumption" IS DISTINCT FROM (new_values."assumption") OR old_values."enabled" IS DISTINCT FROM (new_values."enabled") OR old_values."high" IS DISTINCT FROM (new_values."high") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."low" IS DISTINCT FROM (new_values."low") OR old_values."node_id" IS DISTINCT FROM (new_values."node_id") OR old_values."node_kind" IS DISTINCT FROM (new_values."node_kind") OR old_values."once" IS DISTINCT FROM (new_values."once") OR old_values."rate" IS DISTINCT FROM (new_values."rate") OR old_values."severity_cv" IS DISTINCT FROM (new_values."severity_cv") OR old_values."source" IS DISTINCT FROM (new_values."source")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="70e3e9c7487594be3dec9f3a55e9dd108bd986f9",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_1890c",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_eventrate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="eventrate",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_eventratehistory" ("assumption", "enabled", "high", "id", "kind", "low", "node_id", "node_kind", "once", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "severity_cv", "source") SELECT old_values."assumption", old_values."enabled", old_values."high", old_values."id", old_values."kind", old_values."low", old_values."node_id", old_values."node_kind", old_values."once", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."rate", old_values."severity_cv", old_values."source" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="6209d4fae4e76848feb8190166b45d7569a1e041",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_20b7c",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_eventrate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="eventratehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="7f5014cf9243edaa3ffe9fc83df6e2cbef1d925c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_84790",
                    table="exposure_eventratehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposuresettingshistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="44041223643e7415f2e22ca29688cff5421d2a37",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_98f51",
                    table="exposure_exposuresettingshistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflaghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="71c74a3a3ee761e79131d866448b6fff45bc3ea5",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d7485",
                    table="exposure_exposureflaghistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT new_values."accepted_by_id", new_values."accepted_reason", new_values."accepted_until", new_values."acknowledged_by_id", new_values."application_ids", new_values."below_since", new_values."ceiling", new_values."id", new_values."limit", new_values."n_applications", new_values."node_id", new_values."opened_at", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."policy_id", new_values."resolved_at", new_values."state", new_values."value" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="de7bfd9869c6048ec74a6ddcb570ee7cf4b2663e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_af9fd",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT new_values."accepted_by_id", new_values."accepted_reason", new_values."accepted_until", new_values."acknowledged_by_id", new_values."application_ids", new_values."below_since", new_values."ceiling", new_values."id", new_values."limit", new_values."n_applications", new_values."node_id", new_values."opened_at", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."policy_id", new_values."resolved_at", new_values."state", new_values."value" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="36c43331a111541b6e3e449b5388bd2e2f8e6bd4",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b85a9",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT old_values."accepted_by_id", old_values."accepted_reason", old_values."accepted_until", old_values."acknowledged_by_id", old_values."application_ids", old_values."below_since", old_values."ceiling", old_values."id", old_values."limit", old_values."n_applications", old_values."node_id", old_values."opened_at", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."policy_id", old_values."resolved_at", old_values."state", old_values."value" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="075803551361108cf60b8d5240e15484eec50246",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_74da5",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="policyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="5a350a37044b5dfb9c65ccf9f3fa60e7224a2e98",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_f7e9f",
                    table="exposure_policyhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="scenario",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_scenariohistory" ("basis", "created_at", "created_by_id", "id", "layers", "name", "note", "ops", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prices_on", "shared") SELECT new_values."basis", new_values."created_at", new_values."created_by_id", new_values."id", new_values."layers", new_values."name", new_values."note", new_values."ops", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."prices_on", new_values."shared" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="904dba0cea0c7973a8b131a7325e6af520f0519e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_bd970",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_scenario",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="scenario",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_scenariohistory" ("basis", "created_at", "created_by_id", "id", "layers", "name", "note", "ops", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prices_on", "shared") SELECT new_values."basis", new_values."created_at", new_values."created_by_id", new_values."id", new_values."layers", new_values."name", new_values."note", new_values."ops", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."prices_on", new_values."shared" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."basis" IS DISTINCT FROM (new_values."basis") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."created_by_id" IS DISTINCT FROM (new_values."created_by_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."layers" IS DISTINCT FROM (new_values."layers") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."ops" IS DISTINCT FROM (new_values."ops") OR old_values."prices_on" IS DISTINCT FROM (new_values."prices_on") OR old_values."shared" IS DISTINCT FROM (new_values."shared")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="0aef0fab3ddaf07fdf055a1e85b15b299e50767d",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_ac312",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_scenario",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="scenario",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_scenariohistory" ("basis", "created_at", "created_by_id", "id", "layers", "name", "note", "ops", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prices_on", "shared") SELECT old_values."basis", old_values."created_at", old_values."created_by_id", old_values."id", old_values."layers", old_values."name", old_values."note", old_values."ops", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."prices_on", old_values."shared" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="ba71ed6b0d2a9bba8b04219ffff1ab7638ebcb12",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_4a09e",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_scenario",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="scenariohistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="fcee62ac228f60f7fa5cc35d6b49945c48d9be29",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e1fea",
                    table="exposure_scenariohistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taskstep",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_taskstephistory" ("adaptation_id", "done_by_id", "done_on", "id", "kind", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "required", "task_id", "title") SELECT new_values."adaptation_id", new_values."done_by_id", new_values."done_on", new_values."id", new_values."kind", new_values."note", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."place", new_values."required", new_values."task_id", new_values."title" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="028b4769a8ef126ea36c3678e925c7fba452779f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_769f3",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_taskstep",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taskstep",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_taskstephistory" ("adaptation_id", "done_by_id", "done_on", "id", "kind", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "required", "task_id", "title") SELECT new_values."adaptation_id", new_values."done_by_id", new_values."done_on", new_values."id", new_values."kind", new_values."note", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."place", new_values."required", new_values."task_id", new_values."title" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="753284a0dbf53f7a730fbcc94f2727f1a033c581",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_48b9a",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_taskstep",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taskstep",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_taskstephistory" ("adaptation_id", "done_by_id", "done_on", "id", "kind", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "required", "task_id", "title") SELECT old_values."adaptation_id", old_values."done_by_id", old_values."done_on", old_values."id", old_values."kind", old_values."note", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."place", old_values."required", old_values."task_id", old_values."title" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="dd7cfd5494efee2f390e8bcf27311593f21ba2c9",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_6dd9a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_taskstep",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taskstephistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="fb6aae4d83719a570c329ab5144951fc1cc31e37",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_6f003",
                    table="exposure_taskstephistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
