"""Stages, days by region, months and features: from the rows of a page to the records."""

from datetime import timedelta
from typing import Any

import pytest

from apps.catalog.actions import InvalidFactError, remove_manual_fact, set_manual_fact
from apps.catalog.claims.feed_rows import (
    FIRM,
    NOT_BEFORE,
    STAGES,
    FeedRow,
    LifecycleClaim,
    RegionalEnd,
    StageClaim,
)
from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.claims.values import lifecycle_value
from apps.catalog.ingestion.due_changes import advance_due_stages
from apps.catalog.ingestion.ingest import apply_due_facts, ingest_observation
from apps.catalog.models import Assertion, Offering, ProviderEvent, Stage
from tests.builders import (
    NOW,
    TODAY,
    make_claim,
    make_offering,
    make_provider,
    make_source,
    make_user,
)

pytestmark = pytest.mark.django_db

SOON, LATER = TODAY + timedelta(60), TODAY + timedelta(120)
CLOSED = StageClaim("closed_to_new", TODAY - timedelta(3), FIRM)
EXTENDED = StageClaim("extended_access", SOON, FIRM)
TWO_REGIONS = (RegionalEnd("us-west-2", SOON, FIRM), RegionalEnd("eu-west-1", LATER, FIRM))


def page_row(api_id: str = "nova-pro", kind: str = "model", **lifecycle: Any) -> FeedRow:
    return FeedRow(
        external_id=f"bedrock/{api_id}",
        group="bedrock",
        host="bedrock",
        api_id=api_id,
        kind=kind,
        lifecycle=LifecycleClaim(**lifecycle),
    )


def poll(*rows: FeedRow, day: int = 0, baseline: bool = False) -> list[ProviderEvent]:
    """Ingest a page with these rows, `day` days from now; return the events."""
    return ingest_observation(
        source=make_source("bedrock-page"),
        rows=rows,
        at=NOW + timedelta(day),
        baseline=baseline,
    ).events


def test_the_stages_of_records_and_of_claims_are_the_same() -> None:
    assert dict(Stage.choices) == STAGES


def test_a_claim_without_stages_has_the_value_that_it_had_before() -> None:
    claim = LifecycleClaim(retires_on=SOON, date_kind=FIRM, status="deprecated")

    assert set(lifecycle_value(claim)) == {"retires_on", "date_kind", "status"}


def test_the_order_of_stages_and_regions_on_a_page_does_not_matter() -> None:
    one = LifecycleClaim(stages=(CLOSED, EXTENDED), regions=TWO_REGIONS)
    other = LifecycleClaim(stages=(EXTENDED, CLOSED), regions=TWO_REGIONS[::-1])

    assert lifecycle_value(one) == lifecycle_value(other)


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        pytest.param(TWO_REGIONS, (LATER, FIRM), id="the last of the regions"),
        pytest.param(
            (TWO_REGIONS[0], RegionalEnd("eu-west-1", TODAY, NOT_BEFORE)),
            (SOON, NOT_BEFORE),
            id="a region with an earliest day can end later",
        ),
        pytest.param((TWO_REGIONS[0], RegionalEnd("eu-west-1")), None, id="a region without a day"),
    ],
)
def test_a_model_retires_when_its_last_region_ends(regions: Any, expected: Any) -> None:
    value = lifecycle_value(LifecycleClaim(regions=regions))

    if expected is None:
        assert "retires_on" not in value
    else:
        assert (value["retires_on"], value["date_kind"]) == (expected[0].isoformat(), expected[1])


def test_stages_of_a_page_are_recorded_with_their_claim() -> None:
    poll(page_row(stages=(CLOSED, EXTENDED), retires_on=LATER, date_kind=FIRM))

    stages = list(
        Offering.objects.get().stages.values_list("stage", "starts_on", "claim__source__slug")
    )
    assert stages == [
        ("closed_to_new", CLOSED.starts_on, "bedrock-page"),
        ("extended_access", SOON, "bedrock-page"),
    ]


def test_a_moved_stage_is_recorded_at_once_and_raises_no_event() -> None:
    poll(page_row(stages=(EXTENDED,), retires_on=LATER, date_kind=FIRM))
    moved = StageClaim("extended_access", SOON + timedelta(9), FIRM)

    events = poll(page_row(stages=(moved,), retires_on=LATER, date_kind=FIRM), day=1)

    assert events == []
    assert Offering.objects.get().stages.get().starts_on == moved.starts_on


def test_a_claim_that_gains_stages_raises_no_event() -> None:
    poll(page_row(retires_on=LATER, date_kind=FIRM))

    assert poll(page_row(stages=(CLOSED,), retires_on=LATER, date_kind=FIRM), day=1) == []


def test_the_same_stages_seen_again_write_nothing() -> None:
    poll(page_row(stages=(CLOSED,), regions=TWO_REGIONS))
    before = Assertion.objects.get(topic="lifecycle").changed_at

    poll(page_row(stages=(CLOSED,), regions=TWO_REGIONS), day=1)

    assert Assertion.objects.get(topic="lifecycle").changed_at == before
    assert reconcile_offerings([Offering.objects.get().pk], at=NOW) == 0


def test_a_stage_that_the_page_no_longer_states_is_removed() -> None:
    poll(page_row(stages=(CLOSED,), retires_on=LATER, date_kind=FIRM))

    poll(page_row(retires_on=LATER, date_kind=FIRM), day=1)

    assert not Offering.objects.get().stages.exists()


def test_a_date_of_another_source_keeps_the_stages_of_the_page() -> None:
    poll(page_row(stages=(CLOSED,)))
    offering = Offering.objects.get()
    value = {"retires_on": LATER.isoformat(), "date_kind": FIRM}
    make_claim(make_source("litellm"), "nova-pro", offering=offering, value=value)

    reconcile_offerings([offering.pk], at=NOW)

    offering.refresh_from_db()
    assert offering.retires_on == LATER
    assert [row.stage for row in offering.stages.all()] == ["closed_to_new"]


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [
        pytest.param({"status": "closed_to_new"}, "legacy", id="closed to new customers"),
        pytest.param(
            {"stages": (StageClaim("legacy", TODAY, FIRM),)}, "legacy", id="a day reached"
        ),
        pytest.param({"stages": (StageClaim("legacy", SOON, FIRM),)}, "active", id="a day ahead"),
        pytest.param(
            {"stages": (StageClaim("legacy", TODAY - timedelta(9), NOT_BEFORE),)},
            "active",
            id="an earliest day that has passed",
        ),
    ],
)
def test_the_lifecycle_follows_the_stage(lifecycle: dict[str, Any], expected: str) -> None:
    poll(page_row(**lifecycle))

    assert Offering.objects.get().lifecycle == expected


def test_a_month_is_kept_as_a_month_and_counts_as_the_earliest_day() -> None:
    first = LATER.replace(day=1)
    poll(
        page_row(retires_on=first, date_kind=NOT_BEFORE, retires_month=f"{first:%Y-%m}"),
        baseline=True,
    )

    offering = Offering.objects.get()
    assert (offering.retires_month, offering.retires_on) == (f"{first:%Y-%m}", first)
    assert not offering.is_retired(first + timedelta(40))


def test_an_offering_of_a_region_has_the_day_of_its_region() -> None:
    host = make_provider("bedrock")
    regional = make_offering("nova-pro", host=host, region_scope="us-west-2")
    elsewhere = make_offering("nova-pro", host=host, region_scope="ap-south-1")

    poll(page_row(regions=TWO_REGIONS))

    regional.refresh_from_db()
    elsewhere.refresh_from_db()
    general = Offering.objects.get(region_scope="")
    assert (regional.retires_on, elsewhere.retires_on, general.retires_on) == (SOON, LATER, LATER)
    assert list(general.regional_retirements.values_list("region", "retires_on")) == [
        ("us-west-2", SOON),
        ("eu-west-1", LATER),
    ]
    assert not regional.regional_retirements.exists()


def test_the_day_of_a_region_also_applies_where_another_source_lists_the_region() -> None:
    host = make_provider("bedrock")
    regional = make_offering("nova-pro", host=host, region_scope="us-west-2")
    litellm = make_source("litellm")
    make_claim(litellm, "bedrock/us-west-2/nova-pro", topic="identity", offering=regional)

    poll(page_row(regions=TWO_REGIONS))

    regional.refresh_from_db()
    assert regional.retires_on == SOON


def test_a_feature_is_an_offering_that_is_never_a_model() -> None:
    poll(
        page_row("Assistants API", kind="feature", retires_on=LATER, date_kind=FIRM), baseline=True
    )

    feature = Offering.objects.features().get()
    assert (feature.kind, feature.retires_on) == ("feature", LATER)
    assert not Offering.objects.model_ids().exists()
    assert not Offering.objects.unresolved().exists()


def test_the_retirement_of_a_feature_is_an_event() -> None:
    poll(page_row("Assistants API", kind="feature"), baseline=True)

    events = poll(
        page_row("Assistants API", kind="feature", retires_on=LATER, date_kind=FIRM), day=1
    )

    assert [(event.kind, event.offering.api_id) for event in events] == [
        ("announced", "Assistants API")
    ]


def test_a_feature_and_a_model_can_have_the_same_text() -> None:
    model = make_offering("realtime", host=make_provider("bedrock"))

    poll(page_row("realtime", kind="feature", retires_on=LATER, date_kind=FIRM))

    model.refresh_from_db()
    assert model.retires_on is None
    assert Offering.objects.features().get().retires_on == LATER


def test_a_stage_begins_with_its_day() -> None:
    poll(page_row(stages=(StageClaim("legacy", SOON, FIRM),)))

    apply_due_facts(at=NOW + timedelta(60))

    assert Offering.objects.get().lifecycle == "legacy"
    assert advance_due_stages(at=NOW + timedelta(61)) == 0


def test_a_user_can_state_the_day_of_a_stage_and_the_dates_of_feeds_stay() -> None:
    poll(page_row(stages=(CLOSED, EXTENDED), retires_on=LATER, date_kind=FIRM), baseline=True)
    offering = Offering.objects.get()

    claim = set_manual_fact(
        offering=offering,
        value={"stages": {"closed_to_new": SOON}},
        by=make_user(role="governance"),
        reason="Email of the account team.",
    )

    offering.refresh_from_db()
    assert offering.retires_on == LATER
    assert dict(offering.stages.values_list("stage", "starts_on")) == {
        "closed_to_new": SOON,
        "extended_access": SOON,
    }
    remove_manual_fact(assertion=claim, by=make_user(role="governance"), reason="Wrong.")
    assert offering.stages.get(stage="closed_to_new").starts_on == CLOSED.starts_on


def test_a_user_cannot_state_an_unknown_stage() -> None:
    poll(page_row(), baseline=True)

    with pytest.raises(InvalidFactError, match="not a stage"):
        set_manual_fact(
            offering=Offering.objects.get(),
            value={"stages": {"golden": SOON}},
            by=make_user(role="governance"),
            reason="A test.",
        )
