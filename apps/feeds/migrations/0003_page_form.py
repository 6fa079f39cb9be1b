"""The form of a lifecycle page, to notice when the page changes it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feeds", "0002_received_notices")]

    operations = [
        migrations.AddField(
            model_name="pollstate",
            name="page_form",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="Form of a lifecycle page when it was last read without doubt: tables, columns, rows; and the form on hold. Of a terms page, the digests of its last texts.",
            ),
        ),
    ]
