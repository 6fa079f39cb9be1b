"""One campaign for an announced retirement with all model IDs that it covers."""

from datetime import timedelta

import pytest

from apps.catalog.models import Offering
from apps.catalog.retirements.announcements import (
    RetirementTerms,
    announce_retirement,
    withdraw_announcement,
)
from apps.common.errors import ConflictError
from apps.exposure.campaigns.lifecycle import extend_campaign, open_campaign
from apps.exposure.queries.dependents import retiring_dependencies
from tests.builders import NOW, TODAY, make_offering, make_provider

pytestmark = pytest.mark.django_db
RETIRES_ON = TODAY + timedelta(days=100)


class Retirement:
    """A version with model IDs on three hosts; applications use two of them, and one of those is
    left out of the announcement because it keeps another date."""

    def __init__(self, payments):
        self.payments = payments
        version = payments.ending.version
        Offering.objects.filter(pk=payments.ending.pk).update(
            retires_on=None, date_kind="", lifecycle="active"
        )
        payments.ending.refresh_from_db()
        self.second = make_offering("second", host=make_provider("azure"), version=version)
        self.unused = make_offering("unused", host=make_provider("bedrock"), version=version)
        self.regional = make_offering(
            "eu.second",
            host=self.second.host,
            version=version,
            lifecycle="deprecated",
            retires_on=RETIRES_ON + timedelta(days=50),
            date_kind="firm",
        )
        self.kept = payments.stand("Kept", on=self.regional)
        self.other = payments.stand("Other", on=self.second)
        self.announcement = announce_retirement(
            RetirementTerms(
                subject=version,
                retires_on=RETIRES_ON,
                offering_ids=[payments.ending.pk, self.second.pk, self.unused.pk],
                successor=payments.target,
            ),
            at=NOW,
            by=payments.governance,
        )

    def open(self, **given):
        return open_campaign(
            announcement=self.announcement, by=self.payments.governance, at=NOW, **given
        )


@pytest.fixture
def retirement(payments):
    return Retirement(payments)


def test_one_campaign_has_a_task_for_each_dependency_on_any_of_the_model_ids(retirement):
    campaign = retirement.open()

    assert set(campaign.tasks.values_list("dependency__application__name", flat=True)) == {
        "Claims",
        "Other",
    }
    assert campaign.offerings.count() == 3
    assert campaign.target == retirement.payments.target
    assert campaign.title == (
        f"Migrate from {retirement.announcement.subject_name} (retires on {RETIRES_ON:%Y-%m-%d})"
    )
    assert set(campaign.tasks.values_list("finish_by", flat=True)) == {
        RETIRES_ON - timedelta(days=14)
    }


def test_the_preview_of_dependents_is_that_of_the_campaign(retirement):
    ids = retirement.announcement.offerings.values_list("pk", flat=True)
    reached = retiring_dependencies(offering_ids=list(ids), on=TODAY, retires_on=RETIRES_ON)

    assert set(reached.values_list("pk", flat=True)) == set(
        retirement.open().tasks.values_list("dependency", flat=True)
    )


def test_opening_it_twice_is_one_campaign_and_what_joins_later_is_taken_in(retirement):
    campaign = retirement.open()
    assert retirement.open() == campaign
    retirement.payments.stand("Late", on=retirement.unused)

    assert extend_campaign(campaign=campaign, at=NOW, by=retirement.payments.governance) == 1


def test_a_campaign_of_one_offering_does_not_stand_in_its_way(retirement):
    payments = retirement.payments
    single = open_campaign(offering=payments.ending, by=payments.governance, at=NOW)
    assert retirement.open() != single


def test_a_target_that_retires_with_it_is_refused(retirement):
    with pytest.raises(ConflictError, match="is the offering to migrate from"):
        retirement.open(target=retirement.unused)


def test_a_withdrawn_announcement_opens_no_campaign(retirement):
    retirement.announcement = withdraw_announcement(
        announcement=retirement.announcement,
        at=NOW,
        by=retirement.payments.governance,
        reason="A mistake.",
    )
    with pytest.raises(ConflictError, match="is withdrawn"):
        retirement.open()


def test_exactly_one_reason_opens_a_campaign(retirement):
    with pytest.raises(ConflictError, match="Choose either an event, an offering"):
        retirement.open(offering=retirement.second)
