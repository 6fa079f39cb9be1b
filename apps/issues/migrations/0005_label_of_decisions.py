"""The kind `tolerance_change` covers all decisions that a second person confirms."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0004_index_by_urgency"),
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
                ],
                max_length=20,
            ),
        ),
    ]
