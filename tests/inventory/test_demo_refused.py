"""Where the demo portfolio is not loaded."""

from datetime import UTC, datetime

import pytest
from django.conf import LazySettings

from apps.accounts.models import User
from apps.inventory.demo import Day, DemoRefused, load_portfolio
from apps.inventory.models import Application

DAY = Day(datetime(2026, 11, 24, 12, tzinfo=UTC))


def test_production_refuses_it(db: None, settings: LazySettings) -> None:
    settings.REGISTRY_ENV = "production"

    with pytest.raises(DemoRefused, match="not for production"):
        load_portfolio(day=DAY)

    assert not User.objects.exists()


def test_without_the_catalogue_it_says_what_to_do(db: None) -> None:
    with pytest.raises(DemoRefused, match="load_catalogue"):
        load_portfolio(day=DAY)

    assert not Application.objects.exists()
