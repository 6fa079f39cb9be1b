"""Breaches that were told of stay told, and flags that resolved before resolutions were told are no news."""

from django.db import migrations

FORWARD = """
INSERT INTO alerts_handledflagevent (event_id, handled_at)
SELECT e.id, now() FROM exposure_flagevent e
WHERE e.kind = 'resolved' OR EXISTS (SELECT 1 FROM alerts_alert a WHERE a.flag_id = e.flag_id)
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0003_turns_of_flags")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
