"""Owners of issues: contacts who can own them, on whose word, and owners who leave."""

import pytest

from apps.accounts.actions import change_user, end_membership
from apps.accounts.models import Membership, User
from apps.accounts.people.contacts import close_person
from apps.accounts.people.erasure import erase_contact
from apps.accounts.roles import TeamRole
from apps.common.errors import DomainError, ForbiddenError
from apps.inventory.models import Application
from apps.issues.bulk_responses import respond_to_issues
from apps.issues.evaluation import evaluate_changed_applications, evaluate_issues
from apps.issues.models import Issue
from apps.issues.owners import (
    contact_warning,
    find_owner,
    person_label,
    possible_owners,
)
from apps.issues.responses import (
    ResponseRequest,
    accept_assignment,
    assign_issue,
)
from apps.issues.sentences import activity_sentence, activity_user_names
from tests.builders import NOW, make_contact, make_issue, make_member, make_team, make_user


@pytest.fixture
def editor(world):
    return make_member(world.team, TeamRole.EDITOR)


@pytest.fixture
def viewer(world):
    return make_member(world.team, TeamRole.VIEWER)


@pytest.fixture
def governance(db):
    # the domain of active users is allowed
    return make_user("maren", role="governance", email="maren@insurer.example")


@pytest.fixture
def contact(governance):
    return make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")


@pytest.fixture
def owning(world, contact):
    Application.objects.filter(pk=world.application.pk).update(technical_owner_person=contact)
    return contact


@pytest.fixture
def issue(world, issue):
    return Issue.objects.select_related("cause", "team", "application").get(pk=issue.pk)


def last_sentence(issue):
    entry = issue.activity.filter(kind="owner").latest("pk")
    return activity_sentence(entry, activity_user_names([entry]))


class TestContacts:
    def test_one_who_owns_the_application_is_assigned_without_more(self, issue, owning, editor):
        assigned = assign_issue(issue=issue, to=owning, by=editor, at=NOW)

        assert (assigned.owner, assigned.assigned_by) == (owning, editor)
        assert contact_warning(owning, assigned) == ""

    def test_another_one_is_assigned_after_it_is_confirmed(self, issue, contact, editor):
        with pytest.raises(DomainError, match="does not own Motor damage estimator") as refusal:
            assign_issue(issue=issue, to=contact, by=editor, at=NOW)
        assert refusal.value.field == "confirm_contact"
        assert "by a link in that email" in str(refusal.value)

        assigned = assign_issue(issue=issue, to=contact, by=editor, at=NOW, is_confirmed=True)

        assert assigned.owner == contact

    def test_who_may_not_name_owners_cannot_confirm_it(self, issue, contact, viewer):
        Issue.objects.filter(pk=issue.pk).update(owner=viewer)

        with pytest.raises(DomainError, match="You need the editor role on Claims"):
            assign_issue(issue=issue, to=contact, by=viewer, at=NOW, is_confirmed=True)

    def test_the_warning_says_when_no_email_is_sent_yet(self, issue, governance):
        outside = make_contact("vendor@elsewhere.example")

        assert "only after governance has confirmed" in contact_warning(outside, issue)

    def test_issues_of_the_organisation_belong_to_users(self, contact, governance):
        flag = make_issue(None, "exposure_flag", subject="flag:1")

        with pytest.raises(DomainError, match="cannot own issues of the organisation"):
            assign_issue(issue=flag, to=contact, by=governance, at=NOW, is_confirmed=True)

    def test_they_are_in_the_list_to_choose_from_and_marked(self, issue, owning, editor):
        other = make_contact()

        people = list(possible_owners(Issue.objects.get(pk=issue.pk)))

        assert owning in people
        assert other not in people
        assert person_label(owning) == "Ilse Brandt (contact)"

    def test_one_who_does_not_own_an_issue_accepts_no_assignment(self, issue, owning, governance):
        assign_issue(issue=issue, to=governance, by=governance, at=NOW)

        with pytest.raises(DomainError, match="not assigned to you"):
            accept_assignment(issue=issue, by=owning, at=NOW)

    def test_in_bulk_each_issue_is_checked(self, world, issue, owning, governance):
        foreign = make_issue(None, "exposure_flag", subject="flag:1")

        outcome = respond_to_issues(
            issue_ids=[issue.pk, foreign.pk],
            request=ResponseRequest(response="assign", by=governance, at=NOW, to=owning),
        )

        assert list(outcome.updated) == [issue.pk]
        assert [row.issue_id for row in outcome.rejected] == [foreign.pk]


class TestAddresses:
    def test_username_address_and_alias_find_the_person(self, issue, editor, contact):
        for text in (editor.username, "ilse@insurer.example", "I <ILSE@insurer.example>"):
            person = find_owner(text, [issue], by=editor, is_confirmed=False)
            assert person in {editor, contact}

    def test_an_unknown_address_becomes_a_contact_once_confirmed(self, issue, editor):
        with pytest.raises(DomainError, match="becomes a contact"):
            find_owner("new@insurer.example", [issue], by=editor, is_confirmed=False)
        assert not User.objects.filter(email="new@insurer.example").exists()

        person = find_owner("new@insurer.example", [issue], by=editor, is_confirmed=True)

        assert person.is_contact

    def test_who_may_not_name_owners_adds_nobody(self, issue, viewer):
        with pytest.raises(DomainError, match="You need the editor role"):
            find_owner("new@insurer.example", [issue], by=viewer, is_confirmed=True)
        assert not User.objects.filter(email="new@insurer.example").exists()

    def test_an_unknown_username_is_explained(self, issue, editor):
        with pytest.raises(DomainError, match="Enter a username or an email address"):
            find_owner("whoever", [issue], by=editor, is_confirmed=True)


class TestOwnersWhoLeave:
    """The owner follows the application again, and the activity says why."""

    @pytest.fixture
    def successor(self, world):
        person = make_member(world.team, TeamRole.EDITOR, make_user("hana"))
        Application.objects.filter(pk=world.application.pk).update(business_owner_person=person)
        return person

    @pytest.fixture
    def leaver(self, issue, successor, editor, governance):
        editor.first_name, editor.last_name = "Tom", "Vik"
        editor.save()
        assign_issue(issue=issue, to=editor, by=governance, at=NOW)
        return editor

    def evaluate(self, issue):
        # as the next request or the worker, from the queue alone
        evaluate_changed_applications(at=NOW)
        issue.refresh_from_db()
        return issue

    def test_as_long_as_the_owner_can_view_it_nothing_changes(self, issue, leaver):
        evaluate_issues(at=NOW)

        issue.refresh_from_db()
        assert issue.owner == leaver

    def test_a_membership_that_is_removed(self, issue, leaver, successor, governance):
        end_membership(membership=Membership.objects.get(user=leaver), by=governance)

        issue = self.evaluate(issue)

        assert (issue.owner, issue.assigned_by) == (successor, None)
        assert last_sentence(issue) == (
            "Tom Vik can no longer view the issue, and the owner is now hana."
        )

    def test_a_user_who_is_deactivated(self, issue, leaver, successor):
        admin = make_user(role="admin")
        change_user(person=leaver, facts={"is_active": False}, by=admin)

        issue = self.evaluate(issue)

        assert issue.owner == successor
        assert last_sentence(issue) == "Tom Vik no longer has access, and the owner is now hana."

    def test_a_contact_who_is_erased_leaves_an_unassigned_issue_without_the_name(
        self, world, issue, owning, governance
    ):
        assign_issue(issue=issue, to=owning, by=governance, at=NOW)
        erase_contact(person=owning, by=governance)

        issue = self.evaluate(issue)

        assert issue.owner is None
        assert "it is now unassigned." in last_sentence(issue)
        assert "Ilse" not in last_sentence(issue)

    def test_a_contact_who_is_closed(self, issue, owning, governance):
        assign_issue(issue=issue, to=owning, by=governance, at=NOW)
        close_person(person=owning, by=governance)

        assert self.evaluate(issue).owner is None

    def test_a_contact_who_accepted_and_no_longer_owns_the_application(
        self, world, issue, contact, successor
    ):
        Application.objects.filter(pk=world.application.pk).update(business_owner_person=contact)
        evaluate_issues(at=NOW)
        accept_assignment(issue=issue, by=contact, at=NOW)
        Application.objects.filter(pk=world.application.pk).update(business_owner_person=successor)

        issue = self.evaluate(issue)

        assert issue.owner == successor
        assert last_sentence(issue) == (
            "Ilse Brandt no longer owns the application, and the owner is now hana."
        )

    def test_a_contact_whom_an_editor_assigned_stays_without_owning_the_application(
        self, issue, contact, editor, successor
    ):
        assign_issue(issue=issue, to=contact, by=editor, at=NOW, is_confirmed=True)

        evaluate_issues(at=NOW)

        issue.refresh_from_db()
        assert issue.owner == contact

    def test_an_application_that_moves_to_a_team_without_the_owner(
        self, world, issue, leaver, successor
    ):
        Application.objects.filter(pk=world.application.pk).update(team=make_team("Elsewhere"))

        issue = self.evaluate(issue)

        assert issue.owner == successor

    def test_a_second_evaluation_writes_nothing(self, issue, leaver, governance):
        end_membership(membership=Membership.objects.get(user=leaver), by=governance)
        issue = self.evaluate(issue)
        n_entries = issue.activity.count()

        assert evaluate_issues(at=NOW).updated == 0
        assert issue.activity.count() == n_entries


def test_a_contact_cannot_assign_to_others(issue, owning, governance):
    with pytest.raises(ForbiddenError, match="to yourself only"):
        assign_issue(issue=issue, to=governance, by=owning, at=NOW)
