"""Prices that change by so little that the change is not reported."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_due_retirements"),
    ]

    operations = [
        migrations.AddField(
            model_name="assertion",
            name="drifted_from",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="Last reported price of each unit that has changed since by so little that it was not reported.",
            ),
        ),
    ]
