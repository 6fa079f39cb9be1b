"""Demo requests of pipelines to the release gate, one pending waiver and one in force.

No source of retirement dates has been polled when the demo is loaded. Requests of earlier days are
examples, answered from the built-in catalogue, and their answers name it. The request of today is
evaluated normally: the gate cannot decide until a source has been polled, and reports that.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.catalog.claims.reconciliation import BUILT_IN
from apps.catalog.models import Assertion
from apps.catalog.models.claims import Topic
from apps.common.errors import ConflictError
from apps.demo.fixtures import LoadingDay, Record, read_fixture
from apps.gate.actions import grant_waiver, request_waiver
from apps.gate.matching import RequestedModel
from apps.gate.models import GateRun, Waiver
from apps.gate.rules.catalogue_freshness import Catalogue, SourceReading
from apps.gate.runs import release_run, request_run
from apps.inventory.models import Application


@transaction.atomic
def load_gate_runs(*, day: LoadingDay) -> None:
    """Send the demo requests to the gate, unless a pipeline has sent one already."""
    if GateRun.objects.exists() or Waiver.objects.exists():
        return
    fixture = read_fixture("gate")
    slugs = {row["application"] for row in (*fixture["questions"], *fixture["waivers"])}
    applications = {
        row.slug: row for row in Application.objects.select_related("team").filter(slug__in=slugs)
    }
    people = {row.username: row for row in User.objects.all()}
    for row in fixture["waivers"]:
        if row["application"] in applications and row["by"] in people:
            _request_waiver(row, day, applications[row["application"]], people)
    for row in fixture["questions"]:
        if row["application"] in applications and row["by"] in people:
            _send_request(row, day, applications[row["application"]], people[row["by"]])


def _send_request(row: Record, day: LoadingDay, application: Application, by: User) -> None:
    at = day.moment(row["days"])
    run = request_run(
        application=application,
        requested=[RequestedModel(**model) for model in row["models"]],
        by=by,
        at=at,
        environment=row["environment"],
        commit=row["commit"],
        ref=row["ref"],
        mode=row.get("mode", GateRun.Mode.ENFORCE),
        catalogue=_example_catalogue(at) if row["days"] < 0 else None,
    )
    if row.get("released"):
        release_run(run=run, by=by, at=at)


def _example_catalogue(at: datetime) -> Catalogue | None:
    """Return the built-in catalogue as if it had been read from a source by `at`; None if it is not
    loaded."""
    claims = Assertion.objects.filter(source__slug=BUILT_IN, topic=Topic.LIFECYCLE)
    changed_at = claims.aggregate(at=Max("changed_at"))["at"]
    if changed_at is None:
        return None
    moment = min(changed_at, at)
    return Catalogue(
        (SourceReading(BUILT_IN, "Built-in catalogue (example)", moment, valid_until=at),)
    )


def _request_waiver(
    row: Record, day: LoadingDay, application: Application, people: dict[str, User]
) -> None:
    at = day.moment(row["days"])
    try:
        waiver = request_waiver(
            application=application,
            rule=row["rule"],
            model=row["model"],
            reason=row["reason"],
            until=day.on(row["until"]),
            by=people[row["by"]],
            at=at,
        )
    except ConflictError:
        # users have moved its owners since
        return
    if "granted_by" in row:
        grant_waiver(waiver=waiver, by=people[row["granted_by"]], at=at, reason=row["decision"])
