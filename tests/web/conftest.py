import pytest

from tests.kept_worlds import kept_world
from tests.worlds.portfolio import PortfolioWorld, make_portfolio_world


@pytest.fixture
@kept_world
def world(db: None) -> PortfolioWorld:
    return make_portfolio_world()
