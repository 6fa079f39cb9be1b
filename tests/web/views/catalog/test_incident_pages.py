"""Pages of incidents, and where applications and providers show them."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Incident
from apps.common.time import now
from apps.issues.evaluation import evaluate_issues
from tests.builders import make_application, make_dependency, make_incident
from tests.http import signed_in_client, visible_text
from tests.worlds.portfolio import PortfolioWorld


def incident_of(world: PortfolioWorld, **fields: object) -> Incident:
    at = now()
    facts = {
        "title": "Elevated errors",
        "components": ["API"],
        "url": "https://status.example.com/1",
        "started_at": at - timedelta(hours=2),
        "first_seen": at - timedelta(hours=2),
        "changed_at": at,
        "updates": [{"at": at.isoformat(), "status": "identified", "text": "A fix is on its way."}],
        **fields,
    }
    return make_incident(world.sonnet.host, **facts)


def page(world: PortfolioWorld, url: str, *, user: str = "editor") -> str:
    response = signed_in_client(getattr(world, user)).get(url)
    assert response.status_code == 200
    return visible_text(response)


def test_the_list_shows_incidents_without_duplicates(world: PortfolioWorld) -> None:
    incident_of(world)
    incident_of(world, title="Posted twice", ended_at=now(), end_reason="duplicate")

    text = page(world, "/incidents/")

    assert "Elevated errors" in text
    assert "critical" in text
    assert "Posted twice" not in text
    assert "Posted twice" in page(world, "/incidents/?duplicates=true")
    assert "Elevated errors" not in page(world, "/incidents/?ongoing=false")
    assert "Elevated errors" in page(world, "/incidents/?impact=major")


def test_the_page_of_an_incident_has_updates_and_the_readers_applications(
    world: PortfolioWorld,
) -> None:
    incident = incident_of(world)

    text = page(world, f"/incidents/{incident.pk}/")

    assert "A fix is on its way." in text
    assert world.triage.name in text
    assert world.triage.name not in page(world, f"/incidents/{incident.pk}/", user="outsider")


def test_an_application_says_which_incident_is_ongoing(world: PortfolioWorld) -> None:
    incident = incident_of(world)
    evaluate_issues(at=now())

    assert f"Ongoing incident at {world.sonnet.host.name}" in page(
        world, f"/applications/{world.triage.slug}/"
    )
    assert f"Ongoing incident at {world.sonnet.host.name} since" in page(world, "/applications/")

    incident.ended_at, incident.end_reason = now(), "resolved"
    incident.save()
    evaluate_issues(at=now())
    assert "Ongoing incident" not in page(world, f"/applications/{world.triage.slug}/")


def test_a_provider_shows_the_incidents_of_ninety_days(world: PortfolioWorld) -> None:
    incident_of(world)
    incident_of(world, title="Long ago", started_at=now() - timedelta(days=100), ended_at=now())

    text = page(world, f"/providers/{world.sonnet.host.slug}/?tab=record")

    assert "Elevated errors" in text
    assert "Long ago" not in text


def test_the_pages_make_as_many_statements_for_many_rows(world: PortfolioWorld) -> None:
    incident = incident_of(world)
    client = signed_in_client(world.governance)
    urls = ("/incidents/", f"/incidents/{incident.pk}/")
    for url in urls:
        client.get(url)

    def count() -> list[int]:
        counts = []
        for url in urls:
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            counts.append(len(queries))
        return counts

    few = count()
    for number in range(12):
        incident_of(world, title=f"Incident {number}")
        application = make_application(f"Application {number}", team=world.team)
        make_dependency(application, world.sonnet)

    assert count() == few
    assert max(few) <= 30
