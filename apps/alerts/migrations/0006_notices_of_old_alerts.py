"""Who was told of the alerts so far, and who is still owed word, as notices; the usual lines, one row a criticality."""

from django.db import migrations

# good news is resolved from the start, and owed all the same
FORWARD = """
INSERT INTO alerts_notice (alert_id, user_id, team_id, webhook_id, why, occasion, urgent, owed_at, delivery_id, skipped)
SELECT a.id, a.user_id, CASE WHEN a.user_id IS NULL THEN a.team_id END, NULL,
       CASE WHEN a.user_id IS NULL THEN 'team' ELSE 'governance' END, 'raised', false, a.raised_at, a.delivery_id,
       CASE WHEN a.delivery_id IS NULL AND a.state = 'resolved' AND a.kind NOT IN ('resolved', 'fresh')
            THEN 'It had passed before a mail was due.' ELSE '' END
FROM alerts_alert a;
UPDATE alerts_alert a
SET offering_id = e.offering_id, due_on = CASE e.kind
    WHEN 'withdrawn' THEN NULL
    WHEN 'delisted' THEN CASE WHEN e.old #>> '{}' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN (e.old #>> '{}')::date END
    ELSE coalesce(e.effective_on, CASE WHEN e.new #>> '{}' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN (e.new #>> '{}')::date END) END
FROM catalog_providerevent e WHERE e.id = a.event_id;
"""
# what the records of before have no place for goes: alerts about days and states, messages to webhooks
BACKWARD = """
UPDATE alerts_alert a
SET delivery_id = n.delivery_id, user_id = CASE WHEN a.team_id IS NULL THEN a.user_id END,
    state = CASE a.state WHEN 'snoozed' THEN 'open' ELSE a.state END, snoozed_until = NULL
FROM (SELECT a.id, min(n.delivery_id) FILTER (WHERE n.webhook_id IS NULL) AS delivery_id
      FROM alerts_alert a LEFT JOIN alerts_notice n ON n.alert_id = a.id GROUP BY a.id) n
WHERE n.id = a.id;
DELETE FROM alerts_notice;
DELETE FROM alerts_alert WHERE subject_kind <> '';
DELETE FROM alerts_delivery WHERE webhook_id IS NOT NULL;
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
        migrations.RunSQL(
            LINES, "DELETE FROM alerts_alertpolicy; DELETE FROM alerts_alertsettings;"
        ),
    ]
