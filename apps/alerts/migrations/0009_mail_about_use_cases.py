"""Email to persons who proposed a use case; no change of the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0008_contacts_outside_allowed_domains"),
    ]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="kind",
            field=models.CharField(
                choices=[
                    ("digest", "Digest"),
                    ("summary", "First summary"),
                    ("immediate", "Immediate"),
                    ("heartbeat", "Empty digest"),
                    ("webhook", "Webhook"),
                    ("mailbox", "Mailbox preferences changed"),
                    ("use_case", "Proposed use case"),
                ],
                default="digest",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("resolved", "Alert resolved"),
                    ("answered", "Alert acknowledged"),
                    ("unassigned", "Assignment removed"),
                    ("passed", "Cause resolved"),
                    ("requested", "Included in a requested summary"),
                    ("muted", "Muted"),
                    ("not_concerned", "Recipient no longer affected"),
                    ("inactive_user", "User inactive"),
                    ("contact_domain", "Contact outside the allowed domains"),
                    ("no_user_email", "User without email address"),
                    ("no_team_email", "Team without email address"),
                    ("no_email_wanted", "Notifications off"),
                    ("urgent_only", "Only urgent alerts wanted"),
                    ("webhook_disabled", "Webhook disabled"),
                    ("undone", "Undone before it was sent"),
                    ("other", "Other"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("resolved", "Alert resolved"),
                    ("answered", "Alert acknowledged"),
                    ("unassigned", "Assignment removed"),
                    ("passed", "Cause resolved"),
                    ("requested", "Included in a requested summary"),
                    ("muted", "Muted"),
                    ("not_concerned", "Recipient no longer affected"),
                    ("inactive_user", "User inactive"),
                    ("contact_domain", "Contact outside the allowed domains"),
                    ("no_user_email", "User without email address"),
                    ("no_team_email", "Team without email address"),
                    ("no_email_wanted", "Notifications off"),
                    ("urgent_only", "Only urgent alerts wanted"),
                    ("webhook_disabled", "Webhook disabled"),
                    ("undone", "Undone before it was sent"),
                    ("other", "Other"),
                ],
                help_text="Reason why it was not sent.",
                max_length=16,
            ),
        ),
    ]
