"""The lines a new organisation begins with."""

from decimal import Decimal

from django.db import migrations

LINES = {"developer": Decimal("0.5"), "host": Decimal("0.6"), "foundation": Decimal("0.4")}


def add_lines(apps, schema_editor):
    tolerance = apps.get_model("exposure", "Tolerance")
    for layer, share in LINES.items():
        tolerance.objects.get_or_create(layer=layer, defaults={"max_critical_share": share})


def remove_untouched_lines(apps, schema_editor):
    tolerance = apps.get_model("exposure", "Tolerance")
    for layer, share in LINES.items():
        tolerance.objects.filter(layer=layer, max_critical_share=share, flags__isnull=True).delete()


class Migration(migrations.Migration):
    dependencies = [("exposure", "0001_initial")]

    operations = [migrations.RunPython(add_lines, remove_untouched_lines)]
