"""Who was told of the alerts so far, and who is still owed word, as notices; the usual lines, one row a criticality."""

from django.db import migrations

FORWARD = """
INSERT INTO alerts_notice (alert_id, user_id, team_id, webhook_id, why, occasion, urgent, owed_at, delivery_id, skipped)
SELECT a.id, a.user_id, CASE WHEN a.user_id IS NULL THEN a.team_id END, NULL,
       CASE WHEN a.user_id IS NULL THEN 'team' ELSE 'governance' END, 'raised', false, a.raised_at, a.delivery_id,
       CASE WHEN a.delivery_id IS NULL AND a.state = 'resolved' THEN 'It had passed before a mail was due.' ELSE '' END
FROM alerts_alert a;
"""
BACKWARD = """
UPDATE alerts_alert a SET delivery_id = n.delivery_id
FROM (SELECT alert_id, min(delivery_id) AS delivery_id FROM alerts_notice GROUP BY alert_id) n WHERE n.alert_id = a.id;
DELETE FROM alerts_notice;
"""
LINES = """
INSERT INTO alerts_alertpolicy
    (criticality, milestones, soft_milestones, escalate_team_hours, escalate_governance_hours)
VALUES (0, '{180,90,60,30,14,7,1,0}', '{90,0}', 24, 48),
       (1, '{180,90,60,30,14,7,1,0}', '{90,0}', 72, 96),
       (2, '{180,90,60,30,14,7,1,0}', '{90,0}', 168, NULL),
       (3, '{180,90,60,30,14,7,1,0}', '{90,0}', NULL, NULL);
INSERT INTO alerts_alertsettings
    (id, price_percent, price_monthly_usd, expiry_milestones, review_milestones, escalate_from_severity)
VALUES (1, 5, 100, '{30,7,0}', '{14,0}', 3);
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0005_voice")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunSQL(LINES, "DELETE FROM alerts_alertpolicy; DELETE FROM alerts_alertsettings;"),
    ]
