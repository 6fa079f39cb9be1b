"""Alerts are linked with the issues that they notify of; existing alerts are queued for that."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

_QUEUE_TRIGGERS = """
CREATE FUNCTION alerts_queue_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO alerts_pendinglink (alert_id) SELECT id FROM new_rows;
    RETURN NULL;
END $$;

CREATE FUNCTION alerts_queue_issues() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO alerts_pendinglink (issue_id) SELECT id FROM new_rows;
    RETURN NULL;
END $$;

-- a cause that exists concerns another offering, and with it its issues
CREATE FUNCTION alerts_queue_issues_of_causes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO alerts_pendinglink (issue_id)
    SELECT i.id
    FROM (SELECT DISTINCT cause_id FROM new_rows) n JOIN issues_issue i ON i.cause_id = n.cause_id;
    RETURN NULL;
END $$;

CREATE TRIGGER alerts_link_new_alerts
AFTER INSERT ON alerts_alert REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION alerts_queue_alerts();

CREATE TRIGGER alerts_link_new_issues
AFTER INSERT ON issues_issue REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION alerts_queue_issues();

CREATE TRIGGER alerts_link_issues_of_causes
AFTER INSERT ON issues_causeoffering REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION alerts_queue_issues_of_causes();

INSERT INTO alerts_pendinglink (alert_id) SELECT id FROM alerts_alert;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0005_alerts_about_migration_tasks"),
        ("issues", "0004_index_by_urgency"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertIssue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "alert",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="issue_links",
                        to="alerts.alert",
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alert_links",
                        to="issues.issue",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="alertissue",
            constraint=models.UniqueConstraint(fields=("alert", "issue"), name="alert_issue_once"),
        ),
        migrations.CreateModel(
            name="PendingLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("alert_id", models.BigIntegerField(null=True)),
                ("issue_id", models.BigIntegerField(null=True)),
            ],
        ),
        migrations.AddIndex(
            model_name="alert",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    models.F("application_ids"), name="jsonb_path_ops"
                ),
                name="alert_by_application",
                fastupdate=False,
            ),
        ),
        migrations.RunSQL(
            sql=_QUEUE_TRIGGERS,
            reverse_sql="""
DROP FUNCTION alerts_queue_alerts() CASCADE;
DROP FUNCTION alerts_queue_issues() CASCADE;
DROP FUNCTION alerts_queue_issues_of_causes() CASCADE;
""",
        ),
    ]
