"""Existing campaigns get their offerings, and existing tasks both dates.

The due date was a start date: the retirement minus the effort minus the margin. It becomes the start
date, unless a user had set another, which is a finish date. Going back keeps the new values.
"""

from django.db import migrations

OFFERINGS = """
INSERT INTO exposure_campaign_offerings (campaign_id, offering_id)
SELECT id, subject_id FROM exposure_campaign
ON CONFLICT DO NOTHING
"""

# as in campaigns/reach.py when this was written: a margin of 14 days, 30 days of unknown effort
DATES = """
WITH due AS (
    SELECT k.id, k.finish_by AS due_on, c.opened_at::date AS opened_on,
           ceil(coalesce(t.effort_days, p.estimated_days, 30))::int AS effort_days,
           LEAST(c.due_on, coalesce(o.retires_on, s.retires_on) - 14) AS finish_by,
           LEAST(c.due_on, coalesce(o.retires_on, s.retires_on)
               - ceil(coalesce(t.effort_days, p.estimated_days, 30))::int - 14) AS derived_on,
           (SELECT count(DISTINCT h.finish_by) FROM exposure_campaigntaskhistory h
            WHERE h.pgh_obj_id = k.id) AS n_dates
    FROM exposure_campaigntask k
    JOIN exposure_campaign c ON c.id = k.campaign_id
    JOIN inventory_dependency d ON d.id = k.dependency_id
    JOIN catalog_offering o ON o.id = d.offering_id
    JOIN catalog_offering s ON s.id = c.subject_id
    LEFT JOIN inventory_exitplan p ON p.dependency_id = d.id
    LEFT JOIN LATERAL (
        SELECT t.effort_days FROM inventory_exittest t
        WHERE t.dependency_id = d.id AND t.result <> 'failed' AND t.effort_days IS NOT NULL
        ORDER BY coalesce(t.target_id = coalesce(k.target_id, c.target_id), false) DESC,
            t.tested_on DESC, t.id DESC
        LIMIT 1
    ) t ON true
    WHERE k.finish_by IS NOT NULL
),
dated AS (
    SELECT *, finish_by IS NOT NULL AND (due_on = derived_on OR n_dates <= 1) AS is_derived FROM due
)
UPDATE exposure_campaigntask k
SET finish_by = CASE WHEN d.is_derived THEN d.finish_by ELSE d.due_on END,
    start_by = CASE WHEN d.is_derived AND d.due_on <> d.derived_on
                    THEN LEAST(d.due_on, d.finish_by)
                    ELSE CASE WHEN d.is_derived THEN d.finish_by ELSE d.due_on END
                        - d.effort_days END,
    scheduled_on = d.opened_on
FROM dated d WHERE d.id = k.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0004_task_start_and_finish"),
        ("inventory", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(OFFERINGS, migrations.RunSQL.noop),
        migrations.RunSQL(DATES, migrations.RunSQL.noop),
    ]
