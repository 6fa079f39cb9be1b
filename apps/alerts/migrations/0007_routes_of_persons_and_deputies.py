"""Notifications can reach mentioned persons and deputies; no change of the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0006_links_of_alerts_and_issues"),
    ]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="why",
            field=models.CharField(
                choices=[
                    ("owner", "owner of the application"),
                    ("team", "mailbox of the team"),
                    ("team_owner", "team owner"),
                    ("governance", "governance"),
                    ("operator", "administrator"),
                    ("escalation", "escalated"),
                    ("assigned", "assignee"),
                    ("subscription", "subscribed"),
                    ("webhook", "is a webhook"),
                    ("own", "creator"),
                    ("mentioned", "mentioned in a comment"),
                    ("deputy", "deputy"),
                ],
                max_length=12,
            ),
        ),
    ]
