"""Labels of waivers and API tokens as subjects of alerts; no change of the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0003_alerts_about_issues"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alert",
            name="subject_kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("offering", "Offering"),
                    ("dependency", "Dependency"),
                    ("assessment", "Assessment"),
                    ("flag", "Flag"),
                    ("exit_test", "Exit test"),
                    ("task", "Campaign task"),
                    ("waiver", "Waiver"),
                    ("approval", "Approval"),
                    ("application", "Application"),
                    ("selection", "Selection"),
                    ("mute", "Mute"),
                    ("key", "API token"),
                    ("team", "Team"),
                    ("issue", "Issue"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="alerthistory",
            name="subject_kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("offering", "Offering"),
                    ("dependency", "Dependency"),
                    ("assessment", "Assessment"),
                    ("flag", "Flag"),
                    ("exit_test", "Exit test"),
                    ("task", "Campaign task"),
                    ("waiver", "Waiver"),
                    ("approval", "Approval"),
                    ("application", "Application"),
                    ("selection", "Selection"),
                    ("mute", "Mute"),
                    ("key", "API token"),
                    ("team", "Team"),
                    ("issue", "Issue"),
                ],
                max_length=12,
            ),
        ),
    ]
