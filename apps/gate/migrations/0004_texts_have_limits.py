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
        model_name="waiver",
        name="decision",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Why it was granted, refused or withdrawn.", max_length=10000
        ),
    ),
    migrations.AlterField(
        model_name="waiver",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(
            help_text="Why it has to be, and what is done meanwhile.", max_length=10000
        ),
    ),
    migrations.AlterField(
        model_name="waiverhistory",
        name="decision",
        field=apps.common.database.fields.LimitedTextField(
            blank=True, help_text="Why it was granted, refused or withdrawn.", max_length=10000
        ),
    ),
    migrations.AlterField(
        model_name="waiverhistory",
        name="reason",
        field=apps.common.database.fields.LimitedTextField(
            help_text="Why it has to be, and what is done meanwhile.", max_length=10000
        ),
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("gate", "0003_answer_names_sources_and_horizon"),
    ]

    operations = [
        migrations.RunPython(shorten_long_values("gate", LIMITS), migrations.RunPython.noop),
        *LIMITS,
        migrations.RunPython(add_limit_checks("gate", LIMITS), remove_limit_checks("gate", LIMITS)),
    ]
