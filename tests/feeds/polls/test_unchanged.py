"""Feeds that answer with other bytes and say nothing new, and feeds that have ceased to be kept."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Assertion, Offering, Source
from apps.common.time import now
from apps.feeds.actions import purge_old_payloads
from apps.feeds.models import Health, Payload, PollState
from apps.feeds.polls.pipeline import PollResult, poll_source
from tests.builders import make_source

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

type Read = Callable[[datetime, bytes], PollResult]


def deprecations(
    scraped_at: str = "2026-08-01T00:00:00.000000+00:00", content_hash: str = "0" * 16
) -> bytes:
    """Two notices of deprecations.info; the arguments are fields that say nothing about the
    models."""
    return json.dumps(
        [
            {
                "provider": "OpenAI",
                "model_id": name,
                "model_name": name,
                "announcement_date": "2026-06-01",
                "shutdown_date": "2027-03-01",
                "replacement_model": None,
                "deprecation_context": "",
                "url": "https://example.org/notices",
                "content_hash": content_hash,
                "scraped_at": scraped_at,
            }
            for name in ("gpt-x", "gpt-y")
        ]
    ).encode()


def router(score: float = 1.0, price: str = "0.000003") -> bytes:
    """One row of OpenRouter, of which `score` is noise."""
    row = {
        "id": "acme/m",
        "canonical_slug": "acme/m",
        "name": "M",
        "created": 1750000000,
        "description": "",
        "context_length": 1000,
        "pricing": {"prompt": price, "completion": "0.000015"},
        "expiration_date": None,
        "benchmarks": {"design_arena": score},
    }
    return json.dumps({"data": [row]}).encode()


def models(made_at: str, status: str = "active") -> bytes:
    """One row of modeldeprecations.dev; `computed_status` is derived anew at each build."""
    row = {
        "provider": "openai",
        "model": "gpt-x",
        "aliases": [],
        "name": "X",
        "description": "",
        "deprecated_on": "2026-06-01",
        "shutdown_on": "2027-03-01",
        "status": "deprecated",
        "replacements": [],
        "sources": [{"url": "https://example.org/x", "accessed": "2026-08-01"}],
        "last_verified": "2026-08-01",
        "computed_status": status,
    }
    return json.dumps(
        {"generatedAt": made_at, "asOf": made_at[:10], "count": 1, "models": [row]}
    ).encode()


@pytest.fixture
def reading(tmp_path: Path) -> Callable[[Source], Read]:
    """A way to poll a source that answers with these bytes."""

    def of(source: Source) -> Read:
        def read(at: datetime, body: bytes) -> PollResult:
            file = tmp_path / f"{source.slug}.json"
            file.write_bytes(body)
            return poll_source(source, at=at, url=file.as_uri(), trigger="test")

        return read

    return of


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        (
            "deprecations-info",
            deprecations(),
            deprecations("2026-08-02T00:00:00.000000+00:00", "f" * 16),
        ),
        ("openrouter", router(1.0), router(2.0)),
        (
            "modeldeprecations",
            models("2026-08-01T00:00:00.000Z"),
            models("2026-08-02T00:00:00.000Z", "retired"),
        ),
    ],
    ids=["when it was scraped", "a benchmark", "the day of the build and what it derives"],
)
def test_a_body_that_differs_only_in_what_nobody_reads_writes_a_run_and_the_state(
    reading: Callable[[Source], Read], kind: str, first: bytes, second: bytes
) -> None:
    read = reading(make_source(kind))
    assert read(AT, first).run.status == "changed"
    kept = list(Payload.objects.values_list("digest", flat=True))

    with CaptureQueriesContext(connection) as queries:
        polled = read(AT + DAY, second)

    statements = "\n".join(query["sql"] for query in queries)
    written = set(re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', statements))
    assert (polled.run.status, polled.run.rows_changed, polled.run.n_events) == ("unchanged", 0, 0)
    assert written == {"feeds_feedrun", "feeds_pollstate"}
    assert polled.run.digest not in kept
    assert list(Payload.objects.values_list("digest", flat=True)) == kept
    assert polled.run.payload is None


def test_a_body_that_says_something_new_is_kept_beside_the_first(
    reading: Callable[[Source], Read],
) -> None:
    read = reading(make_source("openrouter"))
    read(AT, router())

    polled = read(AT + DAY, router(price="0.000002"))

    assert polled.run.status == "changed"
    assert Payload.objects.count() == 2
    assert polled.run.payload is not None


def test_the_last_body_that_said_something_is_not_forgotten(
    reading: Callable[[Source], Read],
) -> None:
    read = reading(make_source("deprecations-info"))
    read(AT, deprecations())
    read(AT + DAY, deprecations("2026-08-02T00:00:00.000000+00:00"))
    Payload.objects.update(received_at=now() - timedelta(days=100))

    assert purge_old_payloads(at=now()) == 0

    assert Payload.objects.count() == 1


def test_older_bodies_are_forgotten_when_their_time_is_over(
    reading: Callable[[Source], Read],
) -> None:
    read = reading(make_source("openrouter"))
    read(AT, router())
    read(AT + DAY, router(price="0.000002"))
    oldest = Payload.objects.order_by("pk")[0]
    Payload.objects.filter(pk=oldest.pk).update(received_at=now() - timedelta(days=91))

    assert purge_old_payloads(at=now()) == 1

    assert not Payload.objects.filter(pk=oldest.pk).exists()


class TestFrozenFeeds:
    STALE, FROZEN = timedelta(days=3), timedelta(days=30)

    def health(self, source: Source, at: datetime) -> str:
        return PollState.objects.get(source=source).health(at, self.STALE, self.FROZEN)

    def test_the_feeds_own_date_is_kept_also_where_nothing_else_is_new(
        self, reading: Callable[[Source], Read]
    ) -> None:
        source = make_source("modeldeprecations")
        read = reading(source)
        read(AT, models("2026-08-01T10:00:00.000Z"))
        assert PollState.objects.get(source=source).as_of == datetime(2026, 8, 1, 10, tzinfo=UTC)

        read(AT + DAY, models("2026-08-20T10:00:00.000Z"))

        assert PollState.objects.get(source=source).as_of == datetime(2026, 8, 20, 10, tzinfo=UTC)

    def test_a_feed_that_answers_and_says_itself_that_it_is_old_is_frozen(
        self, reading: Callable[[Source], Read]
    ) -> None:
        source = make_source("modeldeprecations")
        made = now() - timedelta(days=40)

        reading(source)(now(), models(made.isoformat()[:19] + ".000Z"))

        assert self.health(source, now()) == Health.FROZEN
        assert self.health(source, now() - timedelta(days=15)) == Health.FRESH

    def test_a_feed_that_has_not_changed_for_long_is_frozen_however_often_it_answers(
        self, reading: Callable[[Source], Read]
    ) -> None:
        source = make_source("openrouter")
        read = reading(source)
        read(AT, router())
        PollState.objects.filter(source=source).update(last_change_at=now() - timedelta(days=31))
        read(AT + DAY, router(2.0))

        assert self.health(source, now()) == Health.FROZEN

        read(AT + 2 * DAY, router(price="0.000002"))
        assert self.health(source, now()) == Health.FRESH

    def test_a_source_without_such_a_limit_never_freezes(
        self, reading: Callable[[Source], Read]
    ) -> None:
        source = make_source("openrouter")
        reading(source)(AT, router())
        PollState.objects.filter(source=source).update(last_change_at=now() - timedelta(days=900))

        assert PollState.objects.get(source=source).health(now(), self.STALE, None) == Health.FRESH

    def test_a_feed_that_does_not_answer_is_late_and_not_frozen(
        self, reading: Callable[[Source], Read]
    ) -> None:
        source = make_source("openrouter")
        reading(source)(AT, router())

        assert self.health(source, now() + timedelta(days=60)) == Health.LATE


@pytest.mark.proof
def test_a_price_that_floats_is_listed_in_the_run_and_followed(
    reading: Callable[[Source], Read],
) -> None:
    source = make_source("litellm")
    read = reading(source)

    def priced(cents: int) -> bytes:
        row = {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": cents / 1e8}
        return json.dumps({"acme/m": row}).encode()

    polled = [read(AT, priced(100))]
    # by more than one per cent, below which a change is rounding
    for move in range(1, 10):
        read(AT + 4 * move * DAY, priced(100 + 2 * move))
        polled.append(read(AT + (4 * move + 3) * DAY, priced(100 + 2 * move)))

    assert [len(one.events) for one in polled] == [0, *[1] * 8, 0]
    assert polled[-1].run.status == "changed"
    assert polled[-1].run.floated == [["acme/m", {"input": "1.16"}, {"input": "1.18"}]]
    assert Assertion.objects.get(topic="price").floating_since is not None
    amounts = (
        Offering.objects.get(api_id="m").prices.order_by("valid").values_list("amount", flat=True)
    )
    assert [str(amount.normalize()) for amount in amounts] == [
        "1",
        *("1.02", "1.04", "1.06", "1.08", "1.1", "1.12", "1.14", "1.16", "1.18"),
    ]
