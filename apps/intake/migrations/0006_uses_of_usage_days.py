"""What the calls of a day use, their longest request and their largest answer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0005_cloud_accounts"),
    ]

    operations = [
        migrations.AddField(
            model_name="usageday",
            name="largest_output",
            field=models.PositiveBigIntegerField(
                help_text="Output tokens of the largest answer.", null=True
            ),
        ),
        migrations.AddField(
            model_name="usageday",
            name="longest_input",
            field=models.PositiveBigIntegerField(
                help_text="Input tokens of the longest request.", null=True
            ),
        ),
        migrations.AddField(
            model_name="usageday",
            name="uses",
            field=models.JSONField(
                help_text="Calls by what they use: tools, images, ...", null=True
            ),
        ),
    ]
