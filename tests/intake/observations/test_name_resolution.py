"""Ids called at Bedrock and Azure, and those that answer: one version in every form, and none that
is not known."""

import pytest

from apps.catalog.models import Offering
from apps.intake.models import Confidence
from apps.intake.observations.name_resolution import NameResolver, ObservedNames
from tests.builders import make_foundation, make_offering, make_provider, make_version
from tests.kept_worlds import kept_world

ID = "anthropic.claude-sonnet-4-20250514-v1:0"
ARN = "arn:aws:bedrock:eu-central-1:123456789012"


@pytest.fixture
@kept_world
def sonnet(db):
    """One model at Bedrock by its own id, by two profiles, and in a region."""
    bedrock = make_provider("amazon-bedrock")
    line = make_foundation("anthropic/claude-sonnet-4", developer=make_provider("anthropic"))
    version = make_version("anthropic/claude-sonnet-4-20250514", foundation=line)
    for api_id in (ID, f"eu.{ID}", f"us.{ID}"):
        make_offering(api_id, host=bedrock, version=version)
    make_offering(ID, host=bedrock, version=version, region_scope="us-east-1")
    return version


def find(
    *, requested="", served="", provider="aws.bedrock", region="", confidence=Confidence.SERVED
):
    names = ObservedNames("otlp", provider, requested, served, region, confidence)
    return NameResolver().find([names])[names]


@pytest.mark.parametrize(
    ("requested", "api_id"),
    [
        (f"eu.{ID}", f"eu.{ID}"),
        (f"bedrock/converse/eu.{ID}", f"eu.{ID}"),
        (f"bedrock/us-east-1/{ID}", ID),
        (f"{ARN}:inference-profile/eu.{ID}", f"eu.{ID}"),
        (f"bedrock/arn:aws:bedrock:us-east-1::foundation-model/{ID}", ID),
        # a profile that nobody has listed is called by its own id all the same
        (f"apac.{ID}", f"apac.{ID}"),
        # the developer's own id, as some instrumentations tell it
        ("claude-sonnet-4-20250514", ID),
        ("claude-sonnet-4-20250514-v1:0", ID),
    ],
)
def test_what_is_called_at_bedrock_is_one_offering_whatever_stands_around_its_id(
    sonnet, requested, api_id
):
    offering = Offering.objects.get(pk=find(requested=requested).offering)

    assert (offering.api_id, offering.region_scope, offering.version) == (api_id, "", sonnet)


@pytest.mark.parametrize(
    "served",
    [
        ID,
        f"global.{ID}",
        f"{ARN}:inference-profile/us.{ID}",
        "claude-sonnet-4-20250514",
        ID.replace(":", "%3A"),
        f"bedrock/{ID}",
    ],
)
@pytest.mark.parametrize("region", ["", "eu-central-1"])
def test_what_answers_at_bedrock_means_one_version_in_every_form_and_region(sonnet, served, region):
    assert find(requested=f"eu.{ID}", served=served, region=region).served_version == sonnet.pk


def test_an_answer_explains_a_profile_of_one_s_own_and_only_what_is_known(sonnet):
    profile = f"{ARN}:application-inference-profile/ab12"

    explained = find(requested=profile, served="claude-sonnet-4-20250514")
    assert (Offering.objects.get(pk=explained.offering).api_id, explained.served_version) == (
        ID,
        sonnet.pk,
    )

    other_day = find(requested=profile, served="anthropic.claude-sonnet-4-20250101-v1:0")
    assert other_day.served_version is None
    assert Offering.objects.get(pk=other_day.offering).version is None


def test_a_name_in_a_bill_of_materials_that_can_be_several_things_stays_a_question(sonnet):
    found = find(
        requested="claude-sonnet-4-20250514", provider="bedrock", confidence=Confidence.BOM
    )

    assert (found.offering, "' has several matches on" in found.why) == (None, True)


def test_behind_a_deployment_at_azure_the_answer_tells_the_version_offered_there_or_not(db):
    azure, openai = make_provider("azure"), make_provider("openai")
    line = make_foundation("openai/gpt-4o", developer=openai)
    offered, new = (
        make_version(f"openai/gpt-4o-{day}", foundation=line)
        for day in ("2024-08-06", "2024-11-20")
    )
    make_offering("gpt-4o-2024-08-06", host=azure, version=offered)

    for served, version in (
        ("gpt-4o-2024-08-06", offered.pk),
        ("gpt-4o-2024-11-20", new.pk),
        ("gpt-4o-2027-01-01", None),
    ):
        assert (
            find(requested="chat", served=served, provider="azure.ai.openai").served_version
            == version
        )
