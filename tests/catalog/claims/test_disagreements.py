"""Which claims contradict each other, what is listed of it, and when it becomes an event."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.actions import remove_manual_fact, set_manual_fact
from apps.catalog.claims.disagreement_events import (
    create_disagreement_events,
    disagreement_key,
    due_disagreements,
)
from apps.catalog.claims.disagreements import (
    count_by_source,
    disagreements,
    is_contradiction,
    latest_disagreements,
    precedence_reason,
    with_true_date_kinds,
)
from apps.catalog.claims.precedence import SourceClaim
from apps.catalog.claims.price_gaps import PriceGaps
from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.models import Assertion, Offering, ProviderEvent
from tests.builders import make_claim, make_offering, make_source, make_user

START = datetime(2026, 8, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def voice(source: str, ends: str | None, kind: str = "firm", **fields: Any) -> SourceClaim:
    value = {"retires_on": ends, "date_kind": kind} if ends else {"status": "retired"}
    return SourceClaim(
        fields.pop("claim_id", 1),
        source,
        fields.pop("rank", 20),
        value,
        fields.pop("at", START),
        **fields,
    )


def soft(source: str, ends: str, **fields: Any) -> SourceClaim:
    return voice(source, ends, "not_before", **fields)


class TestTheRule:
    @pytest.mark.parametrize(
        ("a", "b", "expected"),
        [
            (voice("a", "2026-05-07"), voice("b", "2027-01-20"), True),
            (voice("a", "2026-05-07"), voice("b", "2026-05-07"), False),
            (voice("a", "2026-05-07"), voice("b", "2026-05-08"), False),
            (voice("a", "2026-05-07"), voice("b", "2026-05-09"), True),
            (voice("a", "2026-12-01"), soft("b", "2026-10-16"), False),
            (voice("a", "2026-10-01"), soft("b", "2026-10-16"), True),
            (soft("a", "2026-10-16"), soft("b", "2027-03-15"), False),
            (voice("a", "2026-05-07"), voice("b", None), False),
            (voice("a", "2026-05-07"), voice("b", "2027-01-20", in_doubt=True), False),
            (voice("a", "2026-05-07"), voice("a", "2027-01-20"), False),
        ],
        ids=[
            "firm days that differ",
            "the same day",
            "a day apart is one day in two zones",
            "two days apart",
            "firm after a lower bound",
            "firm before a lower bound",
            "two lower bounds",
            "a status without a day",
            "a day its source doubts",
            "one source alone",
        ],
    )
    def test_two_claims_contradict_when_they_cannot_both_be_true(
        self, a: SourceClaim, b: SourceClaim, expected: bool
    ) -> None:
        assert is_contradiction(a, b) is expected
        assert is_contradiction(b, a) is expected

    def test_a_day_of_a_source_that_marks_none_is_soft_where_another_says_so(self) -> None:
        unmarked, bound, later = with_true_date_kinds(
            [voice("litellm", "2026-10-15"), soft("b", "2026-10-15"), voice("c", "2026-12-01")]
        )

        assert not is_contradiction(unmarked, later)
        assert is_contradiction(voice("litellm", "2026-10-15"), later)
        assert not is_contradiction(bound, unmarked)

    def test_it_is_soft_too_where_that_is_said_of_the_model_at_another_host(self) -> None:
        (unmarked,) = with_true_date_kinds([voice("litellm", "2026-10-15", soft_elsewhere=True)])
        (marked,) = with_true_date_kinds([voice("b", "2026-10-15", soft_elsewhere=True)])

        assert not is_contradiction(unmarked, voice("c", "2026-12-01"))
        assert is_contradiction(marked, voice("c", "2026-12-01"))

    @pytest.mark.parametrize(
        ("winner", "other", "words"),
        [
            (
                voice("manual", "2026-01-01", rank=0),
                voice("b", "2026-02-01"),
                "a manual override outranks",
            ),
            (
                voice("a", "2026-01-01", rank=10),
                voice("b", "2026-02-01"),
                "A (priority 10) has a higher priority than B (priority",
            ),
            (voice("a", "2026-01-01"), soft("b", "2026-02-01"), "an announced date outranks"),
            (
                voice("a", "2026-01-01"),
                voice("b", "2026-02-01", first_party=False),
                "the host outranks a gateway",
            ),
            (
                voice("a", "2026-01-01", at=START + DAY),
                voice("b", "2026-02-01"),
                "the value of A is newer",
            ),
            (
                voice("a", "2026-01-01"),
                voice("b", "2026-02-01", claim_id=2),
                "A was recorded first",
            ),
        ],
    )
    def test_why_a_claim_counts_is_said_in_words(
        self, winner: SourceClaim, other: SourceClaim, words: str
    ) -> None:
        assert words in precedence_reason(winner, other, "A", "B")

    def test_the_key_is_the_same_whichever_side_is_named_first(self) -> None:
        one, other = ("litellm", "2027-01-20"), ("modeldeprecations", "2026-05-07")

        assert disagreement_key(7, one, other) == disagreement_key(7, other, one)
        assert len(disagreement_key(7, one, other)) == 64
        assert disagreement_key(7, one, other) != disagreement_key(8, one, other)
        assert disagreement_key(7, one, other) != disagreement_key(
            7, one, ("modeldeprecations", "2026-05-08")
        )


def say(
    slug: str,
    offering: Offering,
    ends: str | None,
    *,
    at: datetime = START,
    kind: str = "firm",
    rank: int = 20,
    external_id: str = "",
    **extra: Any,
) -> Assertion:
    """Let `slug` say from `at` on that the offering ends on `ends`, and settle."""
    source = make_source(slug, name=slug.title(), kind=slug, trust_rank=rank)
    value = {"retires_on": ends, "date_kind": kind} if ends else {}
    claim, is_new = Assertion.objects.get_or_create(
        source=source,
        external_id=external_id or f"{slug}/{offering.api_id}",
        topic="lifecycle",
        defaults={
            "offering": offering,
            "value": {**value, **extra},
            "first_seen": at,
            "changed_at": at,
            "excerpt": {"date": ends},
        },
    )
    if not is_new:
        claim.value, claim.changed_at = {**value, **extra}, at
        claim.save()
    reconcile_offerings([offering.pk], at=at)
    return claim


def began(slug: str, *, at: datetime = START - 30 * DAY, rank: int = 20) -> None:
    """The first observation of a source, of something else."""
    say(slug, make_offering(), "2030-01-01", at=at, rank=rank)


@pytest.mark.django_db
class TestTheList:
    def test_it_has_all_sides_what_is_accepted_and_why(self) -> None:
        offering = make_offering("gpt-4o-realtime-preview")
        say("modeldeprecations", offering, "2026-05-07", rank=15)
        wrong = say("litellm", offering, "2027-01-20", at=START + DAY)

        (row,) = disagreements(at=START + 2 * DAY)

        assert [(side.speaker, side.day) for side in row.sides] == [
            ("modeldeprecations", date(2026, 5, 7)),
            ("litellm", date(2027, 1, 20)),
        ]
        assert row.accepted is row.sides[0]
        assert row.reason == (
            "Modeldeprecations (priority 15) has a higher priority than Litellm (priority 20)"
        )
        assert (row.n_days, row.since, row.is_new, row.state) == (258, START + DAY, True, "open")
        assert row.sides[1].claim == wrong
        assert [row.stands_against(side) for side in row.sides] == [False, True]
        assert row.offering.host.name

    def test_a_soft_day_and_a_later_firm_one_are_no_disagreement(self) -> None:
        offering = make_offering("gemini-2.5-pro")
        say("modeldeprecations", offering, "2026-10-16", kind="not_before")
        say("litellm", offering, "2026-12-01")

        assert disagreements(at=START) == []

    def test_a_compatible_third_source_is_shown_and_not_held_against_anybody(self) -> None:
        offering = make_offering()
        say("a", offering, "2026-12-01", rank=10)
        say("b", offering, "2027-03-01")
        say("c", offering, "2026-10-16", kind="not_before", rank=30)

        (row,) = disagreements(at=START)

        assert row.speakers == ("a", "b")
        assert [row.stands_against(side) for side in row.sides] == [False, True, False]

    @pytest.mark.parametrize(
        "change", [{"withdrawn_at": START}, {"pending": {}, "pending_since": START}]
    )
    def test_a_claim_taken_back_or_in_doubt_contradicts_nobody(
        self, change: dict[str, Any]
    ) -> None:
        offering = make_offering()
        say("a", offering, "2026-12-01")
        claim = say("b", offering, "2027-03-01")
        Assertion.objects.filter(pk=claim.pk).update(**change)

        assert disagreements(at=START) == []

    def test_a_row_that_was_delisted_before_its_day_contradicts_nobody(self) -> None:
        offering = make_offering()
        say("a", offering, "2026-12-01")
        claim = say("b", offering, "2027-03-01")
        make_claim(
            claim.source,
            claim.external_id,
            topic="identity",
            offering=offering,
            value={},
            first_seen=START,
            changed_at=START,
            missing_since=START,
            withdrawn_at=START + 7 * DAY,
        )

        assert disagreements(at=START + 8 * DAY) == []

    def test_the_built_in_catalogue_speaks_for_a_feed_until_that_is_polled(self) -> None:
        offering = make_offering()
        say("litellm", offering, "2027-01-20")
        make_source("modeldeprecations", name="modeldeprecations.dev", trust_rank=15)
        say(
            "built-in",
            offering,
            "2026-05-07",
            rank=90,
            external_id="modeldeprecations:openai/gpt-4o-realtime",
        )
        say("built-in", offering, "2026-06-01", rank=90, external_id="litellm:gpt-4o-realtime")

        (row,) = disagreements(at=START)

        assert [(side.speaker, side.is_built_in) for side in row.sides] == [
            ("litellm", False),
            ("modeldeprecations", True),
        ]
        assert "modeldeprecations.dev as in the built-in catalogue (priority 90)" in row.reason

    def test_a_decision_closes_it_until_it_is_lifted(self) -> None:
        offering, user = make_offering(), make_user("maren")
        say("a", offering, "2026-12-01")
        say("b", offering, "2027-03-01")
        claim = set_manual_fact(
            offering=offering,
            value={"retires_on": "2027-03-01", "date_kind": "firm"},
            by=user,
            reason="their mail",
        )

        assert disagreements() == []
        (row,) = disagreements(open_only=False)
        assert (row.state, row.reason) == ("decided", "decided by maren: their mail")
        assert row.by_hand is not None
        assert row.by_hand.claim == claim
        assert {side.speaker for side in row.sides} == {"a", "b"}

        remove_manual_fact(assertion=claim, by=user, reason="the mail was wrong")
        assert [row.state for row in disagreements(at=START)] == ["open"]

    def test_a_person_against_a_single_source_is_decided_and_not_open(self) -> None:
        offering = make_offering()
        say("a", offering, "2026-12-01")
        value = {"retires_on": "2027-03-01", "date_kind": "firm"}
        set_manual_fact(offering=offering, value=value, by=make_user(), reason="contract")

        assert [row.state for row in disagreements(open_only=False)] == ["decided"]
        assert count_by_source() == {}

    def test_days_that_passed_more_than_a_year_ago_are_listed_apart(self) -> None:
        offering = make_offering()
        say("a", offering, "2024-06-01")
        say("b", offering, "2024-09-13")

        assert disagreements(at=datetime(2025, 9, 13, tzinfo=UTC))[0].state == "open"
        assert disagreements(at=datetime(2025, 9, 14, tzinfo=UTC)) == []
        assert [row.state for row in disagreements(at=START, open_only=False)] == ["past"]

    def test_a_new_successor_does_not_make_it_young_again(self) -> None:
        offering = make_offering()
        say("a", offering, "2026-12-01")
        say("b", offering, "2027-03-01")
        say("b", offering, "2027-03-01", at=START + 20 * DAY, successor="next")

        assert disagreements(at=START + 20 * DAY)[0].since == START

    def test_a_day_that_was_left_and_named_again_is_as_old_as_its_return(self) -> None:
        offering = make_offering()
        say("a", offering, "2026-12-01")
        say("b", offering, "2027-03-01")
        say("b", offering, "2027-04-01", at=START + 5 * DAY)
        say("b", offering, "2027-03-01", at=START + 9 * DAY)

        assert disagreements(at=START + 20 * DAY)[0].since == START + 9 * DAY

    def test_it_costs_the_same_however_many_there_are(self) -> None:
        offerings = [make_offering() for _ in range(4)]
        for offering in offerings:
            say("a", offering, "2026-12-01")
            say("b", offering, "2027-03-01")

        with CaptureQueriesContext(connection) as queries:
            found = disagreements(at=START)
            for row in found:
                assert row.offering.host.name
                assert all(side.claim.source.name for side in row.sides)

        assert len(found) == 4
        assert len(queries) == 7

    def test_it_can_be_asked_about_some_offerings_only(self) -> None:
        first, second = make_offering(), make_offering()
        for offering in (first, second):
            say("a", offering, "2026-12-01")
            say("b", offering, "2027-03-01")

        assert [row.offering for row in disagreements([second.pk], at=START)] == [second]
        assert disagreements([], at=START) == []

    def test_the_latest_come_first_and_each_source_is_counted(self) -> None:
        first, second = make_offering(), make_offering()
        for offering, at in ((first, START), (second, START + DAY)):
            say("a", offering, "2026-12-01", at=at)
            say("b", offering, "2027-03-01", at=at)
        say("c", first, "2027-06-01")

        assert [row.offering for row in latest_disagreements(at=START + DAY)] == [second, first]
        assert [row.offering for row in latest_disagreements(limit=1, at=START + DAY)] == [second]
        assert count_by_source(at=START + DAY) == {"a": 2, "b": 2, "c": 1}


def due(
    at: datetime, *, read: datetime | None = None, slugs: tuple[str, ...] = ("a", "b", "c")
) -> list[Any]:
    read_at = {make_source(slug).pk: read or at for slug in slugs}
    return due_disagreements(at=at, read_at=read_at)


@pytest.mark.django_db
class TestTheEvent:
    @pytest.fixture
    def moved(self) -> Offering:
        """Source a has said 1 December for a month when b, known for a month, says 1 March."""
        offering = make_offering("m")
        say("a", offering, "2026-12-01", at=START - 30 * DAY, rank=10)
        began("b")
        say("b", offering, "2027-03-01", at=START)
        return offering

    def test_it_is_due_once_both_days_have_stood_a_week(self, moved: Offering) -> None:
        assert due(START + 7 * DAY - timedelta(seconds=1)) == []

        (told,) = due(START + 8 * DAY)

        assert (told.fact.kind, told.source.slug, told.fact.external_id) == (
            "disagreement",
            "b",
            "b/m",
        )
        assert (told.fact.old, told.fact.new) == ("2026-12-01", "2027-03-01")
        assert told.fact.effective_on == date(2026, 12, 1)
        assert told.fact.detected_at == START + 7 * DAY
        assert told.offering_id == moved.pk

    def test_a_source_that_follows_within_the_week_is_no_news(self, moved: Offering) -> None:
        say("a", moved, "2027-03-01", at=START + 6 * DAY, rank=10)

        assert due(START + 30 * DAY) == []

    def test_a_source_that_moves_again_begins_the_week_anew(self, moved: Offering) -> None:
        say("b", moved, "2027-04-01", at=START + 6 * DAY)

        assert due(START + 12 * DAY) == []
        assert [told.fact.new for told in due(START + 13 * DAY)] == ["2027-04-01"]

    def test_a_new_successor_alone_neither_delays_nor_makes_news(self, moved: Offering) -> None:
        say("a", moved, "2026-12-01", at=START + 6 * DAY, rank=10, successor="next")

        assert [told.fact.detected_at for told in due(START + 7 * DAY)] == [START + 7 * DAY]

    def test_a_source_that_was_not_read_since_proves_nothing(self, moved: Offering) -> None:
        assert due(START + 20 * DAY, read=START + 6 * DAY) == []
        assert due(START + 20 * DAY, slugs=("b",)) == []
        assert len(due(START + 20 * DAY, read=START + 7 * DAY)) == 1

    def test_the_first_observation_of_a_source_is_news_to_nobody(self) -> None:
        offering = make_offering()
        began("a")
        say("a", offering, "2026-12-01", at=START - 10 * DAY)
        say("b", offering, "2027-03-01", at=START)

        assert due(START + 30 * DAY) == []

    def test_days_that_had_both_come_by_then_are_no_news(self) -> None:
        offering = make_offering()
        began("b")
        say("a", offering, "2026-02-01", at=START - 30 * DAY)
        say("b", offering, "2026-08-03", at=START)

        assert due(START + 30 * DAY) == []

    def test_what_a_person_has_decided_is_no_news(self, moved: Offering) -> None:
        value = {"retires_on": "2027-03-01", "date_kind": "firm"}
        set_manual_fact(offering=moved, value=value, by=make_user(), reason="contract")

        assert due(START + 8 * DAY) == []

    def test_a_row_that_has_gone_before_its_day_waits(self, moved: Offering) -> None:
        make_claim(
            make_source("b"),
            "b/m",
            topic="identity",
            offering=moved,
            value={},
            first_seen=START,
            changed_at=START,
            missing_since=START + 3 * DAY,
        )

        assert due(START + 8 * DAY) == []

    def test_a_soft_day_of_a_source_that_marks_none_is_no_news(self) -> None:
        offering = make_offering()
        for slug in ("a", "litellm"):
            began(slug)
        say("a", offering, "2026-10-15", kind="not_before", at=START - DAY)
        say("litellm", offering, "2026-10-15")
        say("b", offering, "2026-12-01", at=START - DAY)

        assert due(START + 8 * DAY, slugs=("a", "b", "litellm")) == []

    def test_it_is_told_once_whoever_names_the_two_days(self, moved: Offering) -> None:
        read_at = {make_source(slug).pk: START + 40 * DAY for slug in ("a", "b", "c")}
        (event,) = create_disagreement_events(at=START + 8 * DAY, read_at=read_at)
        assert event.key == disagreement_key(moved.pk, ("b", "2027-03-01"), ("a", "2026-12-01"))
        assert {claim.source.slug for claim in event.evidence.all()} == {"a", "b"}

        began("c")
        say("c", moved, "2027-03-01", at=START + 9 * DAY, rank=30)
        say("b", moved, "2027-04-01", at=START + 10 * DAY)
        say("b", moved, "2027-03-01", at=START + 11 * DAY)
        say("a", moved, "2026-11-15", at=START + 12 * DAY, rank=10)
        say("a", moved, "2026-12-01", at=START + 13 * DAY, rank=10)

        assert due(START + 30 * DAY) == []
        assert create_disagreement_events(at=START + 30 * DAY, read_at=read_at) == []
        assert ProviderEvent.objects.filter(kind="disagreement").count() == 1

    def test_two_sources_against_one_are_told_as_one_event(self, moved: Offering) -> None:
        began("c")
        say("c", moved, "2027-03-01", at=START, rank=30)

        assert len(due(START + 8 * DAY)) == 1

    def test_looking_costs_one_statement_when_nothing_is_due(self, moved: Offering) -> None:
        decided, doubted = make_offering("decided"), make_offering("doubted")
        for offering in (decided, doubted):
            say("a", offering, "2026-12-01", at=START - 10 * DAY, rank=10)
            say("b", offering, "2027-03-01", at=START - 9 * DAY)
        value = {"retires_on": "2027-03-01", "date_kind": "firm"}
        set_manual_fact(offering=decided, value=value, by=make_user(), reason="contract")
        Assertion.objects.filter(external_id="b/doubted").update(pending={}, pending_since=START)
        read_at = {make_source(slug).pk: START + DAY for slug in ("a", "b")}

        with CaptureQueriesContext(connection) as queries:
            assert due_disagreements(at=START + DAY, read_at=read_at) == []

        assert len(queries) == 1


def price(slug: str, offering: Offering, rank: int = 20, **value: str) -> Assertion:
    source = make_source(slug, name=slug.title(), kind=slug, trust_rank=rank)
    claim = make_claim(
        source,
        f"{slug}/{offering.api_id}",
        topic="price",
        offering=offering,
        value=value,
        first_seen=START,
        changed_at=START,
    )
    reconcile_offerings([offering.pk], at=START)
    return claim


@pytest.mark.django_db
class TestPrices:
    ON = date(2026, 8, 1)

    def test_amounts_in_force_that_differ_by_more_than_a_percent_are_listed(self) -> None:
        near, far = make_offering(), make_offering()
        price("a", near, input="1.00", output="3")
        price("b", near, input="1.01", output="3")
        price("a", far, rank=10, input="5", output="30")
        price("b", far, input="2", output="30")

        (gap,) = PriceGaps(self.ON).page(limit=10)

        assert gap.offering == far
        assert gap.factor == 5 / 2
        assert gap.accepted is gap.sides[0]
        assert [(side.speaker, differing) for side, differing in gap.lines] == [
            ("a", frozenset()),
            ("b", frozenset({"input"})),
        ]

    def test_free_other_units_other_currencies_and_larger_requests_are_not_compared(self) -> None:
        offering = make_offering()
        price("a", offering, input="0", output="3", cache_read="1")
        price("b", offering, input="2", output="3", cache_read="9")
        price("c", offering, input="7", output="8", currency="EUR")
        Assertion.objects.filter(source__slug="b").update(
            value={"input": "2", "output": "3", "input>200000": "4"}
        )

        assert PriceGaps(self.ON).count(limit=10) == 0

    def test_a_price_published_in_advance_counts_from_its_day(self) -> None:
        offering = make_offering()
        claim = price("a", offering, input="3")
        price("b", offering, input="3")
        Assertion.objects.filter(pk=claim.pk).update(value={"input": "3", "input@2026-09-01": "2"})

        assert PriceGaps(date(2026, 8, 31)).count(limit=10) == 0
        assert PriceGaps(date(2026, 9, 1)).count(limit=10) == 1

    def test_the_widest_comes_first_and_sheets_are_cut_by_the_database(self) -> None:
        offerings = [make_offering() for _ in range(3)]
        for offering, dear in zip(offerings, ("2", "9", "4"), strict=True):
            price("a", offering, input="1")
            price("b", offering, input=dear)
        price("c", offerings[2], input="1")

        def order(gaps: PriceGaps, **cut: int) -> list[Offering]:
            return [gap.offering for gap in gaps.page(**{"limit": 10, **cut})]

        assert order(PriceGaps(self.ON)) == [offerings[1], offerings[2], offerings[0]]
        assert order(PriceGaps(self.ON), limit=1, offset=1) == [offerings[2]]
        assert order(PriceGaps(self.ON, source="c")) == [offerings[2]]
        assert order(PriceGaps(self.ON, {offerings[0].pk})) == [offerings[0]]
        assert PriceGaps(self.ON).count(limit=2) == 2
        assert PriceGaps(self.ON, set()).count(limit=2) == 0

    def test_a_sheet_costs_the_same_however_long_it_is(self) -> None:
        for _ in range(4):
            offering = make_offering()
            price("a", offering, input="1")
            price("b", offering, input="2")

        with CaptureQueriesContext(connection) as queries:
            for gap in PriceGaps(self.ON).page(limit=10):
                assert gap.offering.host.name
                assert gap.sides[0].claim.source.slug

        assert len(queries) == 5
