"""The tables of common, and the extensions that all apps need.

They ship with PostgreSQL and are trusted, so the owner of the database may create them.
"""

import django.contrib.postgres.operations
from django.db import migrations, models

# What the models do not describe.
BEYOND_MODELS = """
-- the audit finds changes by who made them, by job, by reason and by time
CREATE INDEX history_context_actor ON pghistory_context USING btree (((metadata ->> 'actor'::text)), created_at);
CREATE INDEX history_context_job ON pghistory_context USING btree (((metadata ->> 'job'::text)), created_at) WHERE (metadata ? 'job'::text);
CREATE INDEX history_context_reason ON pghistory_context USING gin (((metadata ->> 'reason'::text)) gin_trgm_ops);
CREATE INDEX history_context_time ON pghistory_context USING btree (created_at);
"""

BEYOND_MODELS_REVERSE = """
DROP INDEX IF EXISTS history_context_time;
DROP INDEX IF EXISTS history_context_reason;
DROP INDEX IF EXISTS history_context_job;
DROP INDEX IF EXISTS history_context_actor;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(),
        django.contrib.postgres.operations.TrigramExtension(),
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "name",
                    models.CharField(
                        help_text="Name of the work that only one process does at a time.",
                        max_length=60,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "holder",
                    models.CharField(
                        help_text="Host, process and a random part; unique.", max_length=120
                    ),
                ),
                ("acquired_at", models.DateTimeField(help_text="Time by the database's clock.")),
                (
                    "expires_at",
                    models.DateTimeField(
                        help_text="Time by the database's clock; after it another process can take the lease."
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="PeriodicJob",
            fields=[
                (
                    "name",
                    models.CharField(
                        help_text="Name of the task.",
                        max_length=100,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "enqueued_at",
                    models.DateTimeField(help_text="Empty: not started yet.", null=True),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        help_text="Start of the latest run, including failed runs.", null=True
                    ),
                ),
                (
                    "succeeded_at",
                    models.DateTimeField(help_text="End of the latest successful run.", null=True),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.RunSQL(
            sql=BEYOND_MODELS,
            reverse_sql=BEYOND_MODELS_REVERSE,
        ),
    ]
