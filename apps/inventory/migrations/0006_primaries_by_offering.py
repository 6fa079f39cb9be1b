from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("inventory", "0005_exit_tests_by_their_end")]

    operations = [
        migrations.AddIndex(
            model_name="dependency",
            index=models.Index(
                fields=["offering"],
                include=["id", "application", "since", "until"],
                name="primary_by_offering",
                condition=Q(role="primary"),
            ),
        ),
    ]
