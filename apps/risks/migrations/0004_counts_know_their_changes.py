from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("risks", "0003_runs_of_evaluations")]

    operations = [
        migrations.AddField(
            model_name="countstate",
            name="changes",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The day and the last entries of the histories counted.",
                max_length=200,
            ),
        ),
    ]
