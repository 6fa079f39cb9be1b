"""Polls by a real worker that is killed, loses its broker or its database; nothing lost, nothing
doubled."""

import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from django.db import connection, connections

from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from apps.common.time import now
from apps.feeds.actions import BrokerUnavailableError, enqueue_due_sources, request_poll
from apps.feeds.models import FeedRun, PollState
from apps.feeds.polls.pipeline import close_dead_runs, poll_source
from registry import embedded
from registry.environment import redis_client_url
from tests.builders import make_source, make_user
from tests.feeds import loopback as server
from tests.feeds.parsers.price_maps import price_map
from tests.pooler import BOTH_ROUTES
from tests.processes import Worker, own_database, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

LONG_AGO = datetime(2026, 9, 1, 6, tzinfo=UTC)
CATALOGUE_LOCK = "SELECT pg_advisory_lock(7301001)"


@pytest.fixture
def source(feed: server.Loopback) -> Source:
    return polled_source(feed)


def polled_source(feed: server.Loopback) -> Source:
    """A source that has been polled once."""
    made = make_source(
        "litellm", url=feed.route("/map", server.plain(price_map())), trusted_address=True
    )
    poll_source(made, at=LONG_AGO, trigger="test")
    return made


def news(feed: server.Loopback, *first: server.Behaviour) -> None:
    feed.route("/map", *first, server.plain(price_map(model_1={"deprecation_date": "2031-12-01"})))


def latest_run() -> FeedRun:
    return FeedRun.objects.order_by("-pk")[0]


def n_refused(valkey: redis.Redis, command: str) -> int:
    """How many calls of the command the broker has refused before it tried them."""
    figures: Any = valkey.info("commandstats")
    return int(figures.get(f"cmdstat_{command}", {}).get("rejected_calls", 0))


def test_a_worker_killed_while_fetching_leaves_a_run_that_is_closed_and_polled_again(
    source: Source, feed: server.Loopback, broker: str, tmp_path: Path
) -> None:
    news(feed, server.hang())
    with Worker(broker, tmp_path / "worker.log") as worker:
        request_poll(source=source, by=make_user())
        wait_until(lambda: len(feed.requests) == 2, "the worker asks for the feed", worker.log)
        worker.kill()
    dead = latest_run()
    assert (dead.status, dead.step) == ("running", "fetch")

    later = now() + timedelta(minutes=11)
    with Worker(broker, tmp_path / "second.log") as worker:
        assert enqueue_due_sources(at=later) == 1
        wait_until(lambda: latest_run().status == "changed", "the second worker polls", worker.log)

    dead.refresh_from_db()
    assert dead.status == "failed"
    assert "The worker stopped during the step 'fetch'." in dead.error
    assert list(ProviderEvent.objects.values_list("kind", "new")) == [("announced", "2031-12-01")]


@BOTH_ROUTES
def test_a_worker_killed_in_the_middle_of_its_changes_changes_nothing(
    source: Source, feed: server.Loopback, broker: str, route: dict[str, str], tmp_path: Path
) -> None:
    news(feed)
    before = list(Assertion.objects.order_by("pk").values())
    with Worker(broker, tmp_path / "worker.log", **route) as worker, connection.cursor() as cursor:
        cursor.execute(CATALOGUE_LOCK)
        request_poll(source=source, by=make_user())
        wait_until(lambda: latest_run().step == "compare", "the worker compares", worker.log)
        worker.kill()
        cursor.execute("SELECT pg_advisory_unlock_all()")
    assert list(Assertion.objects.order_by("pk").values()) == before
    assert not ProviderEvent.objects.exists()

    close_dead_runs(at=now() + timedelta(minutes=11))
    again = poll_source(source, trigger="test")

    assert [event.kind for event in again.events] == ["announced"]
    assert Offering.objects.get(api_id="model-1").retires_on is not None


def test_two_beats_at_once_poll_a_source_once(
    source: Source, feed: server.Loopback, broker: str
) -> None:
    PollState.objects.filter(source=source).update(next_due_at=LONG_AGO)
    counts: list[int] = []

    def beat() -> None:
        counts.append(enqueue_due_sources(at=now()))
        connections.close_all()

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(counts) == [0, 0, 0, 1]
    assert FeedRun.objects.open().count() == 1


def test_a_message_delivered_twice_polls_once(
    source: Source, feed: server.Loopback, broker: str, tmp_path: Path
) -> None:
    from registry.celery import app

    news(feed)
    run = request_poll(source=source, by=make_user())
    app.send_task("feeds.poll_source", args=[run.pk])
    with Worker(broker, tmp_path / "worker.log") as worker:
        wait_until(
            lambda: b"feed_run_taken" in worker.log.read_bytes(),
            "the second message finds the run taken",
            worker.log,
        )

    run.refresh_from_db()
    assert run.status == "changed"
    assert FeedRun.objects.count() == 2
    assert ProviderEvent.objects.count() == 1


def test_without_a_broker_the_person_is_told_and_the_worker_goes_on_when_it_is_back(
    source: Source, feed: server.Loopback, broker: str, tmp_path: Path
) -> None:
    news(feed)
    user = make_user()
    with Worker(broker, tmp_path / "worker.log") as worker:
        embedded.stop(tmp_path / "broker")
        with pytest.raises(BrokerUnavailableError, match="Try again"):
            request_poll(source=source, by=user)
        refused = latest_run()
        embedded.ensure(database=False, data=tmp_path / "broker")

        request_poll(source=source, by=user)
        wait_until(
            lambda: latest_run().status == "changed", "the worker is back at the broker", worker.log
        )

    assert (refused.status, "broker" in refused.error) == ("failed", True)
    assert ProviderEvent.objects.count() == 1


def test_a_worker_outlasts_a_broker_that_answers_and_refuses_to_write(
    source: Source, feed: server.Loopback, broker: str, tmp_path: Path
) -> None:
    news(feed)
    with (
        Worker(broker, tmp_path / "worker.log") as worker,
        redis.Redis.from_url(redis_client_url(broker)) as valkey,
    ):
        valkey.config_set("min-replicas-to-write", "1")
        wait_until(
            lambda: n_refused(valkey, "brpop") > 0,
            "the worker asks for work and is refused",
            worker.log,
        )
        valkey.config_set("min-replicas-to-write", "0")

        request_poll(source=source, by=make_user())
        wait_until(lambda: latest_run().status == "changed", "the same worker polls", worker.log)


def test_a_database_restarted_during_a_poll_loses_that_poll_and_nothing_else(
    feed: server.Loopback, broker: str, tmp_path: Path
) -> None:
    with own_database(tmp_path / "database") as places:
        survives_a_restart(places, polled_source(feed), feed, broker, tmp_path)


def survives_a_restart(
    places: embedded.Places, source: Source, feed: server.Loopback, broker: str, tmp_path: Path
) -> None:
    news(feed)
    with Worker(broker, tmp_path / "worker.log") as worker:
        with connection.cursor() as cursor:
            cursor.execute(CATALOGUE_LOCK)
            request_poll(source=source, by=make_user())
            wait_until(lambda: latest_run().step == "compare", "the worker compares", worker.log)
        connection.close()
        postmaster = psutil.Process(int((places.cluster / "postmaster.pid").read_text().split()[0]))
        postmaster.send_signal(signal.SIGINT)
        postmaster.wait(30)
        embedded.ensure(broker=False, data=tmp_path / "database", durable=False)

        close_dead_runs(at=now() + timedelta(minutes=11))
        request_poll(source=source, by=make_user())
        wait_until(
            lambda: latest_run().status == "changed",
            "the worker finds its database again",
            worker.log,
        )

    assert sorted(FeedRun.objects.values_list("status", flat=True)) == [
        "changed",
        "changed",
        "failed",
    ]
    assert ProviderEvent.objects.count() == 1
