"""What is wrong with a row that is set aside becomes a code beside its reason."""

from django.db import migrations, models

FORWARD = """
UPDATE feeds_quarantinedrow SET code = 'price_jump' WHERE starts_with(reason, 'Price jumps')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("feeds", "0003_mappings_and_notices"),
    ]

    operations = [
        migrations.AddField(
            model_name="quarantinedrow",
            name="code",
            field=models.CharField(
                choices=[("unreadable", "Not readable"), ("price_jump", "Price jump")],
                default="unreadable",
                max_length=10,
            ),
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
    ]
