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
        model_name="componentanswer",
        name="because",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Why, and where it is written.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="componentanswerhistory",
        name="because",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Why, and where it is written.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="modelstatement",
        name="inputs",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What goes in, and where it comes from.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="modelstatement",
        name="intended_use",
        field=apps.common.database.fields.LimitedTextField(
            blank=True,
            help_text="The use it was approved for, and what it is not for.",
            max_length=20000,
        ),
    ),
    migrations.AlterField(
        model_name="modelstatement",
        name="limitations",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Where it is known to fail.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="modelstatement",
        name="monitoring_plan",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What is watched, how often, by whom.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="modelstatement",
        name="outputs",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What comes out, and what it is used for.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="modelstatementhistory",
        name="inputs",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What goes in, and where it comes from.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="modelstatementhistory",
        name="intended_use",
        field=apps.common.database.fields.LimitedTextField(
            blank=True,
            help_text="The use it was approved for, and what it is not for.",
            max_length=20000,
        ),
    ),
    migrations.AlterField(
        model_name="modelstatementhistory",
        name="limitations",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Where it is known to fail.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="modelstatementhistory",
        name="monitoring_plan",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What is watched, how often, by whom.", max_length=20000
        ),
    ),
    migrations.AlterField(
        model_name="modelstatementhistory",
        name="outputs",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="What comes out, and what it is used for.", max_length=20000
        ),
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0002_packs_have_heartbeats"),
    ]

    operations = [
        migrations.RunPython(shorten_long_values("reports", LIMITS), migrations.RunPython.noop),
        *LIMITS,
        migrations.RunPython(
            add_limit_checks("reports", LIMITS), remove_limit_checks("reports", LIMITS)
        ),
    ]
