"""The risk of a retirement is closed for a dependency while a migration task plans it."""

import pytest

from apps.accounts.roles import OrganisationRole
from apps.catalog.models import NodeKind
from apps.exposure.models import Campaign, CampaignTask
from apps.risks.queries.inherited import inherited_risks
from apps.risks.queries.reach import RiskReach, reach_per_risk
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_campaign,
    make_dependency,
    make_node,
    make_offering,
    make_risk,
    make_task,
    make_template,
    make_user,
)

pytestmark = pytest.mark.django_db


class LifecycleRisk:
    """Two dependencies on one retiring offering, of which one has a migration task."""

    def __init__(self):
        self.offering = make_offering("leaving")
        self.planned = make_dependency(make_application(criticality=0), self.offering)
        self.unplanned = make_dependency(
            make_application(data_classification="secret"), self.offering
        )
        self.template = make_template("FR-21", applies_when="unplanned_retirement")
        self.node = make_node(NodeKind.OFFERING, self.offering)
        self.risk = make_risk(self.node, self.template, rule="retirement")
        self.campaign = make_campaign(self.offering)
        self.task = make_task(self.campaign, self.planned)
        self.auditor = make_user(role=OrganisationRole.AUDITOR)

    @property
    def inheriting(self) -> set[int]:
        """Return the dependencies that inherit the risk, as list and as count agree on them."""
        rows = inherited_risks(user=self.auditor, on=TODAY).rows
        reach = reach_per_risk(user=self.auditor, on=TODAY)
        dependencies = {row.dependency_id for row in rows if row.risk_id == self.risk.pk}
        assert reach.get(self.risk.pk, RiskReach()).n_inherited == len(dependencies)
        return dependencies


@pytest.fixture
def lifecycle():
    return LifecycleRisk()


def test_a_task_closes_the_risk_of_its_dependency_alone(lifecycle):
    assert lifecycle.inheriting == {lifecycle.unplanned.pk}


def test_the_risk_reopens_when_the_task_is_obsolete(lifecycle):
    CampaignTask.objects.update(state="obsolete")

    assert lifecycle.inheriting == {lifecycle.planned.pk, lifecycle.unplanned.pk}


def test_the_risk_reopens_when_the_migration_closes_without_a_signature(lifecycle):
    Campaign.objects.update(state="closed")

    assert lifecycle.inheriting == {lifecycle.planned.pk, lifecycle.unplanned.pk}


def test_a_signed_task_keeps_the_risk_closed_after_the_migration(lifecycle):
    CampaignTask.objects.update(state="done", signed_off_by=lifecycle.auditor, signed_off_at=NOW)
    Campaign.objects.update(state="closed")

    assert lifecycle.inheriting == {lifecycle.unplanned.pk}


def test_a_short_notice_period_of_a_host_stays_open(lifecycle):
    host = make_node(NodeKind.HOST, lifecycle.offering.host)
    notice = make_risk(host, lifecycle.template, rule="short_notice")

    reach = reach_per_risk(user=lifecycle.auditor, on=TODAY)

    assert reach[notice.pk].n_inherited == 2


def test_counts_tell_critical_from_strictly_confidential_applications(lifecycle):
    CampaignTask.objects.all().delete()

    reach = reach_per_risk(user=lifecycle.auditor, on=TODAY)[lifecycle.risk.pk]

    assert (reach.n_critical, reach.n_secret, reach.n_critical_secret) == (1, 1, 0)


def test_the_page_of_a_closed_risk_names_the_migration(lifecycle, client):
    client.force_login(lifecycle.auditor)

    page = client.get(
        f"/risks/inherited/{lifecycle.risk.pk}-{lifecycle.planned.pk}/"
    ).content.decode()

    assert "Closed for" in page
    assert lifecycle.campaign.title in page
    assert "Unassigned" in page
