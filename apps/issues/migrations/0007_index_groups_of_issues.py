"""Groups of issues, and the most urgent of each, are read by indexes."""

from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    dependencies = [("issues", "0006_queue_of_lost_owners")]

    operations = [
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["cause", "act_by", "criticality", "id"],
                name="issue_by_cause",
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                Coalesce("criticality", models.Value(1)),
                models.F("due_on"),
                models.F("cause"),
                models.F("id"),
                condition=models.Q(("state", "resolved"), _negated=True),
                name="issue_most_critical",
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                Coalesce("finish_by", "due_on"),
                models.F("act_by"),
                models.F("id"),
                condition=models.Q(("state", "resolved"), _negated=True),
                name="issue_by_finish",
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["opened_at", "id"],
                name="issue_by_opening",
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                condition=models.Q(("state", "accepted")),
                fields=["act_by", "id"],
                name="issue_accepted",
            ),
        ),
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(
                condition=models.Q(("snoozed_until__isnull", False)),
                fields=["snoozed_until", "id"],
                name="issue_snoozed",
            ),
        ),
    ]
