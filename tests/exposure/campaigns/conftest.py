import pytest

from apps.exposure.models import CampaignTask
from tests.exposure.campaigns.payments_team import PaymentsTeam
from tests.kept_worlds import kept_world


@pytest.fixture
@kept_world
def payments(db: None) -> PaymentsTeam:
    return PaymentsTeam()


@pytest.fixture
def task(payments: PaymentsTeam) -> CampaignTask:
    """The task of the team in an open campaign."""
    return payments.task()
