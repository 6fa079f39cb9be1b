from django.db import migrations

# (environment, criticality, days to warn, days to block): the graver, the earlier; only production blocks
_HORIZONS = (
    ("production", 0, 180, 30),
    ("production", 1, 120, 14),
    ("production", 2, 90, 7),
    ("production", 3, 60, 0),
    ("*", 0, 120, 0),
    ("*", 1, 90, 0),
    ("*", 2, 60, 0),
    ("*", 3, 30, 0),
)


def add_the_policy(apps, schema_editor):
    apps.get_model("gate", "GatePolicy").objects.get_or_create(pk=1)
    horizon = apps.get_model("gate", "Horizon")
    for environment, criticality, warning_days, error_days in _HORIZONS:
        horizon.objects.get_or_create(
            environment=environment,
            criticality=criticality,
            defaults={"warning_days": warning_days, "error_days": error_days},
        )


class Migration(migrations.Migration):
    dependencies = [("gate", "0001_gate")]

    operations = [migrations.RunPython(add_the_policy, migrations.RunPython.noop)]
