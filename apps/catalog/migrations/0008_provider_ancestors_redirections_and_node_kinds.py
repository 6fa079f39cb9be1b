"""The corporate parents of each provider, what answers for a redirected offering, and the numbers
of the kinds of nodes, once for all statements."""

from django.db import migrations

from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_identity_reason_is_a_code")]
    operations = [
        migrations.RunSQL(
            load_statement("catalog", "definitions/provider_ancestor"),
            "DROP VIEW provider_ancestor",
        ),
        migrations.RunSQL(
            load_statement("catalog", "definitions/redirected_offering"),
            "DROP FUNCTION redirected_offering()",
        ),
        migrations.RunSQL(
            load_statement("catalog", "definitions/node_kind"),
            "DROP FUNCTION node_kind(text)",
        ),
    ]
