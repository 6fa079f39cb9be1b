"""Issues follow a change of the inventory that is undone, and what users wrote about them stays."""

import pytest

from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.inventory.actions.undo import undo_change
from apps.inventory.models import Application
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from apps.issues.responses import comment_on_issue
from tests.builders import make_application, make_dependency, make_offering, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return make_user("eve", role="governance")


@pytest.fixture(params=["row by row", "in bulk"])
def size(request, monkeypatch):
    """Changes above the limit are undone in set operations."""
    limit = 1 if request.param == "in bulk" else 2_000
    monkeypatch.setattr("apps.inventory.actions.bulk_undo.BULK_CHANGE_ROWS", limit)


@pytest.fixture
def change(by, size):
    """The registration of an application on a retired model, with the issues that follow."""
    team, retired = make_team(), make_offering(lifecycle="retired")
    with audit_context(user=by, reason="registered") as change:
        application = make_application(name="New", team=team)
        make_dependency(application, retired)
        evaluate_issues(at=now(), application_ids=[application.pk])
    assert Issue.objects.filter(application=application).exists()
    return change


def test_issues_go_with_the_application_that_an_undo_removes(change, by):
    undo_change(change=change, by=by)

    assert not Application.objects.filter(name="New").exists()
    assert not Issue.objects.exists()


def test_a_comment_on_an_issue_keeps_its_application(change, by):
    issue = Issue.objects.earliest("pk")
    comment_on_issue(issue=issue, text="Ask the vendor.", by=by, at=now())

    with pytest.raises(ConflictError, match="have been added to the record"):
        undo_change(change=change, by=by)

    assert Application.objects.filter(name="New").exists()
    assert issue.activity.filter(text="Ask the vendor.").exists()


def test_the_change_keeps_the_user_and_the_reason(change):
    entry = Issue.history.rel.related_model.objects.latest("pgh_id")

    assert entry.pgh_context.metadata["actor"] == "eve"
    assert entry.pgh_context.metadata["reason"] == "registered"
