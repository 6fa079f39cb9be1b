"""The tables of alerts, with their history and triggers."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.lookups
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.alerts.models.channels
import apps.alerts.models.settings
import apps.common.validators


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("catalog", "0001_initial"),
        ("common", "0001_initial"),
        ("exposure", "0001_initial"),
        ("feeds", "0001_initial"),
        ("intake", "0001_initial"),
        ("inventory", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("risks", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="subject|kind|milestone|recipient", max_length=200, unique=True
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Info"), (2, "Low"), (3, "Medium"), (4, "High"), (5, "Urgent")]
                    ),
                ),
                (
                    "application_ids",
                    models.JSONField(
                        default=list, help_text="Affected applications of the recipient team."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("acknowledged", "Acknowledged"),
                            ("snoozed", "Snoozed"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("raised_at", models.DateTimeField()),
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
                    "event",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="catalog.providerevent",
                    ),
                ),
                (
                    "flag",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="exposure.exposureflag",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="accounts.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "details",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Details that the subject does not contain; the shapes are documented in kinds/feeds/feed_text.py, kinds/exposure_flag_text.py, kinds/reminders/reminder_text.py and kinds/usage_discrepancy_text.py.",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="feeds.feedrun",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="catalog.source",
                    ),
                ),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                (
                    "assigned_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "due_on",
                    models.DateField(blank=True, help_text="Date of the subject.", null=True),
                ),
                (
                    "escalate_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Time of the next escalation, unless a user responds.",
                        null=True,
                    ),
                ),
                (
                    "escalation",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Escalation level: 0 recipient, 1 team owners, 2 governance.",
                    ),
                ),
                (
                    "milestone",
                    models.SmallIntegerField(
                        blank=True,
                        help_text="Days before `due_on` at which the reminder was due.",
                        null=True,
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        help_text="Model that the alert is about.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
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
                    "snoozed_until",
                    models.DateField(
                        blank=True,
                        help_text="First date on which the alert is open again.",
                        null=True,
                    ),
                ),
                ("subject_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "subject_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("offering", "Offering"),
                            ("dependency", "Dependency"),
                            ("assessment", "Assessment"),
                            ("flag", "Flag"),
                            ("exit_test", "Exit test"),
                            ("task", "Campaign task"),
                            ("waiver", "Waiver of the gate"),
                            ("approval", "Approval"),
                            ("application", "Application"),
                            ("selection", "Selection"),
                            ("mute", "Mute"),
                            ("key", "Key of a program"),
                            ("team", "Team"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "urgent",
                    models.BooleanField(
                        default=False, help_text="Sent immediately, not with the next digest."
                    ),
                ),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("by_user", "Resolved by a user"),
                            ("overtaken", "Superseded by a later change"),
                            ("not_concerned", "No application affected"),
                            ("rerouted", "Routed to other users"),
                            ("hold_decided", "Nothing on hold"),
                            ("feed_restored", "Feed polled again"),
                            ("flag_decided", "Flag decided"),
                            ("flag_continued", "Flag changed"),
                            ("within_tolerance", "Within tolerance"),
                            ("next_milestone", "Next reminder reached"),
                            ("day_come", "Date reached"),
                            ("not_retiring", "No application affected on that date"),
                            ("acceptance_changed", "Acceptance changed"),
                            ("exit_test_repeated", "Exit test repeated"),
                            ("deferral_changed", "Deferral changed"),
                            ("waiver_changed", "Waiver changed"),
                            ("approval_changed", "Approval changed"),
                            ("review_moved", "Review rescheduled"),
                            ("treatment_changed", "Treatment changed"),
                            ("mute_ended", "Mute ended"),
                            ("token_changed", "API token changed"),
                            ("retirement_moved", "Retirement date changed"),
                            ("time_regained", "Positive runway"),
                            ("reassessed", "Reassessed"),
                            ("declared", "Declared"),
                            ("dismissed", "Dismissed"),
                            ("not_observed", "No longer observed"),
                            ("other", "Other"),
                        ],
                        max_length=18,
                    ),
                ),
                (
                    "resolution_text",
                    models.CharField(
                        blank=True, help_text="Comment of the user who resolved it.", max_length=300
                    ),
                ),
            ],
            options={
                "ordering": ["-raised_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("escalate_at__isnull", False)),
                        fields=["escalate_at"],
                        name="alert_escalates",
                    ),
                    models.Index(
                        condition=models.Q(("state", "snoozed")),
                        fields=["snoozed_until"],
                        name="alert_snoozed",
                    ),
                    models.Index(
                        condition=models.Q(("state", "resolved"), _negated=True),
                        fields=["kind", "id"],
                        name="alert_live_by_kind",
                    ),
                    models.Index(fields=["subject_kind", "subject_id"], name="alert_by_subject"),
                    models.Index(fields=["offering", "-raised_at"], name="alert_by_offering"),
                    models.Index(fields=["-severity", "-raised_at", "-id"], name="alert_gravest"),
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["-severity", "-raised_at", "-id"],
                        name="alert_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(
                                models.F("event"),
                                models.F("flag"),
                                models.F("run"),
                                models.F("source"),
                                models.F("subject_id"),
                                function="num_nonnulls",
                                output_field=models.IntegerField(),
                            ),
                            1,
                        ),
                        name="alert_has_one_subject",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("subject_id__isnull", True), ("subject_kind", "")),
                            models.Q(
                                ("subject_id__isnull", False),
                                models.Q(("subject_kind", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="alert_subject_has_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("team__isnull", False), ("user__isnull", False), _connector="OR"
                        ),
                        name="alert_falls_to_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "snoozed"), _negated=True),
                            ("snoozed_until__isnull", False),
                            _connector="OR",
                        ),
                        name="alert_snoozed_has_end",
                        violation_error_message="Enter the date until which the alert is snoozed.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "key",
                    models.CharField(help_text="subject|kind|milestone|recipient", max_length=200),
                ),
                ("kind", models.CharField(max_length=20)),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Info"), (2, "Low"), (3, "Medium"), (4, "High"), (5, "Urgent")]
                    ),
                ),
                (
                    "application_ids",
                    models.JSONField(
                        default=list, help_text="Affected applications of the recipient team."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("acknowledged", "Acknowledged"),
                            ("snoozed", "Snoozed"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("raised_at", models.DateTimeField()),
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
                    "flag",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="exposure.exposureflag",
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
                        to="alerts.alert",
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
                (
                    "user",
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
                    "details",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Details that the subject does not contain; the shapes are documented in kinds/feeds/feed_text.py, kinds/exposure_flag_text.py, kinds/reminders/reminder_text.py and kinds/usage_discrepancy_text.py.",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="feeds.feedrun",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.source",
                    ),
                ),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                (
                    "assigned_to",
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
                    "due_on",
                    models.DateField(blank=True, help_text="Date of the subject.", null=True),
                ),
                (
                    "escalate_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Time of the next escalation, unless a user responds.",
                        null=True,
                    ),
                ),
                (
                    "escalation",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Escalation level: 0 recipient, 1 team owners, 2 governance.",
                    ),
                ),
                (
                    "milestone",
                    models.SmallIntegerField(
                        blank=True,
                        help_text="Days before `due_on` at which the reminder was due.",
                        null=True,
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Model that the alert is about.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.offering",
                    ),
                ),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
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
                    "snoozed_until",
                    models.DateField(
                        blank=True,
                        help_text="First date on which the alert is open again.",
                        null=True,
                    ),
                ),
                ("subject_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "subject_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("offering", "Offering"),
                            ("dependency", "Dependency"),
                            ("assessment", "Assessment"),
                            ("flag", "Flag"),
                            ("exit_test", "Exit test"),
                            ("task", "Campaign task"),
                            ("waiver", "Waiver of the gate"),
                            ("approval", "Approval"),
                            ("application", "Application"),
                            ("selection", "Selection"),
                            ("mute", "Mute"),
                            ("key", "Key of a program"),
                            ("team", "Team"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "urgent",
                    models.BooleanField(
                        default=False, help_text="Sent immediately, not with the next digest."
                    ),
                ),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("by_user", "Resolved by a user"),
                            ("overtaken", "Superseded by a later change"),
                            ("not_concerned", "No application affected"),
                            ("rerouted", "Routed to other users"),
                            ("hold_decided", "Nothing on hold"),
                            ("feed_restored", "Feed polled again"),
                            ("flag_decided", "Flag decided"),
                            ("flag_continued", "Flag changed"),
                            ("within_tolerance", "Within tolerance"),
                            ("next_milestone", "Next reminder reached"),
                            ("day_come", "Date reached"),
                            ("not_retiring", "No application affected on that date"),
                            ("acceptance_changed", "Acceptance changed"),
                            ("exit_test_repeated", "Exit test repeated"),
                            ("deferral_changed", "Deferral changed"),
                            ("waiver_changed", "Waiver changed"),
                            ("approval_changed", "Approval changed"),
                            ("review_moved", "Review rescheduled"),
                            ("treatment_changed", "Treatment changed"),
                            ("mute_ended", "Mute ended"),
                            ("token_changed", "API token changed"),
                            ("retirement_moved", "Retirement date changed"),
                            ("time_regained", "Positive runway"),
                            ("reassessed", "Reassessed"),
                            ("declared", "Declared"),
                            ("dismissed", "Dismissed"),
                            ("not_observed", "No longer observed"),
                            ("other", "Other"),
                        ],
                        max_length=18,
                    ),
                ),
                (
                    "resolution_text",
                    models.CharField(
                        blank=True, help_text="Comment of the user who resolved it.", max_length=300
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AlertPolicy",
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
                        choices=[(0, "Critical"), (1, "Important"), (2, "Standard"), (3, "Low")],
                        unique=True,
                    ),
                ),
                (
                    "milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=apps.alerts.models.settings.usual_milestones,
                        help_text="Days before a retirement on which the owners of the applications are reminded.",
                    ),
                ),
                (
                    "soft_milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=apps.alerts.models.settings.usual_soft_milestones,
                        help_text="The same for an earliest retirement date.",
                    ),
                ),
                (
                    "escalate_team_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Hours without a response after which an alert is escalated to the team owners; empty: never.",
                        null=True,
                    ),
                ),
                (
                    "escalate_governance_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Further hours after which an alert is escalated to governance; empty: never.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "alert policies",
                "ordering": ["criticality"],
            },
        ),
        migrations.CreateModel(
            name="AlertPolicyHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "criticality",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "Critical"), (1, "Important"), (2, "Standard"), (3, "Low")]
                    ),
                ),
                (
                    "milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=apps.alerts.models.settings.usual_milestones,
                        help_text="Days before a retirement on which the owners of the applications are reminded.",
                    ),
                ),
                (
                    "soft_milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=apps.alerts.models.settings.usual_soft_milestones,
                        help_text="The same for an earliest retirement date.",
                    ),
                ),
                (
                    "escalate_team_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Hours without a response after which an alert is escalated to the team owners; empty: never.",
                        null=True,
                    ),
                ),
                (
                    "escalate_governance_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Further hours after which an alert is escalated to governance; empty: never.",
                        null=True,
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
                        to="alerts.alertpolicy",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AlertSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "price_percent",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="Price changes of at least this percentage raise an alert.",
                    ),
                ),
                (
                    "price_monthly_usd",
                    models.PositiveIntegerField(
                        default=100,
                        help_text="Price changes of at least this amount per month for one team, in USD, raise an alert.",
                    ),
                ),
                (
                    "expiry_milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=apps.alerts.models.settings.usual_expiry_milestones,
                        help_text="Days before acceptances, tests, waivers and approvals expire.",
                    ),
                ),
                (
                    "review_milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=apps.alerts.models.settings.usual_review_milestones,
                        help_text="Days before reviews and treatments are due.",
                    ),
                ),
                (
                    "escalate_from_severity",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="Alerts below this severity are not escalated."
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "alert settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="alert_settings_one_row"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("escalate_from_severity__range", (1, 5))),
                        name="alert_settings_severity_1_to_5",
                        violation_error_message="Enter a severity between 1 (info) and 5 (urgent).",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertSettingsHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "price_percent",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="Price changes of at least this percentage raise an alert.",
                    ),
                ),
                (
                    "price_monthly_usd",
                    models.PositiveIntegerField(
                        default=100,
                        help_text="Price changes of at least this amount per month for one team, in USD, raise an alert.",
                    ),
                ),
                (
                    "expiry_milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=apps.alerts.models.settings.usual_expiry_milestones,
                        help_text="Days before acceptances, tests, waivers and approvals expire.",
                    ),
                ),
                (
                    "review_milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=apps.alerts.models.settings.usual_review_milestones,
                        help_text="Days before reviews and treatments are due.",
                    ),
                ),
                (
                    "escalate_from_severity",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="Alerts below this severity are not escalated."
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
                        to="alerts.alertsettings",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CalendarFeed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=100)),
                ("prefix", models.CharField(max_length=12, unique=True)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calendar_feeds",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("calendar", "Calendar"),
                            ("alerts", "Alert feed (Atom)"),
                            ("changes", "Change feed (Atom)"),
                        ],
                        db_default="calendar",
                        default="calendar",
                        max_length=8,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="CalendarFeedHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(blank=True, max_length=100)),
                ("prefix", models.CharField(max_length=12)),
                ("digest", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
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
                        to="alerts.calendarfeed",
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
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("calendar", "Calendar"),
                            ("alerts", "Alert feed (Atom)"),
                            ("changes", "Change feed (Atom)"),
                        ],
                        db_default="calendar",
                        default="calendar",
                        max_length=8,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="HandledDiscrepancy",
            fields=[
                (
                    "discrepancy",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="intake.discrepancy",
                    ),
                ),
                ("handled_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "handled discrepancies",
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
            ],
        ),
        migrations.CreateModel(
            name="HandledFlagEvent",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="exposure.flagevent",
                    ),
                ),
                ("handled_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="HandledRun",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="feeds.feedrun",
                    ),
                ),
                ("handled_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="HandledStaleness",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stale_since", models.DateTimeField()),
                ("handled_at", models.DateTimeField()),
                (
                    "assessment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="risks.assessment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("assessment", "stale_since"), name="staleness_handled_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Mute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(blank=True, max_length=20)),
                (
                    "subject",
                    models.CharField(
                        blank=True,
                        help_text="`event:17`, `offering:4@2027-01-15`, ...",
                        max_length=80,
                    ),
                ),
                (
                    "until",
                    models.DateField(
                        help_text="Expires on (not valid from this date).",
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inventory.application",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.provider",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mutes",
                        to="accounts.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mutes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=["until"],
                        name="mute_by_end",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("team__isnull", False), ("user__isnull", True)),
                            models.Q(("team__isnull", True), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="mute_has_one_recipient",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", ""), _negated=True),
                            models.Q(("subject", ""), _negated=True),
                            ("provider__isnull", False),
                            ("offering__isnull", False),
                            ("application__isnull", False),
                            _connector="OR",
                        ),
                        name="mute_says_what",
                        violation_error_message="Select what to mute: an alert type, provider, model, application or alert.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MuteHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("kind", models.CharField(blank=True, max_length=20)),
                (
                    "subject",
                    models.CharField(
                        blank=True,
                        help_text="`event:17`, `offering:4@2027-01-15`, ...",
                        max_length=80,
                    ),
                ),
                (
                    "until",
                    models.DateField(
                        help_text="Expires on (not valid from this date).",
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
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
                        to="alerts.mute",
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
                (
                    "user",
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
            name="Preference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "cadence",
                    models.CharField(
                        choices=[
                            ("daily", "Daily"),
                            ("working_days", "Weekdays"),
                            ("weekly", "Weekly"),
                            ("at_once", "Immediately"),
                            ("urgent", "Urgent only"),
                            ("never", "Off"),
                        ],
                        default="daily",
                        max_length=12,
                    ),
                ),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ],
                        default=0,
                        help_text="Day of the weekly digest; 0 is Monday.",
                    ),
                ),
                (
                    "immediate",
                    models.BooleanField(default=True, help_text="Send urgent alerts immediately."),
                ),
                (
                    "heartbeat",
                    models.BooleanField(
                        default=False, help_text="Send a digest even if nothing changed."
                    ),
                ),
                (
                    "served_at",
                    models.DateTimeField(
                        blank=True, editable=False, help_text="Hour of the last digest.", null=True
                    ),
                ),
                (
                    "team",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mail_preference",
                        to="accounts.team",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mail_preference",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("team__isnull", False), ("user__isnull", True)),
                            models.Q(("team__isnull", True), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="preference_has_one_recipient",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weekday__lte", 6)),
                        name="preference_weekday",
                        violation_error_message="Enter a weekday between 0 (Monday) and 6 (Sunday).",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PreferenceHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "cadence",
                    models.CharField(
                        choices=[
                            ("daily", "Daily"),
                            ("working_days", "Weekdays"),
                            ("weekly", "Weekly"),
                            ("at_once", "Immediately"),
                            ("urgent", "Urgent only"),
                            ("never", "Off"),
                        ],
                        default="daily",
                        max_length=12,
                    ),
                ),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ],
                        default=0,
                        help_text="Day of the weekly digest; 0 is Monday.",
                    ),
                ),
                (
                    "immediate",
                    models.BooleanField(default=True, help_text="Send urgent alerts immediately."),
                ),
                (
                    "heartbeat",
                    models.BooleanField(
                        default=False, help_text="Send a digest even if nothing changed."
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
                        to="alerts.preference",
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
                (
                    "user",
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
            name="Subscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=100)),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        blank=True,
                        default=list,
                        help_text="Empty: all types.",
                    ),
                ),
                (
                    "min_severity",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Info"),
                            (2, "Low"),
                            (3, "Medium"),
                            (4, "High"),
                            (5, "Urgent"),
                        ],
                        default=1,
                    ),
                ),
                (
                    "max_days_left",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Only what is due within this number of days; empty: no limit.",
                        null=True,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "foundation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        help_text="As developer or host.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.provider",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        help_text="Includes sub-teams.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["user", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("min_severity__range", (1, 5))),
                        name="subscription_severity_1_to_5",
                        violation_error_message="Enter a severity between 1 (info) and 5 (urgent).",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SubscriptionHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(blank=True, max_length=100)),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        blank=True,
                        default=list,
                        help_text="Empty: all types.",
                    ),
                ),
                (
                    "min_severity",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Info"),
                            (2, "Low"),
                            (3, "Medium"),
                            (4, "High"),
                            (5, "Urgent"),
                        ],
                        default=1,
                    ),
                ),
                (
                    "max_days_left",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Only what is due within this number of days; empty: no limit.",
                        null=True,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "foundation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.foundation",
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
                        to="alerts.subscription",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="As developer or host.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.provider",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Includes sub-teams.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.team",
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
        migrations.CreateModel(
            name="Tick",
            fields=[
                ("name", models.CharField(max_length=30, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                ("url", models.URLField(max_length=500)),
                (
                    "nonce",
                    models.CharField(
                        default=apps.alerts.models.channels.new_nonce, editable=False, max_length=32
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        blank=True,
                        default=list,
                        help_text="Empty: all types.",
                    ),
                ),
                ("min_severity", models.PositiveSmallIntegerField(default=1)),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_sent_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        help_text="Only alerts of this team and its sub-teams; empty: all.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhooks",
                        to="accounts.team",
                    ),
                ),
                (
                    "old_nonce",
                    models.CharField(
                        blank=True, db_default="", default="", editable=False, max_length=32
                    ),
                ),
                ("old_until", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("min_severity__range", (1, 5))),
                        name="webhook_severity_1_to_5",
                        violation_error_message="Enter a severity between 1 (info) and 5 (urgent).",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        help_text="Email address, or URL of the webhook.", max_length=500
                    ),
                ),
                ("message_id", models.CharField(max_length=200, unique=True)),
                ("subject", models.CharField(max_length=300)),
                (
                    "body_text",
                    models.TextField(help_text="Text of the email, or JSON of the webhook."),
                ),
                ("body_html", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Pending"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("skipped", "Not sent"),
                        ],
                        default="queued",
                        max_length=8,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="Reason of the failure.", max_length=500
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(
                        help_text="Earliest time of sending; each failed attempt postpones it."
                    ),
                ),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Time of creation; the Date of the email.",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="accounts.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("digest", "Digest"),
                            ("summary", "First summary"),
                            ("immediate", "Immediate"),
                            ("heartbeat", "Empty digest"),
                            ("webhook", "Webhook"),
                            ("mailbox", "Mailbox preferences changed"),
                        ],
                        default="digest",
                        max_length=9,
                    ),
                ),
                (
                    "thread",
                    models.CharField(
                        blank=True,
                        help_text="Message-ID of the first email of the thread.",
                        max_length=200,
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="alerts.webhook",
                    ),
                ),
                (
                    "skip_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("resolved", "Alert resolved"),
                            ("answered", "Alert acknowledged"),
                            ("unassigned", "Assignment removed"),
                            ("passed", "Cause resolved"),
                            ("requested", "Included in a requested summary"),
                            ("muted", "Muted"),
                            ("not_concerned", "Recipient no longer affected"),
                            ("inactive_user", "User inactive"),
                            ("no_user_email", "User without email address"),
                            ("no_team_email", "Team without email address"),
                            ("no_email_wanted", "Notifications off"),
                            ("urgent_only", "Only urgent alerts wanted"),
                            ("webhook_disabled", "Webhook disabled"),
                            ("other", "Other"),
                        ],
                        max_length=16,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "sending"])),
                        fields=["due_at"],
                        name="delivery_owed",
                    ),
                    models.Index(fields=["-created_at", "-id"], name="delivery_latest"),
                    models.Index(
                        condition=models.Q(("user__isnull", False)),
                        fields=["user", "-created_at"],
                        name="delivery_by_user",
                    ),
                    models.Index(
                        condition=models.Q(("team__isnull", False)),
                        fields=["team", "-created_at"],
                        name="delivery_by_team",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("team__isnull", False),
                                ("user__isnull", True),
                                ("webhook__isnull", True),
                            ),
                            models.Q(
                                ("team__isnull", True),
                                ("user__isnull", False),
                                ("webhook__isnull", True),
                            ),
                            models.Q(
                                ("team__isnull", True),
                                ("user__isnull", True),
                                ("webhook__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="delivery_has_one_recipient",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("owner", "owner of the application"),
                            ("team", "mailbox of the team"),
                            ("team_owner", "team owner"),
                            ("governance", "governance"),
                            ("operator", "administrator"),
                            ("escalation", "escalated"),
                            ("assigned", "assignee"),
                            ("subscription", "subscribed"),
                            ("webhook", "is a webhook"),
                            ("own", "creator"),
                        ],
                        max_length=12,
                    ),
                ),
                ("occasion", models.CharField(default="raised", max_length=30)),
                (
                    "application_ids",
                    models.JSONField(
                        blank=True, help_text="Null: all applications of the alert.", null=True
                    ),
                ),
                ("urgent", models.BooleanField(default=False)),
                ("owed_at", models.DateTimeField()),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="alerts.alert",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="alerts.delivery",
                    ),
                ),
                (
                    "mute",
                    models.ForeignKey(
                        blank=True,
                        help_text="Mute that applied.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="alerts.mute",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="accounts.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="alerts.webhook",
                    ),
                ),
                (
                    "skip_details",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="`until` of a mute; `text` of another reason.",
                    ),
                ),
                (
                    "skip_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("resolved", "Alert resolved"),
                            ("answered", "Alert acknowledged"),
                            ("unassigned", "Assignment removed"),
                            ("passed", "Cause resolved"),
                            ("requested", "Included in a requested summary"),
                            ("muted", "Muted"),
                            ("not_concerned", "Recipient no longer affected"),
                            ("inactive_user", "User inactive"),
                            ("no_user_email", "User without email address"),
                            ("no_team_email", "Team without email address"),
                            ("no_email_wanted", "Notifications off"),
                            ("urgent_only", "Only urgent alerts wanted"),
                            ("webhook_disabled", "Webhook disabled"),
                            ("other", "Other"),
                        ],
                        help_text="Reason why it was not sent.",
                        max_length=16,
                    ),
                ),
            ],
            options={
                "ordering": ["owed_at", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("delivery__isnull", True), ("skip_reason", "")),
                        fields=["user", "team", "webhook", "owed_at"],
                        include=("urgent",),
                        name="notice_owed",
                    ),
                    models.Index(
                        condition=models.Q(("delivery__isnull", False)),
                        fields=["delivery"],
                        name="notice_carried",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(
                        fields=["owed_at"], name="notice_by_age"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("alert", "user", "team", "webhook", "occasion"),
                        name="notice_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("team__isnull", False),
                                ("user__isnull", True),
                                ("webhook__isnull", True),
                            ),
                            models.Q(
                                ("team__isnull", True),
                                ("user__isnull", False),
                                ("webhook__isnull", True),
                            ),
                            models.Q(
                                ("team__isnull", True),
                                ("user__isnull", True),
                                ("webhook__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="notice_has_one_recipient",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=100)),
                ("url", models.URLField(max_length=500)),
                (
                    "nonce",
                    models.CharField(
                        default=apps.alerts.models.channels.new_nonce, editable=False, max_length=32
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        blank=True,
                        default=list,
                        help_text="Empty: all types.",
                    ),
                ),
                ("min_severity", models.PositiveSmallIntegerField(default=1)),
                ("enabled", models.BooleanField(default=True)),
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
                        to="alerts.webhook",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Only alerts of this team and its sub-teams; empty: all.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "old_nonce",
                    models.CharField(
                        blank=True, db_default="", default="", editable=False, max_length=32
                    ),
                ),
                ("old_until", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alertpolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alertpolicyhistory" ("criticality", "escalate_governance_hours", "escalate_team_hours", "id", "milestones", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "soft_milestones") SELECT new_values."criticality", new_values."escalate_governance_hours", new_values."escalate_team_hours", new_values."id", new_values."milestones", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."soft_milestones" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1dec5edbe4b59eabb6c2fc946b88e79e05c11ee6",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_d3eae",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_alertpolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alertpolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alertpolicyhistory" ("criticality", "escalate_governance_hours", "escalate_team_hours", "id", "milestones", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "soft_milestones") SELECT new_values."criticality", new_values."escalate_governance_hours", new_values."escalate_team_hours", new_values."id", new_values."milestones", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."soft_milestones" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="511e2872d0e9421420baaddb2c9b9c96b3886e58",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_368a4",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_alertpolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alertpolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alertpolicyhistory" ("criticality", "escalate_governance_hours", "escalate_team_hours", "id", "milestones", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "soft_milestones") SELECT old_values."criticality", old_values."escalate_governance_hours", old_values."escalate_team_hours", old_values."id", old_values."milestones", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."soft_milestones" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="a538771106dfebb993748a3741f9a746e5b3b282",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_43314",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_alertpolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alertsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alertsettingshistory" ("escalate_from_severity", "expiry_milestones", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_monthly_usd", "price_percent", "review_milestones") SELECT new_values."escalate_from_severity", new_values."expiry_milestones", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."price_monthly_usd", new_values."price_percent", new_values."review_milestones" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="bdd346a1223248c60bad9b596a7d33c47ca08da7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b59b5",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_alertsettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alertsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alertsettingshistory" ("escalate_from_severity", "expiry_milestones", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_monthly_usd", "price_percent", "review_milestones") SELECT new_values."escalate_from_severity", new_values."expiry_milestones", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."price_monthly_usd", new_values."price_percent", new_values."review_milestones" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c39bb76d24dd7a4566cb21b77a28546cdcb8274d",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_683db",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_alertsettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alertsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alertsettingshistory" ("escalate_from_severity", "expiry_milestones", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_monthly_usd", "price_percent", "review_milestones") SELECT old_values."escalate_from_severity", old_values."expiry_milestones", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."price_monthly_usd", old_values."price_percent", old_values."review_milestones" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="292d579cf02f44683ddb8436f22069f6cf92be4a",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a7736",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_alertsettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alert",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alerthistory" ("acknowledged_at", "acknowledged_by_id", "application_ids", "assigned_to_id", "details", "due_on", "escalate_at", "escalation", "event_id", "flag_id", "id", "key", "kind", "milestone", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raised_at", "resolution", "resolution_text", "resolved_at", "resolved_by_id", "run_id", "severity", "snoozed_by_id", "snoozed_until", "source_id", "state", "subject_id", "subject_kind", "team_id", "urgent", "user_id") SELECT new_values."acknowledged_at", new_values."acknowledged_by_id", new_values."application_ids", new_values."assigned_to_id", new_values."details", new_values."due_on", new_values."escalate_at", new_values."escalation", new_values."event_id", new_values."flag_id", new_values."id", new_values."key", new_values."kind", new_values."milestone", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."raised_at", new_values."resolution", new_values."resolution_text", new_values."resolved_at", new_values."resolved_by_id", new_values."run_id", new_values."severity", new_values."snoozed_by_id", new_values."snoozed_until", new_values."source_id", new_values."state", new_values."subject_id", new_values."subject_kind", new_values."team_id", new_values."urgent", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4d76d3e2b844a4c9f2a30092ccbc9da90ca7e4c0",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_607e3",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_alert",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alert",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alerthistory" ("acknowledged_at", "acknowledged_by_id", "application_ids", "assigned_to_id", "details", "due_on", "escalate_at", "escalation", "event_id", "flag_id", "id", "key", "kind", "milestone", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raised_at", "resolution", "resolution_text", "resolved_at", "resolved_by_id", "run_id", "severity", "snoozed_by_id", "snoozed_until", "source_id", "state", "subject_id", "subject_kind", "team_id", "urgent", "user_id") SELECT new_values."acknowledged_at", new_values."acknowledged_by_id", new_values."application_ids", new_values."assigned_to_id", new_values."details", new_values."due_on", new_values."escalate_at", new_values."escalation", new_values."event_id", new_values."flag_id", new_values."id", new_values."key", new_values."kind", new_values."milestone", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."raised_at", new_values."resolution", new_values."resolution_text", new_values."resolved_at", new_values."resolved_by_id", new_values."run_id", new_values."severity", new_values."snoozed_by_id", new_values."snoozed_until", new_values."source_id", new_values."state", new_values."subject_id", new_values."subject_kind", new_values."team_id", new_values."urgent", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="2eab518fa400145e50a5dc202dca4888d0931423",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_953db",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_alert",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alert",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_alerthistory" ("acknowledged_at", "acknowledged_by_id", "application_ids", "assigned_to_id", "details", "due_on", "escalate_at", "escalation", "event_id", "flag_id", "id", "key", "kind", "milestone", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raised_at", "resolution", "resolution_text", "resolved_at", "resolved_by_id", "run_id", "severity", "snoozed_by_id", "snoozed_until", "source_id", "state", "subject_id", "subject_kind", "team_id", "urgent", "user_id") SELECT old_values."acknowledged_at", old_values."acknowledged_by_id", old_values."application_ids", old_values."assigned_to_id", old_values."details", old_values."due_on", old_values."escalate_at", old_values."escalation", old_values."event_id", old_values."flag_id", old_values."id", old_values."key", old_values."kind", old_values."milestone", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."raised_at", old_values."resolution", old_values."resolution_text", old_values."resolved_at", old_values."resolved_by_id", old_values."run_id", old_values."severity", old_values."snoozed_by_id", old_values."snoozed_until", old_values."source_id", old_values."state", old_values."subject_id", old_values."subject_kind", old_values."team_id", old_values."urgent", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="b7bbdae25f00b5d154e594aab3e1e117cdf92da0",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_2fa4e",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_alert",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alerthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3b5ae4c508a5d5b711084266942f899493d3a851",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d1b73",
                    table="alerts_alerthistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alertpolicyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="db0627de52dae66a4c0544c501916e0209afb5fb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_bb8e1",
                    table="alerts_alertpolicyhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alertsettingshistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="90117b80cd79ce753126acf88ebe9c3549381289",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_944d3",
                    table="alerts_alertsettingshistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calendarfeed",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_calendarfeedhistory" ("created_at", "digest", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "revoked_at", "user_id") SELECT new_values."created_at", new_values."digest", new_values."id", new_values."kind", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."prefix", new_values."revoked_at", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b030a9363f5e658de323fb8dd076594abad0ba0b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_5831a",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_calendarfeed",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calendarfeed",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_calendarfeedhistory" ("created_at", "digest", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "revoked_at", "user_id") SELECT new_values."created_at", new_values."digest", new_values."id", new_values."kind", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."prefix", new_values."revoked_at", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."digest" IS DISTINCT FROM (new_values."digest") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."prefix" IS DISTINCT FROM (new_values."prefix") OR old_values."revoked_at" IS DISTINCT FROM (new_values."revoked_at") OR old_values."user_id" IS DISTINCT FROM (new_values."user_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="dc225d9168d6995267cb0e5723e2beda83b0a640",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_072c8",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_calendarfeed",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calendarfeed",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_calendarfeedhistory" ("created_at", "digest", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "revoked_at", "user_id") SELECT old_values."created_at", old_values."digest", old_values."id", old_values."kind", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."prefix", old_values."revoked_at", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="3af56dd10d0f84bfb29dcd64b386aa6073f99ace",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9e3bb",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_calendarfeed",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calendarfeedhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c2c5215b1c824043977320c40c3ee1c40f12f9f6",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d4ee0",
                    table="alerts_calendarfeedhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mute",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_mutehistory" ("application_id", "created_at", "created_by_id", "id", "kind", "lifted_at", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "subject", "team_id", "until", "user_id") SELECT new_values."application_id", new_values."created_at", new_values."created_by_id", new_values."id", new_values."kind", new_values."lifted_at", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."reason", new_values."subject", new_values."team_id", new_values."until", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1335d60e315154f7e1b6512af6586abc7432054b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_909f0",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_mute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mute",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_mutehistory" ("application_id", "created_at", "created_by_id", "id", "kind", "lifted_at", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "subject", "team_id", "until", "user_id") SELECT new_values."application_id", new_values."created_at", new_values."created_by_id", new_values."id", new_values."kind", new_values."lifted_at", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."reason", new_values."subject", new_values."team_id", new_values."until", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="fe664cd8a914cdb4578c33223f17519015afff6a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a8898",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_mute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mute",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_mutehistory" ("application_id", "created_at", "created_by_id", "id", "kind", "lifted_at", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "subject", "team_id", "until", "user_id") SELECT old_values."application_id", old_values."created_at", old_values."created_by_id", old_values."id", old_values."kind", old_values."lifted_at", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."reason", old_values."subject", old_values."team_id", old_values."until", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="7fa1e6d6c9c357c47ebd89a907d24fdd62d4659d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_dd8f9",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_mute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mutehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="596a71991ec6fe70efe0ab41f04c8b732bdd2a7c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_755a8",
                    table="alerts_mutehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="preference",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_preferencehistory" ("cadence", "heartbeat", "id", "immediate", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "team_id", "user_id", "weekday") SELECT new_values."cadence", new_values."heartbeat", new_values."id", new_values."immediate", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."team_id", new_values."user_id", new_values."weekday" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="11aead649c39c6d24fc4cd784667d2d6cd03fa0f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_afd12",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_preference",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="preference",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_preferencehistory" ("cadence", "heartbeat", "id", "immediate", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "team_id", "user_id", "weekday") SELECT new_values."cadence", new_values."heartbeat", new_values."id", new_values."immediate", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."team_id", new_values."user_id", new_values."weekday" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."cadence" IS DISTINCT FROM (new_values."cadence") OR old_values."heartbeat" IS DISTINCT FROM (new_values."heartbeat") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."immediate" IS DISTINCT FROM (new_values."immediate") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."user_id" IS DISTINCT FROM (new_values."user_id") OR old_values."weekday" IS DISTINCT FROM (new_values."weekday")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="871d7aabde58012c16061b6162596e7b771cf1cb",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_526a4",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_preference",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="preference",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_preferencehistory" ("cadence", "heartbeat", "id", "immediate", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "team_id", "user_id", "weekday") SELECT old_values."cadence", old_values."heartbeat", old_values."id", old_values."immediate", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."team_id", old_values."user_id", old_values."weekday" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="5aeb0105e345a3cfdd1d9ba9dcc271911a5f98bb",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_67afb",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_preference",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="preferencehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1550a74c6467f0031dcb214c90ee2d802b2938ce",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e6541",
                    table="alerts_preferencehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="subscription",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_subscriptionhistory" ("created_at", "enabled", "foundation_id", "id", "kinds", "max_days_left", "min_severity", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "team_id", "user_id") SELECT new_values."created_at", new_values."enabled", new_values."foundation_id", new_values."id", new_values."kinds", new_values."max_days_left", new_values."min_severity", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="7bcc0686ed29b1544372d79778c45d3bccb2907f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_7ae3e",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_subscription",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="subscription",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_subscriptionhistory" ("created_at", "enabled", "foundation_id", "id", "kinds", "max_days_left", "min_severity", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "team_id", "user_id") SELECT new_values."created_at", new_values."enabled", new_values."foundation_id", new_values."id", new_values."kinds", new_values."max_days_left", new_values."min_severity", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."enabled" IS DISTINCT FROM (new_values."enabled") OR old_values."foundation_id" IS DISTINCT FROM (new_values."foundation_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kinds" IS DISTINCT FROM (new_values."kinds") OR old_values."max_days_left" IS DISTINCT FROM (new_values."max_days_left") OR old_values."min_severity" IS DISTINCT FROM (new_values."min_severity") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."provider_id" IS DISTINCT FROM (new_values."provider_id") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."user_id" IS DISTINCT FROM (new_values."user_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="11480462ec948f1b937b2c11878a2d91a1323b9d",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_11cd7",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_subscription",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="subscription",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_subscriptionhistory" ("created_at", "enabled", "foundation_id", "id", "kinds", "max_days_left", "min_severity", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "team_id", "user_id") SELECT old_values."created_at", old_values."enabled", old_values."foundation_id", old_values."id", old_values."kinds", old_values."max_days_left", old_values."min_severity", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."team_id", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="668bdbfc6dfcdb424c975e80976fe8e30cac475c",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f18c1",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_subscription",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="subscriptionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="5819617580c9cd225f9444ca5131cb87fd9827de",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_fb08e",
                    table="alerts_subscriptionhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhook",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_webhookhistory" ("created_at", "created_by_id", "enabled", "id", "kinds", "min_severity", "name", "nonce", "old_nonce", "old_until", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "team_id", "url") SELECT new_values."created_at", new_values."created_by_id", new_values."enabled", new_values."id", new_values."kinds", new_values."min_severity", new_values."name", new_values."nonce", new_values."old_nonce", new_values."old_until", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."team_id", new_values."url" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="713d7f140c871cbbd564e3319d50629ad55b01a6",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e5b75",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_webhook",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhook",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_webhookhistory" ("created_at", "created_by_id", "enabled", "id", "kinds", "min_severity", "name", "nonce", "old_nonce", "old_until", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "team_id", "url") SELECT new_values."created_at", new_values."created_by_id", new_values."enabled", new_values."id", new_values."kinds", new_values."min_severity", new_values."name", new_values."nonce", new_values."old_nonce", new_values."old_until", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."team_id", new_values."url" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."created_by_id" IS DISTINCT FROM (new_values."created_by_id") OR old_values."enabled" IS DISTINCT FROM (new_values."enabled") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kinds" IS DISTINCT FROM (new_values."kinds") OR old_values."min_severity" IS DISTINCT FROM (new_values."min_severity") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."nonce" IS DISTINCT FROM (new_values."nonce") OR old_values."old_nonce" IS DISTINCT FROM (new_values."old_nonce") OR old_values."old_until" IS DISTINCT FROM (new_values."old_until") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."url" IS DISTINCT FROM (new_values."url")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="00b11b4c58935c673716397764aa3906fd1310b0",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b1ac7",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_webhook",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhook",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_webhookhistory" ("created_at", "created_by_id", "enabled", "id", "kinds", "min_severity", "name", "nonce", "old_nonce", "old_until", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "team_id", "url") SELECT old_values."created_at", old_values."created_by_id", old_values."enabled", old_values."id", old_values."kinds", old_values."min_severity", old_values."name", old_values."nonce", old_values."old_nonce", old_values."old_until", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."team_id", old_values."url" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="9335380ac7254ffec6372ae25f64631b3c8ae527",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_bf92c",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_webhook",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhookhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1f9b3e6c702dcb20caf3c07f490a531ebf1dc545",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_758e6",
                    table="alerts_webhookhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
