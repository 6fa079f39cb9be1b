from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.http import signed_in_client
from tests.worlds.portfolio import PortfolioWorld, make_portfolio_world


@pytest.fixture
def world(db: None) -> PortfolioWorld:
    return make_portfolio_world()


@pytest.fixture
def as_user(db: None) -> Callable[[User], Client]:
    """as_user(user): a client that is signed in."""
    return signed_in_client
