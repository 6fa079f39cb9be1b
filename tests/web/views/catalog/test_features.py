"""Pages of features, and of offerings with stages and days by region."""

from datetime import timedelta

import pytest

from apps.catalog.models import OfferingStage, Price, RegionalRetirement
from apps.inventory.models import Dependency
from tests.builders import TODAY, make_claim, make_offering, make_price, make_source
from tests.http import text_of

SOON = TODAY + timedelta(400)


@pytest.fixture
def feature(world):
    return make_offering(
        "Assistants API",
        host=world.sonnet.host,
        resolved=False,
        kind="feature",
        not_a_model=True,
        retires_on=SOON,
        date_kind="firm",
        lifecycle="deprecated",
    )


def use(world, *features):
    """Let the dependencies on the model of the world use the features."""
    return Dependency.objects.filter(offering=world.sonnet).update(features=list(features))


def add_stage(offering, stage, starts_on=None):
    claim = make_claim(
        make_source("bedrock-page", name="Bedrock lifecycle page"), stage, offering=offering
    )
    OfferingStage.objects.create(
        offering=offering,
        stage=stage,
        starts_on=starts_on,
        date_kind="firm" if starts_on else "",
        claim=claim,
    )
    return claim


def test_features_are_listed_with_the_applications_that_use_them(world, feature, as_user):
    use(world, "Assistants API")

    response = as_user(world.governance).get("/features/")

    assert list(response.context["listing"].rows) == [feature]
    assert "1 critical" in text_of(response)


def test_a_model_is_not_listed_among_features(world, as_user):
    response = as_user(world.governance).get("/features/")

    assert not response.context["listing"].rows


def test_a_feature_is_not_listed_among_offerings(world, feature, as_user):
    response = as_user(world.governance).get("/offerings/?q=Assistants")

    assert not response.context["listing"].rows


def test_the_page_of_a_feature_names_the_applications_that_use_it(world, feature, as_user):
    use(world, "Assistants API")

    response = as_user(world.governance).get(f"/offerings/{feature.pk}/")

    assert response.context["standings"].count.n >= 1
    assert "Simulate its" not in text_of(response)


def test_the_page_of_the_host_names_its_features(world, feature, as_user):
    response = as_user(world.governance).get(f"/providers/{world.sonnet.host.slug}/?tab=models")

    assert response.context["features"] == [feature]


def test_search_finds_a_feature(world, feature, as_user):
    page = text_of(as_user(world.governance).get("/search/?q=assistants"))

    assert "Assistants API" in page


def test_stages_are_shown_with_day_and_source(world, as_user):
    add_stage(world.sonnet, "closed_to_new", TODAY - timedelta(4))
    add_stage(world.sonnet, "extended_access", SOON)

    response = as_user(world.governance).get(f"/offerings/{world.sonnet.pk}/")

    lines = response.context["stages"].lines
    assert [(line.label, line.state) for line in lines] == [
        ("Closed to new customers", "now"),
        ("Extended access", "ahead"),
    ]
    assert "Bedrock lifecycle page" in text_of(response)
    assert "Closed to new customers since" in str(response.context["sentence"])


def test_the_days_of_regions_are_shown(world, as_user):
    claim = make_claim(make_source("bedrock-page"), "regions", offering=world.sonnet)
    RegionalRetirement.objects.create(
        offering=world.sonnet, region="us-west-2", retires_on=SOON, date_kind="firm", claim=claim
    )

    page = text_of(as_user(world.governance).get(f"/offerings/{world.sonnet.pk}/"))

    assert "Retirement by region" in page
    assert "us-west-2" in page


def test_a_month_is_shown_without_a_day(world, as_user):
    offering = make_offering(
        "gemini-next",
        retires_on=SOON.replace(day=1),
        date_kind="not_before",
        retires_month=f"{SOON:%Y-%m}",
    )

    response = as_user(world.governance).get(f"/offerings/{offering.pk}/")

    month = f"{SOON:%B}\u00a0{SOON.year}"
    assert f"no earlier than {month}" in str(response.context["sentence"])
    assert f"1 {month}" not in text_of(response)


def test_of_a_fine_tuned_model_training_and_inference_end_on_their_days(world, as_user):
    offering = make_offering(
        "gpt-4o-2024-08-06",
        service_tier="fine-tuned",
        retires_on=SOON,
        date_kind="firm",
        lifecycle="deprecated",
    )
    add_stage(offering, "training_ended", TODAY + timedelta(30))

    response = as_user(world.governance).get(f"/offerings/{offering.pk}/")

    sentence = str(response.context["sentence"])
    assert "Training ends on" in sentence
    assert "inference on" in sentence


def test_features_used_can_be_selected_on_the_dependency(world, feature, as_user):
    dependency = Dependency.objects.filter(offering=world.sonnet).first()
    client = as_user(world.governance)
    path = f"/dependencies/{dependency.pk}/edit/"
    form = client.get(path).context["form"]

    assert [name for name, _ in form.fields["features"].choices] == ["Assistants API"]


def test_a_model_closed_to_new_customers_is_marked_in_the_picker(world, as_user):
    add_stage(world.sonnet, "closed_to_new", TODAY - timedelta(4))
    dependency = Dependency.objects.filter(offering=world.sonnet).first()

    page = text_of(
        as_user(world.governance).get(
            f"/applications/{dependency.application.slug}/declare/?q={world.sonnet.api_id}"
        )
    )

    assert "closed to new customers since" in page


def test_costs_say_that_the_price_of_extended_access_is_unknown(world, as_user):
    add_stage(world.sonnet, "extended_access", SOON)
    dependency = Dependency.objects.filter(offering=world.sonnet).first()

    response = as_user(world.governance).get(
        f"/applications/{dependency.application.slug}/?tab=cost"
    )

    (sentence,) = response.context["cost"].extended
    assert "enters extended access from" in sentence
    assert "price of extended access unknown" in sentence


def test_costs_name_a_known_price_of_extended_access(world, as_user):
    add_stage(world.sonnet, "extended_access", SOON)
    Price.objects.filter(offering=world.sonnet, unit="input").delete()
    make_price(world.sonnet, "input", "6", since=SOON)
    dependency = Dependency.objects.filter(offering=world.sonnet).first()

    response = as_user(world.governance).get(
        f"/applications/{dependency.application.slug}/?tab=cost"
    )

    assert "input tokens 6 USD per million" in response.context["cost"].extended[0]


def test_the_application_says_which_region_retires_earlier(world, as_user):
    claim = make_claim(make_source("bedrock-page"), "regions", offering=world.sonnet)
    RegionalRetirement.objects.create(
        offering=world.sonnet,
        region="us-west-2",
        retires_on=world.sonnet.retires_on - timedelta(2),
        date_kind="firm",
        claim=claim,
    )
    dependency = Dependency.objects.filter(offering=world.sonnet, role="primary").first()

    response = as_user(world.governance).get(f"/applications/{dependency.application.slug}/")

    assert "in us-west-2" in str(response.context["sentence"])
