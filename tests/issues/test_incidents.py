"""Issues about ongoing incidents, and who is notified of them."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from apps.alerts.kinds.issue_alerts import raise_issue_alerts
from apps.alerts.models import Alert, IssueAlertKind, Notice, Subscription
from apps.catalog.models import Incident
from apps.exposure.engine import table_refresh
from apps.inventory.models import Application, Criticality
from apps.issues.evaluation import EvaluationCounts, evaluate_due_issues
from apps.issues.models import ChangedApplication, Issue
from apps.issues.sentences import issue_text
from apps.issues.subjects import load_subjects
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_exit_test,
    make_incident,
    make_member,
    make_offering,
    make_provider,
    make_version,
)
from tests.worlds.small import SmallWorld

type Evaluate = Callable[..., EvaluationCounts]

WEEK = timedelta(days=7)


def incident_of(world: SmallWorld, **fields: Any) -> Incident:
    return make_incident(world.offering.host, **fields)


def issues() -> list[Issue]:
    rows = Issue.objects.unresolved().filter(cause__kind="incident")
    return list(rows.select_related("cause").order_by("pk"))


def fallback_state(evaluate: Evaluate) -> str:
    table_refresh.refresh(on=TODAY)
    evaluate()
    (issue,) = issues()
    return str(issue.details["fallback"])


# --- the fact -------------------------------------------------------------------------------------


@pytest.mark.parametrize("impact", ["major", "critical"])
def test_an_ongoing_incident_is_an_issue_of_the_applications_that_call_the_host(
    world: SmallWorld, evaluate: Evaluate, impact: str
) -> None:
    incident = incident_of(world, impact=impact, components=["API"], url="https://s.example/1")
    make_dependency(make_application("Elsewhere"), make_offering("other"))

    evaluate()

    (issue,) = issues()
    assert (issue.application, issue.cause.subject) == (
        world.application,
        f"incident:{incident.pk}",
    )
    assert issue.details["url"] == "https://s.example/1"
    text = issue_text(issue, load_subjects([issue.cause.subject])[issue.cause.subject], TODAY)
    assert text.title == (
        "Ongoing incident since 24 November 2026 at Google Vertex AI: Elevated errors"
    )
    assert text.advice == (
        f"Since 24 November 2026, 11:00 UTC. Impact: {impact}. Components: API. There is no "
        "fallback. Tell the users of the application, and plan for downtime."
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"impact": "minor"},
        {"impact": "none"},
        {"impact": ""},
        {"ended_at": NOW},
        {"affects_models": False},
        {"backfilled": True},
        {"started_at": NOW - 3 * WEEK},
        {"regions": ["us-east-1"], "offering_region": "europe-west4"},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_other_incidents_are_no_issue(
    world: SmallWorld, evaluate: Evaluate, fields: dict[str, Any]
) -> None:
    fields = dict(fields)
    if region := fields.pop("offering_region", ""):
        world.offering.region_scope = region
        world.offering.save()
    incident_of(world, **fields)

    evaluate()

    assert not issues()


def test_an_incident_that_names_models_concerns_only_those(
    world: SmallWorld, evaluate: Evaluate
) -> None:
    other = make_application("Chat", team=world.team)
    offering = make_offering("other-model", host=world.offering.host, version=make_version())
    make_dependency(other, offering)
    incident = incident_of(world)
    assert offering.version is not None
    incident.versions.add(offering.version)

    evaluate()

    assert [issue.application for issue in issues()] == [other]


def test_a_fallback_at_the_host_makes_no_issue(world: SmallWorld, evaluate: Evaluate) -> None:
    other = make_application("Chat", team=world.team)
    make_dependency(other, make_offering("elsewhere"))
    make_dependency(other, world.offering, "fallback", fallback_order=1)
    incident_of(world)

    evaluate()

    assert [issue.application for issue in issues()] == [world.application]


def test_it_is_resolved_when_the_incident_ends_and_opens_again_with_it(
    world: SmallWorld, evaluate: Evaluate
) -> None:
    incident = incident_of(world)
    evaluate()
    incident.ended_at, incident.end_reason = NOW, "resolved"
    incident.save()
    evaluate()

    issue = Issue.objects.get(cause__kind="incident")
    assert (issue.state, issue.resolution) == (Issue.State.RESOLVED, "incident_ended")

    incident.ended_at, incident.end_reason, incident.reopened_at = None, "", NOW
    incident.save()
    evaluate()

    assert [row.pk for row in issues()] == [issue.pk]


def test_it_is_resolved_when_the_application_no_longer_calls_the_host(
    world: SmallWorld, evaluate: Evaluate
) -> None:
    incident_of(world)
    evaluate()
    Application.objects.filter(pk=world.application.pk).update(status="retired")
    evaluate()

    assert Issue.objects.get(cause__kind="incident").resolution == "no_longer_used"


@pytest.mark.parametrize("change", ["new", "ended", "edited"])
def test_a_changed_incident_queues_the_applications_of_its_host(
    world: SmallWorld, change: str
) -> None:
    incident = incident_of(world) if change != "new" else None
    ChangedApplication.objects.all().delete()
    if incident is None:
        incident_of(world)
    elif change == "ended":
        Incident.objects.update(ended_at=NOW, end_reason="resolved")
    else:
        Incident.objects.update(title="Edited")

    assert set(ChangedApplication.objects.values_list("application_id", flat=True)) == {
        world.application.pk
    }


def test_incidents_that_are_over_queue_nothing(world: SmallWorld) -> None:
    ChangedApplication.objects.all().delete()
    incident_of(world, ended_at=NOW)
    Incident.objects.update(title="Edited")

    assert not ChangedApplication.objects.exists()


def test_a_new_incident_is_evaluated_with_the_queue(world: SmallWorld, evaluate: Evaluate) -> None:
    evaluate_due_issues(at=NOW)
    incident_of(world)

    evaluate_due_issues(at=NOW + timedelta(minutes=1))

    assert len(issues()) == 1


# --- fallbacks ------------------------------------------------------------------------------------


def add_fallback(world: SmallWorld, *, same_party: bool = False, tested: bool = False) -> None:
    parent = world.offering.host if same_party else None
    host = make_provider("fallback-host", name="Fallback host", parent=parent)
    offering = make_offering("backup", host=host)
    make_dependency(world.application, offering, "fallback", fallback_order=1)
    if tested:
        dependency = world.application.dependencies.get(role="primary")
        make_exit_test(dependency, offering, tested_on=date(2026, 11, 1))


def test_without_a_fallback_it_is_missing(world: SmallWorld, evaluate: Evaluate) -> None:
    incident_of(world)
    assert fallback_state(evaluate) == "missing"


def test_a_fallback_without_a_test_is_untested(world: SmallWorld, evaluate: Evaluate) -> None:
    add_fallback(world)
    incident_of(world)
    assert fallback_state(evaluate) == "untested"


def test_a_fallback_of_the_same_company_is_of_the_same_party(
    world: SmallWorld, evaluate: Evaluate
) -> None:
    add_fallback(world, same_party=True, tested=True)
    incident_of(world)
    assert fallback_state(evaluate) == "same_party"


def test_a_tested_fallback_elsewhere_is_tested(world: SmallWorld, evaluate: Evaluate) -> None:
    add_fallback(world, tested=True)
    incident_of(world)
    assert fallback_state(evaluate) == "tested"


# --- notifications --------------------------------------------------------------------------------


def raise_alerts(evaluate: Evaluate) -> int:
    table_refresh.refresh(on=TODAY)
    evaluate()
    return raise_issue_alerts(at=NOW)


def test_a_critical_application_without_a_tested_fallback_is_notified_at_once(
    world: SmallWorld, evaluate: Evaluate
) -> None:
    incident_of(world, url="https://s.example/1")

    assert raise_alerts(evaluate) == 1
    assert raise_alerts(evaluate) == 0

    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.urgent) == (IssueAlertKind.INCIDENT, 5, True)
    assert alert.details["url"] == "https://s.example/1"
    assert Notice.objects.owed().get().team == world.team


def test_a_tested_fallback_needs_no_notification(world: SmallWorld, evaluate: Evaluate) -> None:
    add_fallback(world, tested=True)
    incident_of(world)

    assert raise_alerts(evaluate) == 0


def test_other_applications_are_notified_on_request(world: SmallWorld, evaluate: Evaluate) -> None:
    Application.objects.update(criticality=Criticality.STANDARD)
    incident_of(world)
    assert raise_alerts(evaluate) == 0

    member = make_member(world.team)
    Subscription.objects.create(user=member, kinds=["incident"])
    assert raise_alerts(evaluate) == 1

    notice = Notice.objects.get()
    assert (notice.user, notice.why) == (member, Notice.Why.SUBSCRIPTION)


def test_the_alert_ends_with_the_incident(world: SmallWorld, evaluate: Evaluate) -> None:
    incident_of(world)
    raise_alerts(evaluate)
    Incident.objects.update(ended_at=NOW, end_reason="resolved")

    raise_alerts(evaluate)

    assert Alert.objects.get().state == Alert.State.RESOLVED
