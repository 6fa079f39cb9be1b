from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_findings_and_runways_are_kept")]

    operations = [
        migrations.AddIndex(
            model_name="exittest",
            index=models.Index(
                fields=["expires_on"],
                name="exit_test_by_end",
                condition=Q(result="passed", expires_on__isnull=False),
            ),
        ),
    ]
