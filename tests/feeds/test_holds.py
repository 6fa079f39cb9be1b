"""Holds through the pipeline: when they end by the clock, and what a decision does to the health of
a source."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.catalog.claims.pending_changes import pending_changes, rejected_changes
from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from apps.common.time import now
from apps.feeds.actions import (
    accept_pending_changes,
    apply_expired_holds,
    reject_pending_changes,
    undo_rejections,
)
from apps.feeds.models import FeedRun, PollState, QuarantinedRow
from apps.feeds.polls.pipeline import PollResult, poll_source
from tests.builders import make_source, make_user

pytestmark = pytest.mark.django_db(transaction=True)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
YEAR = now().year + 2
SOON, LATER = f"{YEAR}-01-15", f"{YEAR}-06-01"

type Read = Callable[..., PollResult]


@pytest.fixture
def source() -> Source:
    return make_source("litellm", stale_after_minutes=24 * 60)


@pytest.fixture
def start() -> datetime:
    return now() - timedelta(days=20)


@pytest.fixture
def read(source: Source, tmp_path: Path) -> Read:
    """Poll a map of {model: fields} observed at a moment; without a map the last one once more."""
    file = tmp_path / "map.json"

    def polled(at: datetime, models: dict[str, dict[str, Any]] | None = None) -> PollResult:
        if models is not None:
            plain = {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 3e-06}
            file.write_text(
                json.dumps({f"acme/{name}": plain | fields for name, fields in models.items()})
            )
        return poll_source(source, at=at, url=file.as_uri(), trigger="test")

    return polled


def models(n: int = 10, **changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {f"m{i}": {} for i in range(n)}
    return rows | {name.replace("_", "-"): fields for name, fields in changes.items()}


def kinds() -> list[str]:
    return list(ProviderEvent.objects.order_by("detected_at", "pk").values_list("kind", flat=True))


class TestHoldsThatEndByTheClock:
    def test_a_removal_seen_twice_is_told_between_two_polls_and_once(
        self, read: Read, start: datetime
    ) -> None:
        read(start, models(12))
        read(start + DAY, models(11))
        read(start + 8 * DAY - HOUR)

        assert apply_expired_holds(at=start + 8 * DAY - HOUR / 2) == []
        (event,) = apply_expired_holds(at=start + 8 * DAY + HOUR)
        assert (event.kind, event.external_id, event.detected_at) == (
            "delisted",
            "acme/m11",
            start + 8 * DAY + HOUR,
        )
        assert apply_expired_holds(at=start + 8 * DAY + 2 * HOUR) == []
        read(start + 8 * DAY + 3 * HOUR)
        read(start + 9 * DAY, models(11, m0={"input_cost_per_token": 2e-06}))

        assert kinds() == ["delisted"]

    def test_a_removal_told_by_the_poll_is_not_told_by_the_clock_again(
        self, read: Read, start: datetime
    ) -> None:
        read(start, models(12))
        read(start + DAY, models(11))
        read(start + 9 * DAY)

        assert apply_expired_holds(at=start + 9 * DAY + HOUR) == []
        assert kinds() == ["delisted"]

    def test_a_feed_that_nobody_has_read_since_proves_nothing(
        self, read: Read, start: datetime
    ) -> None:
        read(start, models(12))
        read(start + DAY, models(11))

        assert apply_expired_holds(at=start + DAY + HOUR) == []
        assert apply_expired_holds(at=start + 9 * DAY) == []

        assert kinds() == []

    def test_nor_does_one_that_was_read_again_but_has_gone_stale(
        self, read: Read, start: datetime
    ) -> None:
        read(start, models(12))
        read(start + DAY, models(11))
        read(start + 5 * DAY)

        assert apply_expired_holds(at=start + 9 * DAY) == []

    def test_nor_does_a_source_that_is_switched_off(
        self, read: Read, source: Source, start: datetime
    ) -> None:
        read(start, models(12))
        read(start + DAY, models(11))
        read(start + 8 * DAY - HOUR)
        Source.objects.filter(pk=source.pk).update(enabled=False)

        assert apply_expired_holds(at=start + 8 * DAY + HOUR) == []

    def test_a_row_that_returned_is_not_told(self, read: Read, start: datetime) -> None:
        read(start, models(12))
        read(start + DAY, models(11))
        read(start + 8 * DAY - HOUR, models(12))

        assert apply_expired_holds(at=start + 8 * DAY + HOUR) == []
        assert kinds() == []

    def test_a_price_that_has_stood_for_three_days_is_told(
        self, read: Read, start: datetime
    ) -> None:
        read(start, models())
        read(start + DAY, models(m1={"input_cost_per_token": 2e-06}))
        read(start + 4 * DAY - HOUR)

        (event,) = apply_expired_holds(at=start + 4 * DAY + HOUR)

        assert (event.kind, event.old, event.new) == ("repriced", {"input": "3"}, {"input": "2"})
        price = Offering.objects.get(api_id="m1").prices.get(valid__endswith__isnull=True)
        assert price.amount == 2
        assert price.valid.lower == start + 4 * DAY + HOUR

    def test_a_price_the_feed_has_ceased_to_name_is_not_told(
        self, read: Read, start: datetime
    ) -> None:
        read(start, models())
        read(start + DAY, models(m1={"input_cost_per_token": 2e-06}))
        read(start + 4 * DAY - HOUR, models(m1={"input_cost_per_token": None}))

        apply_expired_holds(at=start + 4 * DAY + HOUR)

        assert kinds() == []

    def test_a_withdrawal_that_has_stood_is_told(self, read: Read, start: datetime) -> None:
        read(start, models(m1={"deprecation_date": SOON}))
        read(start + DAY, models())
        read(start + 8 * DAY - HOUR)

        (event,) = apply_expired_holds(at=start + 8 * DAY + HOUR)

        assert (event.kind, event.old, event.new) == ("withdrawn", SOON, None)
        assert Offering.objects.get(api_id="m1").retires_on is None

    def test_the_end_of_a_doubted_removal_also_ends_the_suspicion(
        self, read: Read, source: Source, start: datetime
    ) -> None:
        read(start, models(10))
        assert read(start + DAY, models(2)).run.status == "suspect"
        read(start + 8 * DAY - HOUR)
        assert PollState.objects.get(source=source).suspect

        # a list kept by people was tidied: no event
        assert apply_expired_holds(at=start + 8 * DAY + HOUR) == []

        assert Assertion.objects.filter(topic="identity", withdrawn_at__isnull=False).count() == 8
        assert not PollState.objects.get(source=source).suspect

    def test_a_rise_by_hundreds_does_not_end_by_the_clock(
        self, read: Read, source: Source, start: datetime
    ) -> None:
        read(start, models(m1={"input_cost_per_token": 2e-07}))
        read(start + DAY, models(m1={"input_cost_per_token": 2e-04}))
        read(start + 18 * DAY)

        assert apply_expired_holds(at=start + 18 * DAY + HOUR) == []
        assert [change.what for change in pending_changes(source)] == ["price"]

    def test_nothing_that_waits_costs_nothing(self, read: Read, start: datetime) -> None:
        read(start, models())

        assert apply_expired_holds(at=start + HOUR) == []
        assert FeedRun.objects.count() == 1


class TestDecisions:
    @pytest.fixture
    def ada(self) -> User:
        return make_user("ada")

    @pytest.fixture
    def suspect(self, read: Read) -> datetime:
        """Eight of ten rows gone and a price that rose by a thousand; the moment they were seen."""
        at = now() - 2 * HOUR
        cheap, dear = {"input_cost_per_token": 2e-07}, {"input_cost_per_token": 2e-04}
        read(at - HOUR, models(10, n1=cheap))
        run = read(at, models(2, n1=dear)).run
        assert (run.status, list(run.held)) == ("suspect", ["acme"])
        return at

    def is_suspect(self, source: Source) -> bool:
        return PollState.objects.get(source=source).suspect

    def test_accepting_tells_at_once_and_ends_the_suspicion(
        self, read: Read, source: Source, suspect: datetime, ada: User
    ) -> None:
        assert self.is_suspect(source)

        events = accept_pending_changes(source=source, by=ada, reason="They cleaned up")

        assert [event.kind for event in events] == ["delisted"] * 8
        assert not self.is_suspect(source)
        assert read(now()).run.status == "unchanged"
        assert not self.is_suspect(source)

    def test_an_accepted_rise_leaves_quarantine(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        assert QuarantinedRow.objects.open().get().external_id == "acme/n1"

        accept_pending_changes(source=source, by=ada, reason="It reasons")

        assert not QuarantinedRow.objects.open().exists()

    def test_a_rise_leaves_quarantine_however_its_reason_is_worded(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        QuarantinedRow.objects.open().update(reason="Other words")

        accept_pending_changes(source=source, by=ada, reason="It reasons")

        assert not QuarantinedRow.objects.open().exists()

    def test_an_unreadable_row_stays_in_quarantine_when_a_rise_is_accepted(
        self, source: Source, suspect: datetime, ada: User
    ) -> None:
        rise = QuarantinedRow.objects.open().get()
        unreadable = QuarantinedRow.objects.create(
            source=source,
            external_id=rise.external_id,
            reason="Price jumps are not readable.",
            first_seen=now(),
        )

        accept_pending_changes(source=source, by=ada, reason="It reasons")

        assert QuarantinedRow.objects.open().get() == unreadable

    def test_refusing_ends_the_suspicion_and_the_next_polls_are_not_suspect(
        self, read: Read, source: Source, suspect: datetime, ada: User
    ) -> None:
        reject_pending_changes(source=source, by=ada, reason="Their build broke")
        assert not self.is_suspect(source)

        dear = {"input_cost_per_token": 2e-04}
        polled = read(now(), models(2, n1=dear, m0={"input_cost_per_token": 4e-06}))

        assert (polled.run.status, polled.events) == ("changed", [])
        assert not self.is_suspect(source)
        assert len(rejected_changes(source)) == 9

    def test_taking_a_refusal_back_makes_the_source_suspect_again(
        self, read: Read, source: Source, suspect: datetime, ada: User
    ) -> None:
        reject_pending_changes(source=source, by=ada, reason="Their build broke")

        assert undo_rejections(source=source, by=ada, reason="It was no mistake") == 9

        assert self.is_suspect(source)
        assert len(pending_changes(source)) == 9

    def test_a_feed_that_goes_back_is_no_longer_suspect(
        self, read: Read, source: Source, suspect: datetime
    ) -> None:
        polled = read(now(), models(10, n1={"input_cost_per_token": 2e-07}))

        assert (polled.run.status, polled.events) == ("changed", [])
        assert not self.is_suspect(source)
        assert not Assertion.objects.filter(held=True).exists()
        assert not QuarantinedRow.objects.open().exists()


def test_what_a_feed_of_notices_tidies_away_is_accepted_by_its_own_rules(tmp_path: Path) -> None:
    """A list of notices loses rows: only those are missed on whose day people still count."""
    source = make_source("deprecations-info")
    page = tmp_path / "notices.json"

    def read(at: datetime, names: list[str]) -> PollResult:
        rows = [
            {
                "provider": "OpenAI",
                "model_id": name,
                "model_name": name,
                "announcement_date": "2025-01-10",
                "shutdown_date": SOON if name == "gpt-x" else "",
                "replacement_model": None,
                "deprecation_context": "",
                "url": "https://example.org/notices",
                "content_hash": f"{number:016x}",
                "scraped_at": "2025-01-10T00:00:00+00:00",
            }
            for number, name in enumerate(names)
        ]
        page.write_text(json.dumps(rows))
        return poll_source(source, at=at, url=page.as_uri(), trigger="test")

    names = [f"gpt-{n}" for n in range(9)]
    read(now() - 2 * HOUR, [*names, "gpt-x"])
    assert read(now() - HOUR, names[:3]).run.status == "suspect"

    events = accept_pending_changes(source=source, by=make_user("ada"), reason="An old page")

    assert [(event.kind, event.old) for event in events] == [("delisted", SOON)]
