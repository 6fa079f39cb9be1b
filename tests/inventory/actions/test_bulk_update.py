"""Many applications changed at once: set-based, one change, a word on each row that was refused."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.inventory.actions.bulk_update import change_applications
from apps.inventory.models import Application
from tests.builders import TODAY, make_application, make_member, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return make_team()


@pytest.fixture
def by(team):
    return make_member(team, TeamRole.EDITOR, make_user("eve"))


def test_rows_are_changed_left_and_refused_each_by_itself(by, team):
    plain, same, retired = (make_application(team=team) for _ in range(3))
    Application.objects.filter(pk=same.pk).update(geography="EU")
    readable = make_team()
    make_member(readable, TeamRole.VIEWER, by)
    theirs, hidden = make_application(team=readable), make_application()

    report = change_applications(
        facts_by_id={
            **{row.pk: {"geography": "EU"} for row in (plain, same, theirs, hidden)},
            retired.pk: {"status": "retired"},
        },
        by=by,
    )

    assert (report.changed, report.unchanged) == ([plain.pk], [same.pk])
    assert {row.application_id: (row.slug, row.sentence) for row in report.refused} == {
        theirs.pk: (
            theirs.slug,
            f"You need the editor role on {theirs.team.name} to change this application.",
        ),
        hidden.pk: ("", "Application not found. It does not exist or you do not have access."),
        retired.pk: (
            retired.slug,
            (
                "This change cannot retire an application. Use the retire action, which also "
                "ends its dependencies."
            ),
        ),
    }
    assert Application.objects.get(pk=hidden.pk).geography == ""


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"monthly_spend": -1}, "0 or more"),
        ({"users_affected": -1}, "users_affected"),
        ({"next_review_on": date(9999, 12, 31)}, "out of range"),
        ({"criticality": 7}, "criticality"),
        ({"name": ""}, "name"),
    ],
)
def test_what_the_model_refuses_is_said_by_row(by, team, facts, word):
    application = make_application(team=team)

    [refused] = change_applications(facts_by_id={application.pk: facts}, by=by).refused

    assert word in refused.sentence


def test_they_move_only_to_teams_one_may_edit(by, team):
    application, there = make_application(team=team), make_team()
    own = make_team()
    make_member(own, TeamRole.EDITOR, by)

    refused = change_applications(facts_by_id={application.pk: {"team": there}}, by=by)
    moved = change_applications(facts_by_id={application.pk: {"team": own}}, by=by)

    assert [f"editor role on {there.name} to move" in row.sentence for row in refused.refused] == [
        True
    ]
    assert (moved.changed, Application.objects.get().team) == ([application.pk], own)


def test_it_is_one_change_with_person_and_reason(by, team):
    rows = [make_application(team=team) for _ in range(3)]

    change_applications(
        facts_by_id={row.pk: {"purpose": f"p{row.pk}"} for row in rows},
        by=by,
        reason="spring clean",
    )

    entries = Application.history.rel.related_model.objects.filter(pgh_label="update")
    assert {entry.pgh_context_id for entry in entries} == {entries[0].pgh_context_id}
    assert entries[0].pgh_context.metadata["reason"] == "spring clean"
    assert len(entries) == 3


def test_the_number_of_statements_does_not_grow_with_the_number_of_rows(by, team):
    def n_statements(n_rows):
        rows = [make_application(team=team) for _ in range(n_rows)]
        by.team_roles()
        with CaptureQueriesContext(connection) as asked:
            change_applications(
                facts_by_id={row.pk: {"next_review_on": TODAY} for row in rows}, by=by
            )
        return len(asked)

    assert n_statements(2) == n_statements(40)
