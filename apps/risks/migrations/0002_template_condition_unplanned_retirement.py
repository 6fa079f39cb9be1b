"""The condition of templates whose risk a migration plan closes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("risks", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="risktemplate",
            name="applies_when",
            field=models.CharField(
                blank=True,
                choices=[
                    (
                        "judge_shares_base",
                        "Judge or guardrail shares lineage with a primary model of its application",
                    ),
                    ("calls_moving_name", "Calls an alias that the provider can move"),
                    ("unplanned_retirement", "No migration of the dependency is planned"),
                ],
                help_text="Empty: every dependency that depends on the node inherits the risk.",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="risktemplatehistory",
            name="applies_when",
            field=models.CharField(
                blank=True,
                choices=[
                    (
                        "judge_shares_base",
                        "Judge or guardrail shares lineage with a primary model of its application",
                    ),
                    ("calls_moving_name", "Calls an alias that the provider can move"),
                    ("unplanned_retirement", "No migration of the dependency is planned"),
                ],
                help_text="Empty: every dependency that depends on the node inherits the risk.",
                max_length=20,
            ),
        ),
    ]
