"""Governance persons are notified once of a decision that they can confirm."""

from datetime import timedelta

import pytest

from apps.alerts.delivery.digest.builder import build_digest
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry
from apps.alerts.kinds.decisions import raise_decision_alerts
from apps.alerts.models import Alert, IssueAlertKind, Notice
from apps.inventory.governance.proposals import propose_decision, reject_proposal
from apps.inventory.models import ConfirmationSettings
from apps.issues.evaluation import evaluate_kinds
from apps.issues.models import Issue
from tests.builders import NOW, TODAY, make_user
from tests.http import text_of


@pytest.fixture
def maren(db):
    return make_user("maren", role="governance", first_name="Maren", last_name="Vogt")


@pytest.fixture
def jonas(db):
    return make_user("jonas", role="governance")


@pytest.fixture
def administrator(db):
    return make_user("ada", role="admin")


@pytest.fixture
def proposal(maren, jonas, administrator):
    row = ConfirmationSettings.objects.create(pk=1)
    return propose_decision(
        kind="setting",
        target="confirmation:1",
        target_name="Decisions that a second person confirms",
        before={name: getattr(row, name) for name in ("acceptances", "blocks", "tolerances")},
        after={"tolerances": False},
        reason="Too slow.",
        by=maren,
        at=NOW,
    )


def raise_alerts(at=NOW) -> int:
    evaluate_kinds({"tolerance_change"}, at=at)
    return raise_decision_alerts(at=at)


def test_everybody_in_governance_but_the_author_is_notified(proposal, jonas, administrator):
    make_user(role="auditor")

    assert raise_alerts() == 2

    alerts = Alert.objects.order_by("user")
    assert {alert.user for alert in alerts} == {jonas, administrator}
    assert {(alert.kind, alert.subject_id) for alert in alerts} == {
        (IssueAlertKind.DECISION_PROPOSED, Issue.objects.get().pk)
    }
    assert {notice.user for notice in Notice.objects.owed()} == {jonas, administrator}


def test_they_are_notified_once(proposal):
    raise_alerts()

    assert raise_alerts(at=NOW + timedelta(days=60)) == 0


def test_the_alerts_end_with_the_proposal(proposal, jonas):
    raise_alerts()
    reject_proposal(proposal=proposal, by=jonas, at=NOW, reason="No.")

    raise_alerts()

    assert set(Alert.objects.values_list("state", "resolution")) == {("resolved", "issue_resolved")}


def test_the_alert_of_a_person_who_lost_the_role_ends(proposal, jonas):
    raise_alerts()
    jonas.organisation_role = ""
    jonas.save()

    raise_alerts()

    alert = Alert.objects.get(user=jonas)
    assert (alert.state, alert.resolution) == ("resolved", "rerouted")


def test_the_digest_says_who_proposed_what(proposal, jonas):
    raise_alerts()
    alert = Alert.objects.get(user=jonas)
    context = DigestContext(today=TODAY, public_url="https://registry.example", applications={})

    digest = build_digest([DigestEntry(alert, ())], context)

    assert digest.sentence == "Setting to confirm: Decisions that a second person confirms"
    (section,) = digest.sections
    assert section.title == "Decisions to confirm"
    assert section.items[0].what == (
        "Maren Vogt proposed the decision. It applies once a second person confirms it."
    )
    assert section.items[0].url == f"https://registry.example/issues/{alert.subject_id}/"


def test_the_inbox_and_the_alert_link_to_the_issue(proposal, jonas, as_user):
    raise_alerts()
    alert = Alert.objects.get(user=jonas)
    client = as_user(jonas)

    assert "Setting to confirm" in text_of(client.get("/alerts/"))
    page = text_of(client.get(f"/alerts/{alert.pk}/"))
    assert "Confirm or reject them." in page
    assert f"/issues/{alert.subject_id}/" in page
