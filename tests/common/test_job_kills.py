"""Workers that are really killed, or really stand still, in the middle of what somebody waits for:
another one makes it whole, once.

The middle is marked from outside, by a lock that the work waits for. Who is stopped takes its tasks
from a queue of its own; the worker that goes on is told to look as beat tells it, only more often.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from apps.api.bulk import jobs as bulk_jobs
from apps.api.models import Job as BulkJob
from apps.api.models import JobChunk
from apps.common.jobs import Job
from apps.common.time import day_of, now
from apps.exposure.actions.scenarios import queue_loss_run, queue_scenario_run, save_scenario
from apps.inventory.export_files import request_file
from apps.inventory.models import Application, Criticality, ListExport
from apps.reports.models import EvidencePack
from apps.reports.packs.actions import request_pack
from registry.celery import app
from tests.builders import make_application, make_team, make_user
from tests.exposure.scenarios.two_teams import make_two_teams
from tests.hasty import JOB_TAKEOVER_SECONDS
from tests.processes import (
    Worker,
    blocked_sessions,
    database_url,
    end_sessions,
    holding,
    nothing_is_queued,
    own_broker,
    sending_to,
    wait_until,
)
from tests.reports.insurer import make_insurer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

VICTIM = "victim"
LOST = b"job claim lost"
N_ROWS, BLOCK = 7, 2


@dataclass(frozen=True)
class Case:
    """`ask` queues the work, `sweep` is what beat sends, `hold` stops the work in the middle,
    `outcome` is what the person gets, without what differs from one time to the next."""

    ask: Callable[[], Job]
    sweep: str
    hold: str
    outcome: Callable[[Any], Any]


def _governance() -> User:
    return make_user(role=OrganisationRole.GOVERNANCE)


def _ask_pack() -> Job:
    world, today = make_insurer(), day_of(now())
    return request_pack(
        by=world.governance, at=now(), since=today - timedelta(400), until=today + timedelta(1)
    )


def _packed(pack: EvidencePack) -> Any:
    body = b"".join(bytes(part.body) for part in pack.parts.order_by("number"))
    assert len(body) == pack.n_bytes
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("manifest.json")) == pack.manifest
    return pack.digest


def _ask_file() -> Job:
    make_application("Triage")
    return request_file(
        kind="applications", query="", name="applications.xlsx", by=_governance(), at=now()
    )


def _written(file: ListExport) -> Any:
    body = b"".join(bytes(part.body) for part in file.parts.order_by("number"))
    assert len(body) == file.n_bytes
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
    return file.n_rows


def _ask_loss() -> Job:
    make_two_teams(on=day_of(now()))
    return queue_loss_run(at=now(), by=_governance(), years=5_000, seed=7)


def _ask_scenario() -> Job:
    world = make_two_teams(on=day_of(now()))
    removal = {"name": "Gone", "ops": [{"op": "remove", "nodes": ["host:azure"]}]}
    scenario = save_scenario(facts=removal, by=world.governance)
    return queue_scenario_run(scenario=scenario, at=now(), by=world.governance)


def _ask_bulk() -> Job:
    """The fourth row, in the second of four blocks, is about an application that is there
    already."""
    by, team = _governance(), make_team("Claims")
    Application.objects.create(
        name="Row 4", slug="row-4", team=team, criticality=Criticality.STANDARD
    )
    rows = [
        {"slug": f"row-{n}", "name": f"New {n}", "team": team.slug} for n in range(1, N_ROWS + 1)
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bulk_jobs, "MERGE_BATCH_SIZE", BLOCK)
        # the message that would have the other worker begin at once is lost
        patched.setattr(bulk_jobs, "_enqueue", lambda _pk: None)
        return bulk_jobs.queue_job(
            "applications",
            (json.dumps(row).encode() for row in rows),
            by=by,
            mode=BulkJob.Mode.ROW_BY_ROW,
            dry_run=False,
            reason="",
            at=now(),
        )


def _merged(job: BulkJob) -> Any:
    assert not JobChunk.objects.exists()
    written = {
        application.slug: [entry.name for entry in application.history.order_by("pk")]
        for application in Application.objects.all()
    }
    return (job.n_done, job.created, job.updated, job.unchanged, job.n_rejected, written)


CASES = {
    "pack": Case(_ask_pack, "reports.make_packs", "LOCK TABLE alerts_notice", _packed),
    "file": Case(_ask_file, "web.write_files", "LOCK TABLE inventory_application", _written),
    "loss": Case(
        _ask_loss, "exposure.run_what_ifs", "LOCK TABLE exposure_baseloss", lambda run: run.result
    ),
    "scenario": Case(
        _ask_scenario, "exposure.run_what_ifs", "LOCK TABLE exposure_policy", lambda run: run.result
    ),
    "bulk": Case(
        _ask_bulk,
        "api.carry_out_waiting_jobs",
        "SELECT FROM inventory_application WHERE slug = 'row-4' FOR UPDATE",
        _merged,
    ),
}
BULK_OUTCOME = (
    N_ROWS,
    N_ROWS - 1,
    1,
    0,
    0,
    {f"row-{n}": [f"New {n}"] if n != 4 else ["Row 4", "New 4"] for n in range(1, N_ROWS + 1)},
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_broker(tmp_path_factory.mktemp("own") / "broker") as url, sending_to(url):
        yield url


def _worker(broker: str, log: Path, **options: str) -> Worker:
    return Worker(broker, log, DJANGO_SETTINGS_MODULE="tests.hasty", **options)


@pytest.fixture(scope="module")
def successor(
    django_db_setup: None, broker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    with _worker(broker, tmp_path_factory.mktemp("successor") / "log") as running:
        yield running


@pytest.fixture
def victim(broker: str, tmp_path: Path) -> Iterator[Worker]:
    with _worker(broker, tmp_path / "victim.log", queue=VICTIM) as running:
        yield running


def _begin(case: Case, victim: Worker, job: Job) -> None:
    app.send_task(case.sweep, queue=VICTIM)
    wait_until(lambda: bool(blocked_sessions()), "the worker is in the middle of it", victim.log)
    _reread(job)
    assert (job.state, job.attempts) == ("running", 1)


def _reread(job: Job) -> Job:
    job.refresh_from_db()
    return job


def _take_over(case: Case, successor: Worker, job: Job) -> float:
    """Seconds until it is done, with a beat every half a second."""
    began = time.monotonic()

    def done() -> bool:
        app.send_task(case.sweep)
        time.sleep(0.5)
        return _reread(job).state not in Job.OPEN

    wait_until(done, "the other worker has made it", successor.log)
    return time.monotonic() - began


@pytest.mark.parametrize("name", CASES)
def test_killed_in_the_middle_it_is_whole_again_and_nothing_is_done_twice(
    broker: str, successor: Worker, victim: Worker, name: str
) -> None:
    case = CASES[name]
    job = case.ask()

    with holding(case.hold):
        _begin(case, victim, job)
        first = job.heartbeat_at
        # alive for longer than the dead are waited for, and its heartbeat's own session is lost
        # meanwhile
        _end_heartbeats()
        time.sleep(JOB_TAKEOVER_SECONDS)
        app.send_task(case.sweep)
        wait_until(lambda: nothing_is_queued(broker), "the other worker has looked", successor.log)
        assert (_reread(job).claim_number, job.state, job.attempts) == (1, "running", 1)
        assert job.heartbeat_at is not None
        assert first is not None
        assert job.heartbeat_at - first > timedelta(seconds=JOB_TAKEOVER_SECONDS - 1)
        killed_at = now()
        victim.kill()
    _take_over(case, successor, job)

    assert (job.state, job.error, job.claim_number) == ("done", "", 2)
    # the bulk job had kept its first block, and keeps more
    assert job.attempts == (1 if name == "bulk" else 2)
    assert job.finished_at is not None
    assert job.finished_at - killed_at < timedelta(seconds=15 + JOB_TAKEOVER_SECONDS)
    outcome = case.outcome(job)
    if name == "bulk":
        assert outcome == BULK_OUTCOME
    else:
        assert outcome == _again(case, successor, job)


def _again(case: Case, successor: Worker, job: Job) -> Any:
    """What the same question gives where nothing happens to the worker."""
    type(job)._default_manager.filter(pk=job.pk).update(state="queued")
    _take_over(case, successor, job)
    assert job.state == "done"
    return case.outcome(job)


def _end_heartbeats() -> None:
    with psycopg.connect(database_url(), autocommit=True) as other:
        rows = other.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
            "pg_backend_pid() "
            "AND query LIKE 'UPDATE %SET heartbeat_at%' AND state = 'idle'"
        ).fetchall()
    end_sessions([pid for (pid,) in rows])


@pytest.mark.parametrize("name", ["pack", "file", "loss"])
def test_who_stood_still_and_wakes_up_cannot_overwrite_what_the_next_one_made(
    successor: Worker, victim: Worker, name: str
) -> None:
    case = CASES[name]
    job = case.ask()
    with holding(case.hold):
        _begin(case, victim, job)
        victim.pause()
    _take_over(case, successor, job)
    settled = _values(job)
    outcome = case.outcome(job)

    victim.go_on()
    wait_until(
        lambda: LOST in victim.log.read_bytes(), "the first one finds its claim lost", victim.log
    )

    assert _values(_reread(job)) == settled
    assert (job.state, job.claim_number, case.outcome(job)) == ("done", 2, outcome)


def test_a_block_of_a_worker_that_stood_still_is_rolled_back_and_done_once(
    successor: Worker, victim: Worker
) -> None:
    case = CASES["bulk"]
    job = case.ask()
    with holding(case.hold):
        _begin(case, victim, job)
        victim.pause()

    def taken_over() -> bool:
        app.send_task(case.sweep)
        time.sleep(0.5)
        return _reread(job).claim_number == 2

    wait_until(taken_over, "the other worker has taken it over", successor.log)
    # it waits for the rows that the open transaction of the first one holds
    victim.go_on()
    wait_until(lambda: _reread(job).state == "done", "the other worker has made it", successor.log)

    wait_until(
        lambda: LOST in victim.log.read_bytes(), "the first one finds its claim lost", victim.log
    )
    assert case.outcome(job) == BULK_OUTCOME


def _values(job: Job) -> dict[str, Any]:
    return {field.attname: getattr(job, field.attname) for field in job._meta.concrete_fields}


def test_who_wakes_up_while_the_next_one_works_does_not_settle_it(
    successor: Worker, victim: Worker
) -> None:
    case = CASES["loss"]
    job = case.ask()
    with holding(case.hold):
        _begin(case, victim, job)
        victim.pause()

        def taken_over() -> bool:
            app.send_task(case.sweep)
            time.sleep(0.5)
            return _reread(job).claim_number == 2

        wait_until(taken_over, "the other worker is in the middle of it too", successor.log)
        victim.go_on()
        # its heartbeat finds the other's number
        time.sleep(1)
    wait_until(lambda: _reread(job).state == "done", "the other worker has made it", successor.log)
    wait_until(
        lambda: LOST in victim.log.read_bytes(), "the first one finds its claim lost", victim.log
    )

    assert (job.claim_number, job.attempts) == (2, 2)
    assert LOST not in successor.log.read_bytes()


def test_workers_killed_again_and_again_end_with_a_sentence(
    successor: Worker, victim: Worker
) -> None:
    case = CASES["loss"]
    job = case.ask()
    with holding(case.hold):
        for attempt in (1, 2, 3):

            def begun(attempt: int = attempt) -> bool:
                app.send_task(case.sweep, queue=VICTIM)
                time.sleep(0.5)
                return _reread(job).attempts == attempt

            wait_until(begun, "it is begun", victim.log)
            victim.kill_child()
    _take_over(case, successor, job)

    assert (job.state, job.attempts) == ("failed", 3)
    assert "failed after 3 attempts" in job.error
    assert "Run it again" in job.error
