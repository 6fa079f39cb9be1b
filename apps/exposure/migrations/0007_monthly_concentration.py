"""Applications by node at past month ends, for trends that exist from the first day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0006_critical_dependents"),
    ]

    operations = [
        migrations.CreateModel(
            name="MonthlyConcentration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(help_text="Last day of the month.")),
                (
                    "node_id",
                    models.BigIntegerField(
                        help_text="Empty: all applications in scope.", null=True
                    ),
                ),
                ("n", models.BigIntegerField()),
                ("n_critical", models.BigIntegerField()),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("snapshot", "Snapshot of the day"),
                            ("computed", "Computed from dates and history"),
                        ],
                        max_length=8,
                    ),
                ),
                ("stored_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["day", "node_id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("node_id", "day"),
                        name="monthly_concentration_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
