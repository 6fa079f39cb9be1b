"""Texts and mappings that people write have limits; what is longer is cut, and stays whole in the history."""

from django.db import migrations

import apps.common.database.fields
from apps.common.database.field_limits import (
    add_limit_checks,
    remove_limit_checks,
    shorten_long_values,
)

LIMITS = [
    migrations.AlterField(
        model_name="assessment",
        name="accept_reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="assessment",
        name="not_applicable_because",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="assessment",
        name="plan",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What is done about it.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="assessment",
        name="revoke_reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="assessmenthistory",
        name="accept_reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="assessmenthistory",
        name="not_applicable_because",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="assessmenthistory",
        name="plan",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What is done about it.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="assessmenthistory",
        name="revoke_reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="evidence",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="evidencehistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="foundationrisk",
        name="description",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="foundationriskhistory",
        name="description",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="risktemplate",
        name="description",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="risktemplatehistory",
        name="description",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("risks", "0004_counts_know_their_changes"),
    ]

    operations = [
        migrations.RunPython(shorten_long_values("risks", LIMITS), migrations.RunPython.noop),
        *LIMITS,
        migrations.RunPython(
            add_limit_checks("risks", LIMITS), remove_limit_checks("risks", LIMITS)
        ),
    ]
