"""The rows that a new registry begins with. Going back leaves them to their tables."""

from django.db import migrations

DEFAULT_ROWS = """
INSERT INTO gate_gatepolicy (
    id, version, levels, stale_after_days, requires_approval, evidence_days, evidence_criticalities,
    keep_runs_days, updated_at
) VALUES
    (1, 1,
     '{"FR001": "error", "FR002": "error", "FR003": "warning", "FR004": "warning", "FR005": '
     '"warning", "FR006": "note", "FR007": "error", "FR008": "error", "FR009": "warning", '
     '"FR010": "warning"}',
     7, false, 365, '{0}', 400, now());
INSERT INTO gate_horizon (
    environment, criticality, warning_days, error_days
) VALUES
    ('production', 0, 180, 30),
    ('production', 1, 120, 14),
    ('production', 2, 90, 7),
    ('production', 3, 60, 0),
    ('*', 0, 120, 0),
    ('*', 1, 90, 0),
    ('*', 2, 60, 0),
    ('*', 3, 30, 0);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("gate", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=DEFAULT_ROWS,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
