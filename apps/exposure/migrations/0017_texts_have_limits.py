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
        model_name="campaign",
        name="closing_note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="campaign",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="campaignhistory",
        name="closing_note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="campaignhistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="campaigntask",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="campaigntask",
        name="waived_why",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="campaigntaskhistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="campaigntaskhistory",
        name="waived_why",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="eventrate",
        name="source",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="eventratehistory",
        name="source",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="exposureflag",
        name="accepted_why",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="exposureflaghistory",
        name="accepted_why",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="flagevent",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="policy",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Why the line lies where it lies.", max_length=10000
        ),
    ),
    migrations.AlterField(
        model_name="policyhistory",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Why the line lies where it lies.", max_length=10000
        ),
    ),
    migrations.AlterField(
        model_name="scenario",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="scenariohistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="taskstep",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
    migrations.AlterField(
        model_name="taskstephistory",
        name="note",
        field=apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0016_runs_have_heartbeats"),
    ]

    operations = [
        migrations.RunPython(shorten_long_values("exposure", LIMITS), migrations.RunPython.noop),
        *LIMITS,
        migrations.RunPython(
            add_limit_checks("exposure", LIMITS), remove_limit_checks("exposure", LIMITS)
        ),
    ]
