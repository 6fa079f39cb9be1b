"""Offerings whose data terms changed concern the applications that use them."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0012_capabilities"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="settledclaims",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id)\n            SELECT DISTINCT offering_id FROM (SELECT offering_id, topic FROM new_rows) r WHERE topic = 'data_terms';\n            RETURN NULL;\n        ",
                    hash="4732d1a3105e03021bd63897cbf9d375097b13de",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_terms_changed_by_insert_17c06",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="catalog_settledclaims",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settledclaims",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id)\n            SELECT DISTINCT offering_id FROM (SELECT offering_id, topic FROM new_rows) r WHERE topic = 'data_terms';\n            RETURN NULL;\n        ",
                    hash="c61b521137425399814fb36aa3a4b0f573b0b59a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_terms_changed_by_update_7e369",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="catalog_settledclaims",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settledclaims",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id)\n            SELECT DISTINCT offering_id FROM (SELECT offering_id, topic FROM old_rows) r WHERE topic = 'data_terms';\n            RETURN NULL;\n        ",
                    hash="57228074c072efdbc5ef10d5d870b786d35adb75",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_terms_changed_by_delete_fb8d2",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="catalog_settledclaims",
                    when="AFTER",
                ),
            ),
        ),
    ]
