"""Texts and mappings that people write have limits; what is longer is cut, and stays whole in the history."""

from django.db import migrations

import apps.common.fields
from apps.common.field_limits import add_limit_checks, remove_limit_checks, shorten_long_values

LIMITS = [
    migrations.AlterField(
        model_name="assertion",
        name="reason",
        field=apps.common.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="assertionhistory",
        name="reason",
        field=apps.common.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="identitydecision",
        name="reason",
        field=apps.common.fields.LimitedTextField(blank=True, max_length=10000),
    ),
    migrations.AlterField(
        model_name="identitydecisionhistory",
        name="reason",
        field=apps.common.fields.LimitedTextField(blank=True, max_length=10000),
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_legal_names_of_providers"),
    ]

    operations = [
        migrations.RunPython(shorten_long_values("catalog", LIMITS), migrations.RunPython.noop),
        *LIMITS,
        migrations.RunPython(add_limit_checks("catalog", LIMITS), remove_limit_checks("catalog", LIMITS)),
    ]
