"""Beat in containers that live for minutes, twice at once, and without its database."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from django.conf import settings

from apps.common.models import PeriodicJob
from apps.common.periodic_jobs import enqueue_due_jobs, record_start, record_success, recorded_jobs
from apps.common.time import now
from registry.beat import FrequentScheduler
from registry.celery import app
from registry.environment import redis_client_url
from tests.builders import NOW
from tests.processes import CHECKOUT, Worker, holding, wait_until

pytestmark = pytest.mark.proof

LOOK = "common.enqueue_due_jobs"
DAILY = "intake.forget_old_files"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Clock:
    """The time of a simulated installation."""

    def __init__(self) -> None:
        self.at = NOW


class Container:
    """Beat as a new container starts it: nothing known of what came before."""

    def __init__(self, clock: Clock, sent: Counter[str]) -> None:
        simulated = Celery("simulated", set_as_current=False)
        simulated.conf.update(
            beat_schedule=settings.CELERY_BEAT_SCHEDULE, timezone="UTC", enable_utc=True
        )
        simulated.now = lambda: clock.at

        def work(name: str) -> None:
            sent[name] += 1
            record_start(name, at=clock.at)
            record_success(name, at=clock.at)

        class Scheduler(FrequentScheduler):
            # no broker
            producer = None

            def apply_async(
                self, entry: Any, producer: Any = None, advance: bool = True, **options: Any
            ) -> None:
                if entry.task == LOOK:
                    enqueue_due_jobs(at=clock.at, send=lambda name, useful_for: work(name))
                else:
                    sent[entry.task] += 1

        self.scheduler = Scheduler(simulated)
        self.scheduler.tick()

    def tick(self) -> None:
        """Send what is due now; a tick sends one."""
        while self.scheduler.tick() == 0:
            pass


@pytest.mark.django_db
@pytest.mark.parametrize("n_beats", [1, 2])
def test_in_containers_that_live_for_five_minutes_each_daily_job_runs_once_a_day(
    n_beats: int,
) -> None:
    clock, sent = Clock(), Counter[str]()
    ends = NOW + 2 * DAY
    while clock.at < ends:
        containers = [Container(clock, sent) for _ in range(n_beats)]
        for _ in range(5):
            clock.at += MINUTE
            for container in containers:
                container.tick()

    daily = [name for name, every in recorded_jobs().items() if every == DAY]
    # the first at once, then one a day: what is a day old when a container comes is due within its
    # first minute
    assert {name: sent[name] for name in daily} == dict.fromkeys(daily, 2)
    assert 45 <= sent["feeds.end_holds"] <= 48
    assert 2 * 24 * 12 * 0.8 <= sent["exposure.refresh_exposure"] <= 2 * 24 * 12
    assert sent["alerts.send_due_digests"] >= n_beats * 2 * 24 * 60 * 0.75


def test_beat_keeps_no_file_and_sends_what_comes_round_within_a_minute_alone() -> None:
    scheduler = FrequentScheduler(app)

    tasks = {entry.task for entry in scheduler.schedule.values()}
    assert (
        tasks
        == {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
        - recorded_jobs().keys()
    )
    assert LOOK in tasks
    assert app.conf.beat_scheduler == "registry.beat:FrequentScheduler"


class ReplacedErrorScheduler(FrequentScheduler):
    """One entry is due; a signal to end arrives while it is being sent, and what it raises there is
    replaced, as by the broker's client."""

    producer = None
    n_signals = 1

    def __init__(self) -> None:
        simulated = Celery("simulated", set_as_current=False)
        simulated.conf.update(beat_schedule={"a": {"task": "a", "schedule": timedelta(0)}})
        self.n_sent = 0
        super().__init__(simulated)

    def apply_async(
        self, entry: Any, producer: Any = None, advance: bool = True, **options: Any
    ) -> None:
        try:
            for _ in range(self.n_signals):
                signal.raise_signal(signal.SIGTERM)
        except SystemExit:
            raise ValueError("I/O operation on closed file") from None
        self.n_sent += 1


@pytest.fixture
def _celery_handler() -> Iterator[None]:
    def end(number: int, frame: Any) -> None:
        raise SystemExit

    before = signal.signal(signal.SIGTERM, end)
    yield
    assert signal.signal(signal.SIGTERM, before) is end


@pytest.mark.usefixtures("_celery_handler")
def test_a_signal_to_end_counts_once_what_is_due_has_been_sent() -> None:
    beat = ReplacedErrorScheduler()

    with pytest.raises(SystemExit):
        beat.tick()

    assert beat.n_sent == 1


@pytest.mark.usefixtures("_celery_handler")
def test_a_second_signal_does_not_wait_and_the_first_still_counts() -> None:
    beat = ReplacedErrorScheduler()
    beat.n_signals = 2

    with pytest.raises(SystemExit):
        beat.tick()

    assert beat.n_sent == 0


@pytest.mark.proof
def test_beat_lives_and_sends_while_the_database_is_away_and_writes_no_file(
    broker: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    log = tmp_path / "beat.log"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.registry.hasty",
        "REGISTRY_ENV": "demo",
        "DATABASE_URL": "postgres://registry@127.0.0.1:1/registry",
        "BROKER_URL": broker,
        "SECRET_KEY": "for-tests-only",
        "REGISTRY_DATA": str(folder),
    }
    environment.pop("CACHE_URL", None)
    with log.open("wb") as out:
        beat = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "registry",
                "beat",
                "--pidfile=",
                "--loglevel=INFO",
            ],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        with redis.Redis.from_url(redis_client_url(broker)) as client:
            wait_until(
                lambda: b"".join(client.lrange("default", 0, -1)).count(LOOK.encode()) >= 3,
                "beat sends",
                log,
            )
        assert beat.poll() is None
    finally:
        beat.terminate()
        beat.wait(20)
    assert list(folder.rglob("*beat*")) == []


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_a_daily_job_whose_worker_is_killed_in_the_middle_runs_again_and_is_then_done_for_the_day(
    broker: str, tmp_path: Path
) -> None:
    def job() -> PeriodicJob:
        return PeriodicJob.objects.get(name=DAILY)

    with Worker(broker, tmp_path / "first.log") as worker:
        PeriodicJob.objects.bulk_create(
            PeriodicJob(name=name, enqueued_at=now(), succeeded_at=now() + MINUTE)
            for name in recorded_jobs()
            if name != DAILY
        )
        with holding("LOCK TABLE intake_import IN ACCESS EXCLUSIVE MODE"):
            app.send_task(LOOK)
            wait_until(
                lambda: bool(PeriodicJob.objects.filter(name=DAILY, started_at__isnull=False)),
                "it began",
                worker.log,
            )
            worker.kill()
    assert job().succeeded_at is None

    an_hour_ago = now() - PeriodicJob.RETRY_AFTER
    PeriodicJob.objects.filter(name=DAILY).update(enqueued_at=an_hour_ago, started_at=an_hour_ago)
    with Worker(broker, tmp_path / "second.log") as worker:
        app.send_task(LOOK)
        wait_until(lambda: job().succeeded_at is not None, "it has run again", worker.log)

    ran: datetime | None = job().enqueued_at
    enqueue_due_jobs(at=now() + timedelta(hours=2), send=lambda name, useful_for: None)
    assert job().enqueued_at == ran
