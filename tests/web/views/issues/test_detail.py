"""The page of one issue: what it shows to whom, each response with invalid input, its undo, and who
can give it."""

import pytest

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.issues.models import Issue
from apps.issues.responses import acknowledge_issue, resolve_issue
from apps.web.views.issues.forms import possible_owners
from tests.builders import (
    make_application,
    make_campaign,
    make_contact,
    make_flag,
    make_issue,
    make_member,
    make_risk,
    make_task,
    make_team,
    make_user,
)
from tests.http import flash_messages, text_of, visible_text


@pytest.fixture
def address(world):
    return f"/issues/{world.issue.pk}/"


@pytest.fixture
def page_of(world, as_user):
    """The text of the page, as a user sees it."""

    def read(user, issue=None):
        return text_of(as_user(user).get(f"/issues/{(issue or world.issue).pk}/"))

    return read


@pytest.fixture
def respond(world, as_user, address):
    """Send a response of a user; return the answer."""

    def send(action, user=None, **data):
        return as_user(user or world.owner).post(f"{address}{action}/", data)

    return send


class TestPage:
    @pytest.mark.parametrize(
        ("reader", "code"),
        [("governance", 200), ("viewer", 200), ("stranger", 404)],
    )
    def test_who_can_open_it(self, world, as_user, address, reader, code):
        assert as_user(getattr(world, reader)).get(address).status_code == code

    def test_it_shows_the_fact_its_dates_and_what_depends_on_it(self, world, as_user, address):
        page = visible_text(as_user(world.viewer).get(address))

        assert "GPT-4.1 retires on" in page
        assert "Start by" in page
        assert "Finish by" in page
        assert "Unassigned" in page
        assert "gpt-4.1" in page

    def test_its_links_lead_to_the_records(self, world, page_of):
        page = page_of(world.editor)

        assert f'href="/applications/{world.application.slug}/"' in page
        assert f'href="/dependencies/{world.dependency.pk}/replace/"' in page
        assert f'href="/versions/{world.dependency.offering.version_id}/"' in page

    def test_the_plan_is_linked(self, world, page_of):
        task = make_task(make_campaign(world.dependency.offering), world.dependency)
        Issue.objects.update(task=task)

        assert f'href="/campaigns/tasks/{task.pk}/"' in page_of(world.viewer)

    def test_other_issues_of_the_cause_are_those_that_the_user_can_view(self, world, page_of):
        mine = make_issue(make_application("Letters", team=world.team), cause=world.issue.cause)
        make_issue(make_application("Foreign"), cause=world.issue.cause)

        page = page_of(world.viewer)

        assert f'href="/issues/{mine.pk}/"' in page
        assert "Foreign" not in page
        assert "Foreign" in page_of(world.governance)

    def test_an_issue_of_the_organisation_lists_the_applications_that_the_user_can_view(
        self, world, page_of
    ):
        foreign = make_application("Foreign")
        flag = make_flag()
        issue = make_issue(
            None,
            "exposure_flag",
            subject=f"flag:{flag.pk}",
            owner=world.viewer,
            details={"applications": [world.application.pk, foreign.pk], "n_applications": 2},
        )

        mine, all_of_it = page_of(world.viewer, issue), page_of(world.governance, issue)

        assert "Claims triage" in mine
        assert "Foreign" not in mine
        assert "Foreign" in all_of_it
        # the page of the flag is for the organisation roles
        assert f'href="/exposure/flags/{flag.pk}/"' in all_of_it
        assert f'href="/exposure/flags/{flag.pk}/"' not in mine

    def test_what_is_decided_elsewhere_has_no_form_but_a_link(self, world, page_of):
        risk = make_risk(world.dependency.offering.footings.first().node)
        issue = make_issue(world.application, "stale_assessment", subject=f"risk:{risk.pk}")

        page = page_of(world.owner, issue)

        assert f'href="/risks/?application={world.application.slug}"' in page
        for action in ("accept", "resolve"):
            assert f"/issues/{issue.pk}/{action}/" not in page
        assert f"/issues/{issue.pk}/acknowledge/" in page

    def test_who_cannot_respond_sees_no_buttons_but_can_comment(self, world, page_of, address):
        page = page_of(world.viewer)

        for action in ("acknowledge", "assign", "snooze", "accept", "resolve"):
            assert f'action="{address}{action}/"' not in page
        assert f'action="{address}comment/"' in page

    def test_an_editor_cannot_accept(self, world, page_of, address):
        assert f'action="{address}accept/"' not in page_of(world.editor)
        assert f'action="{address}accept/"' in page_of(world.owner)

    def test_a_resolved_issue_offers_to_reopen_it(self, world, page_of, address):
        resolve_issue(issue=world.issue, by=world.editor, at=now(), reason="Not in production")

        page = page_of(world.editor)

        assert f'action="{address}reopen/"' in page
        assert f'action="{address}snooze/"' not in page
        assert "Not in production" in page

    def test_an_acceptance_that_has_expired_is_called_so(self, world, page_of):
        Issue.objects.update(
            accepted_until=world.in_days(-2),
            accepted_by=world.owner,
            accepted_reason="Budget in May",
        )

        page = page_of(world.viewer)

        assert "Acceptance expired on" in page
        assert "Accepted until" not in page


class TestResponses:
    def test_acknowledge(self, world, respond, address):
        answer = respond("acknowledge", world.editor)

        assert answer["Location"] == address
        assert flash_messages(answer) == ["Issue acknowledged."]
        world.issue.refresh_from_db()
        assert (world.issue.state, world.issue.acknowledged_by) == ("acknowledged", world.editor)

    def test_snooze(self, world, respond):
        respond("snooze", days="14")

        world.issue.refresh_from_db()
        assert world.issue.snoozed_until == world.in_days(14)

    def test_accept_and_revoke(self, world, respond):
        until = world.in_days(30)
        respond("accept", until=until.isoformat(), reason="Budget in May")
        world.issue.refresh_from_db()
        assert (world.issue.state, world.issue.accepted_until) == ("accepted", until)

        respond("revoke")

        world.issue.refresh_from_db()
        assert (world.issue.state, world.issue.accepted_until) == ("open", None)

    def test_assign_and_follow_the_application_again(self, world, respond):
        answer = respond("assign", owner=str(world.viewer.pk))
        world.issue.refresh_from_db()
        assert (world.issue.owner, world.issue.assigned_by) == (world.viewer, world.owner)
        assert flash_messages(answer) == [f"Issue assigned to {world.viewer}."]

        respond("assign", owner="")

        world.issue.refresh_from_db()
        assert (world.issue.owner, world.issue.assigned_by) == (None, None)

    def test_resolve_and_reopen(self, world, respond):
        respond("resolve", reason="Not in production")
        world.issue.refresh_from_db()
        assert (world.issue.state, world.issue.resolution_reason) == (
            "resolved",
            "Not in production",
        )

        respond("reopen")

        world.issue.refresh_from_db()
        assert (world.issue.state, world.issue.resolution_reason) == ("open", "")

    def test_a_comment_of_a_viewer_is_shown(self, world, respond, page_of):
        respond("comment", world.viewer, text="Who tests <b>it</b>?")

        page = page_of(world.viewer)

        assert f"{world.viewer} commented." in page
        assert "Who tests &lt;b&gt;it&lt;/b&gt;?" in page

    @pytest.mark.parametrize(
        ("action", "data"),
        [
            ("acknowledge", {}),
            ("snooze", {"days": "7"}),
            ("accept", {"until": 30, "reason": "Budget"}),
            ("assign", {"owner": "viewer"}),
            ("resolve", {"reason": "Done"}),
        ],
    )
    def test_every_response_can_be_undone(self, world, as_user, address, action, data):
        data = {**data}
        if "until" in data:
            data["until"] = world.in_days(data["until"]).isoformat()
        if "owner" in data:
            data["owner"] = str(world.viewer.pk)
        client = as_user(world.owner)
        page = text_of(client.post(f"{address}{action}/", data, follow=True))
        assert f'action="{address}undo/"' in page

        answer = client.post(f"{address}undo/")

        assert flash_messages(answer)[-1] == "Response undone."
        world.issue.refresh_from_db()
        assert (world.issue.state, world.issue.owner) == ("open", None)
        assert (world.issue.snoozed_until, world.issue.acknowledged_at) == (None, None)

    def test_an_undo_without_a_response_is_explained(self, respond):
        answer = respond("undo")

        assert answer.status_code == 422
        assert "there is nothing to undo" in text_of(answer)


class TestInvalidInput:
    @pytest.mark.parametrize(
        ("action", "data", "error", "kept"),
        [
            ("snooze", {"days": "400"}, "90", ""),
            ("snooze", {}, "Select a number of days.", ""),
            ("accept", {"reason": "Budget in May"}, "Enter a date.", "Budget in May"),
            (
                "accept",
                {"until": "2020-01-01", "reason": "Why"},
                "Enter a date after today.",
                "Why",
            ),
            ("accept", {"until": "soon", "reason": "Why"}, "Enter a date such as", "Why"),
            ("resolve", {"reason": " "}, "Enter how the issue was resolved.", ""),
            ("comment", {"text": ""}, "Enter a comment.", ""),
            ("assign", {"owner": "999999"}, "Select a user from the list.", ""),
        ],
    )
    def test_the_page_explains_it_and_keeps_the_input(
        self, world, respond, action, data, error, kept
    ):
        answer = respond(action, **data)

        assert answer.status_code == 422
        page = text_of(answer)
        assert error in page
        assert kept in page
        world.issue.refresh_from_db()
        assert (world.issue.state, world.issue.snoozed_until) == ("open", None)

    def test_only_the_form_with_the_error_shows_one(self, respond):
        page = text_of(respond("resolve", reason=""))

        assert page.count('class="err"') == 1

    def test_an_unknown_response_is_not_found(self, respond):
        assert respond("ignore").status_code == 404

    def test_a_response_is_sent_by_post(self, world, as_user, address):
        assert as_user(world.owner).get(f"{address}acknowledge/").status_code == 405

    def test_a_resolved_issue_takes_no_other_response(self, world, respond):
        resolve_issue(issue=world.issue, by=world.editor, at=now(), reason="Done")

        answer = respond("acknowledge")

        assert answer.status_code == 422
        assert "Reopen it before you acknowledge it." in text_of(answer)


class TestPermission:
    @pytest.mark.parametrize(
        "action",
        ["acknowledge", "snooze", "accept", "revoke", "assign", "resolve", "reopen", "undo"],
    )
    def test_a_viewer_is_told_which_role_is_missing(self, world, respond, action):
        # before the input is checked
        answer = respond(action, world.viewer)

        assert answer.status_code == 403
        assert "You need the editor role on Claims" in text_of(answer)

    def test_an_editor_is_told_who_can_accept(self, world, respond):
        answer = respond(
            "accept", world.editor, until=world.in_days(30).isoformat(), reason="Budget"
        )

        assert answer.status_code == 403
        assert "You need the owner role on Claims" in text_of(answer)

    def test_the_owner_of_an_issue_can_respond_as_a_viewer(self, world, respond):
        Issue.objects.update(owner=world.viewer)

        assert respond("acknowledge", world.viewer).status_code == 302

    @pytest.mark.parametrize("action", ["acknowledge", "comment", "undo"])
    def test_a_stranger_finds_nothing(self, world, respond, action):
        assert respond(action, world.stranger, text="x").status_code == 404

    def test_the_auditor_only_reads(self, world, respond, as_user, address):
        auditor = make_user(role="auditor")

        page = as_user(auditor).get(address)

        assert page.status_code == 200
        assert "<form" not in text_of(page).partition('id="h-activity"')[2].partition("</main>")[0]
        for action in ("acknowledge", "comment"):
            assert respond(action, auditor, text="x").status_code == 403


class TestOwners:
    def test_they_are_the_users_who_can_view_the_issue(self, world):
        division = make_team("Division")
        type(world.team).objects.filter(pk=world.team.pk).update(parent=division)
        world.issue.team.refresh_from_db()
        above = make_member(division, TeamRole.VIEWER)
        left = make_member(world.team)
        left.is_active = False
        left.save()

        owners = set(possible_owners(world.issue))

        assert {world.viewer, world.editor, world.owner, world.governance, above} <= owners
        assert not owners & {world.stranger, left}

    def test_the_number_of_users_costs_no_further_statement(self, world, django_assert_num_queries):
        for _ in range(10):
            make_member(world.team)

        with django_assert_num_queries(1):
            assert len(possible_owners(world.issue)) >= 10

    def test_an_assigned_user_is_selected(self, world, page_of):
        Issue.objects.update(owner=world.viewer, assigned_by=world.owner)

        assert f'<option value="{world.viewer.pk}" selected>' in page_of(world.editor)


def test_the_activity_is_told_latest_first(world, page_of):
    acknowledge_issue(issue=world.issue, by=world.editor, at=now(), reason="Planned for May")
    resolve_issue(issue=world.issue, by=world.owner, at=now(), reason="Done")

    page = page_of(world.viewer)

    latest = page.index(f"{world.owner} resolved the issue.")
    assert latest < page.index(f"{world.editor} acknowledged the issue.")
    assert "Planned for May" in page


class TestContacts:
    @pytest.fixture
    def contact(self, world):
        return make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")

    def test_owners_of_the_application_are_listed_and_marked(self, world, contact, page_of):
        other = make_contact(first_name="Tom", last_name="Vik")
        type(world.application).objects.filter(pk=world.application.pk).update(
            business_owner_person=contact
        )

        page = page_of(world.editor)

        assert f'<option value="{contact.pk}">Ilse Brandt (contact)</option>' in page
        assert str(other) not in page

    def test_what_it_means_is_said_before_another_contact_is_assigned(
        self, world, contact, respond
    ):
        asked = respond("assign", world.editor, address="ilse@insurer.example")
        world.issue.refresh_from_db()
        assert asked.status_code == 422
        assert "Ilse Brandt is a contact and does not own Claims triage." in text_of(asked)
        assert 'name="confirm_contact"' in text_of(asked)
        assert world.issue.owner is None

        done = respond("assign", world.editor, address="ilse@insurer.example", confirm_contact="on")

        world.issue.refresh_from_db()
        assert flash_messages(done) == ["Issue assigned to Ilse Brandt."]
        assert world.issue.owner == contact

    def test_an_unknown_address_adds_a_contact_only_once_it_is_confirmed(self, world, respond):
        respond("assign", world.editor, address="new@insurer.example")
        assert not User.objects.filter(email="new@insurer.example").exists()

        respond("assign", world.editor, address="new@insurer.example", confirm_contact="on")

        world.issue.refresh_from_db()
        assert world.issue.owner.email == "new@insurer.example"
        assert world.issue.owner.is_contact

    def test_who_may_not_name_owners_is_offered_no_address(self, world, contact, page_of, respond):
        Issue.objects.update(owner=world.viewer)

        assert 'name="address"' not in page_of(world.viewer)
        respond("assign", world.viewer, address="ilse@insurer.example", confirm_contact="on")

        world.issue.refresh_from_db()
        assert world.issue.owner != contact

    def test_a_contact_is_marked_as_owner(self, world, contact, page_of):
        Issue.objects.update(owner=contact)

        assert '<span class="dim">by email only</span>' in page_of(world.viewer)
