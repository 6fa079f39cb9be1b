"""When a job last ran stands in the database: it runs again when its time has come, however often
beat is new."""

import io
import threading
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from apps.common import periodic_jobs
from apps.common.models import PeriodicJob
from apps.common.periodic_jobs import enqueue_due_jobs, record_start, record_success, recorded_jobs
from tests.builders import NOW

DAILY = "intake.forget_old_files"
HOURLY = "feeds.end_holds"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Broker:
    """Takes messages; each is worked off at once unless nobody works."""

    def __init__(self) -> None:
        self.sent: list[tuple[datetime, str]] = []
        self.expiries: dict[str, timedelta] = {}
        self.at = NOW
        self.is_away = False
        self.works = True

    def send(self, name: str, useful_for: timedelta) -> None:
        if self.is_away:
            raise ConnectionError("The broker is away.")
        self.sent.append((self.at, name))
        self.expiries[name] = useful_for
        if self.works:
            record_start(name, at=self.at)
            record_success(name, at=self.at + timedelta(seconds=5))

    def look(self, at: datetime) -> list[str]:
        self.at = at
        return enqueue_due_jobs(at=at, send=self.send)

    def moments(self, name: str) -> list[timedelta]:
        return [at - NOW for at, sent in self.sent if sent == name]


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.mark.django_db
class TestPeriodicJobs:
    def test_what_never_ran_is_due_at_once_and_then_when_its_time_has_come(
        self, broker: Broker
    ) -> None:
        assert set(broker.look(NOW)) == set(recorded_jobs())

        for hours in range(1, 50):
            broker.look(NOW + hours * HOUR)

        assert broker.moments(DAILY) == [timedelta(0), DAY, 2 * DAY]
        assert broker.moments(HOURLY) == [hours * HOUR for hours in range(50)]

    def test_nothing_is_sent_while_nothing_is_due(self, broker: Broker) -> None:
        broker.look(NOW)

        assert broker.look(NOW + MINUTE) == []

    @pytest.mark.parametrize("seconds", [59.9, 60, 60.1])
    def test_a_minute_that_is_a_moment_shorter_or_longer_makes_five_minutes_no_six(
        self, broker: Broker, seconds: float
    ) -> None:
        for n_looks in range(61):
            broker.look(NOW + n_looks * timedelta(seconds=seconds))

        assert len(broker.moments("exposure.refresh_exposure")) == 13

    def test_what_was_sent_and_never_succeeded_is_sent_again_after_an_hour_and_not_before(
        self, broker: Broker
    ) -> None:
        broker.works = False
        broker.look(NOW)

        assert DAILY not in broker.look(NOW + HOUR - MINUTE)
        assert DAILY in broker.look(NOW + HOUR)
        broker.works = True
        assert DAILY in broker.look(NOW + 2 * HOUR)
        assert DAILY not in broker.look(NOW + 3 * HOUR)

    def test_a_run_that_began_and_was_killed_is_sent_again(self, broker: Broker) -> None:
        broker.works = False
        broker.look(NOW)
        record_start(DAILY, at=NOW)

        assert DAILY in broker.look(NOW + HOUR)

    def test_a_message_is_dead_before_the_next_one_is_sent(self, broker: Broker) -> None:
        broker.look(NOW)

        assert broker.expiries[DAILY] == HOUR
        assert broker.expiries["exposure.refresh_exposure"] == 5 * MINUTE

    def test_what_could_not_be_sent_stays_due(self, broker: Broker) -> None:
        broker.is_away = True
        with pytest.raises(ConnectionError):
            broker.look(NOW)
        broker.is_away = False

        assert set(broker.look(NOW + MINUTE)) == set(recorded_jobs())

    def test_a_moment_that_a_wrong_clock_wrote_is_not_waited_for(self, broker: Broker) -> None:
        broker.look(NOW + 365 * DAY)

        assert DAILY in broker.look(NOW)
        assert DAILY not in broker.look(NOW + MINUTE)

    def test_a_job_that_left_the_schedule_is_not_sent(self, broker: Broker) -> None:
        PeriodicJob.objects.create(name="feeds.a_task_of_last_year")

        assert "feeds.a_task_of_last_year" not in broker.look(NOW)

    def test_beginning_and_success_are_kept_of_jobs_of_the_schedule_only(
        self, broker: Broker
    ) -> None:
        broker.look(NOW)
        record_start("feeds.poll_source", at=NOW)
        record_success("feeds.poll_source", at=NOW)

        job = PeriodicJob.objects.get(name=DAILY)
        assert (job.enqueued_at, job.started_at, job.succeeded_at) == (
            NOW,
            NOW,
            NOW + timedelta(seconds=5),
        )
        assert set(PeriodicJob.objects.values_list("name", flat=True)) == set(recorded_jobs())


def test_each_daily_job_is_kept_and_what_runs_every_minute_is_not() -> None:
    jobs = recorded_jobs()

    # a job is known by its task: no two entries have the same
    assert len(jobs) == sum(
        periodic_jobs.is_recorded(entry) for entry in settings.CELERY_BEAT_SCHEDULE.values()
    )
    assert sum(every >= DAY for every in jobs.values()) >= 7
    assert "common.enqueue_due_jobs" not in jobs
    assert "alerts.send_due_digests" not in jobs
    assert min(jobs.values()) > periodic_jobs.MAX_BEAT_INTERVAL


@pytest.mark.django_db(transaction=True)
def test_many_that_look_at_once_send_each_job_once(broker: Broker) -> None:
    start = threading.Barrier(4)

    def look() -> None:
        try:
            start.wait()
            enqueue_due_jobs(at=NOW, send=broker.send)
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(name for _, name in broker.sent) == sorted(recorded_jobs())


@pytest.mark.django_db
def test_the_operator_sees_when_each_job_began_and_succeeded(broker: Broker) -> None:
    broker.look(NOW)
    PeriodicJob.objects.filter(name=HOURLY).update(succeeded_at=None)
    out = io.StringIO()

    call_command("periodic_jobs", stdout=out)

    lines = {line.split()[0]: line for line in out.getvalue().splitlines()}
    assert lines.keys() == {"job", *recorded_jobs()}
    assert f"{NOW:%Y-%m-%d %H:%M:%S}" in lines[DAILY]
    assert lines[HOURLY].endswith("never")
