"""Offerings by REST: stages, retirements by region, and features."""

from datetime import timedelta

import pytest

from apps.catalog.models import OfferingStage, RegionalRetirement
from tests.builders import TODAY, make_claim, make_offering, make_source, make_user
from tests.http import signed_in_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return signed_in_client(make_user(role="governance"))


def make_feature():
    return make_offering("Assistants API", resolved=False, kind="feature", not_a_model=True)


def test_an_offering_has_its_stages_and_regions(client):
    offering = make_offering("nova-pro", retires_month="", lifecycle="legacy")
    claim = make_claim(make_source("bedrock-page"), "nova-pro", offering=offering)
    OfferingStage.objects.create(
        offering=offering, stage="extended_access", starts_on=TODAY, date_kind="firm", claim=claim
    )
    RegionalRetirement.objects.create(
        offering=offering,
        region="us-west-2",
        retires_on=TODAY + timedelta(9),
        date_kind="firm",
        claim=claim,
    )

    row = client.get(f"/api/v1/offerings/{offering.pk}/").json()

    assert row["stages"] == [
        {
            "stage": "extended_access",
            "starts_on": TODAY.isoformat(),
            "date_kind": "firm",
            "source": "bedrock-page",
        }
    ]
    assert [(each["region"], each["source"]) for each in row["regional_retirements"]] == [
        ("us-west-2", "bedrock-page")
    ]
    assert row["retires_month"] == ""


def test_features_are_listed_only_if_they_are_asked_for(client):
    feature, model = make_feature(), make_offering("gpt-4o")

    def listed(query=""):
        return [row["id"] for row in client.get(f"/api/v1/offerings/{query}").json()["results"]]

    assert listed() == [model.pk]
    assert listed("?kind=feature") == [feature.pk]
    assert client.get(f"/api/v1/offerings/{feature.pk}/").json()["kind"] == "feature"
