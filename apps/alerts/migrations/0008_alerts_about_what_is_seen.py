import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0007_alerts_lose_their_mail"),
        ("intake", "0002_observations"),
    ]

    operations = [
        migrations.CreateModel(
            name="HandledDiscrepancy",
            fields=[
                (
                    "discrepancy",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="intake.discrepancy",
                    ),
                ),
                ("handled_at", models.DateTimeField()),
            ],
            options={"verbose_name_plural": "handled discrepancies"},
        ),
        migrations.AlterField(
            model_name="alert",
            name="details",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="What the subject does not say by itself; the shapes stand in kinds/feeds/feed_text.py, kinds/exposure_flag_text.py, kinds/reminders/reminder_text.py and kinds/usage_discrepancy_text.py.",
            ),
        ),
        migrations.AlterField(
            model_name="alerthistory",
            name="details",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="What the subject does not say by itself; the shapes stand in kinds/feeds/feed_text.py, kinds/exposure_flag_text.py, kinds/reminders/reminder_text.py and kinds/usage_discrepancy_text.py.",
            ),
        ),
    ]
