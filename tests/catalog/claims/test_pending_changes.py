"""What the guards hold back, and what people decide about it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog.actions import InvalidFactError
from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.claims.pending_changes import (
    accept_pending,
    pending_changes,
    reject_pending,
    rejected_changes,
    undo_rejection,
)
from apps.catalog.ingestion.ingest import apply_due_facts, ingest_observation, ingest_unchanged
from apps.catalog.models import Assertion, Offering, Price, ProviderEvent, Source
from apps.common.time import now
from tests.builders import make_source, make_user
from tests.catalog.ingestion.histories import DAY, HOUR, filler, row

pytestmark = pytest.mark.django_db

YEAR = now().year + 2
BEFORE, AFTER = f"{YEAR}-01-15", f"{YEAR}-06-01"
DECIDE: tuple[Any, ...] = (accept_pending, reject_pending, undo_rejection)


@pytest.fixture
def source() -> Source:
    return make_source("litellm")


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def began() -> datetime:
    return now() - timedelta(hours=30)


def observe(
    source: Source, at: datetime, *rows: FeedRow, baseline: bool = False
) -> list[ProviderEvent]:
    return ingest_observation(
        source=source, rows=rows, at=at, baseline=baseline, last_seen=at - DAY
    ).events


def removals(group: str) -> tuple[list[FeedRow], list[FeedRow]]:
    """Ten rows of a provider, and the four that a broken payload still has."""
    rows = [row(f"{group}/model-{n}", BEFORE if n == 0 else None) for n in range(10)]
    return rows, rows[6:]


def dates(group: str) -> tuple[list[FeedRow], list[FeedRow]]:
    """Ten dated rows of a provider, and the same with five days moved and one taken back."""
    return (
        [row(f"{group}/star-{n}", BEFORE) for n in range(10)],
        [
            row(f"{group}/star-{n}", AFTER if n < 5 else None if n == 5 else BEFORE)
            for n in range(10)
        ],
    )


def price(amount: str) -> FeedRow:
    return row("acme/dear", prices={"input": amount, "output": "15"})


@pytest.fixture
def suspect(source: Source, began: datetime) -> datetime:
    """Removals at acme, dates at zenith and a price that rose by a thousand are held; the moment
    they were seen."""
    (gone_before, gone_after), (moved_before, moved_after) = removals("acme"), dates("zenith")
    observe(
        source, began, *gone_before, *moved_before, price("0.2"), *filler(20, "calm"), baseline=True
    )
    at = began + 29 * HOUR
    assert observe(source, at, *gone_after, *moved_after, price("200"), *filler(20, "calm")) == []
    return at


def again(source: Source, at: datetime) -> list[ProviderEvent]:
    """The payload that was doubted, once more."""
    return observe(
        source, at, *removals("acme")[1], *dates("zenith")[1], price("200"), *filler(20, "calm")
    )


def as_before(source: Source, at: datetime) -> list[ProviderEvent]:
    return observe(
        source, at, *removals("acme")[0], *dates("zenith")[0], price("0.2"), *filler(20, "calm")
    )


def kinds(events: list[ProviderEvent]) -> list[str]:
    return sorted(event.kind for event in events)


class TestThePreview:
    def test_it_lists_removals_dates_and_prices_with_old_and_new(
        self, source: Source, suspect: datetime
    ) -> None:
        changes = {
            (change.what, change.assertion.external_id): (change.old, change.new)
            for change in pending_changes(source)
        }

        assert changes == {
            ("removal", "acme/model-0"): (BEFORE, None),
            **{("removal", f"acme/model-{n}"): (None, None) for n in range(1, 6)},
            **{("date", f"zenith/star-{n}"): (BEFORE, AFTER) for n in range(5)},
            ("date", "zenith/star-5"): (BEFORE, None),
            ("price", "acme/dear"): ({"input": "0.2"}, {"input": "200"}),
        }
        assert {change.since for change in pending_changes(source)} == {suspect}
        assert not any(change.refused for change in pending_changes(source))

    def test_it_can_be_requested_by_provider(self, source: Source, suspect: datetime) -> None:
        assert {change.what for change in pending_changes(source, groups=["zenith"])} == {"date"}
        assert {change.what for change in pending_changes(source, groups=["acme"])} == {
            "removal",
            "price",
        }
        assert pending_changes(source, groups=["calm"]) == []

    def test_it_follows_a_row_to_its_new_provider(self, source: Source, began: datetime) -> None:
        def of(group: str, day: str) -> list[FeedRow]:
            return [
                FeedRow(f"m-{n}", group, "acme", f"m-{n}", lifecycle=row("x", day).lifecycle)
                for n in range(10)
            ]

        observe(source, began, *of("old", BEFORE), baseline=True)
        observe(source, began + HOUR, *of("new", BEFORE))

        observe(source, began + 2 * HOUR, *of("new", AFTER))

        assert len(pending_changes(source, groups=["new"])) == 10

    def test_it_costs_two_statements_however_much_is_held(
        self, source: Source, suspect: datetime
    ) -> None:
        with CaptureQueriesContext(connection) as queries:
            for change in pending_changes(source):
                assert change.offering is not None
                assert change.offering.host.slug

        assert len(queries) == 2

    def test_another_source_holds_nothing(self, suspect: datetime) -> None:
        assert pending_changes(make_source("openrouter")) == []


class TestAccepting:
    def test_everything_becomes_true_now_and_is_told(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        moment = now()

        events = accept_pending(source=source, by=ada, reason="The vendor says so")

        assert kinds(events) == ["delisted"] * 6 + ["moved_later"] * 5 + ["withdrawn"]
        assert all(event.detected_at >= moment for event in events)
        assert pending_changes(source) == []
        assert not Assertion.objects.standing().filter(held=True).exists()
        assert str(Offering.objects.get(api_id="star-0").retires_on) == AFTER
        assert Offering.objects.get(api_id="star-5").retires_on is None
        assert Offering.objects.get(api_id="model-1").lifecycle == "unknown"

    def test_a_price_that_rose_by_hundreds_is_believed_and_no_news(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        accept_pending(source=source, by=ada, reason="It is a reasoning model")

        now_due = Price.objects.get(
            offering__api_id="dear", unit="input", valid__endswith__isnull=True
        )
        assert now_due.amount == 200
        assert "repriced" not in ProviderEvent.objects.values_list("kind", flat=True)

    def test_the_next_polls_say_nothing_more(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        accept_pending(source=source, by=ada, reason="yes")

        for day in (1, 8, 20):
            assert again(source, now() + day * DAY) == []

        assert pending_changes(source) == []

    def test_only_the_named_providers_are_decided(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        events = accept_pending(source=source, by=ada, reason="yes", groups=["zenith"])

        assert kinds(events) == ["moved_later"] * 5 + ["withdrawn"]
        assert {change.assertion.group for change in pending_changes(source)} == {"acme"}

    def test_what_has_gone_back_meanwhile_is_not_there_to_accept(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        as_before(source, suspect + HOUR / 2)

        assert accept_pending(source=source, by=ada, reason="yes") == []

    def test_a_date_accepted_in_the_past_is_an_end(
        self, source: Source, began: datetime, ada: User
    ) -> None:
        yesterday = (now() - DAY).date().isoformat()
        observe(source, began, *[row(f"zenith/star-{n}", BEFORE) for n in range(10)], baseline=True)
        observe(source, began + HOUR, *[row(f"zenith/star-{n}", yesterday) for n in range(10)])

        events = accept_pending(source=source, by=ada, reason="yes")

        assert kinds(events) == ["moved_earlier"] * 10 + ["retired"] * 10
        assert Offering.objects.filter(lifecycle="retired").count() == 10


class TestRefusing:
    @pytest.mark.proof
    def test_the_old_rows_stand_for_as_long_as_the_feed_repeats_it(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        assert reject_pending(source=source, by=ada, reason="Their page is broken") == 13

        for day in range(1, 30):
            assert again(source, suspect + day * DAY) == []
        ingest_unchanged(source=source, at=suspect + 31 * DAY)

        assert ProviderEvent.objects.count() == 0
        assert pending_changes(source) == []
        assert str(Offering.objects.get(api_id="star-0").retires_on) == BEFORE
        assert Assertion.objects.get(external_id="acme/dear", topic="price").value["input"] == "0.2"

    @pytest.mark.parametrize("refused", [False, True], ids=["held", "refused"])
    def test_an_offering_whose_absence_is_not_believed_is_still_served(
        self, source: Source, suspect: datetime, ada: User, refused: bool
    ) -> None:
        if refused:
            reject_pending(source=source, by=ada, reason="no")
        again(source, suspect + DAY)

        assert Offering.objects.get(api_id="model-1").lifecycle == "active"

    def test_it_is_listed_as_refused(self, source: Source, suspect: datetime, ada: User) -> None:
        reject_pending(source=source, by=ada, reason="no")

        changes = {
            (change.what, change.assertion.external_id): (change.old, change.new)
            for change in rejected_changes(source)
        }

        assert all(change.refused for change in rejected_changes(source))
        assert len(changes) == 13
        assert changes["date", "zenith/star-0"] == (BEFORE, AFTER)
        assert changes["date", "zenith/star-5"] == (BEFORE, None)
        assert changes["price", "acme/dear"] == ({"input": "0.2"}, {"input": "200"})

    def test_it_is_forgotten_when_the_feed_goes_back(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        reject_pending(source=source, by=ada, reason="no")

        assert as_before(source, suspect + HOUR / 2) == []
        assert rejected_changes(source) == []
        again(source, suspect + HOUR)

        assert len(pending_changes(source)) == 13

    def test_a_day_that_comes_though_its_row_is_refused_away_is_an_end(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        reject_pending(source=source, by=ada, reason="no", groups=["acme"])

        # the feed is not read any more
        on_the_day = datetime.fromisoformat(f"{BEFORE}T12:00:00+00:00")
        assert apply_due_facts(at=on_the_day) == []
        events = apply_due_facts(at=on_the_day + 3 * DAY)

        assert "acme/model-0" in {event.external_id for event in events if event.kind == "retired"}

    def test_ordinary_changes_of_the_same_row_are_not_refused_with_it(
        self, source: Source, began: datetime, ada: User
    ) -> None:
        dear = [
            row("acme/dear", prices={"input": amount, "output": out})
            for amount, out in (("0.2", "15"), ("200", "10"))
        ]
        observe(source, began, dear[0], baseline=True)
        observe(source, began + HOUR, dear[1])
        reject_pending(source=source, by=ada, reason="units")

        events = [
            event for day in range(1, 6) for event in observe(source, began + day * DAY, dear[1])
        ]

        assert [(event.old, event.new) for event in events] == [
            ({"output": "15"}, {"output": "10"})
        ]

    def test_other_rows_of_the_provider_are_read_as_ever(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        reject_pending(source=source, by=ada, reason="no")
        moved = [row("zenith/star-9", AFTER), *dates("zenith")[1][:9]]

        events = observe(
            source, suspect + HOUR, *removals("acme")[1], *moved, price("200"), *filler(20, "calm")
        )

        assert [(event.kind, event.external_id) for event in events] == [
            ("moved_later", "zenith/star-9")
        ]


class TestTakingARefusalBack:
    def test_an_absence_waits_again_from_then_on(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        reject_pending(source=source, by=ada, reason="no")
        moment = now()

        assert (
            undo_rejection(source=source, by=ada, reason="It is true after all", groups=["acme"])
            >= 6
        )

        waiting = pending_changes(source, groups=["acme"])
        assert [change.what for change in waiting].count("removal") == 6
        assert all(change.since >= moment for change in waiting)
        again(source, moment + 6 * DAY)
        assert "delisted" not in ProviderEvent.objects.values_list("kind", flat=True)
        again(source, moment + 8 * DAY)
        # a list kept by people was tidied: only the row that takes its date with it is reported
        removed = ProviderEvent.objects.filter(kind="delisted")
        assert list(removed.values_list("external_id", flat=True)) == ["acme/model-0"]
        assert Assertion.objects.filter(topic="identity", withdrawn_at__isnull=False).count() == 6

    def test_dates_and_prices_are_held_again_and_can_be_accepted(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        reject_pending(source=source, by=ada, reason="no")

        undo_rejection(source=source, by=ada, reason="yes")
        # nothing has changed since, so the feed sends nothing new
        ingest_unchanged(source=source, at=now())

        assert rejected_changes(source) == []
        assert len(pending_changes(source)) == 13
        assert len(accept_pending(source=source, by=ada, reason="yes")) == 12


class TestWhoAndWhy:
    @pytest.mark.parametrize("decide", DECIDE, ids=lambda decide: decide.__name__)
    @pytest.mark.parametrize("reason", ["", "  \n"], ids=["none", "blank"])
    def test_a_decision_without_a_reason_is_refused(
        self, source: Source, suspect: datetime, ada: User, decide: Any, reason: str
    ) -> None:
        with pytest.raises(InvalidFactError, match="Enter a reason"):
            decide(source=source, by=ada, reason=reason)

        assert len(pending_changes(source)) == 13
        assert not ProviderEvent.objects.exists()

    @pytest.mark.parametrize(
        ("decide", "row_id"), [(accept_pending, "zenith/star-0"), (reject_pending, "zenith/star-0")]
    )
    def test_the_history_names_the_person_and_the_reason(
        self, source: Source, suspect: datetime, ada: User, decide: Any, row_id: str
    ) -> None:
        decide(source=source, by=ada, reason="Asked their support")

        history = apps.get_model("catalog", "AssertionHistory")
        latest = history.objects.filter(external_id=row_id, topic="lifecycle").select_related(
            "pgh_context"
        )
        metadata = latest.latest("pgh_created_at", "pgh_id").pgh_context.metadata
        assert (metadata["actor"], metadata["user"], metadata["reason"]) == (
            "ada",
            ada.pk,
            "Asked their support",
        )

    def test_the_history_of_an_offering_names_the_person_too(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        accept_pending(source=source, by=ada, reason="Asked their support")

        history = apps.get_model("catalog", "OfferingHistory")
        latest = (
            history.objects.filter(api_id="star-0")
            .select_related("pgh_context")
            .latest("pgh_created_at", "pgh_id")
        )
        assert (str(latest.retires_on), latest.pgh_context.metadata["actor"]) == (AFTER, "ada")

    @pytest.mark.parametrize("decide", DECIDE, ids=lambda decide: decide.__name__)
    def test_a_decision_about_nothing_changes_nothing(
        self, source: Source, ada: User, decide: Any
    ) -> None:
        assert not decide(source=source, by=ada, reason="nothing is held")
