"""A real worker that is really killed between the steps of the task: what the next one finds is all
that is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from apps.exposure.actions.flags import POLICY_LOCK
from apps.exposure.models import ExposureFlag, FlagEvent, HandledEvent, NodeSummary, Policy
from apps.inventory.models import ChangedApplication
from registry.celery import app
from tests.builders import make_event, make_offering, make_provider
from tests.exposure.portfolio import critical_on, only
from tests.processes import Worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

REFRESH = "exposure.refresh_exposure"


@contextmanager
def evaluation_held_up(policy: Policy) -> Iterator[None]:
    """Whoever evaluates the policy waits, as behind a person who decides about one of its flags."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [POLICY_LOCK, policy.pk])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [POLICY_LOCK, policy.pk])


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT "
            "granted",
            [POLICY_LOCK],
        )
        return bool(cursor.fetchone()[0])


def test_a_worker_killed_between_refresh_and_evaluation_loses_no_flag(
    broker: str, tmp_path: Path
) -> None:
    policy = only()
    offering = make_offering(host=make_provider("here"))
    critical_on(offering)
    make_event(offering)

    with Worker(broker, tmp_path / "first.log") as first, evaluation_held_up(policy):
        app.send_task(REFRESH)
        wait_until(somebody_waits, "the evaluation is about to begin", first.log)
        first.kill()
    # the refresh is done and its work used up; only the flag is missing
    assert NodeSummary.objects.exists()
    assert not ChangedApplication.objects.exists()
    assert HandledEvent.objects.count() == 1
    assert not ExposureFlag.objects.exists()

    with Worker(broker, tmp_path / "second.log") as second:
        app.send_task(REFRESH)
        wait_until(ExposureFlag.objects.exists, "the second worker evaluates", second.log)

    assert list(FlagEvent.objects.values_list("kind", flat=True)) == ["opened"]
    assert ExposureFlag.objects.get().n_applications == 1
