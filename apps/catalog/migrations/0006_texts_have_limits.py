"""Texts and mappings that people write have limits; what is longer is cut, and stays whole in the history. No row is put
below itself, by two changes at the same moment neither."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

import apps.common.database.fields
from apps.common.database.field_limits import (
    add_limit_checks,
    remove_limit_checks,
    shorten_long_values,
)

LIMITS = [
    migrations.AlterField(
        model_name="assertion",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="assertionhistory",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="identitydecision",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="identitydecisionhistory",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_legal_names_of_providers"),
    ]

    operations = [
        migrations.RunPython(shorten_long_values("catalog", LIMITS), migrations.RunPython.noop),
        *LIMITS,
        migrations.RunPython(
            add_limit_checks("catalog", LIMITS), remove_limit_checks("catalog", LIMITS)
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="derivation",
            name="derivation_no_circle",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="derivation",
            trigger=pgtrigger.compiler.Trigger(
                name="derivation_no_circle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n        PERFORM pg_advisory_xact_lock(hashtextextended('catalog_derivation', 0));\n        IF EXISTS (\n            WITH RECURSIVE up(id) AS (\n                SELECT NEW.parent_id\n                UNION\n                SELECT d.parent_id FROM up JOIN catalog_derivation d ON d.child_id = up.id\n            )\n            SELECT 1 FROM up WHERE id = NEW.child_id\n        ) THEN\n            RAISE EXCEPTION 'This lineage edge would close a circle: a version cannot descend from itself.'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'derivation_no_circle';\n        END IF;\n        RETURN NULL;\n    ",
                    hash="400668c381bac6db2b39a37c2ed9d1fcd6a31833",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_derivation_no_circle_c99ce",
                    table="catalog_derivation",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="provider",
            trigger=pgtrigger.compiler.Trigger(
                name="provider_no_circle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.parent_id IS NULL THEN\n                RETURN NULL;\n            END IF;\n            PERFORM pg_advisory_xact_lock(hashtextextended('catalog_provider', 0));\n            IF EXISTS (\n                WITH RECURSIVE above(id) AS (\n                    SELECT NEW.parent_id\n                    UNION\n                    SELECT t.parent_id FROM above JOIN catalog_provider t ON t.id = above.id WHERE t.parent_id IS NOT NULL\n                )\n                SELECT 1 FROM above WHERE id = NEW.id\n            ) THEN\n                RAISE EXCEPTION 'This would make the company its own parent. Choose another.' USING ERRCODE = 'check_violation', CONSTRAINT = 'provider_no_circle';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="8c7db5c65ed2cfe2c5039729eca680b74c86feac",
                    operation='INSERT OR UPDATE OF "parent_id"',
                    pgid="pgtrigger_provider_no_circle_f8857",
                    table="catalog_provider",
                    when="AFTER",
                ),
            ),
        ),
    ]
