"""The rows that a new registry begins with. Going back leaves them to their tables."""

from django.db import migrations

DEFAULT_ROWS = """
INSERT INTO intake_intakesettings (
    id, unseen_after_days, drift_days, declares_shadows, document_retention_days,
    usage_retention_days, updated_at
) VALUES
    (1, 30, 7, true, 90, 400, now());
"""


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=DEFAULT_ROWS,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
