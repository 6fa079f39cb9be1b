"""Open-weight states of primary models of a large portfolio, as a job measured them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0010_campaign_targets"),
    ]

    operations = [
        migrations.CreateModel(
            name="MeasuredOpenWeights",
            fields=[
                ("dependency_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("state", models.CharField(help_text="One of OpenWeightState.", max_length=11)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["state", "dependency_id"], name="measured_open_weights_by_state"
                    )
                ],
            },
        ),
    ]
