import pytest

from tests.reports.worlds import Insurer, make_insurer


@pytest.fixture
def world(db: None) -> Insurer:
    return make_insurer()
