"""No team is put below itself, by two changes at the same moment neither."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_history_contexts"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="team",
            trigger=pgtrigger.compiler.Trigger(
                name="team_no_circle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.parent_id IS NULL THEN\n                RETURN NULL;\n            END IF;\n            PERFORM pg_advisory_xact_lock(hashtextextended('accounts_team', 0));\n            IF EXISTS (\n                WITH RECURSIVE above(id) AS (\n                    SELECT NEW.parent_id\n                    UNION\n                    SELECT t.parent_id FROM above JOIN accounts_team t ON t.id = above.id WHERE t.parent_id IS NOT NULL\n                )\n                SELECT 1 FROM above WHERE id = NEW.id\n            ) THEN\n                RAISE EXCEPTION 'This would put the team below itself. Choose another parent.' USING ERRCODE = 'check_violation', CONSTRAINT = 'team_no_circle';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="c60f60d6605acab69162c813d6e9569bfb2e7c0b",
                    operation='INSERT OR UPDATE OF "parent_id"',
                    pgid="pgtrigger_team_no_circle_a2489",
                    table="accounts_team",
                    when="AFTER",
                ),
            ),
        ),
    ]
