"""Counts of inherited risks in applications with strictly confidential data."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("risks", "0002_template_condition_unplanned_retirement"),
    ]

    operations = [
        migrations.AddField(
            model_name="riskcount",
            name="n_critical_secret",
            field=models.PositiveIntegerField(
                default=0, help_text="Number of these in critical applications."
            ),
        ),
        migrations.AddField(
            model_name="riskcount",
            name="n_secret",
            field=models.PositiveIntegerField(
                default=0, help_text="In applications with strictly confidential data."
            ),
        ),
    ]
