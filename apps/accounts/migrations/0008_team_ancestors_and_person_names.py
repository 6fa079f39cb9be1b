"""The teams above each team, and what a person is called, once for all statements."""

from django.db import migrations

from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_account_events")]
    operations = [
        migrations.RunSQL(
            load_statement("accounts", "definitions/team_ancestor"),
            "DROP VIEW team_ancestor",
        ),
        migrations.RunSQL(
            load_statement("accounts", "definitions/person_name"),
            "DROP FUNCTION person_name(text, text, text)",
        ),
    ]
