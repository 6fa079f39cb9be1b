"""Pages that follow background work: they say that it runs only while a worker shows itself at
it."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from apps.accounts.roles import OrganisationRole
from apps.common.jobs import takeover_after
from apps.common.time import day_of, now
from apps.exposure.models import LossRun, Scenario, ScenarioRun
from apps.inventory.export_files import request_file
from apps.reports.packs.actions import request_pack
from tests.builders import make_user

pytestmark = pytest.mark.django_db

WAITS = {
    "pack": "Queued",
    "file": "Waiting for a worker",
    "loss": "are queued",
    "what-if": "The calculation is queued",
}
RUNS = {
    "pack": 'value="3"',
    "file": "Writing: 12 rows",
    "loss": "are being simulated",
    "what-if": "The result is being calculated",
}


def asked(what, by):
    at = now()
    match what:
        case "pack":
            return request_pack(by=by, at=at, since=day_of(at) - timedelta(9), until=day_of(at))
        case "file":
            return request_file(kind="applications", query="", name="a.xlsx", by=by, at=at)
        case "loss":
            return LossRun.objects.create(requested_by=by, queued_at=at)
        case _:
            scenario = Scenario.objects.create(name="Gone", ops=[], created_by=by)
            return ScenarioRun.objects.create(
                scenario=scenario, ops=[], requested_by=by, queued_at=at
            )


@pytest.mark.parametrize("what", WAITS)
def test_what_a_dead_worker_left_waits_for_the_next_one(as_user, what):
    by = make_user(role=OrganisationRole.GOVERNANCE)
    job = asked(what, by)
    route = {
        "pack": "evidence-packs:progress",
        "file": "files:progress",
        "loss": "loss-runs:progress",
        "what-if": "scenario-runs:progress",
    }
    address = reverse(route[what], args=[job.pk])
    # what the worker told last, which outlives it
    cache.set(
        f"{job._meta.label_lower}:{job.pk}", (3, 16, "Applications") if what == "pack" else 12
    )

    def page(silence):
        type(job).objects.filter(pk=job.pk).update(
            state="running", started_at=now(), heartbeat_at=now() - silence
        )
        return as_user(by).get(address, headers={"HX-Request": "true"}).content.decode()

    assert RUNS[what] in page(timedelta(0))
    assert WAITS[what] not in page(timedelta(0))
    gone = page(takeover_after() + timedelta(seconds=1))
    assert WAITS[what] in gone
    assert RUNS[what] not in gone
