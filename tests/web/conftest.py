import pytest

from tests.worlds.portfolio import PortfolioWorld, make_portfolio_world


@pytest.fixture
def world(db: None) -> PortfolioWorld:
    return make_portfolio_world()
