"""Texts and mappings that people write have limits; what is longer is cut, and stays whole in the history. No row is put
below itself, by two changes at the same moment neither."""

import django.contrib.postgres.fields
import django.contrib.postgres.validators
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import apps.common.database.fields
from apps.common.database.field_limits import (
    add_limit_checks,
    remove_limit_checks,
    shorten_long_values,
)

LIMITS = [
    migrations.AlterField(
        model_name="adaptation",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="adaptationhistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="annexitem",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="annexitemhistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="application",
        name="criticality_reason",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Why it is that critical.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="application",
        name="external_refs",
        field=apps.common.database.fields.TextMapField(blank=True, default=dict),
    ),
    migrations.AlterField(
        model_name="application",
        name="purpose",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="applicationhistory",
        name="criticality_reason",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Why it is that critical.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="applicationhistory",
        name="external_refs",
        field=apps.common.database.fields.TextMapField(blank=True, default=dict),
    ),
    migrations.AlterField(
        model_name="applicationhistory",
        name="purpose",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="approval",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(max_length=10000),
    ),
    migrations.AlterField(
        model_name="approval",
        name="revoked_why",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="approvalhistory",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(max_length=10000),
    ),
    migrations.AlterField(
        model_name="approvalhistory",
        name="revoked_why",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="contract",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="contracthistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="dependency",
        name="tags",
        field=django.contrib.postgres.fields.ArrayField(
            base_field=models.CharField(max_length=60),
            blank=True,
            default=list,
            validators=[django.contrib.postgres.validators.ArrayMaxLengthValidator(50)],
        ),
    ),
    migrations.AlterField(
        model_name="dependencyhistory",
        name="tags",
        field=django.contrib.postgres.fields.ArrayField(
            base_field=models.CharField(max_length=60),
            blank=True,
            default=list,
            validators=[django.contrib.postgres.validators.ArrayMaxLengthValidator(50)],
        ),
    ),
    migrations.AlterField(
        model_name="exitplan",
        name="alternatives",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="exitplan",
        name="blockers",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="exitplan",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="exitplanhistory",
        name="alternatives",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="exitplanhistory",
        name="blockers",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="exitplanhistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="exittest",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="exittesthistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="selection",
        name="decision",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="selection",
        name="purpose",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What the foundation is for.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="selection",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="selectioncandidate",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="selectioncandidatehistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="selectionhistory",
        name="decision",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="selectionhistory",
        name="purpose",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What the foundation is for.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="selectionhistory",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AddConstraint(
        model_name="dependency",
        constraint=models.CheckConstraint(
            condition=models.Q(("tags__len__lte", 50)),
            name="dependency_tags_are_few",
            violation_error_message="At most 50 tags are kept.",
        ),
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_texts_have_limits"),
        ("inventory", "0008_files_have_heartbeats"),
    ]

    operations = [
        # the first of the tags stay; the history has all of them
        migrations.RunSQL(
            "UPDATE inventory_dependency SET tags = tags[1:50] WHERE cardinality(tags) > 50",
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(shorten_long_values("inventory", LIMITS), migrations.RunPython.noop),
        *LIMITS,
        migrations.RunPython(
            add_limit_checks("inventory", LIMITS), remove_limit_checks("inventory", LIMITS)
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contract",
            trigger=pgtrigger.compiler.Trigger(
                name="contract_no_circle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.overarching_id IS NULL THEN\n                RETURN NULL;\n            END IF;\n            PERFORM pg_advisory_xact_lock(hashtextextended('inventory_contract', 0));\n            IF EXISTS (\n                WITH RECURSIVE above(id) AS (\n                    SELECT NEW.overarching_id\n                    UNION\n                    SELECT t.overarching_id FROM above JOIN inventory_contract t ON t.id = above.id WHERE t.overarching_id IS NOT NULL\n                )\n                SELECT 1 FROM above WHERE id = NEW.id\n            ) THEN\n                RAISE EXCEPTION 'This would put the contract under itself. Choose another overarching contract.' USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_no_circle';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="ecd0833bbcd7094e26f5708d7da22f09505bd65d",
                    operation='INSERT OR UPDATE OF "overarching_id"',
                    pgid="pgtrigger_contract_no_circle_c3aa4",
                    table="inventory_contract",
                    when="AFTER",
                ),
            ),
        ),
    ]
