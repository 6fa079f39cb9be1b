"""Waiver expiry, as a cause of reminders: a build that passes today is blocked on the day its
waiver expires."""

from apps.alerts.kinds.reminders.types import PERSON_NAME, ReminderType
from apps.gate.rules.definitions import Rule

_NAMES = " ".join(f"WHEN '{rule.value}' THEN '{rule.value} {rule.label}'" for rule in Rule)

# another granted waiver that lasts longer and covers the same models or more
_RENEWED = """EXISTS (
    SELECT 1 FROM gate_waiver r
    WHERE r.application_id = w.application_id AND r.rule = w.rule AND r.state = 'granted'
        AND r.until > w.until
      AND (r.model = '' OR lower(r.model) = lower(w.model))
      AND (r.offering_id IS NULL OR r.offering_id = w.offering_id))"""

# Also reported for some days after the expiry, because a blocked build may be the first sign of it.
# Applications of any status except retired count: pipelines also check what is not in production.
WAIVER_REMINDER_TYPE = ReminderType(
    kind="gate_waiver_expiring",
    subject="waiver",
    sql=f"""
        SELECT w.id, w.until AS on, (w.decided_at AT TIME ZONE 'UTC')::date AS made_on,
            w.application_id,
               ARRAY[w.requested_by_id] AS people,
               -- the rule, with the model or else the offering, and its host
               jsonb_build_object('what', CASE w.rule {_NAMES} ELSE w.rule END
                                          || coalesce(', ' || coalesce(nullif(w.model, ''),
                                          s.api_id), '')
                                          || coalesce(' on ' || v.name, ''),
                                  'who', {PERSON_NAME})
                   AS words
        FROM gate_waiver w JOIN inventory_application b ON b.id = w.application_id
            AND b.status <> 'retired'
        JOIN accounts_user u ON u.id = w.decided_by_id
        LEFT JOIN catalog_offering s ON s.id = w.offering_id LEFT
        JOIN catalog_provider v ON v.id = s.host_id
        -- a renewed waiver needs no reminder
        WHERE w.state = 'granted' AND w.until >= %(day)s::date - %(grace)s AND NOT {_RENEWED}
        """,
    expires=True,
    handled_sql="EXISTS (SELECT 1 FROM gate_waiver w WHERE w.id = t.subject_id AND (w.state <> "
    f"'granted' OR {_RENEWED}))",
    history="gate_waiverhistory",
)
