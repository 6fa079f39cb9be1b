import pytest

from tests.reports.insurer import Insurer, make_insurer


@pytest.fixture
def insurer(db: None) -> Insurer:
    return make_insurer()
