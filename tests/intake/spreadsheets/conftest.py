import pytest

from tests.intake.spreadsheets.claims_team import ClaimsTeam, make_claims_team
from tests.kept_worlds import kept_world


@pytest.fixture
@kept_world
def claims(db: None) -> ClaimsTeam:
    return make_claims_team()
