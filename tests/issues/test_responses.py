"""Responses to issues: who can respond, what each does, what it refuses, and its undo."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.issues import responses
from apps.issues.bulk_responses import respond_to_issues
from apps.issues.models import Activity, Issue
from apps.issues.responses import ResponseRequest
from apps.issues.sentences import activity_sentence, activity_user_names
from apps.issues.undo import undo_response
from tests.builders import (
    NOW,
    TODAY,
    make_dependency,
    make_flag,
    make_member,
    make_offering,
    make_team,
    make_user,
)

LATER = NOW + timedelta(hours=1)
IN_A_WEEK = TODAY + timedelta(days=7)


@pytest.fixture
def editor(world):
    return make_member(world.team, TeamRole.EDITOR)


@pytest.fixture
def team_owner(world):
    return make_member(world.team, TeamRole.OWNER)


@pytest.fixture
def governance(db):
    return make_user(role="governance")


def sentences(issue):
    entries = list(issue.activity.order_by("at", "pk"))
    names = activity_user_names(entries)
    return [activity_sentence(entry, names) for entry in entries]


class TestPermission:
    def test_a_viewer_cannot_respond(self, world, issue):
        viewer = make_member(world.team, TeamRole.VIEWER)

        with pytest.raises(ForbiddenError, match="You need the editor role on Claims"):
            responses.acknowledge_issue(issue=issue, by=viewer, at=NOW)

    def test_the_owner_of_the_issue_can_respond_as_a_viewer(self, world, issue):
        viewer = make_member(world.team, TeamRole.VIEWER)
        Issue.objects.filter(pk=issue.pk).update(owner=viewer)

        assert responses.acknowledge_issue(issue=issue, by=viewer, at=NOW).state == "acknowledged"

    def test_an_editor_of_another_team_cannot_respond(self, issue):
        stranger = make_member(make_team())

        with pytest.raises(ForbiddenError):
            responses.acknowledge_issue(issue=issue, by=stranger, at=NOW)

    def test_an_editor_cannot_accept_a_gap(self, issue, editor):
        with pytest.raises(ForbiddenError, match="You need the owner role on Claims"):
            responses.accept_issue(
                issue=issue, until=IN_A_WEEK, reason="Budget in May", by=editor, at=NOW
            )

    def test_an_issue_of_the_organisation_is_answered_by_governance_alone(
        self, evaluate, editor, governance
    ):
        make_flag()
        evaluate()
        flag_issue = Issue.objects.get(cause__kind="exposure_flag")

        with pytest.raises(ForbiddenError, match="governance role"):
            responses.acknowledge_issue(issue=flag_issue, by=editor, at=NOW)
        assert responses.acknowledge_issue(issue=flag_issue, by=governance, at=NOW)


class TestAcknowledge:
    def test_the_first_user_is_kept(self, issue, editor, governance):
        responses.acknowledge_issue(issue=issue, by=editor, at=NOW)
        responses.acknowledge_issue(issue=issue, by=governance, at=LATER)

        issue.refresh_from_db()
        assert (issue.acknowledged_by, issue.acknowledged_at) == (editor, NOW)
        assert sentences(issue)[1:] == [f"{editor} acknowledged the issue."]

    def test_it_survives_the_next_evaluation(self, issue, editor, evaluate):
        responses.acknowledge_issue(issue=issue, by=editor, at=NOW)

        evaluate(at=LATER)

        issue.refresh_from_db()
        assert issue.state == "acknowledged"


class TestSnooze:
    def test_it_lasts_until_the_date(self, issue, editor):
        responses.snooze_issue(issue=issue, until=IN_A_WEEK, by=editor, at=NOW)

        issue.refresh_from_db()
        assert (issue.snoozed_until, issue.snoozed_by) == (IN_A_WEEK, editor)

    @pytest.mark.parametrize("days", [0, -1, 91])
    def test_a_date_out_of_range_is_rejected(self, issue, editor, days):
        with pytest.raises(DomainError) as error:
            responses.snooze_issue(
                issue=issue, until=TODAY + timedelta(days=days), by=editor, at=NOW
            )
        assert error.value.field == "until"


class TestAccept:
    def test_it_waits_until_the_acceptance_expires_and_is_now_then(
        self, issue, team_owner, evaluate
    ):
        responses.accept_issue(
            issue=issue, until=IN_A_WEEK, reason="Budget in May", by=team_owner, at=NOW
        )
        evaluate(at=LATER)
        issue.refresh_from_db()
        assert (issue.state, issue.act_by) == ("accepted", IN_A_WEEK)

        evaluate(at=NOW + timedelta(days=7))

        issue.refresh_from_db()
        assert issue.state == "open"

    def test_a_reason_is_required(self, issue, team_owner):
        with pytest.raises(DomainError) as error:
            responses.accept_issue(issue=issue, until=IN_A_WEEK, reason=" ", by=team_owner, at=NOW)
        assert error.value.field == "reason"

    def test_more_than_a_year_is_rejected(self, issue, team_owner):
        with pytest.raises(DomainError, match="at most one year"):
            responses.accept_issue(
                issue=issue,
                until=TODAY + timedelta(days=367),
                reason="x",
                by=team_owner,
                at=NOW,
            )

    def test_revoking_it_opens_the_issue(self, issue, team_owner):
        responses.accept_issue(issue=issue, until=IN_A_WEEK, reason="Budget", by=team_owner, at=NOW)

        responses.revoke_acceptance(issue=issue, by=team_owner, at=LATER)

        issue.refresh_from_db()
        assert (issue.state, issue.accepted_until, issue.accepted_reason) == ("open", None, "")

    def test_what_is_not_accepted_cannot_be_revoked(self, issue, team_owner):
        with pytest.raises(ConflictError):
            responses.revoke_acceptance(issue=issue, by=team_owner, at=NOW)

    def test_a_flag_is_accepted_by_itself(self, evaluate, governance):
        make_flag()
        evaluate()

        with pytest.raises(ConflictError, match="Accept the exposure flag itself"):
            responses.accept_issue(
                issue=Issue.objects.get(cause__kind="exposure_flag"),
                until=IN_A_WEEK,
                reason="x",
                by=governance,
                at=NOW,
            )


class TestAssign:
    def test_the_new_owner_is_named_in_the_timeline(self, issue, editor, team_owner):
        responses.assign_issue(issue=issue, to=team_owner, by=editor, at=NOW)

        issue.refresh_from_db()
        assert issue.owner == team_owner
        assert sentences(issue)[-1] == f"{editor} assigned the issue to {team_owner}."

    def test_a_user_who_cannot_view_it_is_rejected(self, issue, editor):
        with pytest.raises(DomainError, match="cannot view this issue"):
            responses.assign_issue(issue=issue, to=make_user(), by=editor, at=NOW)

    def test_without_an_owner_it_follows_the_application_again(
        self, world, issue, editor, evaluate
    ):
        responses.assign_issue(issue=issue, to=editor, by=editor, at=NOW)

        responses.assign_issue(issue=issue, to=None, by=editor, at=LATER)
        evaluate(at=LATER)

        issue.refresh_from_db()
        assert (issue.owner, issue.assigned_by) == (None, None)


class TestResolve:
    def test_it_stays_resolved_while_the_fact_is_the_same(self, issue, editor, evaluate):
        responses.resolve_issue(issue=issue, by=editor, at=NOW, reason="Not used in production")

        evaluate(at=LATER)

        issue.refresh_from_db()
        assert (issue.state, issue.resolution) == ("resolved", "by_user")

    def test_another_date_opens_it_again(self, world, issue, editor, evaluate):
        responses.resolve_issue(issue=issue, by=editor, at=NOW, reason="Not used in production")
        world.offering.retires_on = TODAY + timedelta(days=20)
        world.offering.save()

        evaluate(at=LATER)

        issue.refresh_from_db()
        assert (issue.state, issue.resolved_by) == ("open", None)

    def test_a_reason_is_required(self, issue, editor):
        with pytest.raises(DomainError):
            responses.resolve_issue(issue=issue, by=editor, at=NOW, reason="")

    def test_a_resolved_issue_cannot_be_acknowledged(self, issue, editor):
        responses.resolve_issue(issue=issue, by=editor, at=NOW, reason="Done")

        with pytest.raises(ConflictError, match="Reopen it before you acknowledge it"):
            responses.acknowledge_issue(issue=issue, by=editor, at=LATER)

    def test_reopening_it_forgets_the_resolution(self, issue, editor):
        responses.resolve_issue(issue=issue, by=editor, at=NOW, reason="Done")

        responses.reopen_issue(issue=issue, by=editor, at=LATER)

        issue.refresh_from_db()
        assert (issue.state, issue.resolution, issue.resolved_at) == ("open", "", None)

    def test_an_issue_whose_cause_has_ended_cannot_be_reopened(
        self, world, issue, editor, evaluate
    ):
        world.application.dependencies.all().delete()
        evaluate()

        with pytest.raises(ConflictError, match="The cause has ended"):
            responses.reopen_issue(issue=issue, by=editor, at=LATER)


class TestComment:
    def test_a_viewer_can_comment_and_mention(self, world, issue, editor):
        viewer = make_member(world.team, TeamRole.VIEWER)

        comment = responses.comment_on_issue(
            issue=issue, text=" Who tests it? ", by=viewer, at=NOW, mentions=[editor]
        )

        assert (comment.text, list(comment.mentions.all())) == ("Who tests it?", [editor])

    def test_a_user_who_cannot_view_the_issue_cannot_be_mentioned(self, issue, editor):
        with pytest.raises(DomainError, match="Mention a member of the team"):
            responses.comment_on_issue(
                issue=issue, text="Look", by=editor, at=NOW, mentions=[make_user()]
            )
        assert not issue.activity.filter(kind=Activity.Kind.COMMENT).exists()

    def test_an_auditor_and_a_former_member_cannot_comment(self, issue):
        for outsider in (make_user(role="auditor"), make_member(make_team())):
            with pytest.raises(ForbiddenError, match="You need a role on Claims"):
                responses.comment_on_issue(issue=issue, text="x", by=outsider, at=NOW)

    def test_an_empty_comment_is_rejected(self, issue, editor):
        with pytest.raises(DomainError):
            responses.comment_on_issue(issue=issue, text="  ", by=editor, at=NOW)


class TestUndo:
    def test_it_restores_what_was_before(self, issue, team_owner):
        before = responses.response_values(issue)
        responses.accept_issue(issue=issue, until=IN_A_WEEK, reason="Budget", by=team_owner, at=NOW)

        undo_response(issue=issue, by=team_owner, at=LATER)

        issue.refresh_from_db()
        assert responses.response_values(issue) == before

    def test_a_second_undo_restores_the_response(self, issue, editor):
        responses.snooze_issue(issue=issue, until=IN_A_WEEK, by=editor, at=NOW)
        undo_response(issue=issue, by=editor, at=LATER)

        undo_response(issue=issue, by=editor, at=LATER + timedelta(minutes=1))

        issue.refresh_from_db()
        assert issue.snoozed_until == IN_A_WEEK

    def test_a_response_of_another_user_is_not_undone(self, issue, editor, team_owner):
        responses.acknowledge_issue(issue=issue, by=editor, at=NOW)

        with pytest.raises(ConflictError, match="responded to this issue later"):
            undo_response(issue=issue, by=team_owner, at=LATER)

    def test_without_a_response_there_is_nothing_to_undo(self, issue, editor):
        with pytest.raises(ConflictError, match="nothing to undo"):
            undo_response(issue=issue, by=editor, at=NOW)

    def test_it_does_not_bring_back_a_fact_that_is_gone(self, world, issue, editor, evaluate):
        responses.snooze_issue(issue=issue, until=IN_A_WEEK, by=editor, at=NOW)
        world.application.dependencies.all().delete()
        evaluate()

        undo_response(issue=issue, by=editor, at=LATER)

        issue.refresh_from_db()
        assert issue.state == "resolved"


class TestBulk:
    def test_each_issue_that_rejects_it_is_named(self, world, issue, editor, evaluate):
        other = make_offering(retires_on=IN_A_WEEK, date_kind="firm")
        make_dependency(world.application, other, "judge")
        evaluate()
        second = Issue.objects.exclude(pk=issue.pk).get(cause__kind="retirement")
        responses.resolve_issue(issue=second, by=editor, at=NOW, reason="Done")

        outcome = respond_to_issues(
            issue_ids=[issue.pk, second.pk, 10**9],
            request=ResponseRequest(response="acknowledge", by=editor, at=LATER),
        )

        assert outcome.updated == [issue.pk]
        assert [rejected.issue_id for rejected in outcome.rejected] == [second.pk, 10**9]

    def test_an_unknown_response_is_rejected(self, issue, editor):
        outcome = respond_to_issues(
            issue_ids=[issue.pk], request=ResponseRequest(response="ignore", by=editor, at=NOW)
        )

        assert outcome.updated == []
        assert "is not a valid response" in outcome.rejected[0].reason

    def test_a_snooze_needs_a_date(self, issue, editor):
        with pytest.raises(DomainError):
            respond_to_issues(
                issue_ids=[issue.pk], request=ResponseRequest(response="snooze", by=editor, at=NOW)
            )
