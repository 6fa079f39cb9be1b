from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0003_following_and_counting"),
    ]

    operations = [
        migrations.CreateModel(
            name="MeteredSeries",
            fields=[
                ("key", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "start",
                    models.BigIntegerField(
                        help_text="Nanoseconds since 1970 since when the sender counts."
                    ),
                ),
                ("at", models.BigIntegerField(help_text="Nanoseconds since 1970 of the value.")),
                ("value", models.FloatField()),
            ],
            options={
                "verbose_name_plural": "metered series",
                "indexes": [models.Index(fields=["at"], name="metered_series_by_time")],
            },
        ),
        migrations.AddField(
            model_name="seencall",
            name="at",
            field=models.BigIntegerField(
                default=0, help_text="Response ids: seconds since 1970 when it was counted; else 0."
            ),
        ),
        # one embedding costs less than a millionth of a dollar
        migrations.AlterField(
            model_name="usageday",
            name="cost_usd",
            field=models.DecimalField(
                decimal_places=10, help_text="As a gateway reckoned it.", max_digits=20, null=True
            ),
        ),
    ]
