"""The database as `evaluate_portfolio` finds it: no policies, and room for what people are
refused."""

import pytest

from tools.worked_portfolios.loader import waive_constraints


@pytest.fixture
def room(db: None) -> None:
    """Inside the test's transaction, so that constraints come back with its end."""
    waive_constraints()
