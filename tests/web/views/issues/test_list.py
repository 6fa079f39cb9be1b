"""The list of issues: what it shows, its filters and orders, its file, and bulk responses."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common.time import now
from apps.issues.models import Issue
from apps.issues.responses import snooze_issue
from tests.builders import make_application, make_contact, make_issue, make_provider
from tests.http import csv_rows, flash_messages, text_of, visible_text

PAGE = "/work/"


@pytest.fixture
def listed(world, as_user):
    """The issues of the list, in its order, as a user sees it with a query."""

    def read(query="", user=None):
        answer = as_user(user or world.viewer).get(f"{PAGE}{query}")
        assert answer.status_code == 200
        return [row.issue for row in answer.context["rows"]]

    return read


def resolved(application, **fields):
    return make_issue(
        application, state="resolved", resolved_at=now(), resolution="migrated", **fields
    )


class TestRows:
    def test_a_row_has_the_fact_its_dates_and_the_unassigned_owner(self, world, as_user):
        page = visible_text(as_user(world.viewer).get(PAGE))

        assert "GPT-4.1 retires on" in page
        assert "Start the migration by" in page
        assert "Claims triage" in page
        assert "This month" in page
        assert "Unassigned" in page

    def test_a_user_sees_the_issues_of_their_teams_alone(self, world, listed):
        assert listed() == [world.issue]
        assert listed(user=world.stranger) == []

    def test_the_most_urgent_is_first_and_the_order_can_be_changed(self, world, listed):
        late = make_issue(
            world.application, act_by=world.in_days(-5), due_on=world.in_days(100), finish_by=None
        )

        assert listed() == [late, world.issue]
        assert listed("?sort=finish") == [world.issue, late]

    def test_resolved_and_snoozed_issues_are_shown_where_asked_for(self, world, listed):
        done = resolved(world.application)
        hidden = make_issue(
            world.application, snoozed_until=world.in_days(3), act_by=world.in_days(200)
        )

        assert listed() == [world.issue]
        assert listed("?state=resolved") == [done]
        assert listed("?state=snoozed") == [hidden]
        assert set(listed("?state=")) == {world.issue, done, hidden}

    def test_a_snoozed_issue_returns_on_its_date(self, world, listed):
        Issue.objects.update(snoozed_until=world.today)

        assert listed() == [world.issue]

    def test_filters(self, world, listed):
        mine = make_issue(world.application, "price_change", owner=world.viewer, due_on=None)

        assert listed("?owner=me") == [mine]
        assert listed("?owner=unassigned") == [world.issue]
        assert listed("?kind=price_change") == [mine]
        assert listed("?urgency=this_month") == [world.issue]
        assert listed("?team=claims&kind=retirement") == [world.issue]
        host = world.dependency.offering.host.slug
        assert listed(f"?provider={host}") == [world.issue]
        assert listed(f"?provider={make_provider('other').slug}") == []

    def test_a_page_costs_the_same_for_any_number_of_issues(self, world, as_user):
        client = as_user(world.viewer)
        make_issue(make_application(team=world.team), owner=world.viewer)
        client.get(PAGE)
        with CaptureQueriesContext(connection) as few:
            client.get(PAGE)
        for _ in range(10):
            make_issue(make_application(team=world.team), owner=world.editor)
        with CaptureQueriesContext(connection) as many:
            client.get(PAGE)

        assert len(many) == len(few)


class TestHeadline:
    def test_it_counts_what_is_unresolved(self, world, as_user):
        make_issue(world.application, act_by=world.today)
        resolved(world.application)

        page = visible_text(as_user(world.viewer).get(PAGE))

        assert "2 issues are unresolved. 1 needs work now ." in page

    def test_it_counts_what_the_filters_select(self, world, as_user):
        make_issue(world.application, "price_change", act_by=world.in_days(200))

        page = visible_text(as_user(world.viewer).get(f"{PAGE}?kind=price_change"))

        assert "1 issue matches these filters." in page

    def test_without_an_issue_nothing_needs_work(self, world, as_user):
        assert "No issue needs work." in text_of(as_user(world.stranger).get(PAGE))


class TestEmpty:
    def test_a_first_view_says_what_opens_an_issue(self, world, as_user):
        page = text_of(as_user(world.stranger).get(PAGE))

        assert "No issues yet." in page
        assert 'href="/applications/"' in page

    def test_filters_that_match_nothing_can_be_cleared(self, world, as_user):
        page = text_of(as_user(world.viewer).get(f"{PAGE}?kind=deadline"))

        assert "No issues match these filters." in page
        assert f'<a href="{PAGE}">Clear filters</a>' in page


class TestFile:
    def test_it_has_the_rows_of_the_page(self, world, as_user):
        resolved(world.application)

        (row,) = csv_rows(as_user(world.viewer).get("/issues.csv"))

        assert row["issue"].startswith("GPT-4.1 retires on")
        assert (row["urgency"], row["type"], row["state"]) == ("This month", "Retirement", "Open")
        assert (row["application"], row["criticality"]) == ("Claims triage", "Critical")
        assert (row["team"], row["owner"]) == ("Claims", "")
        assert row["date"] == world.issue.due_on.isoformat()
        assert row["finish by"] == world.issue.finish_by.isoformat()
        assert row["URL"] == f"/issues/{world.issue.pk}/"

    def test_it_follows_the_filters(self, world, as_user):
        client = as_user(world.viewer)

        assert csv_rows(client.get("/issues.csv?kind=deadline")) == []
        assert len(csv_rows(client.get("/issues.csv?kind=retirement"))) == 1


class TestBulk:
    @pytest.fixture
    def second(self, world):
        return make_issue(world.application, "price_change", act_by=world.in_days(90))

    @pytest.fixture
    def respond(self, world, as_user):
        def send(user=None, **data):
            return as_user(user or world.editor).post("/issues/respond/", data)

        return send

    def test_the_selected_issues_are_acknowledged(self, world, second, respond):
        answer = respond(
            issue=[world.issue.pk, second.pk], action="acknowledge", back="/work/?sort=finish"
        )

        assert answer["Location"] == "/work/?sort=finish"
        assert flash_messages(answer) == ["2 issues acknowledged."]
        assert set(Issue.objects.values_list("state", flat=True)) == {"acknowledged"}

    def test_they_are_snoozed_and_that_is_undone(self, world, second, respond, as_user):
        client = as_user(world.editor)
        data = {"issue": [world.issue.pk, second.pk], "action": "snooze", "days": "7"}
        page = text_of(client.post("/issues/respond/", data, follow=True))
        assert "2 issues snoozed." in page
        undo = f"/issues/respond/?action=undo&issue={world.issue.pk}&issue={second.pk}"
        assert undo in page.replace("&amp;", "&")

        answer = client.post(undo)

        assert flash_messages(answer)[-1] == "2 responses undone."
        assert not Issue.objects.filter(snoozed_until__isnull=False).exists()

    def test_they_are_assigned_and_that_is_undone(self, world, second, respond, as_user):
        contact = make_contact(first_name="Ilse", last_name="Brandt")
        type(world.application).objects.filter(pk=world.application.pk).update(
            technical_owner_person=contact
        )
        page = text_of(as_user(world.editor).get(PAGE))
        assert f'<option value="{contact.pk}">Ilse Brandt (contact)</option>' in page

        answer = respond(issue=[world.issue.pk, second.pk], action="assign", owner=contact.pk)

        assert flash_messages(answer) == ["2 issues assigned."]
        assert set(Issue.objects.values_list("owner", flat=True)) == {contact.pk}
        respond(issue=[world.issue.pk, second.pk], action="undo")
        assert set(Issue.objects.values_list("assigned_by", flat=True)) == {None}

    def test_a_person_who_cannot_own_them_is_explained(self, world, respond):
        answer = respond(issue=world.issue.pk, action="assign", owner=world.stranger.pk)

        assert "cannot view this issue" in flash_messages(answer)[0]

    def test_an_issue_that_rejects_it_is_explained_once(self, world, respond):
        rejected = [resolved(world.application).pk for _ in range(3)]

        answer = respond(issue=[world.issue.pk, *rejected], action="acknowledge")

        assert flash_messages(answer) == [
            "1 issue acknowledged.",
            "This issue is resolved. Reopen it before you acknowledge it.",
        ]

    def test_an_issue_that_the_user_cannot_view_is_not_updated(self, world, respond):
        answer = respond(world.stranger, issue=[world.issue.pk], action="acknowledge")

        assert flash_messages(answer) == [
            "Issue not found. It does not exist or you do not have access."
        ]
        world.issue.refresh_from_db()
        assert world.issue.state == "open"

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({"action": "acknowledge"}, "Select at least one issue."),
            ({"action": "acknowledge", "issue": "x"}, "Select at least one issue."),
            ({"issue": "1"}, "Select a response: acknowledge, assign or snooze."),
            (
                {"issue": "1", "action": "accept"},
                "Select a response: acknowledge, assign or snooze.",
            ),
            (
                {"issue": "1", "action": "snooze", "days": "400"},
                "Select for how long the issues are snoozed.",
            ),
            (
                {"issue": [str(n) for n in range(1, 502)], "action": "acknowledge"},
                "Select at most 500 issues.",
            ),
        ],
    )
    def test_invalid_input_is_explained(self, respond, data, message):
        assert flash_messages(respond(**data)) == [message]

    def test_who_cannot_respond_sees_no_boxes(self, world, as_user):
        assert 'type="checkbox"' not in text_of(as_user(world.viewer).get(PAGE))
        assert 'type="checkbox"' in text_of(as_user(world.editor).get(PAGE))

    def test_a_snooze_of_one_hides_it_from_all(self, world, listed):
        snooze_issue(
            issue=world.issue, until=world.today + timedelta(days=7), by=world.editor, at=now()
        )

        assert listed(user=world.viewer) == []
