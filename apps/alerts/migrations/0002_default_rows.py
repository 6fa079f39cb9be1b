"""The rows that a new registry begins with. Going back leaves them to their tables."""

from django.db import migrations

DEFAULT_ROWS = """
INSERT INTO alerts_alertpolicy (
    criticality, milestones, soft_milestones, escalate_team_hours, escalate_governance_hours
) VALUES
    (0, '{180,90,60,30,14,7,1,0}', '{90,0}', 24, 48),
    (1, '{180,90,60,30,14,7,1,0}', '{90,0}', 72, 96),
    (2, '{180,90,60,30,14,7,1,0}', '{90,0}', 168, NULL),
    (3, '{180,90,60,30,14,7,1,0}', '{90,0}', NULL, NULL);
INSERT INTO alerts_alertsettings (
    id, price_percent, price_monthly_usd, expiry_milestones, review_milestones,
    escalate_from_severity
) VALUES
    (1, 5, 100, '{30,7,0}', '{14,0}', 3);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=DEFAULT_ROWS,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
