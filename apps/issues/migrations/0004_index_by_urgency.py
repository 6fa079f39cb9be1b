"""Issues of any state in the order of their urgency, as REST lists them, are read by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("issues", "0003_queue_of_further_records")]

    operations = [
        migrations.AddIndex(
            model_name="issue",
            index=models.Index(fields=["act_by", "id"], name="issue_by_act_by"),
        ),
    ]
