"""The database as `evaluate_portfolio` finds it: no policies, and constraints for people waived."""

import pytest

from tools.worked_portfolios.loader import waive_constraints


@pytest.fixture
def room(db: None) -> None:
    """Inside the test's transaction, so that constraints come back with its end."""
    waive_constraints()
