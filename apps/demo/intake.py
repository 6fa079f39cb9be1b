"""Demo usage data: calls of a few applications, one document, and the discrepancies that follow."""

import json
from datetime import timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.demo.fixtures import LoadingDay, read_fixture
from apps.intake.connections.summaries import update_connections
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.documents.records import Sighting
from apps.intake.models import Confidence, Observation, Service, UsageDay
from apps.intake.observations.discrepancies import find_discrepancies
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.observations.storage import AttributedSighting, ensure_services, store_observations
from apps.inventory.models import Application

# shares of a usual day in a working week, from Monday
_WEEK = (1.05, 1.1, 1.0, 1.02, 0.9, 0.22, 0.15)


@transaction.atomic
def load_observations(*, day: LoadingDay) -> None:
    """Record observations, unless there is one already."""
    if Observation.objects.exists():
        return
    with audit_context(job="load_demo"):
        fixture = read_fixture("intake")
        rows = fixture["sightings"]
        slugs = {
            row["application"] for row in (*rows, *fixture["documents"]) if "application" in row
        }
        applications = dict(Application.objects.filter(slug__in=slugs).values_list("slug", "pk"))
        services = ensure_services(
            {row["service"] for row in rows if "service" in row}, scope="", token=None, at=day.at
        )
        for row in rows:
            if "application" in row and row["application"] not in applications:
                continue
            _record_observation(
                row,
                day,
                applications,
                {name: pk for name, (pk, _application, _ignored) in services.items()},
            )
        for row in fixture["documents"]:
            _receive_document(row, day, applications)
        reconcile_waiting(at=day.at)
        find_discrepancies(at=day.at)
    update_connections(at=day.at)


def _receive_document(row: dict[str, Any], day: LoadingDay, applications: dict[str, int]) -> None:
    """Receive a document as a pipeline would have sent it, some days ago."""
    pk = applications.get(row["application"])
    if pk is None:
        return
    application = Application.objects.get(pk=pk)
    at = day.moment(row["at"])
    body = row["body"]
    body["metadata"]["timestamp"] = at.isoformat()
    receive_document(
        document_format=FORMATS["cyclonedx"],
        body=json.dumps(body).encode(),
        by=User.objects.filter(username=row["by"]).first(),
        at=at,
        application=application,
        file_name=row["file_name"],
    )


def _record_observation(
    row: dict[str, Any], day: LoadingDay, applications: dict[str, int], services: dict[str, int]
) -> None:
    application = applications.get(row.get("application", ""))
    service = services.get(row.get("service", ""))
    if service is not None and application is not None:
        Service.objects.filter(pk=service).update(application=application)
    calls = row.get("calls", {})
    first_day, last_day = calls.get("from", row.get("seen", 0)), calls.get("to", row.get("seen", 0))
    # a little before the time of loading, so that pages show it as minutes ago
    until = day.moment(last_day) - timedelta(minutes=7)
    names = ("requested", "served", "alias", "provider", "region", "gateway", "environment")
    sighting = Sighting(
        **{name: row[name] for name in names if name in row},
        confidence=row.get("confidence", int(Confidence.SERVED)),
        places=tuple(row.get("places", ())),
    )
    keys = store_observations(
        row["stream"],
        [AttributedSighting(sighting, application, service, day.moment(first_day), until)],
    )
    observation = Observation.objects.get(key=keys[0])
    days = []
    for n in range(first_day, last_day + 1) if calls else ():
        on = day_of(day.moment(n))
        share = _WEEK[on.weekday()] * (1 + 0.04 * ((n * 7) % 5 - 2))
        n_calls = max(1, round(calls["a_day"] * share))
        days.append(
            UsageDay(
                observation=observation,
                day=on,
                n_calls=n_calls,
                n_errors=min(round(calls["failed"] * share), n_calls),
                input_tokens=n_calls * 1400,
                output_tokens=n_calls * 260,
                first_seen_at=day.moment(n),
                last_seen_at=day.moment(n),
            )
        )
    UsageDay.objects.bulk_create(days)
