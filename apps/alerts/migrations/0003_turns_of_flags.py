"""Which turns in the life of flags have been told of."""

import django.db.models.deletion
from django.db import migrations, models

DETAILS = "What the subject does not say by itself; the shapes stand in kinds/feeds/feed_text.py and kinds/exposure_flag_text.py."


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0002_alerts_about_feeds"),
        ("exposure", "0005_tolerances_go"),
    ]

    operations = [
        migrations.CreateModel(
            name="HandledFlagEvent",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="exposure.flagevent",
                    ),
                ),
                ("handled_at", models.DateTimeField()),
            ],
        ),
        migrations.AlterField(
            model_name="alert",
            name="details",
            field=models.JSONField(blank=True, default=dict, help_text=DETAILS),
        ),
        migrations.AlterField(
            model_name="alerthistory",
            name="details",
            field=models.JSONField(blank=True, default=dict, help_text=DETAILS),
        ),
    ]
