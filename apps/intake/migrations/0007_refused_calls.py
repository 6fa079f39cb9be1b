"""Calls that a gateway refused by its policy on the lifecycle of models."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0006_uses_of_usage_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="usageday",
            name="n_refused",
            field=models.PositiveBigIntegerField(
                db_default=0,
                default=0,
                help_text="Failed calls that a gateway refused by its policy on the lifecycle of models.",
            ),
        ),
    ]
