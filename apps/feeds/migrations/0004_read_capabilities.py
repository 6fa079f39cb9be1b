"""Reads the feeds that state capabilities in full at their next poll.

A feed that has not changed since the upgrade would otherwise be answered with "not modified", and
its claims on capabilities would be missing until it changes."""

from typing import Any

from django.db import migrations

KINDS = ("litellm", "openrouter", "models-dev", "genai-prices")


def forget_last_bodies(apps: Any, schema_editor: Any) -> None:
    states = apps.get_model("feeds", "PollState").objects.filter(source__kind__in=KINDS)
    states.update(etag="", last_modified="", digest="")


class Migration(migrations.Migration):
    dependencies = [("feeds", "0003_page_form"), ("catalog", "0012_capabilities")]

    operations = [migrations.RunPython(forget_last_bodies, migrations.RunPython.noop)]
