"""Claims about capabilities and data terms, and what applies of them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0011_provider_events"),
    ]

    operations = [
        migrations.AlterField(
            model_name="assertion",
            name="topic",
            field=models.CharField(
                choices=[
                    ("identity", "Identity"),
                    ("lifecycle", "Lifecycle"),
                    ("price", "Price"),
                    ("capability", "Capability"),
                    ("data_terms", "Data terms"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="assertionhistory",
            name="topic",
            field=models.CharField(
                choices=[
                    ("identity", "Identity"),
                    ("lifecycle", "Lifecycle"),
                    ("price", "Price"),
                    ("capability", "Capability"),
                    ("data_terms", "Data terms"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="providerevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("announced", "Retirement announced"),
                    ("moved_earlier", "Retirement moved earlier"),
                    ("moved_later", "Retirement moved later"),
                    ("withdrawn", "Retirement withdrawn"),
                    ("retired", "Retired"),
                    ("delisted", "Delisted"),
                    ("repriced", "Price changed"),
                    ("alias_moved", "Alias moved"),
                    ("released", "Released"),
                    ("terms_changed", "Terms changed"),
                    ("capability_lost", "Capability withdrawn"),
                    ("disagreement", "Source disagreement"),
                ],
                max_length=15,
            ),
        ),
        migrations.AlterField(
            model_name="providereventhistory",
            name="kind",
            field=models.CharField(
                choices=[
                    ("announced", "Retirement announced"),
                    ("moved_earlier", "Retirement moved earlier"),
                    ("moved_later", "Retirement moved later"),
                    ("withdrawn", "Retirement withdrawn"),
                    ("retired", "Retired"),
                    ("delisted", "Delisted"),
                    ("repriced", "Price changed"),
                    ("alias_moved", "Alias moved"),
                    ("released", "Released"),
                    ("terms_changed", "Terms changed"),
                    ("capability_lost", "Capability withdrawn"),
                    ("disagreement", "Source disagreement"),
                ],
                max_length=15,
            ),
        ),
        migrations.CreateModel(
            name="SettledClaims",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "topic",
                    models.CharField(
                        choices=[
                            ("identity", "Identity"),
                            ("lifecycle", "Lifecycle"),
                            ("price", "Price"),
                            ("capability", "Capability"),
                            ("data_terms", "Data terms"),
                        ],
                        max_length=10,
                    ),
                ),
                ("values", models.JSONField(default=dict)),
                ("changed_at", models.DateTimeField()),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="settled_claims",
                        to="catalog.offering",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "settled claims",
                "ordering": ["offering", "topic"],
                "constraints": [
                    models.UniqueConstraint(fields=("offering", "topic"), name="settled_once")
                ],
            },
        ),
    ]
