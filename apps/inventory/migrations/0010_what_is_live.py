"""What is live on a day, once for all statements."""

from django.db import migrations

from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    dependencies = [("inventory", "0009_texts_have_limits")]
    operations = [
        migrations.RunSQL(
            load_statement("inventory", "definitions/is_live"),
            "DROP FUNCTION is_live(date, date, date)",
        )
    ]
