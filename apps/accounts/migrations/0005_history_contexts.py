"""The audit finds changes by who made them, by job, by reason and by time."""

from django.db import migrations

_INDEXES = {
    "history_context_actor": "ON pghistory_context ((metadata->>'actor'), created_at)",
    "history_context_job": "ON pghistory_context ((metadata->>'job'), created_at) WHERE metadata ? 'job'",
    "history_context_reason": "ON pghistory_context USING gin ((metadata->>'reason') gin_trgm_ops)",
    "history_context_time": "ON pghistory_context (created_at)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_services_bound_tokens_sign_on"),
        ("common", "0001_extensions"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.RunSQL(f"CREATE INDEX {name} {rest}", f"DROP INDEX IF EXISTS {name}")
        for name, rest in _INDEXES.items()
    ]
