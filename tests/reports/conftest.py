import pytest

from tests.kept_worlds import kept_world
from tests.reports.insurer import Insurer, make_insurer


@pytest.fixture
@kept_world
def insurer(db: None) -> Insurer:
    return make_insurer()
