"""The tables of issues, with their history and triggers."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
import apps.common.validators
from apps.common.database.statements import load_statement

# Queue the applications of changed rows for the evaluation of issues. The first triggers follow the
# queues of lower apps; the others belong to records without a queue of their own.
_QUEUE_TRIGGERS = """
CREATE FUNCTION issues_queue_applications() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT application_id FROM new_rows;
    RETURN NULL;
END $$;

CREATE FUNCTION issues_queue_users_of_offerings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT d.application_id
    FROM new_rows n JOIN inventory_dependency d ON d.offering_id = n.offering_id;
    RETURN NULL;
END $$;

CREATE FUNCTION issues_queue_dependencies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT d.application_id
    FROM new_rows n JOIN inventory_dependency d ON d.id = n.dependency_id;
    RETURN NULL;
END $$;

CREATE TRIGGER issues_follow_changed_applications
AFTER INSERT ON inventory_changedapplication REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE TRIGGER issues_follow_stale_applications
AFTER INSERT ON inventory_staleapplication REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE TRIGGER issues_follow_changed_offerings
AFTER INSERT ON catalog_changedoffering REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_users_of_offerings();

CREATE TRIGGER issues_follow_new_discrepancies
AFTER INSERT ON intake_discrepancy REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE TRIGGER issues_follow_discrepancies
AFTER UPDATE ON intake_discrepancy REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE TRIGGER issues_follow_new_tasks
AFTER INSERT ON exposure_campaigntask REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();

CREATE TRIGGER issues_follow_tasks
AFTER UPDATE ON exposure_campaigntask REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();

CREATE TRIGGER issues_follow_new_assessments
AFTER INSERT ON risks_assessment REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();

CREATE TRIGGER issues_follow_assessments
AFTER UPDATE ON risks_assessment REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("catalog", "0001_initial"),
        ("exposure", "0002_default_rows"),
        ("intake", "0001_initial"),
        ("risks", "0001_initial"),
        ("inventory", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            sql=load_statement("issues", "definitions/issue_urgency"),
            reverse_sql="DROP FUNCTION issue_urgency(date, smallint, text, date)",
        ),
        migrations.CreateModel(
            name="Cause",
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
                            ("price_change", "Price change"),
                            ("incident", "Incident"),
                            ("exposure_flag", "Exposure flag"),
                            ("approval_violation", "Approval violation"),
                            ("approval_expiry", "Approval expiry"),
                            ("deadline", "Deadline"),
                            ("fallback_retires", "Fallback retires"),
                            ("stale_assessment", "Stale assessment"),
                            ("usage_discrepancy", "Usage discrepancy"),
                            ("migration_task", "Migration task"),
                            ("feed_review", "Feed needs review"),
                            ("missing_data", "Missing data"),
                            ("tolerance_change", "Tolerance change"),
                            ("token_expiry", "API token expiry"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "subtype",
                    models.CharField(
                        blank=True,
                        help_text="Part of the kind, such as the type of a deadline.",
                        max_length=20,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        help_text="Record that the fact is about, for example `version:12`.",
                        max_length=120,
                    ),
                ),
                (
                    "due_on",
                    models.DateField(
                        blank=True,
                        help_text="First date among its open issues; null without a date.",
                        null=True,
                    ),
                ),
                (
                    "is_earliest",
                    models.BooleanField(
                        default=False, help_text="The date is a lower bound: not before this date."
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-opened_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ChangedApplication",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("application_id", models.BigIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="EvaluationState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("evaluated_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CauseHistory",
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
                            ("price_change", "Price change"),
                            ("incident", "Incident"),
                            ("exposure_flag", "Exposure flag"),
                            ("approval_violation", "Approval violation"),
                            ("approval_expiry", "Approval expiry"),
                            ("deadline", "Deadline"),
                            ("fallback_retires", "Fallback retires"),
                            ("stale_assessment", "Stale assessment"),
                            ("usage_discrepancy", "Usage discrepancy"),
                            ("migration_task", "Migration task"),
                            ("feed_review", "Feed needs review"),
                            ("missing_data", "Missing data"),
                            ("tolerance_change", "Tolerance change"),
                            ("token_expiry", "API token expiry"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "subtype",
                    models.CharField(
                        blank=True,
                        help_text="Part of the kind, such as the type of a deadline.",
                        max_length=20,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        help_text="Record that the fact is about, for example `version:12`.",
                        max_length=120,
                    ),
                ),
                (
                    "due_on",
                    models.DateField(
                        blank=True,
                        help_text="First date among its open issues; null without a date.",
                        null=True,
                    ),
                ),
                (
                    "is_earliest",
                    models.BooleanField(
                        default=False, help_text="The date is a lower bound: not before this date."
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
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
                        to="issues.cause",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CauseOffering",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "cause",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cause_offerings",
                        to="issues.cause",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="cause",
            name="offerings",
            field=models.ManyToManyField(
                blank=True, related_name="+", through="issues.CauseOffering", to="catalog.offering"
            ),
        ),
        migrations.CreateModel(
            name="Issue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "criticality",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Criticality of the application; null without one.",
                        null=True,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("acknowledged", "Acknowledged"),
                            ("planned", "Planned"),
                            ("in_progress", "In progress"),
                            ("accepted", "Accepted until a date"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                (
                    "due_on",
                    models.DateField(
                        blank=True, help_text="Date of the fact for this application.", null=True
                    ),
                ),
                (
                    "is_earliest",
                    models.BooleanField(default=False, help_text="The date is a lower bound."),
                ),
                (
                    "start_by",
                    models.DateField(
                        blank=True,
                        help_text="Last date on which the work can start in time.",
                        null=True,
                    ),
                ),
                (
                    "finish_by",
                    models.DateField(
                        blank=True, help_text="Date by which the work must be finished.", null=True
                    ),
                ),
                ("act_by", models.DateField(help_text="Date from which the urgency is Now.")),
                (
                    "details",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Facts for this application, such as dependencies and effort.",
                    ),
                ),
                (
                    "fact_key",
                    models.CharField(
                        blank=True,
                        help_text="Version of the fact: a user's resolution is valid while it is unchanged.",
                        max_length=200,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                (
                    "snoozed_until",
                    models.DateField(
                        blank=True, help_text="Hidden from the inbox until this date.", null=True
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
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("migrated", "Migrated"),
                            ("date_withdrawn", "Retirement date withdrawn"),
                            ("no_longer_used", "No longer used"),
                            ("cause_ended", "The cause has ended"),
                            ("completed", "Completed"),
                            ("duplicate", "Duplicate"),
                            ("by_user", "Resolved by a user"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "resolution_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
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
                    "application",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the issue is about the organisation.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="issues",
                        to="inventory.application",
                    ),
                ),
                (
                    "assigned_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="User who assigned the owner; empty: the owner follows the application.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "cause",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="issues",
                        to="issues.cause",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Person who must act; empty: unassigned.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="issues",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "snoozed_by",
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
                        blank=True,
                        help_text="Migration task that is the plan of this issue.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="issues",
                        to="exposure.campaigntask",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="issues",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "ordering": ["act_by", "criticality", "id"],
            },
        ),
        migrations.CreateModel(
            name="Activity",
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
                            ("reopened", "Reopened"),
                            ("dates", "Dates changed"),
                            ("state", "State changed"),
                            ("owner", "Owner changed"),
                            ("acknowledged", "Acknowledged"),
                            ("snoozed", "Snoozed"),
                            ("accepted", "Accepted"),
                            ("revoked", "Acceptance revoked"),
                            ("comment", "Comment"),
                            ("resolved", "Resolved"),
                            ("undone", "Response undone"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "text",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Comment or reason of the user.", max_length=20000
                    ),
                ),
                (
                    "details",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Values before and after, for the sentence.",
                    ),
                ),
                (
                    "mentions",
                    models.ManyToManyField(
                        blank=True, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activity",
                        to="issues.issue",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "activity",
                "ordering": ["at", "id"],
            },
        ),
        migrations.CreateModel(
            name="IssueHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "criticality",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Criticality of the application; null without one.",
                        null=True,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("acknowledged", "Acknowledged"),
                            ("planned", "Planned"),
                            ("in_progress", "In progress"),
                            ("accepted", "Accepted until a date"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                (
                    "due_on",
                    models.DateField(
                        blank=True, help_text="Date of the fact for this application.", null=True
                    ),
                ),
                (
                    "is_earliest",
                    models.BooleanField(default=False, help_text="The date is a lower bound."),
                ),
                (
                    "start_by",
                    models.DateField(
                        blank=True,
                        help_text="Last date on which the work can start in time.",
                        null=True,
                    ),
                ),
                (
                    "finish_by",
                    models.DateField(
                        blank=True, help_text="Date by which the work must be finished.", null=True
                    ),
                ),
                ("act_by", models.DateField(help_text="Date from which the urgency is Now.")),
                (
                    "details",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Facts for this application, such as dependencies and effort.",
                    ),
                ),
                (
                    "fact_key",
                    models.CharField(
                        blank=True,
                        help_text="Version of the fact: a user's resolution is valid while it is unchanged.",
                        max_length=200,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                (
                    "snoozed_until",
                    models.DateField(
                        blank=True, help_text="Hidden from the inbox until this date.", null=True
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
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("migrated", "Migrated"),
                            ("date_withdrawn", "Retirement date withdrawn"),
                            ("no_longer_used", "No longer used"),
                            ("cause_ended", "The cause has ended"),
                            ("completed", "Completed"),
                            ("duplicate", "Duplicate"),
                            ("by_user", "Resolved by a user"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "resolution_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
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
                    "application",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Empty: the issue is about the organisation.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
                    ),
                ),
                (
                    "assigned_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="User who assigned the owner; empty: the owner follows the application.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "cause",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="issues.cause",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Person who must act; empty: unassigned.",
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
                        to="issues.issue",
                    ),
                ),
                (
                    "resolved_by",
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
                    "snoozed_by",
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
                    "task",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Migration task that is the plan of this issue.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="exposure.campaigntask",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="causehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a2bf65b98176eec2690589e7f82d1ff2456dd21d",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_ab73c",
                    table="issues_causehistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="causeoffering",
            constraint=models.UniqueConstraint(
                fields=("cause", "offering"), name="cause_offering_once"
            ),
        ),
        migrations.AddIndex(
            model_name="cause",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["due_on", "id"],
                name="cause_open_by_date",
            ),
        ),
        migrations.AddConstraint(
            model_name="cause",
            constraint=models.UniqueConstraint(fields=("kind", "subject"), name="cause_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cause",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "issues_causehistory" ("closed_at", "due_on", "id", "is_earliest", "kind", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "subject", "subtype") SELECT new_values."closed_at", new_values."due_on", new_values."id", new_values."is_earliest", new_values."kind", new_values."opened_at", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."subject", new_values."subtype" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3f2cba7091f09694db5b13801ef8575415d9b4bb",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_bf737",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="issues_cause",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cause",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "issues_causehistory" ("closed_at", "due_on", "id", "is_earliest", "kind", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "subject", "subtype") SELECT new_values."closed_at", new_values."due_on", new_values."id", new_values."is_earliest", new_values."kind", new_values."opened_at", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."subject", new_values."subtype" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="acbdddbb073f3561e8c0eeebe0267d6374645de7",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_2a77f",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="issues_cause",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cause",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "issues_causehistory" ("closed_at", "due_on", "id", "is_earliest", "kind", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "subject", "subtype") SELECT old_values."closed_at", old_values."due_on", old_values."id", old_values."is_earliest", old_values."kind", old_values."opened_at", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."subject", old_values."subtype" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="b273e4b4ef4ad495374f6d0d88c435a811df4333",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_61af3",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="issues_cause",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["act_by", "criticality", "id"],
                name="issue_most_urgent",
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["team", "act_by", "id"],
                name="issue_by_team",
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["owner", "act_by", "id"],
                name="issue_by_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(fields=["application", "state"], name="issue_by_application"),
        ),
        migrations.AddConstraint(
            model_name="issue",
            constraint=models.UniqueConstraint(
                fields=("cause", "application"), name="issue_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="issue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("resolved_at__isnull", False),
                        ("state", "resolved"),
                        models.Q(("resolution", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(("state", "resolved"), _negated=True),
                        ("resolution", ""),
                        ("resolved_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="issue_resolved_has_resolution",
            ),
        ),
        migrations.AddConstraint(
            model_name="issue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accepted_until__isnull", True),
                    models.Q(
                        ("accepted_by__isnull", False),
                        models.Q(("accepted_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="issue_acceptance_is_complete",
                violation_error_message="An acceptance needs a user, an expiry date and a reason.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="issue",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "issues_issuehistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_at", "acknowledged_by_id", "act_by", "application_id", "assigned_by_id", "cause_id", "criticality", "details", "due_on", "fact_key", "finish_by", "id", "is_earliest", "opened_at", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "resolution", "resolution_reason", "resolved_at", "resolved_by_id", "snoozed_by_id", "snoozed_until", "start_by", "state", "task_id", "team_id") SELECT new_values."accepted_by_id", new_values."accepted_reason", new_values."accepted_until", new_values."acknowledged_at", new_values."acknowledged_by_id", new_values."act_by", new_values."application_id", new_values."assigned_by_id", new_values."cause_id", new_values."criticality", new_values."details", new_values."due_on", new_values."fact_key", new_values."finish_by", new_values."id", new_values."is_earliest", new_values."opened_at", new_values."owner_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."resolution", new_values."resolution_reason", new_values."resolved_at", new_values."resolved_by_id", new_values."snoozed_by_id", new_values."snoozed_until", new_values."start_by", new_values."state", new_values."task_id", new_values."team_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1b6523bf2dcacbc1a562db7372bd9141d7e9e239",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_8fbe2",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="issues_issue",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="issue",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "issues_issuehistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_at", "acknowledged_by_id", "act_by", "application_id", "assigned_by_id", "cause_id", "criticality", "details", "due_on", "fact_key", "finish_by", "id", "is_earliest", "opened_at", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "resolution", "resolution_reason", "resolved_at", "resolved_by_id", "snoozed_by_id", "snoozed_until", "start_by", "state", "task_id", "team_id") SELECT new_values."accepted_by_id", new_values."accepted_reason", new_values."accepted_until", new_values."acknowledged_at", new_values."acknowledged_by_id", new_values."act_by", new_values."application_id", new_values."assigned_by_id", new_values."cause_id", new_values."criticality", new_values."details", new_values."due_on", new_values."fact_key", new_values."finish_by", new_values."id", new_values."is_earliest", new_values."opened_at", new_values."owner_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."resolution", new_values."resolution_reason", new_values."resolved_at", new_values."resolved_by_id", new_values."snoozed_by_id", new_values."snoozed_until", new_values."start_by", new_values."state", new_values."task_id", new_values."team_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."accepted_by_id" IS DISTINCT FROM (new_values."accepted_by_id") OR old_values."accepted_reason" IS DISTINCT FROM (new_values."accepted_reason") OR old_values."accepted_until" IS DISTINCT FROM (new_values."accepted_until") OR old_values."acknowledged_at" IS DISTINCT FROM (new_values."acknowledged_at") OR old_values."acknowledged_by_id" IS DISTINCT FROM (new_values."acknowledged_by_id") OR old_values."act_by" IS DISTINCT FROM (new_values."act_by") OR old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."assigned_by_id" IS DISTINCT FROM (new_values."assigned_by_id") OR old_values."cause_id" IS DISTINCT FROM (new_values."cause_id") OR old_values."criticality" IS DISTINCT FROM (new_values."criticality") OR old_values."details" IS DISTINCT FROM (new_values."details") OR old_values."due_on" IS DISTINCT FROM (new_values."due_on") OR old_values."fact_key" IS DISTINCT FROM (new_values."fact_key") OR old_values."finish_by" IS DISTINCT FROM (new_values."finish_by") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."is_earliest" IS DISTINCT FROM (new_values."is_earliest") OR old_values."opened_at" IS DISTINCT FROM (new_values."opened_at") OR old_values."owner_id" IS DISTINCT FROM (new_values."owner_id") OR old_values."resolution" IS DISTINCT FROM (new_values."resolution") OR old_values."resolution_reason" IS DISTINCT FROM (new_values."resolution_reason") OR old_values."resolved_at" IS DISTINCT FROM (new_values."resolved_at") OR old_values."resolved_by_id" IS DISTINCT FROM (new_values."resolved_by_id") OR old_values."snoozed_by_id" IS DISTINCT FROM (new_values."snoozed_by_id") OR old_values."snoozed_until" IS DISTINCT FROM (new_values."snoozed_until") OR old_values."start_by" IS DISTINCT FROM (new_values."start_by") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."task_id" IS DISTINCT FROM (new_values."task_id") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f85a74c2d015d71451747e6559e5af5a81c325df",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c95b6",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="issues_issue",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="issue",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "issues_issuehistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_at", "acknowledged_by_id", "act_by", "application_id", "assigned_by_id", "cause_id", "criticality", "details", "due_on", "fact_key", "finish_by", "id", "is_earliest", "opened_at", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "resolution", "resolution_reason", "resolved_at", "resolved_by_id", "snoozed_by_id", "snoozed_until", "start_by", "state", "task_id", "team_id") SELECT old_values."accepted_by_id", old_values."accepted_reason", old_values."accepted_until", old_values."acknowledged_at", old_values."acknowledged_by_id", old_values."act_by", old_values."application_id", old_values."assigned_by_id", old_values."cause_id", old_values."criticality", old_values."details", old_values."due_on", old_values."fact_key", old_values."finish_by", old_values."id", old_values."is_earliest", old_values."opened_at", old_values."owner_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."resolution", old_values."resolution_reason", old_values."resolved_at", old_values."resolved_by_id", old_values."snoozed_by_id", old_values."snoozed_until", old_values."start_by", old_values."state", old_values."task_id", old_values."team_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="a142ff1089451c7c8068ab245956098b95f04379",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_04ec9",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="issues_issue",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(fields=["issue", "-id"], name="activity_by_issue"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="issuehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1cc04904eda40a6318a8344362fe42f11be70b23",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_5d7a8",
                    table="issues_issuehistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(
            sql=_QUEUE_TRIGGERS,
            reverse_sql="""
DROP FUNCTION issues_queue_applications() CASCADE;
DROP FUNCTION issues_queue_users_of_offerings() CASCADE;
DROP FUNCTION issues_queue_dependencies() CASCADE;
""",
        ),
    ]
