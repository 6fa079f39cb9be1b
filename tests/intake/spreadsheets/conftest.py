import pytest

from tests.intake.spreadsheets.claims_team import ClaimsTeam, make_claims_team


@pytest.fixture
def claims(db: None) -> ClaimsTeam:
    return make_claims_team()
