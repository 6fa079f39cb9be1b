"""Many tasks are assigned to one person, as far as both may."""

import pytest

from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.exposure.campaigns.bulk_assignment import assign_tasks
from apps.exposure.models import CampaignTask
from tests.builders import make_member, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_team(payments):
    """A second team with an application on the same model."""
    team = make_team("Lending")
    payments.stand("Loans", team=team)
    return team


def owners():
    return dict(
        CampaignTask.objects.values_list("dependency__application__name", "owner__username")
    )


def test_all_tasks_of_a_team_and_its_sub_teams_go_to_one_person(payments, other_team):
    below = make_team("Cards", parent=payments.team)
    payments.stand("Cards", team=below)
    campaign = payments.open()

    outcome = assign_tasks(
        campaign=campaign, team=payments.team, owner=payments.editor, by=payments.governance
    )

    assert (outcome.n_assigned, outcome.n_unchanged, outcome.rejected) == (2, 0, ())
    assert owners() == {
        "Claims": payments.editor.username,
        "Cards": payments.editor.username,
        "Loans": None,
    }


def test_tasks_that_the_person_cannot_work_on_are_refused_and_the_others_assigned(
    payments, other_team
):
    campaign = payments.open()

    outcome = assign_tasks(campaign=campaign, owner=payments.editor, by=payments.governance)

    assert outcome.n_assigned == 1
    ((task_id, refusal),) = outcome.rejected
    assert CampaignTask.objects.get(pk=task_id).dependency.application.name == "Loans"
    assert "cannot change this application" in refusal


def test_an_editor_assigns_only_what_the_editor_can_change(payments, other_team):
    colleague = make_member(payments.team, TeamRole.EDITOR)
    make_member(other_team, TeamRole.VIEWER, colleague)
    ids = list(payments.open().tasks.values_list("pk", flat=True))

    outcome = assign_tasks(task_ids=ids, owner=colleague, by=colleague)

    assert outcome.n_assigned == 1
    assert [reason for _, reason in outcome.rejected] == [
        "You need the editor role on Lending to assign its tasks."
    ]


def test_a_stranger_finds_no_task(payments):
    payments.open()
    stranger = make_member(make_team(), TeamRole.OWNER)

    with pytest.raises(ConflictError, match="No unfinished task is selected"):
        assign_tasks(owner=stranger, by=stranger)


def test_the_same_again_changes_nothing(payments):
    campaign = payments.open()
    for n_assigned in (1, 0):
        outcome = assign_tasks(campaign=campaign, owner=payments.editor, by=payments.owner)
        assert (outcome.n_assigned, outcome.n_unchanged) == (n_assigned, 1 - n_assigned)
