"""Work that a person waits for: who has it, for how long, how often it is tried, and what its row
says."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import OperationalError, connection

from apps.accounts.roles import OrganisationRole
from apps.api.bulk import jobs as bulk_jobs
from apps.api.models import Job as BulkJob
from apps.common import jobs
from apps.common.jobs import MAX_ATTEMPTS, Claim, ClaimLostError, JobKind, takeover_after
from apps.common.time import now
from apps.exposure.actions import scenarios
from apps.exposure.models import LossRun
from apps.inventory.export_files import request_file, write_file
from apps.inventory.models import ListExport
from apps.reports.models import EvidencePack
from tests.builders import NOW, make_application, make_user

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def make_run(**fields: Any) -> LossRun:
    return LossRun.objects.create(**{"queued_at": NOW, **fields})


def kind(work: Callable[[Claim[LossRun]], None]) -> JobKind[LossRun]:
    return JobKind(
        model=LossRun,
        work=work,
        abandonment=lambda run: f"Three times. Ask for fewer than {run.years}.",
    )


def complete(claim: Claim[LossRun]) -> None:
    claim.complete(result={"by": claim.job.claim_number})


def dies(_claim: Claim[LossRun]) -> None:
    raise MemoryError


def run(work: Callable[[Claim[LossRun]], None], row: LossRun, at: datetime) -> bool:
    done = jobs.run(kind(work), row.pk, at=at)
    row.refresh_from_db()
    return done


class TestProduction:
    def test_the_dead_are_taken_over_within_two_minutes(self) -> None:
        cadences = {
            entry["task"]: entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values()
        }
        sweeps = (
            "reports.make_packs",
            "web.write_files",
            "exposure.run_what_ifs",
            "api.carry_out_waiting_jobs",
        )
        assert {cadences[sweep] for sweep in sweeps} == {timedelta(minutes=1)}
        assert takeover_after() <= timedelta(seconds=60)
        assert takeover_after() + timedelta(minutes=1) < timedelta(minutes=2)

    def test_who_lives_misses_several_heartbeats_before_it_is_taken_for_dead(self) -> None:
        assert jobs.heartbeat_interval() <= timedelta(seconds=20)
        assert jobs.heartbeat_interval() * 4 <= takeover_after()

    def test_no_heartbeat_outlasts_what_celery_lets_a_task_run(self) -> None:
        assert timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT) >= jobs.MAX_RUN_TIME

    def test_all_that_people_wait_for_has_the_same_columns(self) -> None:
        for model in (EvidencePack, ListExport, LossRun, scenarios.ScenarioRun, BulkJob):
            assert issubclass(model, jobs.Job)


class TestClaims:
    def test_one_that_waits_is_claimed_done_and_over(self) -> None:
        row = make_run()
        assert run(complete, row, NOW)
        assert (row.state, row.result, row.attempts, row.error) == ("done", {"by": 1}, 1, "")
        assert row.heartbeat_at is None
        assert not run(complete, row, NOW + timedelta(days=1))

    def test_what_another_worker_shows_itself_at_is_left_alone_and_taken_over_when_it_does_not(
        self,
    ) -> None:
        row = make_run()
        with suppress(MemoryError):
            run(dies, row, NOW)
        row.refresh_from_db()
        assert (row.state, row.attempts, row.claim_number) == ("running", 1, 1)
        assert not row.is_abandoned(at=NOW + SECOND)

        assert not run(complete, row, NOW + takeover_after() - 5 * SECOND)
        assert row.is_abandoned(at=NOW + takeover_after() + 5 * SECOND)
        assert run(complete, row, NOW + takeover_after() + 5 * SECOND)
        assert (row.state, row.attempts, row.claim_number) == ("done", 2, 2)
        assert row.started_at - NOW < 5 * SECOND

    def test_a_row_that_ran_before_there_were_heartbeats_counts_from_its_start(self) -> None:
        row = make_run(state="running", started_at=NOW, attempts=1)
        assert not run(complete, row, NOW + takeover_after() - SECOND)
        assert run(complete, row, NOW + takeover_after() + SECOND)

    def test_what_is_written_late_in_a_long_sweep_is_stamped_late(self) -> None:
        begun = []

        def slow(claim: Claim[LossRun]) -> None:
            begun.append(claim.job.heartbeat_at)
            time.sleep(0.2)
            claim.complete()

        for _ in range(3):
            make_run()
        assert jobs.run_waiting(kind(slow), at=NOW) == 3

        assert (
            begun[0] - NOW
            < begun[1] - NOW - timedelta(seconds=0.2)
            < begun[2] - NOW - timedelta(seconds=0.4)
        )
        assert LossRun.objects.order_by("-pk")[0].finished_at - NOW >= timedelta(seconds=0.6)

    def test_a_sweep_that_goes_on_for_long_leaves_the_rest_to_the_next(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs, "MAX_SWEEP_TIME", timedelta(seconds=0.1))

        def slow(claim: Claim[LossRun]) -> None:
            time.sleep(0.2)
            claim.complete()

        make_run()
        make_run()
        assert [jobs.run_waiting(kind(slow), at=NOW) for _ in range(3)] == [1, 1, 0]

    def test_who_lost_the_claim_writes_nothing(self) -> None:
        row = make_run()

        def overtaken(claim: Claim[LossRun]) -> None:
            with suppress(MemoryError):
                jobs.run(kind(dies), row.pk, at=NOW + takeover_after() + SECOND)
            for write in (claim.hold, claim.progress, claim.complete, claim.update):
                with pytest.raises(ClaimLostError):
                    write()
            claim.fail("Never to be read.")

        assert not run(overtaken, row, NOW)
        assert (row.state, row.error, row.claim_number, row.attempts) == ("running", "", 2, 2)

    def test_inside_somebodys_transaction_it_shows_nothing_and_is_not_lost(
        self, settings: Any
    ) -> None:
        settings.JOB_HEARTBEAT_SECONDS = 0.05
        row = make_run()

        def works(claim: Claim[LossRun]) -> None:
            time.sleep(0.3)
            claim.check()
            claim.complete()

        assert run(works, row, NOW)
        assert row.state == "done"


class TestAttempts:
    def test_after_three_without_progress_it_fails_with_a_sentence(self) -> None:
        row, at = make_run(years=50_000), NOW
        for attempt in range(1, MAX_ATTEMPTS + 1):
            with pytest.raises(MemoryError):
                run(dies, row, at)
            row.refresh_from_db()
            assert (row.state, row.attempts) == ("running", attempt)
            at += takeover_after() + SECOND

        assert not run(complete, row, at)
        assert (row.state, row.error) == ("failed", "Three times. Ask for fewer than 50000.")
        assert row.finished_at is not None
        assert not run(complete, row, at + timedelta(days=1))

    def test_progress_counts_them_anew(self) -> None:
        row, at = make_run(), NOW

        def goes_on_and_dies(claim: Claim[LossRun]) -> None:
            claim.progress()
            raise MemoryError

        for _ in range(3 * MAX_ATTEMPTS):
            with pytest.raises(MemoryError):
                run(goes_on_and_dies, row, at)
            at += takeover_after() + SECOND
        row.refresh_from_db()
        assert (row.state, row.attempts, row.claim_number) == ("running", 1, 3 * MAX_ATTEMPTS)
        assert run(complete, row, at)

    def test_one_that_is_asked_again_begins_at_one(self) -> None:
        row = make_run(state="queued", attempts=MAX_ATTEMPTS)
        assert run(complete, row, NOW)
        assert row.attempts == 1

    @pytest.mark.parametrize(
        ("error", "sentence"),
        [
            (
                SoftTimeLimitExceeded(),
                "The simulation took longer than a worker is allowed to run. Run "
                "it with fewer years.",
            ),
        ],
    )
    def test_what_takes_too_long_says_what_to_ask_for(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
    ) -> None:
        def fails(**_words: object) -> None:
            raise error

        monkeypatch.setattr(scenarios.loss_runs, "simulate_portfolio", fails)
        row = make_run()
        assert scenarios.run_queued(at=NOW) == 1
        row.refresh_from_db()
        assert (row.state, row.error) == ("failed", sentence)

    def test_a_database_that_is_restarted_fails_no_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_application()
        by = make_user(role=OrganisationRole.GOVERNANCE)
        file = request_file(kind="applications", query="", name="a.xlsx", by=by, at=NOW)

        def fails(*_words: object) -> int:
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(jobs, "connection_is_lost", lambda: True)
        with pytest.raises(OperationalError):
            write_file(file.pk, write=fails, at=NOW)
        file.refresh_from_db()
        assert file.state == "running"

        monkeypatch.setattr(jobs, "connection_is_lost", lambda: False)
        assert write_file(file.pk, write=fails, at=NOW + takeover_after() + SECOND)
        file.refresh_from_db()
        assert (file.state, "The export failed in the database" in file.error) == ("failed", True)


class TestBulkJobs:
    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            (
                {"n_done": 4},
                "Rows 1 to 4 are written, as in the report; later rows are not.",
            ),
            ({"n_done": 4}, "or send rows 5 to 9 again in smaller parts."),
            ({"n_done": 0}, "Nothing was written. Continue with POST jobs/"),
            ({"mode": "all_or_nothing"}, "Nothing was written. Continue with POST jobs/"),
        ],
    )
    def test_one_that_is_given_up_says_which_rows_are_done(
        self, fields: dict[str, Any], sentence: str
    ) -> None:
        job = BulkJob.objects.create(
            resource="applications",
            by=make_user(),
            queued_at=now(),
            n_rows=9,
            state="running",
            attempts=MAX_ATTEMPTS,
            **fields,
        )
        assert bulk_jobs.run_waiting_jobs() == 0
        job.refresh_from_db()
        assert job.state == "failed"
        assert sentence in job.error


@pytest.mark.django_db(transaction=True)
class TestHeartbeats:
    """Committed, as in a worker."""

    @pytest.fixture(autouse=True)
    def hasty(self, settings: Any) -> None:
        settings.JOB_HEARTBEAT_SECONDS = 0.05

    @pytest.mark.proof
    def test_it_shows_itself_while_it_works_whatever_transaction_it_is_in(self) -> None:
        row, signs = make_run(), []

        def works(claim: Claim[LossRun]) -> None:
            with jobs.transaction.atomic():
                make_run()
                for _ in range(3):
                    time.sleep(0.3)
                    signs.append(LossRun.objects.get(pk=row.pk).heartbeat_at)
                claim.complete()

        assert run(works, row, NOW)
        assert signs[0] < signs[1] < signs[2]
        # by the clock it was given
        assert NOW + 2 * SECOND > signs[2] > NOW + timedelta(seconds=0.5)

    def test_it_waits_for_nobody_who_has_the_row_and_is_not_lost_by_it(self) -> None:
        row = make_run()

        def settles(claim: Claim[LossRun]) -> None:
            with jobs.transaction.atomic():
                claim.hold()
                time.sleep(0.5)
                # who looks meanwhile does not wait either
                assert (
                    elsewhere(lambda: jobs.run(kind(complete), row.pk, at=NOW + timedelta(days=1)))
                    is False
                )
                claim.check()
                claim.complete(result={"kept": True})

        assert run(settles, row, NOW)
        assert row.result == {"kept": True}

    def test_it_ends_the_work_of_who_lost_the_claim_at_its_next_step(self) -> None:
        row, steps = make_run(), []

        def works(claim: Claim[LossRun]) -> None:
            LossRun.objects.filter(pk=row.pk).update(claim_number=7)
            for step in range(100):
                steps.append(step)
                time.sleep(0.1)
                claim.check()

        assert not run(works, row, NOW)
        assert len(steps) < 20

    @pytest.mark.proof
    def test_work_that_hangs_shows_itself_no_longer_than_it_may_run(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs, "MAX_RUN_TIME", timedelta(seconds=0.3))
        row, signs = make_run(), []

        def hangs(claim: Claim[LossRun]) -> None:
            for _ in range(2):
                time.sleep(1)
                signs.append(LossRun.objects.get(pk=row.pk).heartbeat_at)
            claim.check()

        assert not run(hangs, row, NOW)
        assert signs[0] == signs[1] < NOW + SECOND

    @pytest.mark.proof
    def test_a_session_that_is_lost_costs_one_heartbeat(self) -> None:
        row, signs = make_run(), []

        def works(claim: Claim[LossRun]) -> None:
            time.sleep(0.5)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                    "current_database() "
                    "AND pid <> pg_backend_pid() AND query LIKE 'UPDATE %SET heartbeat_at%'"
                )
                assert cursor.rowcount == 1
            for _ in range(2):
                signs.append(LossRun.objects.get(pk=row.pk).heartbeat_at)
                time.sleep(0.8)
            claim.check()
            claim.complete()

        assert run(works, row, NOW)
        assert signs[0] < signs[1]

    def test_two_who_claim_at_once_do_the_work_once(self) -> None:
        row, worked = make_run(), []
        together = threading.Barrier(4)

        def works(claim: Claim[LossRun]) -> None:
            worked.append(claim.job.claim_number)
            time.sleep(0.2)
            claim.complete()

        def claims() -> bool:
            together.wait()
            return jobs.run(kind(works), row.pk, at=NOW)

        threads = [threading.Thread(target=elsewhere, args=(claims,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        row.refresh_from_db()
        assert (worked, row.state, row.attempts) == ([1], "done", 1)


def elsewhere(act: Callable[[], Any]) -> Any:
    """In a thread with a connection of its own."""
    answers = []

    def inside() -> None:
        try:
            answers.append(act())
        finally:
            connection.close()

    thread = threading.Thread(target=inside, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it waits for ever"
    return answers[0]
