"""Where the demo portfolio is not loaded."""

from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.inventory.demo import DemoRefused, load_demo
from apps.inventory.models import Application


def test_production_refuses_it(db: None, settings: LazySettings) -> None:
    settings.REGISTRY_ENV = "production"

    with pytest.raises(DemoRefused, match="not for production"):
        load_demo()

    assert not User.objects.exists()


def test_without_the_catalogue_the_command_says_what_to_do(db: None) -> None:
    with pytest.raises(CommandError, match="load_catalogue"):
        call_command("load_demo", stdout=StringIO())

    assert not Application.objects.exists()
