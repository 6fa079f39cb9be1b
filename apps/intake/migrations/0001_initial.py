"""The tables of intake, with their history and triggers."""

import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


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
            name="CallBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stream", models.CharField(max_length=80)),
                ("groups", models.JSONField()),
                ("received_at", models.DateTimeField()),
                (
                    "application",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inventory.application",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.apitoken",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CountedCall",
            fields=[
                ("key", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hour", models.PositiveIntegerField(help_text="Hours since 1970 at receipt.")),
                (
                    "at",
                    models.BigIntegerField(
                        default=0, help_text="Response IDs: seconds since 1970 at counting; else 0."
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="counted_call_by_hour")],
            },
        ),
        migrations.CreateModel(
            name="HandledIdentity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("was_revoked", models.BooleanField()),
                ("handled_at", models.DateTimeField()),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.identitydecision",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "handled identities",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("decision", "was_revoked"), name="identity_handled_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Import",
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
                            ("sheet", "Spreadsheet"),
                            ("document", "Document"),
                            ("evaluation", "Evaluation results"),
                        ],
                        default="sheet",
                        max_length=20,
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        help_text="csv, xlsx, cyclonedx, litellm-config, ...", max_length=20
                    ),
                ),
                ("file_name", models.CharField(blank=True, max_length=255)),
                ("digest", models.CharField(help_text="SHA-256 of the file.", max_length=64)),
                ("n_bytes", models.PositiveBigIntegerField()),
                (
                    "about",
                    models.CharField(
                        blank=True, help_text="Encoding and delimiter of the file.", max_length=120
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Columns to be assigned"),
                            ("reading", "Reading"),
                            ("read", "Waiting for confirmation"),
                            ("applying", "Applying"),
                            ("applied", "Applied"),
                            ("undoing", "Undoing"),
                            ("undone", "Undone"),
                            ("dropped", "Discarded"),
                            ("failed", "Not readable"),
                        ],
                        default="received",
                        max_length=10,
                    ),
                ),
                (
                    "mapping",
                    models.JSONField(default=dict, help_text="Assignment of columns to fields."),
                ),
                ("header_digest", models.CharField(blank=True, max_length=64)),
                (
                    "whole_or_nothing",
                    models.BooleanField(
                        default=False,
                        help_text="Row from which the import could not be applied; empty: none.",
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Attempts of workers on the current step."
                    ),
                ),
                (
                    "counts",
                    models.JSONField(
                        default=dict, help_text="Rows, applications and dependencies by outcome."
                    ),
                ),
                (
                    "error",
                    models.TextField(
                        blank=True, help_text="Sentence with the reason of the failure."
                    ),
                ),
                (
                    "planned_on",
                    models.DateField(blank=True, help_text="Date of the preview.", null=True),
                ),
                (
                    "change",
                    models.UUIDField(
                        blank=True, help_text="ID of the changes in the audit log.", null=True
                    ),
                ),
                ("received_at", models.DateTimeField()),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("applied_at", models.DateTimeField(blank=True, null=True)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "undone_by",
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
                        help_text="Application of the document, where the sender named one.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="imports",
                        to="inventory.application",
                    ),
                ),
                (
                    "document_at",
                    models.DateTimeField(
                        blank=True, help_text="Creation time stated in the document.", null=True
                    ),
                ),
                ("environment", models.CharField(blank=True, default="", max_length=60)),
                (
                    "idempotency_key",
                    models.CharField(blank=True, default="", help_text="As sent.", max_length=128),
                ),
                (
                    "is_older",
                    models.BooleanField(
                        default=False,
                        help_text="A newer document of the same tool was already imported: this one confirms usage, but ends none.",
                    ),
                ),
                (
                    "natural_key",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Serial number and version stated in the document.",
                        max_length=200,
                    ),
                ),
                (
                    "problems",
                    models.JSONField(
                        default=dict,
                        help_text="Lists by kind: schema, rejected, ignored, unresolved; each {where, reason}.",
                    ),
                ),
                (
                    "schema_valid",
                    models.BooleanField(
                        blank=True, help_text="Empty: no schema, or not checked.", null=True
                    ),
                ),
                (
                    "strict",
                    models.BooleanField(
                        default=False, help_text="Reject documents that do not match their schema."
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
                    "tool",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Tool that created the document.",
                        max_length=60,
                    ),
                ),
                ("tool_version", models.CharField(blank=True, default="", max_length=60)),
            ],
            options={
                "ordering": ["-received_at", "-id"],
                "indexes": [
                    models.Index(fields=["by", "-received_at", "-id"], name="import_by_person"),
                    models.Index(fields=["-received_at", "-id"], name="import_by_time"),
                    models.Index(fields=["digest"], name="import_by_digest"),
                    models.Index(
                        condition=models.Q(("application__isnull", False)),
                        fields=["application", "-received_at", "-id"],
                        name="import_by_application",
                    ),
                    models.Index(
                        condition=models.Q(("natural_key", ""), _negated=True),
                        fields=["natural_key"],
                        name="import_by_natural_key",
                    ),
                    models.Index(
                        condition=models.Q(("idempotency_key", ""), _negated=True),
                        fields=["by", "idempotency_key"],
                        name="import_by_idempotency_key",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["reading", "applying", "undoing"])),
                        fields=["state"],
                        name="import_waiting",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "undone"), _negated=True),
                            ("change__isnull", False),
                            _connector="OR",
                        ),
                        name="import_applied_has_change",
                        violation_error_message="Only an applied import can be undone.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Deployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stream",
                    models.CharField(
                        help_text="Stream that reported it: azure-deployments:az, terraform:terraform, ...",
                        max_length=80,
                    ),
                ),
                (
                    "host",
                    models.CharField(
                        help_text="Slug of the host: azure, amazon-bedrock.", max_length=60
                    ),
                ),
                (
                    "account",
                    models.CharField(blank=True, help_text="Account at the host.", max_length=256),
                ),
                (
                    "name",
                    models.CharField(help_text="Name that applications call.", max_length=256),
                ),
                ("model", models.CharField(help_text="Model name of the host.", max_length=256)),
                (
                    "version",
                    models.CharField(
                        blank=True,
                        help_text="Model version of the host; empty: not stated.",
                        max_length=60,
                    ),
                ),
                (
                    "upgrades",
                    models.BooleanField(
                        default=False,
                        help_text="The host upgrades it to newer versions automatically.",
                    ),
                ),
                (
                    "where",
                    models.CharField(
                        blank=True, help_text="Location in the document.", max_length=300
                    ),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "missing_since",
                    models.DateField(
                        blank=True,
                        help_text="The newest document no longer contains it.",
                        null=True,
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deployments",
                        to="inventory.application",
                    ),
                ),
                (
                    "seen_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deployments",
                        to="intake.import",
                    ),
                ),
            ],
            options={
                "ordering": ["host", "name", "account", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("stream", "application", "host", "account", "name"),
                        name="deployment_once",
                        nulls_distinct=False,
                        violation_error_message="This connection already reported this deployment.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportContent",
            fields=[
                (
                    "import_record",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="intake.import",
                    ),
                ),
                ("body", models.BinaryField(help_text="Compressed content (deflate).")),
            ],
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "position",
                    models.PositiveIntegerField(
                        help_text="Position in the whole file, in processing order."
                    ),
                ),
                (
                    "sheet",
                    models.PositiveSmallIntegerField(
                        help_text="Position of the worksheet in the file."
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(help_text="Row number as shown in a spreadsheet."),
                ),
                ("cells", models.JSONField(help_text="Cells as text.")),
                (
                    "application",
                    models.JSONField(default=dict, help_text="Application fields of the row."),
                ),
                (
                    "use",
                    models.JSONField(
                        blank=True, help_text="Dependency fields of the row.", null=True
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("added", "Added"),
                            ("changed", "Changed"),
                            ("unchanged", "Unchanged"),
                            ("refused", "Rejected"),
                        ],
                        max_length=9,
                    ),
                ),
                ("reason", models.TextField(blank=True, help_text="Reason of the rejection.")),
                (
                    "column",
                    models.CharField(
                        blank=True, help_text="Column header of the rejected cell.", max_length=200
                    ),
                ),
                ("note", models.TextField(blank=True)),
                (
                    "plan",
                    models.JSONField(
                        default=dict, help_text="Changes to the registry, old and new values."
                    ),
                ),
                (
                    "import_record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="intake.import",
                    ),
                ),
            ],
            options={
                "ordering": ["import_record", "position"],
                "indexes": [
                    models.Index(
                        fields=["import_record", "outcome", "position"],
                        name="import_row_by_outcome",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("import_record", "position"), name="import_row_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome", "refused"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="import_row_refused_with_reason",
                        violation_error_message="A rejected row must have a reason.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IntakeSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "unseen_after_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="Days without observed traffic after which a declared use is reported as unconfirmed.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(366),
                        ],
                    ),
                ),
                (
                    "drift_days",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="Days whose served model is compared with the same number of days before.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(90),
                        ],
                    ),
                ),
                (
                    "declares_shadows",
                    models.BooleanField(
                        default=True,
                        help_text="Observed usage of known models becomes an observed dependency automatically.",
                    ),
                ),
                (
                    "document_retention_days",
                    models.PositiveSmallIntegerField(
                        default=90,
                        help_text="Days for which documents are stored as sent.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                    ),
                ),
                (
                    "usage_retention_days",
                    models.PositiveSmallIntegerField(
                        default=400,
                        help_text="Days for which daily calls are stored.",
                        validators=[
                            django.core.validators.MinValueValidator(30),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "intake settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pk", 1)), name="intake_settings_one_row"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IntakeSettingsHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "unseen_after_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="Days without observed traffic after which a declared use is reported as unconfirmed.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(366),
                        ],
                    ),
                ),
                (
                    "drift_days",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="Days whose served model is compared with the same number of days before.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(90),
                        ],
                    ),
                ),
                (
                    "declares_shadows",
                    models.BooleanField(
                        default=True,
                        help_text="Observed usage of known models becomes an observed dependency automatically.",
                    ),
                ),
                (
                    "document_retention_days",
                    models.PositiveSmallIntegerField(
                        default=90,
                        help_text="Days for which documents are stored as sent.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                    ),
                ),
                (
                    "usage_retention_days",
                    models.PositiveSmallIntegerField(
                        default=400,
                        help_text="Days for which daily calls are stored.",
                        validators=[
                            django.core.validators.MinValueValidator(30),
                            django.core.validators.MaxValueValidator(3660),
                        ],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                        to="intake.intakesettings",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="MeteredSeries",
            fields=[
                ("key", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "start",
                    models.BigIntegerField(
                        help_text="Start of the counter of the connection, in nanoseconds since 1970."
                    ),
                ),
                (
                    "at",
                    models.BigIntegerField(
                        help_text="Time of the value, in nanoseconds since 1970."
                    ),
                ),
                ("value", models.FloatField()),
            ],
            options={
                "verbose_name_plural": "counter series",
                "indexes": [models.Index(fields=["at"], name="metered_series_by_time")],
            },
        ),
        migrations.CreateModel(
            name="NameDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stream",
                    models.CharField(
                        blank=True,
                        help_text="Only for this connection; empty: for all.",
                        max_length=80,
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        blank=True, help_text="As sent; empty: none stated.", max_length=120
                    ),
                ),
                ("name", models.CharField(max_length=256)),
                ("not_a_model", models.BooleanField(default=False)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
            ],
            options={
                "ordering": ["-decided_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("stream", "provider", "name"),
                        name="name_decision_once",
                        violation_error_message="A decision on this name already exists. Revoke it first.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("not_a_model", False), ("offering__isnull", False)),
                            models.Q(("not_a_model", True), ("offering__isnull", True)),
                            _connector="OR",
                        ),
                        name="name_decision_says_one_thing",
                        violation_error_message="Select a model, or mark the name as not a model.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NameDecisionHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "stream",
                    models.CharField(
                        blank=True,
                        help_text="Only for this connection; empty: for all.",
                        max_length=80,
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        blank=True, help_text="As sent; empty: none stated.", max_length=120
                    ),
                ),
                ("name", models.CharField(max_length=256)),
                ("not_a_model", models.BooleanField(default=False)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
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
                        to="intake.namedecision",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SavedMapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("header_digest", models.CharField(max_length=64)),
                ("mapping", models.JSONField()),
                ("used_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-used_at"],
                "indexes": [
                    models.Index(
                        fields=["header_digest", "-used_at"], name="saved_mapping_by_header"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "header_digest"), name="saved_mapping_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SenderFact",
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
                            (
                                "instrumented",
                                "This service has an instrumentation in addition to the spans of its SDK",
                            ),
                            ("answers", "The gateway of this API token reports the served model"),
                        ],
                        max_length=12,
                    ),
                ),
                ("key", models.BigIntegerField()),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["seen_at"], name="sender_fact_by_time")],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "key"), name="sender_fact_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Service",
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
                        help_text="namespace/name of traces; team or tag of a gateway.",
                        max_length=256,
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Connection that reports these names: empty for traces, else the gateway.",
                        max_length=60,
                    ),
                ),
                ("is_ignored", models.BooleanField(default=False, help_text="Ignored by a user.")),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="services",
                        to="inventory.application",
                    ),
                ),
                (
                    "first_token",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.apitoken",
                    ),
                ),
                (
                    "unlinked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Unlinked by a user: not linked automatically by its name again.",
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("application__isnull", True), ("is_ignored", False)),
                        fields=["-last_seen_at"],
                        name="service_unclaimed",
                    ),
                    models.Index(fields=["name"], name="service_by_name"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("scope", "name"), name="service_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_ignored", False), ("application__isnull", True), _connector="OR"
                        ),
                        name="service_ignored_or_claimed",
                        violation_error_message="A service that is linked to an application cannot be ignored. Unlink it first.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.UUIDField(
                        help_text="Digest of connection, application or service, and all names.",
                        unique=True,
                    ),
                ),
                (
                    "stream",
                    models.CharField(
                        help_text="Connection: otlp, cyclonedx:cdxgen, litellm-config:name, ...",
                        max_length=80,
                    ),
                ),
                ("environment", models.CharField(blank=True, max_length=60)),
                (
                    "alias",
                    models.CharField(
                        blank=True,
                        help_text="Alias that the application requests from a gateway.",
                        max_length=256,
                    ),
                ),
                (
                    "requested",
                    models.CharField(
                        blank=True, help_text="Model ID sent to the provider.", max_length=256
                    ),
                ),
                (
                    "served",
                    models.CharField(
                        blank=True,
                        help_text="Model ID in the response of the provider.",
                        max_length=256,
                    ),
                ),
                ("provider", models.CharField(blank=True, help_text="As sent.", max_length=120)),
                ("region", models.CharField(blank=True, max_length=60)),
                ("gateway", models.CharField(blank=True, help_text="As sent.", max_length=120)),
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("primary", "Primary"),
                            ("fallback", "Fallback"),
                            ("judge", "Judge"),
                            ("guardrail", "Guardrail"),
                            ("embedding", "Embedding"),
                            ("reranker", "Reranker"),
                            ("tool", "Tool"),
                        ],
                        max_length=10,
                    ),
                ),
                ("fallback_order", models.PositiveSmallIntegerField(default=0)),
                (
                    "confidence",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Named in code or by model family"),
                            (2, "Listed in a spreadsheet or catalogue"),
                            (3, "In a bill of materials"),
                            (4, "In infrastructure code"),
                            (5, "In a gateway configuration"),
                            (6, "In a gateway log"),
                            (7, "Observed at run time"),
                        ]
                    ),
                ),
                (
                    "places",
                    models.JSONField(
                        default=list,
                        help_text="Location in the source, relative to the repository.",
                    ),
                ),
                (
                    "facts",
                    models.JSONField(
                        default=dict,
                        help_text="Further details of the document: model card, licence, purl.",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "Pending"),
                            ("matched", "Part of a dependency"),
                            ("unresolved", "Unresolved model"),
                            ("unclaimed", "Unlinked application"),
                            ("out_of_use", "Retired application"),
                            ("set_aside", "Ignored"),
                        ],
                        default="new",
                        max_length=10,
                    ),
                ),
                (
                    "explanation",
                    models.TextField(
                        blank=True,
                        help_text="Explanation of the identification, or the reason why there is none.",
                    ),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "missing_since",
                    models.DateField(
                        blank=True,
                        help_text="The newest document of the connection no longer contains it.",
                        null=True,
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="observations",
                        to="inventory.application",
                    ),
                ),
                (
                    "dependency",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="observations",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "seen_in",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="observations",
                        to="intake.import",
                    ),
                ),
                (
                    "served_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.version",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="observations",
                        to="intake.service",
                    ),
                ),
            ],
            options={
                "ordering": ["-last_seen_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["application", "-last_seen_at", "-id"],
                        name="observation_by_application",
                    ),
                    models.Index(
                        condition=models.Q(("service__isnull", False)),
                        fields=["service"],
                        name="observation_by_service",
                    ),
                    models.Index(
                        condition=models.Q(("dependency__isnull", False)),
                        fields=["dependency"],
                        name="observation_by_dependency",
                    ),
                    models.Index(
                        condition=models.Q(("state", "new")), fields=["id"], name="observation_new"
                    ),
                    models.Index(fields=["-last_seen_at", "-id"], name="observation_by_time"),
                    models.Index(
                        condition=models.Q(
                            ("state__in", ["unresolved", "unclaimed", "out_of_use"])
                        ),
                        fields=["state", "-last_seen_at", "-id"],
                        name="observation_undecided",
                    ),
                    models.Index(
                        condition=models.Q(("offering__isnull", False)),
                        fields=["offering"],
                        name="observation_by_offering",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Discrepancy",
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
                        help_text="Subject of the discrepancy; at most one per key is open.",
                        max_length=200,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("shadow", "Undeclared use"),
                            ("unseen", "Unconfirmed use"),
                            ("drift", "Version drift"),
                            ("other_served", "Different model served"),
                            ("out_of_use", "Retired application in use"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "details",
                    models.JSONField(
                        default=dict, help_text="Names, versions and dates as observed."
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "closed_as",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ended", "No longer observed"),
                            ("declared", "Declared"),
                            ("dismissed", "Dismissed"),
                        ],
                        max_length=9,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "quiet_until",
                    models.DateField(
                        blank=True,
                        help_text="Dismissed: not reported again before this date.",
                        null=True,
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="inventory.application",
                    ),
                ),
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
                    "dependency",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "observation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="intake.observation",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "discrepancies",
                "ordering": ["-opened_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=["kind", "-opened_at", "-id"],
                        name="discrepancy_open",
                    ),
                    models.Index(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=["-opened_at", "-id"],
                        name="discrepancy_open_by_time",
                    ),
                    models.Index(
                        fields=["application", "-opened_at"], name="discrepancy_by_application"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("key",),
                        name="discrepancy_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_as", ""), ("closed_at__isnull", True)),
                            models.Q(
                                ("closed_at__isnull", False),
                                models.Q(("closed_as", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="discrepancy_closed_somehow",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DiscrepancyHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "key",
                    models.CharField(
                        help_text="Subject of the discrepancy; at most one per key is open.",
                        max_length=200,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("shadow", "Undeclared use"),
                            ("unseen", "Unconfirmed use"),
                            ("drift", "Version drift"),
                            ("other_served", "Different model served"),
                            ("out_of_use", "Retired application in use"),
                        ],
                        max_length=12,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "closed_as",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ended", "No longer observed"),
                            ("declared", "Declared"),
                            ("dismissed", "Dismissed"),
                        ],
                        max_length=9,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "quiet_until",
                    models.DateField(
                        blank=True,
                        help_text="Dismissed: not reported again before this date.",
                        null=True,
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
                    "dependency",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
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
                        to="intake.discrepancy",
                    ),
                ),
                (
                    "observation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="intake.observation",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ServiceHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "name",
                    models.CharField(
                        help_text="namespace/name of traces; team or tag of a gateway.",
                        max_length=256,
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Connection that reports these names: empty for traces, else the gateway.",
                        max_length=60,
                    ),
                ),
                ("is_ignored", models.BooleanField(default=False, help_text="Ignored by a user.")),
                ("first_seen_at", models.DateTimeField()),
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
                    "first_token",
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
                        to="intake.service",
                    ),
                ),
                (
                    "unlinked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Unlinked by a user: not linked automatically by its name again.",
                        null=True,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ServiceToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("last_sent_at", models.DateTimeField(help_text="To the hour.")),
                ("n_dropped", models.PositiveBigIntegerField(default=0)),
                ("first_dropped_at", models.DateTimeField(null=True)),
                ("last_dropped_at", models.DateTimeField(null=True)),
                (
                    "service",
                    models.ForeignKey(
                        help_text="Empty: the API token is linked to an application, for all services.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="intake.service",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="services",
                        to="accounts.apitoken",
                    ),
                ),
            ],
            options={
                "ordering": ["-last_sent_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("service", "token"), name="service_token_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("last_dropped_at__isnull", True), ("n_dropped", 0)),
                            models.Q(
                                ("first_dropped_at__isnull", False),
                                ("last_dropped_at__isnull", False),
                                ("n_dropped__gt", 0),
                            ),
                            _connector="OR",
                        ),
                        name="service_token_dropped_has_its_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StreamSummary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stream", models.CharField(max_length=80, unique=True)),
                ("n_observations", models.PositiveIntegerField()),
                ("n_applications", models.PositiveIntegerField()),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "n_calls",
                    models.PositiveBigIntegerField(default=0, help_text="Of the last 7 days."),
                ),
                (
                    "n_errors",
                    models.PositiveBigIntegerField(default=0, help_text="Of the last 7 days."),
                ),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-last_seen_at"],
            },
        ),
        migrations.CreateModel(
            name="TokenBinding",
            fields=[
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="binding",
                        serialize=False,
                        to="accounts.apitoken",
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        blank=True, help_text="Used where the sender states none.", max_length=60
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bound_tokens",
                        to="inventory.application",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="TokenBindingHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "environment",
                    models.CharField(
                        blank=True, help_text="Used where the sender states none.", max_length=60
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        to="intake.tokenbinding",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        serialize=False,
                        to="accounts.apitoken",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="UnmatchedCall",
            fields=[
                (
                    "key",
                    models.BigIntegerField(
                        help_text="Digest of connection, trace and span of the call.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "served",
                    models.CharField(
                        blank=True,
                        help_text="Served model; empty: not reported yet.",
                        max_length=256,
                    ),
                ),
                (
                    "counted_call",
                    models.JSONField(
                        help_text="The call as counted in a batch; null: not received yet.",
                        null=True,
                    ),
                ),
                ("received_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["received_at"], name="unmatched_call_by_time")],
            },
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("n_calls", models.PositiveBigIntegerField(default=0)),
                ("n_errors", models.PositiveBigIntegerField(default=0)),
                (
                    "n_without_usage",
                    models.PositiveBigIntegerField(
                        default=0, help_text="Calls without token counts."
                    ),
                ),
                ("input_tokens", models.PositiveBigIntegerField(null=True)),
                ("output_tokens", models.PositiveBigIntegerField(null=True)),
                (
                    "cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="As calculated by a gateway.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("sample_trace", models.CharField(blank=True, max_length=64)),
                (
                    "observation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="intake.observation",
                    ),
                ),
            ],
            options={
                "ordering": ["-day"],
                "indexes": [models.Index(fields=["day"], name="usage_day_by_day")],
                "constraints": [
                    models.UniqueConstraint(fields=("observation", "day"), name="usage_day_once")
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT new_values."declares_shadows", new_values."document_retention_days", new_values."drift_days", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."unseen_after_days", new_values."updated_at", new_values."usage_retention_days" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e608c458f9d67aa3a61ac1ad60d8733c302376b3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_cd3b7",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_intakesettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT new_values."declares_shadows", new_values."document_retention_days", new_values."drift_days", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."unseen_after_days", new_values."updated_at", new_values."usage_retention_days" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="2e74a84c2595267da40387f567c2e1bc397bc51d",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_77fd9",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_intakesettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_intakesettingshistory" ("declares_shadows", "document_retention_days", "drift_days", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unseen_after_days", "updated_at", "usage_retention_days") SELECT old_values."declares_shadows", old_values."document_retention_days", old_values."drift_days", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."unseen_after_days", old_values."updated_at", old_values."usage_retention_days" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="ce30a83a873f4566cd05018329c634703fecde36",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_4667b",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_intakesettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intakesettingshistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ce238034bc375c5193bb98a560f7830924702e40",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_685a2",
                    table="intake_intakesettingshistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedecision",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_namedecisionhistory" ("decided_at", "decided_by_id", "id", "name", "not_a_model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "reason", "revoked_at", "stream") SELECT new_values."decided_at", new_values."decided_by_id", new_values."id", new_values."name", new_values."not_a_model", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider", new_values."reason", new_values."revoked_at", new_values."stream" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c8af6f7e5e19e456675491ed52186f1676fa8b0b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_a23da",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_namedecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedecision",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_namedecisionhistory" ("decided_at", "decided_by_id", "id", "name", "not_a_model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "reason", "revoked_at", "stream") SELECT new_values."decided_at", new_values."decided_by_id", new_values."id", new_values."name", new_values."not_a_model", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider", new_values."reason", new_values."revoked_at", new_values."stream" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1bedce7655e54499e16e87f1de32ec8156e9f2c3",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a536d",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_namedecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedecision",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_namedecisionhistory" ("decided_at", "decided_by_id", "id", "name", "not_a_model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "reason", "revoked_at", "stream") SELECT old_values."decided_at", old_values."decided_by_id", old_values."id", old_values."name", old_values."not_a_model", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider", old_values."reason", old_values."revoked_at", old_values."stream" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="2be972476da1549295e9a38260d9fbd968348bc4",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_94845",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_namedecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="namedecisionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="7e264341b80e61e699b9c9ccf59691e4356f7b1a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_aea93",
                    table="intake_namedecisionhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="discrepancyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="0f2cfea6eda166ed56117b17849a930186315578",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c7425",
                    table="intake_discrepancyhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="discrepancy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_discrepancyhistory" ("application_id", "closed_as", "closed_at", "closed_by_id", "dependency_id", "id", "key", "kind", "observation_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quiet_until", "reason") SELECT new_values."application_id", new_values."closed_as", new_values."closed_at", new_values."closed_by_id", new_values."dependency_id", new_values."id", new_values."key", new_values."kind", new_values."observation_id", new_values."opened_at", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."quiet_until", new_values."reason" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1603ebe5dc855e9e254c35e71df12a2eedba8c95",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_3ca84",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_discrepancy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="discrepancy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_discrepancyhistory" ("application_id", "closed_as", "closed_at", "closed_by_id", "dependency_id", "id", "key", "kind", "observation_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quiet_until", "reason") SELECT new_values."application_id", new_values."closed_as", new_values."closed_at", new_values."closed_by_id", new_values."dependency_id", new_values."id", new_values."key", new_values."kind", new_values."observation_id", new_values."opened_at", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."quiet_until", new_values."reason" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."closed_as" IS DISTINCT FROM (new_values."closed_as") OR old_values."closed_at" IS DISTINCT FROM (new_values."closed_at") OR old_values."closed_by_id" IS DISTINCT FROM (new_values."closed_by_id") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."key" IS DISTINCT FROM (new_values."key") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."observation_id" IS DISTINCT FROM (new_values."observation_id") OR old_values."opened_at" IS DISTINCT FROM (new_values."opened_at") OR old_values."quiet_until" IS DISTINCT FROM (new_values."quiet_until") OR old_values."reason" IS DISTINCT FROM (new_values."reason")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e0193ffc04f7583aa077794db682bafb7685acf8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_14b77",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_discrepancy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="discrepancy",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_discrepancyhistory" ("application_id", "closed_as", "closed_at", "closed_by_id", "dependency_id", "id", "key", "kind", "observation_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quiet_until", "reason") SELECT old_values."application_id", old_values."closed_as", old_values."closed_at", old_values."closed_by_id", old_values."dependency_id", old_values."id", old_values."key", old_values."kind", old_values."observation_id", old_values."opened_at", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."quiet_until", old_values."reason" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="0fbfd7bbf4ae7838bd37055e5b73886f2f466690",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_32839",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_discrepancy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="service",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_servicehistory" ("application_id", "first_seen_at", "first_token_id", "id", "is_ignored", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scope", "unlinked_at") SELECT new_values."application_id", new_values."first_seen_at", new_values."first_token_id", new_values."id", new_values."is_ignored", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."scope", new_values."unlinked_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9118a0abbb1dd475da6ac7046dc5c0da1f3048a6",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_aa409",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_service",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="service",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_servicehistory" ("application_id", "first_seen_at", "first_token_id", "id", "is_ignored", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scope", "unlinked_at") SELECT new_values."application_id", new_values."first_seen_at", new_values."first_token_id", new_values."id", new_values."is_ignored", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."scope", new_values."unlinked_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."first_seen_at" IS DISTINCT FROM (new_values."first_seen_at") OR old_values."first_token_id" IS DISTINCT FROM (new_values."first_token_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."is_ignored" IS DISTINCT FROM (new_values."is_ignored") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."scope" IS DISTINCT FROM (new_values."scope") OR old_values."unlinked_at" IS DISTINCT FROM (new_values."unlinked_at")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e8e9e679de4ceea70fb40587e4259b4d1faffdb4",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_6b355",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_service",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="service",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_servicehistory" ("application_id", "first_seen_at", "first_token_id", "id", "is_ignored", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scope", "unlinked_at") SELECT old_values."application_id", old_values."first_seen_at", old_values."first_token_id", old_values."id", old_values."is_ignored", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."scope", old_values."unlinked_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="147a9f1d426666f7781f04c0826ef53988dffb8b",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ef7c5",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_service",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="servicehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1878fd5dddc20f893d36263823d30742bc256f8a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_9afaa",
                    table="intake_servicehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tokenbinding",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_tokenbindinghistory" ("application_id", "created_at", "environment", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "token_id") SELECT new_values."application_id", new_values."created_at", new_values."environment", _pgh_attached_context.value, NOW(), \'insert\', new_values."token_id", new_values."token_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="cf2e0c85659836f8f5e18e1d20f258c5bdb50184",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e7d91",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_tokenbinding",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tokenbinding",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_tokenbindinghistory" ("application_id", "created_at", "environment", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "token_id") SELECT new_values."application_id", new_values."created_at", new_values."environment", _pgh_attached_context.value, NOW(), \'update\', new_values."token_id", new_values."token_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."token_id") = (new_values."token_id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="592eb05c16fcdb9e68128b58425251edb70e7a0b",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_7b03f",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_tokenbinding",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tokenbinding",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_tokenbindinghistory" ("application_id", "created_at", "environment", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "token_id") SELECT old_values."application_id", old_values."created_at", old_values."environment", _pgh_attached_context.value, NOW(), \'delete\', old_values."token_id", old_values."token_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="5e60d4641f22271588b8a89713942852a3fa5418",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_8e618",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_tokenbinding",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tokenbindinghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f99d6a8348f95b8dfad81933760dbbcc7c18519c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b6cde",
                    table="intake_tokenbindinghistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
