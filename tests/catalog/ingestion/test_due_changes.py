"""What the clock alone makes true: days that come, prices that begin; told once, for their own
day."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.actions import set_manual_fact
from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.footing import footing_differences
from apps.catalog.ingestion.due_changes import create_due_corrections
from apps.catalog.ingestion.ingest import (
    apply_due_facts,
    ingest_observation,
    ingest_unchanged,
)
from apps.catalog.models import Assertion, Footing, NodeKind, Offering, Price, ProviderEvent, Source
from apps.common.time import day_of, now, start_of
from apps.feeds.sources.adapters import change_rules_of
from tests.builders import make_claim, make_offering, make_provider, make_source, make_user
from tests.catalog.ingestion.histories import DAY, HOUR, filler, row

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
STARTS = {"input": "3", "output": "15", "input@2026-10-01": "2"}
FIRST_DAY = datetime(2026, 10, 1, tzinfo=UTC)
OTHER = row("acme/other")


@pytest.fixture
def source() -> Source:
    return make_source("litellm")


def observe(
    source: Source, at: datetime, *rows: FeedRow, baseline: bool = False
) -> list[ProviderEvent]:
    last = (
        Assertion.objects.filter(source=source)
        .order_by("-changed_at")
        .values_list("changed_at", flat=True)
        .first()
    )
    return ingest_observation(
        source=source, rows=rows, at=at, baseline=baseline, last_seen=last
    ).events


def begin(source: Source, *rows: FeedRow) -> None:
    assert observe(source, AT, *rows, baseline=True) == []


def told() -> list[tuple[str, Any, Any, datetime]]:
    """(kind, old, new, detected at) of every event, oldest first."""
    return list(
        ProviderEvent.objects.order_by("detected_at", "pk").values_list(
            "kind", "old", "new", "detected_at"
        )
    )


REPRICED = ("repriced", {"input": "3"}, {"input": "2"}, FIRST_DAY)


class TestPricesThatBegin:
    def next_day(self) -> date | None:
        return Assertion.objects.get(topic="price").next_start_on

    def test_a_price_published_in_advance_is_told_on_its_day_without_any_poll(
        self, source: Source
    ) -> None:
        begin(source, row("acme/m", prices=STARTS))

        assert apply_due_facts(at=FIRST_DAY - HOUR) == []
        (event,) = apply_due_facts(at=FIRST_DAY + 5 * DAY)

        assert told() == [REPRICED]
        assert (event.effective_on, event.external_id) == (date(2026, 10, 1), "acme/m")
        assert event.evidence.get().topic == "price"

    def test_it_is_told_once_however_often_the_clock_and_the_feed_say_so(
        self, source: Source
    ) -> None:
        begin(source, row("acme/m", prices=STARTS))

        apply_due_facts(at=FIRST_DAY)
        apply_due_facts(at=FIRST_DAY + HOUR)
        for day in range(6):
            observe(source, FIRST_DAY + day * DAY + 2 * HOUR, row("acme/m", prices=STARTS))

        assert told() == [REPRICED]

    def test_it_is_told_once_where_the_payload_rewrites_it_at_the_same_observation(
        self, source: Source
    ) -> None:
        begin(source, row("acme/m", prices=STARTS))

        for day in range(6):
            observe(
                source,
                FIRST_DAY + day * DAY + 6 * HOUR,
                row("acme/m", prices={"input": "2", "output": "15"}),
            )

        assert told() == [REPRICED]
        assert Assertion.objects.get(topic="price").value == {"input": "2", "output": "15"}

    def test_it_is_told_at_the_first_observation_where_no_sweep_ran(self, source: Source) -> None:
        begin(source, row("acme/m", prices=STARTS))

        events = observe(source, FIRST_DAY + 3 * DAY, row("acme/m", prices=STARTS))

        assert [event.detected_at for event in events] == [FIRST_DAY]

    def test_it_is_told_by_the_clock_while_its_row_waits_with_another_unit(
        self, source: Source
    ) -> None:
        begin(source, row("acme/m", prices=STARTS))
        observe(source, FIRST_DAY - DAY, row("acme/m", prices=STARTS | {"output": "12"}))

        apply_due_facts(at=FIRST_DAY)

        assert told() == [REPRICED]

    @pytest.mark.parametrize("sweeps", [True, False], ids=["swept", "not swept"])
    def test_one_that_was_postponed_in_time_is_told_on_the_later_day(
        self, source: Source, sweeps: bool
    ) -> None:
        begin(source, row("acme/m", prices=STARTS))
        later = {"input": "3", "output": "15", "input@2026-11-01": "2"}
        observe(source, AT + DAY, row("acme/m", prices=later))

        for day in (0, 4, 8):
            if sweeps:
                apply_due_facts(at=FIRST_DAY + day * DAY)
            observe(source, FIRST_DAY + day * DAY + HOUR, row("acme/m", prices=later))
        assert told() == []
        apply_due_facts(at=FIRST_DAY + 40 * DAY)

        assert told() == [
            ("repriced", {"input": "3"}, {"input": "2"}, datetime(2026, 11, 1, tzinfo=UTC))
        ]

    def test_one_that_the_next_payload_shows_postponed_never_began(self, source: Source) -> None:
        begin(source, row("acme/m", prices=STARTS))
        later = {"input": "3", "output": "15", "input@2026-11-01": "2"}

        for day in range(6):
            observe(source, FIRST_DAY + day * DAY + HOUR, row("acme/m", prices=later))

        assert told() == []
        believed = Assertion.objects.get(topic="price")
        assert (believed.value, believed.next_start_on) == (later, date(2026, 11, 1))

    def test_the_next_day_is_kept_beside_the_claim(self, source: Source) -> None:
        steps = {"input": "3", "input@2026-10-01": "2", "input@2026-12-01": "1"}
        begin(source, row("acme/m", prices=steps))
        assert self.next_day() == date(2026, 10, 1)

        apply_due_facts(at=FIRST_DAY)
        assert self.next_day() == date(2026, 12, 1)
        apply_due_facts(at=FIRST_DAY + 90 * DAY)

        assert self.next_day() is None
        assert [(old, new) for _, old, new, _ in told()] == [
            ({"input": "3"}, {"input": "2"}),
            ({"input": "2"}, {"input": "1"}),
        ]

    def test_two_steps_that_began_since_the_last_sweep_are_told_each_for_its_day(
        self, source: Source
    ) -> None:
        begin(
            source,
            row("acme/m", prices={"input": "3", "input@2026-10-01": "2", "input@2026-12-01": "1"}),
        )

        apply_due_facts(at=FIRST_DAY + 90 * DAY)

        assert [(new, at.month) for _, _, new, at in told()] == [
            ({"input": "2"}, 10),
            ({"input": "1"}, 12),
        ]

    def test_a_claim_whose_days_have_all_passed_has_none_to_wait_for(self, source: Source) -> None:
        begin(source, row("acme/m", prices={"input": "3", "input@2026-08-01": "2"}))

        assert Assertion.objects.get(topic="price").next_start_on is None
        assert apply_due_facts(at=FIRST_DAY) == []

    def test_a_start_that_changes_nothing_is_no_news(self, source: Source) -> None:
        begin(source, row("acme/m", prices={"input": "3", "input@2026-10-01": "3"}))

        assert apply_due_facts(at=FIRST_DAY) == []

    @pytest.mark.parametrize(
        "amounts", [("0", "3"), ("3", "0")], ids=["zero to paid", "paid to zero"]
    )
    def test_a_start_from_or_to_zero_is_no_move(
        self, source: Source, amounts: tuple[str, str]
    ) -> None:
        begin(source, row("acme/m", prices={"input": amounts[0], "input@2026-10-01": amounts[1]}))

        assert apply_due_facts(at=FIRST_DAY) == []

    @pytest.mark.parametrize("polls", [1, 9], ids=["row missing", "row gone for good"])
    def test_a_row_that_is_away_begins_no_price(self, source: Source, polls: int) -> None:
        begin(source, row("acme/m", prices=STARTS), OTHER)
        for day in range(1, polls + 1):
            observe(source, AT + day * DAY, OTHER)

        apply_due_facts(at=FIRST_DAY)

        assert "repriced" not in [kind for kind, *_ in told()]

    def test_a_row_under_a_new_key_begins_its_price_once(self, source: Source) -> None:
        begin(source, row("acme/model_x", prices=STARTS), OTHER)
        observe(source, AT + DAY, row("acme/model-x", prices=STARTS), OTHER)

        apply_due_facts(at=FIRST_DAY)

        assert list(ProviderEvent.objects.values_list("external_id", flat=True)) == ["acme/model-x"]

    def test_a_source_whose_price_does_not_count_is_silent(self, source: Source) -> None:
        stronger = make_source("first", kind="litellm", trust_rank=1)
        begin(
            stronger,
            FeedRow(
                "first/m", "acme", "acme", "m", prices=row("acme/m", prices={"input": "5"}).prices
            ),
        )
        begin(source, row("acme/m", prices=STARTS))

        assert apply_due_facts(at=FIRST_DAY) == []

    def test_the_price_itself_changes_on_the_day_too(self, source: Source) -> None:
        begin(source, row("acme/m", prices=STARTS))

        ranges = Price.objects.filter(offering__api_id="m", unit="input").order_by("valid")

        assert [(str(price.amount.normalize()), price.valid.lower) for price in ranges] == [
            ("3", AT),
            ("2", FIRST_DAY),
        ]


class TestTheBuiltInCatalogue:
    def claim(self, topic: str, value: dict[str, str], **columns: Any) -> Offering:
        offering = make_offering("m", host=make_provider("acme"))
        built_in = make_source("built-in", kind="built-in", trust_rank=90)
        make_claim(
            built_in,
            "litellm:m",
            topic=topic,
            offering=offering,
            value=value,
            first_seen=AT,
            changed_at=AT,
            **columns,
        )
        reconcile_offerings([offering.pk], at=AT)
        return offering

    def test_a_price_it_knows_in_advance_begins_by_the_clock(self) -> None:
        self.claim("price", STARTS, next_start_on=date(2026, 10, 1))

        (event,) = apply_due_facts(at=FIRST_DAY + DAY)

        assert (event.source.slug, event.new, event.detected_at) == (
            "built-in",
            {"input": "2"},
            FIRST_DAY,
        )

    def test_a_day_it_knows_retires_by_the_clock(self) -> None:
        offering = self.claim("lifecycle", {"retires_on": "2026-10-01", "date_kind": "firm"})

        (event,) = apply_due_facts(at=FIRST_DAY + DAY)

        offering.refresh_from_db()
        assert (event.kind, event.detected_at, offering.lifecycle) == (
            "retired",
            FIRST_DAY,
            "retired",
        )

    @pytest.mark.parametrize("topic", ["price", "lifecycle"])
    def test_a_feed_that_has_been_polled_speaks_for_itself(
        self, source: Source, topic: str
    ) -> None:
        if topic == "price":
            self.claim("price", STARTS, next_start_on=date(2026, 10, 1))
        else:
            self.claim("lifecycle", {"retires_on": "2026-10-01", "date_kind": "firm"})
        begin(source, row("acme/another"))

        assert apply_due_facts(at=FIRST_DAY) == []
        assert Offering.objects.get(api_id="m").lifecycle != "retired"


class TestDaysThatCome:
    def test_a_firm_day_is_told_at_its_first_moment_whenever_the_clock_looks(
        self, source: Source
    ) -> None:
        begin(source, row("acme/m", "2026-10-01"))

        assert apply_due_facts(at=FIRST_DAY - HOUR) == []
        apply_due_facts(at=FIRST_DAY + 9 * DAY)
        apply_due_facts(at=FIRST_DAY + 10 * DAY)

        assert told() == [("retired", "2026-10-01", "2026-10-01", FIRST_DAY)]
        assert Offering.objects.get(api_id="m").lifecycle == "retired"

    def test_a_row_that_leaves_before_its_day_comes_has_still_retired(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-09-05"), OTHER)
        for day in range(2, 14):
            observe(source, AT + day * DAY, OTHER)

        assert told() == [("retired", "2026-09-05", "2026-09-05", datetime(2026, 9, 5, tzinfo=UTC))]

    def test_a_row_that_leaves_on_its_day_has_retired(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-09-05"), OTHER)

        (event,) = observe(source, datetime(2026, 9, 5, 6, tzinfo=UTC), OTHER)

        assert (event.kind, event.detected_at) == ("retired", datetime(2026, 9, 5, tzinfo=UTC))

    def test_a_row_delisted_long_before_its_day_does_not_retire(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-10-01"), OTHER)
        for day in range(1, 10):
            observe(source, AT + day * DAY, OTHER)

        apply_due_facts(at=FIRST_DAY)

        assert [kind for kind, *_ in told()] == ["delisted"]
        assert Offering.objects.get(api_id="m").lifecycle == "unknown"

    @pytest.mark.parametrize(
        ("fields", "what"),
        [({"status": "retired"}, "status"), ({"successor": "n"}, "successor")],
        ids=["the status", "the successor"],
    )
    def test_a_payload_that_changes_something_else_on_the_day_does_not_swallow_the_end(
        self, source: Source, fields: dict[str, Any], what: str
    ) -> None:
        begin(source, row("acme/m", "2026-09-05", status="deprecated"))

        observe(source, AT + 5 * DAY, row("acme/m", "2026-09-05", **fields))

        assert told() == [("retired", "2026-09-05", "2026-09-05", datetime(2026, 9, 5, tzinfo=UTC))]
        assert what in Assertion.objects.get(topic="lifecycle").value

    def test_a_day_that_was_past_when_it_was_first_said_does_not_retire_by_the_clock_either(
        self, source: Source
    ) -> None:
        begin(source, row("acme/m", "2026-08-01"))
        observe(source, AT + DAY, row("acme/m", "2026-08-01"), row("acme/new", "2026-08-15"))

        assert apply_due_facts(at=AT + 2 * DAY) == []
        assert Offering.objects.filter(lifecycle="retired").count() == 2

    def test_a_day_that_the_next_payload_moves_did_not_come(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-09-05"))

        observe(source, AT + 9 * DAY, row("acme/m", "2026-12-05"))
        apply_due_facts(at=AT + 10 * DAY)

        assert [(kind, new) for kind, _, new, _ in told()] == [("moved_later", "2026-12-05")]
        assert Offering.objects.get(api_id="m").lifecycle == "deprecated"

    def test_a_day_that_the_next_payload_clears_did_not_come(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-09-05"))

        for day in range(9, 18):
            observe(source, AT + day * DAY, row("acme/m"))
            apply_due_facts(at=AT + day * DAY + HOUR)

        assert [(kind, new) for kind, _, new, _ in told()] == [("withdrawn", None)]
        assert Offering.objects.get(api_id="m").lifecycle == "active"

    def test_a_day_corrected_on_the_day_itself_is_no_second_end(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-09-05"))
        observe(source, AT + 3 * DAY, row("acme/m", "2026-09-05"))
        apply_due_facts(at=datetime(2026, 9, 5, 0, 5, tzinfo=UTC))

        observe(source, AT + 4 * DAY, row("acme/m", "2026-09-04"))

        assert [kind for kind, *_ in told()] == ["retired"]

    def test_a_soft_day_never_comes(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-10-01", kind="not_before"))

        assert apply_due_facts(at=FIRST_DAY + DAY) == []
        assert Offering.objects.get(api_id="m").lifecycle == "active"

    def test_a_persons_day_comes_too(self) -> None:
        offering = make_offering("m", host=make_provider("acme"))
        # what a person says is settled by the real clock
        end = day_of(now()) + timedelta(200)
        value = {"retires_on": str(end), "date_kind": "firm"}
        set_manual_fact(offering=offering, value=value, by=make_user(), reason="Contract annex 3")

        (event,) = apply_due_facts(at=start_of(end) + DAY)

        assert (event.source.slug, event.kind, event.new) == ("manual", "retired", str(end))

    def test_each_row_of_the_source_that_counts_is_told(self, source: Source) -> None:
        dated = row("acme/m", "2026-10-01").lifecycle
        begin(
            source,
            *[FeedRow(name, "acme", "acme", "m", lifecycle=dated) for name in ("m", "acme/m")],
        )

        apply_due_facts(at=FIRST_DAY + 3 * DAY)

        assert set(ProviderEvent.objects.values_list("external_id", flat=True)) == {"m", "acme/m"}

    def test_a_moment_at_which_nothing_is_due_writes_nothing(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-10-01", prices=STARTS))

        with CaptureQueriesContext(connection) as queries:
            apply_due_facts(at=AT + DAY)

        statements = "\n".join(query["sql"] for query in queries)
        assert re.search(r"INSERT|UPDATE|DELETE|COPY|advisory", statements) is None


class TestDaysThatAreDue:
    """Retired is said once the source confirms it, by a poll on or after the day; a host's own list
    that still has the row says that it has not happened yet."""

    @pytest.fixture
    def served(self) -> Source:
        return make_source("openrouter")

    @staticmethod
    def poll(source: Source, at: datetime, *rows: FeedRow, **fields: Any) -> list[ProviderEvent]:
        last = Assertion.objects.filter(source=source).order_by("-changed_at").first()
        return ingest_observation(
            source=source,
            rows=rows,
            at=at,
            baseline=last is None,
            last_seen=last.changed_at if last else None,
            rules=change_rules_of(source),
            **fields,
        ).events

    @staticmethod
    def state() -> tuple[str, str]:
        offering = Offering.objects.get(api_id="m")
        return offering.lifecycle, offering.due_status

    def test_the_clock_alone_marks_it_as_due_and_a_poll_that_repeats_the_date_retires(
        self, source: Source
    ) -> None:
        begin(source, row("acme/m", "2026-10-01"))

        assert apply_due_facts(at=FIRST_DAY + HOUR) == []
        assert self.state() == ("deprecated", "unconfirmed")
        offering = Offering.objects.get(api_id="m")
        assert offering.is_due(FIRST_DAY.date())
        assert offering.is_retired(FIRST_DAY.date())

        (event,) = observe(source, FIRST_DAY + 9 * HOUR, row("acme/m", "2026-10-01"))

        assert (event.kind, event.detected_at) == ("retired", FIRST_DAY)
        assert self.state() == ("retired", "")

    def test_an_unchanged_body_confirms_it_too(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-10-01"))

        events = ingest_unchanged(source=source, at=FIRST_DAY + 2 * HOUR).events

        assert [event.kind for event in events] == ["retired"]

    def test_the_end_of_a_hold_between_two_polls_confirms_nothing(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-10-01"))

        result = ingest_unchanged(
            source=source, at=FIRST_DAY + 2 * HOUR, seen_again_by=FIRST_DAY - HOUR
        )

        assert result.events == []
        assert self.state() == ("deprecated", "unconfirmed")

    @pytest.mark.parametrize("clock", [True, False], ids=["clock first", "poll first"])
    def test_a_date_extended_on_its_own_day_is_moved_and_never_retired(
        self, served: Source, clock: bool
    ) -> None:
        self.poll(served, AT, row("acme/m", "2026-10-01"), OTHER)
        if clock:
            apply_due_facts(at=FIRST_DAY + HOUR / 6)
        for hour in (1, 7):
            assert (
                self.poll(served, FIRST_DAY + hour * HOUR, row("acme/m", "2026-10-01"), OTHER) == []
            )
            assert self.state() == ("deprecated", "still_listed")

        (event,) = self.poll(served, FIRST_DAY + 13 * HOUR, row("acme/m", "2026-11-01"), OTHER)

        assert (event.kind, event.new) == ("moved_later", "2026-11-01")
        assert self.state() == ("deprecated", "")

    def test_a_date_cleared_on_its_own_day_is_withdrawn_and_never_retired(
        self, served: Source
    ) -> None:
        self.poll(served, AT, row("acme/m", "2026-10-01"), OTHER)
        self.poll(served, FIRST_DAY + HOUR, row("acme/m", "2026-10-01"), OTHER)

        for day in range(9):
            moment = FIRST_DAY + day * DAY + 13 * HOUR
            self.poll(served, moment, row("acme/m"), OTHER)
            apply_due_facts(at=moment + HOUR)

        assert [kind for kind, *_ in told()] == ["withdrawn"]
        assert self.state() == ("active", "")

    def test_a_row_that_leaves_the_list_on_its_day_is_retired_at_once(self, served: Source) -> None:
        self.poll(served, AT, row("acme/m", "2026-10-01"), OTHER)
        assert self.poll(served, FIRST_DAY + HOUR, row("acme/m", "2026-10-01"), OTHER) == []

        (event,) = self.poll(served, FIRST_DAY + 7 * HOUR, OTHER)

        assert (event.kind, event.detected_at) == ("retired", FIRST_DAY)
        assert self.state() == ("retired", "")

    def test_a_row_that_the_list_keeps_is_retired_when_its_day_is_over_everywhere(
        self, served: Source
    ) -> None:
        listed = (row("acme/m", "2026-10-01"), OTHER)
        self.poll(served, AT, *listed)

        assert self.poll(served, FIRST_DAY + 35 * HOUR, *listed) == []
        (event,) = self.poll(served, FIRST_DAY + 36 * HOUR, *listed)

        assert (event.kind, event.detected_at) == ("retired", FIRST_DAY)
        assert self.state() == ("retired", "still_listed")
        self.poll(served, FIRST_DAY + 42 * HOUR, OTHER)
        assert self.state() == ("retired", "")

    def test_a_date_announced_on_its_own_day_is_retired_when_the_row_leaves(
        self, served: Source
    ) -> None:
        self.poll(served, AT, row("acme/m"), OTHER)
        (event,) = self.poll(served, FIRST_DAY + HOUR, row("acme/m", "2026-10-01"), OTHER)
        assert event.kind == "announced"
        assert self.state() == ("deprecated", "still_listed")

        (event,) = self.poll(served, FIRST_DAY + 7 * HOUR, OTHER)

        assert event.kind == "retired"

    def test_another_field_that_changes_on_the_day_does_not_swallow_the_retirement(
        self, served: Source
    ) -> None:
        self.poll(served, AT, row("acme/m", "2026-10-01"), OTHER)
        changed = row("acme/m", "2026-10-01", successor="n")
        assert self.poll(served, FIRST_DAY + HOUR, changed, OTHER) == []

        (event,) = self.poll(served, FIRST_DAY + 40 * HOUR, changed, OTHER)

        assert (event.kind, event.detected_at) == ("retired", FIRST_DAY)

    def test_a_row_that_cannot_be_read_confirms_nothing(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-10-01"), OTHER)

        assert self.poll(source, FIRST_DAY + HOUR, OTHER, set_aside={"acme/m"}) == []
        assert self.state() == ("deprecated", "unconfirmed")

    def test_a_source_that_is_silent_for_three_days_is_not_waited_for(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-10-01"))

        assert apply_due_facts(at=FIRST_DAY + 2 * DAY + 23 * HOUR) == []
        (event,) = apply_due_facts(at=FIRST_DAY + 3 * DAY)

        assert (event.kind, event.detected_at) == ("retired", FIRST_DAY)
        assert self.state() == ("retired", "unconfirmed")
        observe(source, FIRST_DAY + 4 * DAY, row("acme/m", "2026-10-01"))
        assert self.state() == ("retired", "")
        assert [kind for kind, *_ in told()] == ["retired"]

    def test_the_poll_of_another_source_confirms_nothing(self, source: Source) -> None:
        begin(source, row("acme/m", "2026-10-01"))
        other = make_source("modeldeprecations")

        self.poll(other, FIRST_DAY + HOUR, OTHER)
        self.poll(other, FIRST_DAY + 2 * HOUR, OTHER)

        assert self.state() == ("deprecated", "unconfirmed")

    def test_a_status_of_retired_is_believed_on_the_day_though_the_row_is_listed(
        self, served: Source
    ) -> None:
        self.poll(served, AT, row("acme/m", "2026-10-01"), OTHER)

        said = row("acme/m", "2026-10-01", status="retired")
        (event,) = self.poll(served, FIRST_DAY + HOUR, said, OTHER)

        assert event.kind == "retired"
        assert self.state()[0] == "retired"


class TestRowsThatTakeTheirDateAway:
    """A row with a date ahead leaves a list of notices, or one kept by people."""

    def leave(self, notices: Source, *, unchanged: bool) -> list[ProviderEvent]:
        poll = TestDaysThatAreDue.poll
        poll(notices, AT, row("acme/m", "2026-12-01"), *filler(9))
        events = poll(notices, AT + DAY, *filler(9))
        for day in range(2, 12):
            events += (
                ingest_unchanged(
                    source=notices, at=AT + day * DAY, rules=change_rules_of(notices)
                ).events
                if unchanged
                else poll(notices, AT + day * DAY, *filler(9))
            )
        return events

    @pytest.mark.parametrize("unchanged", [True, False], ids=["unchanged", "other bodies"])
    @pytest.mark.parametrize("slug", ["modeldeprecations", "deprecations-info", "litellm"])
    def test_it_is_delisted_after_the_hold(self, slug: str, unchanged: bool) -> None:
        (event,) = self.leave(make_source(slug), unchanged=unchanged)

        assert (event.kind, event.old, event.new) == ("delisted", "2026-12-01", None)
        assert event.detected_at == AT + 8 * DAY

    def test_it_is_delisted_though_another_source_lists_the_offering_without_a_date(self) -> None:
        TestDaysThatAreDue.poll(make_source("litellm"), AT, row("acme/m"))

        (event,) = self.leave(make_source("modeldeprecations"), unchanged=True)

        assert (event.kind, event.old) == ("delisted", "2026-12-01")
        assert Offering.objects.get(api_id="m").retires_on is None

    def test_it_is_no_news_where_another_source_states_a_date(self) -> None:
        TestDaysThatAreDue.poll(make_source("litellm"), AT, row("acme/m", "2026-12-01"))

        assert self.leave(make_source("modeldeprecations"), unchanged=True) == []

    def test_a_host_that_no_longer_lists_a_model_is_believed_though_others_list_it(self) -> None:
        TestDaysThatAreDue.poll(make_source("litellm"), AT, row("acme/m"))
        served = make_source("openrouter")
        TestDaysThatAreDue.poll(served, AT, row("acme/m"), *filler(9))

        events = [
            event
            for day in range(1, 10)
            for event in TestDaysThatAreDue.poll(served, AT + day * DAY, *filler(9))
        ]

        assert [event.kind for event in events] == ["delisted"]

    def test_what_the_host_has_taken_off_its_list_is_not_reported_by_others_again(self) -> None:
        others = make_source("litellm")
        TestDaysThatAreDue.poll(others, AT, row("acme/m"), *filler(9))
        served = make_source("openrouter")
        TestDaysThatAreDue.poll(served, AT, row("acme/m"), *filler(9))
        for day in range(1, 10):
            TestDaysThatAreDue.poll(served, AT + day * DAY, *filler(9))

        events = [
            event
            for day in range(20, 30)
            for event in TestDaysThatAreDue.poll(others, AT + day * DAY, *filler(9))
        ]

        assert events == []

    @pytest.mark.parametrize(
        ("slug", "n_events"), [("litellm", 0), ("openrouter", 30)], ids=["people", "the host"]
    )
    def test_many_rows_that_leave_together_are_tidied_unless_the_host_says_so(
        self, slug: str, n_events: int
    ) -> None:
        source = make_source(slug)
        TestDaysThatAreDue.poll(source, AT, *filler(30), *filler(3, "other"))

        events = [
            event
            for day in range(1, 10)
            for event in TestDaysThatAreDue.poll(source, AT + day * DAY, *filler(3, "other"))
        ]

        assert [event.kind for event in events] == ["delisted"] * n_events
        removed = Assertion.objects.filter(topic="identity", withdrawn_at__isnull=False)
        assert removed.count() == 30


class TestRedirects:
    def test_what_was_built_on_a_redirected_model_stands_on_its_successor_from_the_day_on(
        self, source: Source
    ) -> None:
        host = make_provider("acme")
        old, new = (
            make_offering("m", host=host, end_behaviour="redirect"),
            make_offering("n", host=host),
        )
        begin(source, row("acme/m", "2026-10-01", successor="n"), row("acme/n"))
        old.refresh_from_db()
        assert old.replacement == new
        assert self.versions(old) == {old.version_id}

        apply_due_facts(at=FIRST_DAY - HOUR)
        assert self.versions(old) == {old.version_id}
        apply_due_facts(at=FIRST_DAY + HOUR)

        assert self.versions(old) == {new.version_id}
        assert self.nodes(old, NodeKind.OFFERING) == {old.pk, new.pk}
        assert footing_differences(today=FIRST_DAY.date()) == []

    def versions(self, offering: Offering) -> set[int]:
        return self.nodes(offering, NodeKind.VERSION)

    @staticmethod
    def nodes(offering: Offering, kind: NodeKind) -> set[int]:
        return set(
            Footing.objects.filter(offering=offering, node__kind=kind).values_list(
                "node__ref", flat=True
            )
        )


class TestAfterAFlap:
    """A day that flaps is told once each way; where it comes to rest people must not be left with
    the other one."""

    def flapping(self, source: Source, *days: str) -> None:
        begin(source, row("acme/m", days[0]))
        for number, day in enumerate(days[1:], start=1):
            observe(source, AT + number * DAY, row("acme/m", day))

    def test_who_was_told_the_wrong_side_last_is_told_the_right_one_when_it_has_stood(
        self, source: Source
    ) -> None:
        self.flapping(source, "2026-12-01", "2027-03-01", "2026-12-01", "2027-03-01")
        assert [new for _, _, new, _ in told()] == ["2027-03-01", "2026-12-01"]

        for day in range(4, 30):
            observe(source, AT + day * DAY, row("acme/m", "2027-03-01"))
            create_due_corrections(at=AT + day * DAY + HOUR, source_ids=[source.pk])

        assert [(kind, new) for kind, _, new, _ in told()][2:] == [("moved_later", "2027-03-01")]

    def test_a_feed_that_nobody_reads_corrects_nothing(self, source: Source) -> None:
        self.flapping(source, "2026-12-01", "2027-03-01", "2026-12-01", "2027-03-01")

        assert create_due_corrections(at=AT + 30 * DAY, source_ids=[]) == []

    def test_a_day_that_goes_on_flapping_is_told_once_each_way(self, source: Source) -> None:
        self.flapping(source, *["2026-12-01", "2027-03-01"] * 20)

        assert [(kind, new) for kind, _, new, _ in told()] == [
            ("moved_later", "2027-03-01"),
            ("moved_earlier", "2026-12-01"),
        ]

    def test_a_day_announced_withdrawn_and_announced_again_is_told_each_time(
        self, source: Source
    ) -> None:
        begin(source, row("acme/m"))
        for day in range(1, 40):
            dated = day < 5 or day >= 20
            observe(source, AT + day * DAY, row("acme/m", "2027-03-01" if dated else None))

        assert [kind for kind, *_ in told()] == ["announced", "withdrawn", "announced"]
        assert ProviderEvent.objects.values("key").distinct().count() == 3

    def test_what_rests_where_it_was_told_last_is_not_told_again(self, source: Source) -> None:
        self.flapping(source, "2026-12-01", "2027-03-01", "2026-12-01")

        for day in range(3, 30):
            observe(source, AT + day * DAY, row("acme/m", "2026-12-01"))
            create_due_corrections(at=AT + day * DAY + HOUR, source_ids=[source.pk])

        assert [new for _, _, new, _ in told()] == ["2027-03-01", "2026-12-01"]


@pytest.mark.django_db(transaction=True)
def test_the_sweep_tells_of_days_and_prices_without_any_poll(source: Source) -> None:
    begin(source, row("acme/m", "2026-10-01", prices=STARTS))
    out = StringIO()

    call_command("sweep", "--at", "2026-10-04T03:00:00Z", stdout=out)

    assert json.loads(out.getvalue())["due_facts"] == 2
    assert {(kind, at) for kind, _, _, at in told()} == {
        ("retired", FIRST_DAY),
        ("repriced", FIRST_DAY),
    }
