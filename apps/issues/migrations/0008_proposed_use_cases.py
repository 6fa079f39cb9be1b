"""The kind of causes about proposed use cases; no change of the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0007_index_groups_of_issues"),
    ]

    operations = [
        migrations.AlterField(
            model_name="cause",
            name="kind",
            field=models.CharField(
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
                    ("tolerance_change", "Decision to confirm"),
                    ("token_expiry", "API token expiry"),
                    ("proposed_use_case", "Proposed use case"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="causehistory",
            name="kind",
            field=models.CharField(
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
                    ("tolerance_change", "Decision to confirm"),
                    ("token_expiry", "API token expiry"),
                    ("proposed_use_case", "Proposed use case"),
                ],
                max_length=20,
            ),
        ),
    ]
