"""Where the demo portfolio is not loaded."""

from datetime import UTC, datetime

import pytest
from django.conf import LazySettings

from apps.accounts.models import User
from apps.demo.fixtures import DemoError, LoadingDay
from apps.demo.loader import load_portfolio
from apps.inventory.models import Application

DAY = LoadingDay(datetime(2026, 11, 24, 12, tzinfo=UTC))


def test_production_refuses_it(db: None, settings: LazySettings) -> None:
    settings.REGISTRY_ENV = "production"

    with pytest.raises(DemoError, match="not available in production"):
        load_portfolio(day=DAY)

    assert not User.objects.exists()


def test_without_the_catalogue_it_says_what_to_do(db: None) -> None:
    with pytest.raises(DemoError, match="load_catalogue"):
        load_portfolio(day=DAY)

    assert not Application.objects.exists()
