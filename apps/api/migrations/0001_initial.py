"""The tables of api, with their history and triggers."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("common", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "caller",
                    models.CharField(
                        help_text="Caller of the key; callers can use the same key.", max_length=60
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                (
                    "fingerprint",
                    models.CharField(
                        blank=True, help_text="SHA-256 of method, URL and body.", max_length=64
                    ),
                ),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        help_text="Status of the answer; null while the request is in progress.",
                        null=True,
                    ),
                ),
                ("headers", models.JSONField(default=dict)),
                ("body", models.BinaryField(default=b"")),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [models.Index(fields=["created_at"], name="idempotency_key_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("caller", "key"), name="idempotency_key_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "resource",
                    models.CharField(help_text="Resource that the job changes.", max_length=40),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("row_by_row", "Row by row"),
                            ("all_or_nothing", "All or nothing"),
                        ],
                        default="row_by_row",
                        max_length=14,
                    ),
                ),
                ("dry_run", models.BooleanField(default=False)),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="Reason for the change, for the audit log.",
                        max_length=500,
                    ),
                ),
                (
                    "bound_team_id",
                    models.BigIntegerField(
                        help_text="Team of the token that requested the job; null if it is not bound.",
                        null=True,
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
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=9,
                    ),
                ),
                ("n_rows", models.PositiveIntegerField(default=0)),
                ("n_done", models.PositiveIntegerField(default=0)),
                ("created", models.PositiveIntegerField(default=0)),
                ("updated", models.PositiveIntegerField(default=0)),
                ("unchanged", models.PositiveIntegerField(default=0)),
                ("n_rejected", models.PositiveIntegerField(default=0)),
                (
                    "rejected",
                    models.JSONField(
                        default=list,
                        help_text="Rejected rows, the first 1,000, as {where, reason}.",
                    ),
                ),
                (
                    "applied",
                    models.BooleanField(default=False, help_text="Whether any row was written."),
                ),
                (
                    "error",
                    models.TextField(
                        blank=True, help_text="Reason for the failure, as a sentence."
                    ),
                ),
                (
                    "change",
                    models.UUIDField(
                        help_text="ID of the change in the audit log; null if nothing was written.",
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
                ("queued_at", models.DateTimeField()),
                (
                    "started_at",
                    models.DateTimeField(
                        help_text="Time at which a worker first started the job.", null=True
                    ),
                ),
                (
                    "heartbeat_at",
                    models.DateTimeField(
                        help_text="Last heartbeat of the worker that runs the job.", null=True
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["by", "-id"], name="job_by_person"),
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["id"],
                        name="job_waiting",
                    ),
                    models.Index(fields=["queued_at"], name="job_by_age"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("n_done__lte", models.F("n_rows"))),
                        name="job_done_at_most_its_rows",
                        violation_error_message="The completed rows of a job cannot exceed its rows.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="JobChunk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first", models.PositiveIntegerField(help_text="Number of the first row.")),
                (
                    "body",
                    models.BinaryField(help_text="Rows as one JSON value per line, deflated."),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chunks",
                        to="api.job",
                    ),
                ),
            ],
            options={
                "ordering": ["job", "first"],
                "constraints": [
                    models.UniqueConstraint(fields=("job", "first"), name="job_chunk_once")
                ],
            },
        ),
    ]
