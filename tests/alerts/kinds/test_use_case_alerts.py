"""Governance persons are notified once of a proposed use case."""

from datetime import timedelta

import pytest

from apps.alerts.delivery.digest.builder import build_digest
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry
from apps.alerts.kinds.use_cases import raise_use_case_alerts
from apps.alerts.models import Alert, IssueAlertKind, Notice
from apps.inventory.governance.use_cases.decisions import (
    ask_question,
    decline_use_case,
    undo_decision,
)
from apps.issues.evaluation import evaluate_kinds
from apps.issues.models import Issue
from tests.builders import NOW, TODAY, make_use_case, make_use_case_link, make_user


@pytest.fixture
def maren(db):
    return make_user("maren", role="governance", first_name="Maren", last_name="Vogt")


@pytest.fixture
def use_case(maren):
    return make_use_case(make_use_case_link(created_by=maren))


def raise_alerts(at=NOW) -> int:
    evaluate_kinds({"proposed_use_case"}, at=at)
    return raise_use_case_alerts(at=at)


def test_everybody_in_governance_is_notified_once(use_case, maren):
    administrator = make_user("ada", role="admin")
    make_user(role="auditor")

    assert raise_alerts() == 2
    assert raise_alerts(at=NOW + timedelta(days=60)) == 0

    assert {alert.user for alert in Alert.objects.all()} == {maren, administrator}
    assert {(alert.kind, alert.subject_id) for alert in Alert.objects.all()} == {
        (IssueAlertKind.USE_CASE_PROPOSED, Issue.objects.get().pk)
    }
    assert {notice.user for notice in Notice.objects.owed()} == {maren, administrator}


def test_the_issue_is_of_the_organisation_and_follows_the_use_case(use_case, maren):
    raise_alerts()
    issue = Issue.objects.get()
    assert (issue.application, issue.state) == (None, "open")

    ask_question(use_case=use_case, question="Why?", by=maren, at=NOW)
    raise_alerts()
    issue.refresh_from_db()
    assert issue.state == "in_progress"

    declined = decline_use_case(use_case=use_case, by=maren, at=NOW, reason="No.")
    raise_alerts()
    issue.refresh_from_db()
    assert (issue.state, issue.resolution) == ("resolved", "completed")

    undo_decision(use_case=declined, by=maren)
    raise_alerts()
    assert Issue.objects.get().state == "in_progress"


def test_the_alerts_end_with_the_decision(use_case, maren):
    raise_alerts()
    decline_use_case(use_case=use_case, by=maren, at=NOW, reason="No.")

    raise_alerts()

    assert set(Alert.objects.values_list("state", "resolution")) == {("resolved", "issue_resolved")}


def test_the_digest_names_the_use_case_and_its_tier(use_case, maren):
    raise_alerts()
    alert = Alert.objects.get()

    digest = build_digest(
        [DigestEntry(alert, ())],
        DigestContext(today=TODAY, public_url="https://registry.example", applications={}),
    )

    (section,) = digest.sections
    (item,) = section.items
    assert section.title == "Proposed use cases"
    assert item.title == use_case.name
    assert "Risk tier: low." in item.what
