"""What people say about the catalogue counts, says who and why, and can be taken back."""

from datetime import UTC, date, datetime

import pytest

from apps.catalog.actions import (
    InvalidFactError,
    decide_identity,
    remove_manual_fact,
    revoke_identity_decision,
    set_manual_fact,
)
from apps.catalog.claims.feed_rows import FIRM, FeedRow, LifecycleClaim
from apps.catalog.footing import footing_differences
from apps.catalog.ingestion.ingest import ingest_observation
from apps.catalog.models import Assertion, IdentityDecision, Offering
from tests.builders import make_offering, make_provider, make_source, make_user, make_version

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, tzinfo=UTC)


def announced_by(slug: str, offering: Offering, ends: str, *, rank: int = 20) -> Assertion:
    source = make_source(slug, kind="litellm", trust_rank=rank)
    claim = LifecycleClaim(retires_on=date.fromisoformat(ends), date_kind=FIRM)
    row = FeedRow(
        f"{slug}/{offering.api_id}", "acme", offering.host.slug, offering.api_id, lifecycle=claim
    )
    ingest_observation(source=source, rows=[row], at=AT, baseline=True)
    return Assertion.objects.get(source=source, topic="lifecycle")


def test_a_manual_date_outranks_the_feed_until_it_is_lifted() -> None:
    offering, user = make_offering("m", host=make_provider("acme")), make_user("ada")
    announced_by("feed", offering, "2027-01-01")

    claim = set_manual_fact(
        offering=offering,
        value={"retires_on": "2027-06-01", "date_kind": "firm"},
        by=user,
        reason="Contract annex 3",
    )
    offering.refresh_from_db()
    assert (offering.retires_on, claim.asserted_by, claim.reason) == (
        date(2027, 6, 1),
        user,
        "Contract annex 3",
    )

    remove_manual_fact(assertion=claim, by=user, reason="Annex ended")
    offering.refresh_from_db()
    assert offering.retires_on == date(2027, 1, 1)
    assert Assertion.objects.filter(pk=claim.pk, withdrawn_at__isnull=False).exists()


@pytest.mark.parametrize(
    ("value", "reason", "words"),
    [
        ({"retires_on": "2027-06-01", "date_kind": "firm"}, " ", "Enter a reason"),
        ({"retires_on": "2027-06-01"}, "r", "announced or earliest"),
        ({"retires_on": "next summer", "date_kind": "firm"}, "r", "next summer"),
        (
            {"retires_on": "2027-06-01", "announced_on": "2027-07-01", "date_kind": "firm"},
            "r",
            "before its announce",
        ),
        ({"status": "retired", "source_url": "javascript:alert(1)"}, "r", "must start with https"),
    ],
)
def test_a_manual_fact_that_does_not_hold_together_is_refused(
    value: dict[str, str], reason: str, words: str
) -> None:
    offering = make_offering()

    with pytest.raises(InvalidFactError, match=words):
        set_manual_fact(offering=offering, value=value, by=make_user(), reason=reason)

    assert not Assertion.objects.exists()


def test_what_a_feed_says_cannot_be_lifted_by_hand() -> None:
    claim = announced_by("feed", make_offering("m", host=make_provider("acme")), "2027-01-01")

    with pytest.raises(InvalidFactError, match="change with the feed"):
        remove_manual_fact(assertion=claim, by=make_user(), reason="no")


def test_the_source_trusted_more_settles_and_the_other_claim_stays_on_record() -> None:
    offering = make_offering("m", host=make_provider("acme"))
    announced_by("second", offering, "2027-03-01", rank=20)
    announced_by("first", offering, "2027-01-01", rank=10)

    offering.refresh_from_db()
    assert offering.retires_on == date(2027, 1, 1)
    assert Assertion.objects.filter(offering=offering, topic="lifecycle").count() == 2


def test_a_fact_another_source_has_told_is_not_told_again() -> None:
    offering = make_offering("m", host=make_provider("acme"))
    announced_by("first", offering, "2027-01-01", rank=10)
    second = make_source("second", kind="litellm", trust_rank=20)
    silent = FeedRow("second/m", "acme", "acme", "m", lifecycle=LifecycleClaim())
    ingest_observation(source=second, rows=[silent], at=AT, baseline=True)

    dated = LifecycleClaim(retires_on=date(2027, 1, 1), date_kind=FIRM)
    recorded = ingest_observation(
        source=second,
        rows=[FeedRow("second/m", "acme", "acme", "m", lifecycle=dated)],
        at=datetime(2026, 11, 22, tzinfo=UTC),
        baseline=False,
    )

    assert recorded.events == []


@pytest.mark.parametrize(("rank", "reported"), [(20, []), (5, ["announced"])])
def test_of_two_sources_with_different_dates_only_the_one_with_higher_priority_is_reported(
    rank: int, reported: list[str]
) -> None:
    offering = make_offering("m", host=make_provider("acme"))
    announced_by("first", offering, "2027-01-01", rank=10)
    second = make_source("second", kind="litellm", trust_rank=rank)
    silent = FeedRow("second/m", "acme", "acme", "m", lifecycle=LifecycleClaim())
    ingest_observation(source=second, rows=[silent], at=AT, baseline=True)

    dated = LifecycleClaim(retires_on=date(2027, 6, 1), date_kind=FIRM)
    recorded = ingest_observation(
        source=second,
        rows=[FeedRow("second/m", "acme", "acme", "m", lifecycle=dated)],
        at=datetime(2026, 11, 22, tzinfo=UTC),
        baseline=False,
    )

    assert [event.kind for event in recorded.events] == reported


def test_a_decision_about_a_string_is_applied_to_the_past_and_remembered_for_the_future() -> None:
    host, version, user = make_provider("acme"), make_version("maker/known-1"), make_user()
    offering = make_offering("chat-prod", host=host, resolved=False)

    decide_identity(
        raw="CHAT-prod",
        host=host,
        version=version,
        alias=None,
        not_a_model=False,
        by=user,
        reason="ours",
    )

    offering.refresh_from_db()
    assert (offering.version, offering.binding) == (version, "pinned")
    assert "decided by" in offering.identity_explanation
    assert footing_differences() == []
    row = FeedRow("feed/chat-prod", "acme", "acme", "chat-prod", region="eu")
    ingest_observation(source=make_source(), rows=[row], at=AT, baseline=True)
    assert Offering.objects.get(host=host, api_id="chat-prod", region_scope="eu").version == version


def test_a_decision_can_be_replaced_and_undone() -> None:
    host, user = make_provider("acme"), make_user()
    one, two = make_version("maker/one"), make_version("maker/two")
    offering = make_offering("chat-prod", host=host, resolved=False)
    decide_identity(raw="chat-prod", host=host, version=one, alias=None, not_a_model=False, by=user)

    second = decide_identity(
        raw="chat-prod", host=host, version=two, alias=None, not_a_model=False, by=user
    )
    offering.refresh_from_db()
    assert offering.version == two
    assert IdentityDecision.objects.filter(revoked_at__isnull=False).count() == 1

    revoke_identity_decision(decision=second, by=user)
    offering.refresh_from_db()
    assert offering.version is None
    assert footing_differences() == []


def test_a_string_can_be_decided_to_be_no_model() -> None:
    offering = make_offering("web-search", resolved=False)

    decide_identity(
        raw="web-search",
        host=offering.host,
        version=None,
        alias=None,
        not_a_model=True,
        by=make_user(),
    )

    offering.refresh_from_db()
    assert offering.not_a_model
    assert not Offering.objects.unresolved().exists()


def test_a_decision_says_exactly_one_thing() -> None:
    with pytest.raises(InvalidFactError, match="Choose"):
        decide_identity(
            raw="x", host=None, version=None, alias=None, not_a_model=False, by=make_user()
        )


def test_a_date_set_by_hand_raises_events_with_the_source_and_once_each() -> None:
    offering, user = make_offering("m", host=make_provider("acme")), make_user("ada")
    announced_by("feed", offering, "2099-01-01")

    for day in ("2099-06-01", "2099-06-01", "2098-12-01"):
        claim = set_manual_fact(
            offering=offering,
            value={"retires_on": day, "date_kind": "firm"},
            by=user,
            reason="Contract annex 3",
        )
    remove_manual_fact(assertion=claim, by=user, reason="Annex ended")

    events = offering.events.filter(source__slug="manual").order_by("pk")
    assert list(events.values_list("kind", "old", "new")) == [
        ("moved_later", "2099-01-01", "2099-06-01"),
        ("moved_earlier", "2099-06-01", "2098-12-01"),
        ("moved_later", "2098-12-01", "2099-01-01"),
    ]
    assert events[0].evidence.get() == claim


def test_a_date_that_a_user_takes_back_is_a_withdrawal() -> None:
    offering, user = make_offering("m", host=make_provider("acme")), make_user("ada")
    claim = set_manual_fact(
        offering=offering,
        value={"retires_on": "2099-06-01", "date_kind": "firm"},
        by=user,
        reason="Account manager",
    )

    remove_manual_fact(assertion=claim, by=user, reason="A mistake")

    assert list(offering.events.order_by("pk").values_list("kind", "new")) == [
        ("announced", "2099-06-01"),
        ("withdrawn", None),
    ]


def test_a_past_date_set_by_hand_is_recorded_and_no_news() -> None:
    offering, user = make_offering("m", host=make_provider("acme")), make_user("ada")
    set_manual_fact(
        offering=offering,
        value={"retires_on": "2020-06-01", "date_kind": "firm"},
        by=user,
        reason="Found in the changelog",
    )
    offering.refresh_from_db()
    assert offering.lifecycle == "retired"
    assert not offering.events.exists()
