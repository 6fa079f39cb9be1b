"""The rule about models that lack what an application is recorded to use, as a warning."""

from django.db import migrations, models

_ADD_LEVEL = """
UPDATE gate_gatepolicy SET levels = levels || '{"FR012": "warning"}' WHERE NOT levels ? 'FR012'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("gate", "0003_closed_to_new_customers"),
    ]

    operations = [
        migrations.RunSQL(_ADD_LEVEL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="gatefinding",
            name="rule",
            field=models.CharField(
                choices=[
                    ("FR001", "Model not approved"),
                    ("FR002", "Model retired"),
                    ("FR003", "Model retires soon"),
                    ("FR004", "Ambiguous model name"),
                    ("FR005", "Unknown model"),
                    ("FR006", "Evidence missing or stale"),
                    ("FR007", "Data classification not allowed"),
                    ("FR008", "Region not allowed"),
                    ("FR009", "Wildcard route"),
                    ("FR010", "Application without an owner"),
                    ("FR011", "Model closed to new customers"),
                    ("FR012", "Used capability missing"),
                ],
                max_length=5,
            ),
        ),
        migrations.AlterField(
            model_name="waiver",
            name="rule",
            field=models.CharField(
                choices=[
                    ("FR001", "Model not approved"),
                    ("FR002", "Model retired"),
                    ("FR003", "Model retires soon"),
                    ("FR004", "Ambiguous model name"),
                    ("FR005", "Unknown model"),
                    ("FR006", "Evidence missing or stale"),
                    ("FR007", "Data classification not allowed"),
                    ("FR008", "Region not allowed"),
                    ("FR009", "Wildcard route"),
                    ("FR010", "Application without an owner"),
                    ("FR011", "Model closed to new customers"),
                    ("FR012", "Used capability missing"),
                ],
                max_length=5,
            ),
        ),
        migrations.AlterField(
            model_name="waiverhistory",
            name="rule",
            field=models.CharField(
                choices=[
                    ("FR001", "Model not approved"),
                    ("FR002", "Model retired"),
                    ("FR003", "Model retires soon"),
                    ("FR004", "Ambiguous model name"),
                    ("FR005", "Unknown model"),
                    ("FR006", "Evidence missing or stale"),
                    ("FR007", "Data classification not allowed"),
                    ("FR008", "Region not allowed"),
                    ("FR009", "Wildcard route"),
                    ("FR010", "Application without an owner"),
                    ("FR011", "Model closed to new customers"),
                    ("FR012", "Used capability missing"),
                ],
                max_length=5,
            ),
        ),
    ]
