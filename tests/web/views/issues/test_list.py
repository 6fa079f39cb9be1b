"""The list of issues: what it shows, its filters and orders, its file, and bulk responses."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common.time import now
from apps.issues.models import CauseOffering, Issue
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
        return [row.issue for row in answer.context["page"].rows]

    return read


def resolved(application, **fields):
    return make_issue(
        application, state="resolved", resolved_at=now(), resolution="migrated", **fields
    )


class TestRows:
    def test_a_row_has_the_fact_its_dates_and_the_unassigned_owner(self, world, as_user):
        page = visible_text(as_user(world.viewer).get(PAGE))

        assert "GPT-4.1 retires on" in page
        assert "start by" in page
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
        # what is set aside is at the end
        assert listed("?state=")[-1] == hidden
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


class TestGroups:
    @pytest.fixture
    def groups(self, world, as_user):
        def read(query="", user=None):
            answer = as_user(user or world.governance).get(f"{PAGE}{query}")
            return [
                (group.title, [row.issue for row in group.rows])
                for group in answer.context["groups"]
            ]

        return read

    def test_issues_of_one_cause_stand_under_one_heading(self, world, groups):
        other = make_issue(
            make_application("Letters", team=world.team),
            cause=world.issue.cause,
            due_on=world.issue.due_on,
            act_by=world.in_days(40),
        )

        ((title, rows),) = groups()

        assert title.startswith("GPT-4.1 retires on")
        assert rows == [world.issue, other]

    def test_by_application_and_by_person(self, world, groups):
        owned = make_issue(world.application, "price_change", owner=world.viewer)

        assert [title for title, _ in groups("?group=application")] == ["Claims triage"]
        people = dict(groups("?group=person"))
        assert people["Unassigned"] == [world.issue]
        assert people[str(world.viewer)] == [owned]

    def test_a_large_group_is_sorted_before_it_is_cut_and_says_so(self, world, as_user, listed):
        others = [
            make_issue(
                make_application(f"Application {n}", team=world.team),
                cause=world.issue.cause,
                act_by=world.in_days(-n),
            )
            for n in range(1, 8)
        ]

        answer = as_user(world.viewer).get(PAGE)

        rows = [row.issue for row in answer.context["page"].rows]
        assert rows == others[:1:-1]
        page = visible_text(answer)
        assert "5 of 8 shown" in page
        assert "Show all 8" in page
        assert len(listed(f"?cause={world.issue.cause_id}")) == 8

    def test_accepted_and_snoozed_issues_are_grouped_at_the_end(self, world, as_user):
        accepted = make_issue(
            world.application,
            cause=world.issue.cause.__class__.objects.create(
                kind="deadline",
                subtype="application_review",
                subject=f"application:{world.application.pk}/review",
                opened_at=now(),
            ),
            state="accepted",
            accepted_until=world.in_days(1),
            accepted_by=world.owner,
            accepted_reason="Budget in May",
            act_by=world.in_days(1),
        )

        answer = as_user(world.viewer).get(PAGE)

        assert [row.issue for row in answer.context["page"].rows] == [world.issue, accepted]
        assert "Accepted or snoozed" in visible_text(answer)

    def test_an_acceptance_that_has_run_out_is_work_again(self, world, as_user):
        expired = make_issue(
            world.application,
            state="accepted",
            accepted_until=world.today,
            accepted_by=world.owner,
            accepted_reason="Budget in May",
            act_by=world.today,
        )

        answer = as_user(world.viewer).get(PAGE)

        assert [row.issue for row in answer.context["page"].rows] == [expired, world.issue]
        assert "Accepted or snoozed" not in visible_text(answer)

    def test_a_filter_that_selects_no_single_group_shows_all_its_rows(self, world, groups):
        make_issue(world.application, "price_change")

        assert len(groups("?cause=unknown")) == 2

    @pytest.mark.parametrize("group", ["cause", "application", "person"])
    def test_every_grouping_costs_few_statements_for_any_number(
        self, world, as_user, group, django_assert_max_num_queries
    ):
        for n in range(12):
            application = make_application(team=world.team)
            make_issue(application, owner=world.editor if n % 2 else None)
            make_issue(application, cause=world.issue.cause)
        client = as_user(world.editor)
        client.get(PAGE)

        with django_assert_max_num_queries(30):
            client.get(f"{PAGE}?group={group}&issue={world.issue.pk}")

    def test_the_people_to_assign_are_looked_for_once(self, world, as_user):
        client = as_user(world.editor)

        with CaptureQueriesContext(connection) as statements:
            page = text_of(client.get(PAGE))

        assert 'id="selected-owner"' in page
        found = [each["sql"] for each in statements if "accounts_membership" in each["sql"]]
        assert len(found) == len(set(found))


class TestScopes:
    def test_mine_my_teams_and_all(self, world, listed):
        foreign = make_issue(make_application("Foreign"), act_by=world.in_days(400))
        mine = make_issue(world.application, owner=world.governance, act_by=world.in_days(300))
        assert listed("?scope=mine", user=world.governance) == [mine]
        assert listed("?scope=teams", user=world.editor) == [world.issue, mine]
        assert listed("?scope=all", user=world.governance) == [world.issue, mine, foreign]

    def test_a_count_beside_a_view_is_the_length_of_its_list(self, world, as_user, listed):
        make_issue(world.application, "price_change", owner=world.viewer, act_by=world.today)
        make_issue(world.application, snoozed_until=world.in_days(3))
        resolved(world.application)

        page = as_user(world.viewer).get(PAGE).context["page"]

        for link in (*page.tabs, *page.views):
            assert int(link.count) == len(listed(link.url)), link.label

    def test_the_search_finds_application_owner_and_model(self, world, listed):
        other = make_issue(
            make_application("Letters", team=world.team), owner=world.viewer, due_on=None
        )

        assert listed("?q=letter") == [other]
        assert listed(f"?q={world.viewer.username}") == [other]
        assert listed("?q=nothing") == []


class TestPanel:
    def test_it_shows_the_issue_with_its_acts_and_returns_to_the_list(self, world, as_user):
        answer = as_user(world.editor).get(
            f"/issues/{world.issue.pk}/",
            headers={
                "HX-Request": "true",
                "HX-Current-URL": f"http://testserver/work/?issue={world.issue.pk}",
            },
        )

        page = text_of(answer)
        assert page.lstrip().startswith("<aside")
        assert f'value="/work/?issue={world.issue.pk}"' in page
        assert "Affects the primary model gpt-4.1" in visible_text(answer)

    def test_without_a_script_the_url_opens_it(self, world, as_user):
        page = text_of(as_user(world.editor).get(f"{PAGE}?issue={world.issue.pk}"))

        assert 'class="panel"' in page
        assert f'<a href="/issues/{world.issue.pk}/"' in page

    def test_a_stranger_sees_none(self, world, as_user):
        answer = as_user(world.stranger).get(f"{PAGE}?issue={world.issue.pk}")

        assert 'class="panel"' not in text_of(answer)

    def test_a_response_returns_to_the_list(self, world, as_user):
        back = f"{PAGE}?issue={world.issue.pk}"

        answer = as_user(world.editor).post(
            f"/issues/{world.issue.pk}/acknowledge/", {"back": back}
        )

        assert answer["Location"] == back


class TestHeadline:
    def test_it_counts_what_is_unresolved(self, world, as_user):
        make_issue(world.application, act_by=world.today)
        resolved(world.application)

        page = visible_text(as_user(world.viewer).get(PAGE))

        assert "1 of 2 issues needs action now. 1 of them is unassigned." in page

    def test_it_counts_what_the_filters_select(self, world, as_user):
        make_issue(world.application, "price_change", act_by=world.in_days(200))

        page = visible_text(as_user(world.viewer).get(f"{PAGE}?kind=price_change"))

        assert "1 issue matches these filters. None needs action now." in page

    def test_without_an_issue_nothing_needs_work(self, world, as_user):
        assert "No issue needs work." in text_of(as_user(world.stranger).get(PAGE))


class TestEmpty:
    def test_a_first_view_says_what_opens_an_issue(self, world, as_user):
        page = text_of(as_user(world.stranger).get(PAGE))

        assert "No issues yet." in page
        assert 'href="/applications/"' in page

    def test_filters_that_match_nothing_can_be_cleared(self, world, as_user):
        page = text_of(as_user(world.viewer).get(f"{PAGE}?kind=deadline"))

        assert "No records match these filters." in page
        assert f'<a href="{PAGE}">Clear filters</a>' in page


class TestFile:
    def test_it_has_the_rows_of_the_page(self, world, as_user):
        resolved(world.application)

        (row,) = csv_rows(as_user(world.viewer).get("/issues.csv"))

        assert row["Issue"].startswith("GPT-4.1 retires on")
        assert (row["Urgency"], row["Type"], row["State"]) == ("This month", "Retirement", "Open")
        assert (row["Application"], row["Criticality"]) == ("Claims triage", "Critical")
        assert (row["Team"], row["Owner"]) == ("Claims", "Unassigned")
        assert row["Date"] == world.issue.due_on.isoformat()
        assert row["Finish by"] == world.issue.finish_by.isoformat()
        assert row["Address"] == f"/issues/{world.issue.pk}/"

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
            issue=[world.issue.pk, second.pk],
            action="acknowledge",
            back="/work/?sort=finish",
            confirmed="1",
        )

        assert answer["Location"] == "/work/?sort=finish"
        assert flash_messages(answer) == ["2 issues acknowledged."]
        assert set(Issue.objects.values_list("state", flat=True)) == {"acknowledged"}

    def test_several_are_shown_before_with_the_reason_of_each_that_rejects_it(
        self, world, second, respond
    ):
        done = resolved(world.application)

        answer = respond(issue=[world.issue.pk, second.pk, done.pk], action="acknowledge")

        page = visible_text(answer)
        assert "2 issues will be acknowledged. 1 issue cannot be." in page
        assert "This issue is resolved. Reopen it before you acknowledge it." in page
        assert "Acknowledge 2 issues" in page
        assert not Issue.objects.filter(state="acknowledged").exists()

    def test_one_is_not_asked_for_twice(self, world, respond):
        answer = respond(issue=world.issue.pk, action="acknowledge")

        assert flash_messages(answer) == ["1 issue acknowledged."]

    def test_they_are_snoozed_and_that_is_undone_as_one(self, world, second, respond, as_user):
        client = as_user(world.editor)
        data = {
            "issue": [world.issue.pk, second.pk],
            "action": "snooze",
            "days": "7",
            "confirmed": "1",
        }
        page = text_of(client.post("/issues/respond/", data, follow=True))
        assert "2 issues snoozed." in page
        undo = re.search(r"/issues/respond/\?action=undo&(?:amp;)?act=[0-9a-f]{32}", page)
        assert undo is not None

        answer = client.post(undo.group(0).replace("&amp;", "&"))

        assert flash_messages(answer)[-1] == "2 responses undone."
        assert not Issue.objects.filter(snoozed_until__isnull=False).exists()

    def test_what_another_user_did_since_is_not_undone(self, world, second, respond, as_user):
        client = as_user(world.editor)
        data = {"issue": [world.issue.pk, second.pk], "action": "acknowledge", "confirmed": "1"}
        page = text_of(client.post("/issues/respond/", data, follow=True))
        undo = re.search(r"/issues/respond/\?action=undo&(?:amp;)?act=[0-9a-f]{32}", page)
        snooze_issue(
            issue=second, until=world.today + timedelta(days=7), by=world.governance, at=now()
        )

        answer = client.post(undo.group(0).replace("&amp;", "&"))

        assert flash_messages(answer)[-2] == "1 response undone."
        assert "responded to this issue later" in flash_messages(answer)[-1]

    @pytest.mark.parametrize("act", ["", "x", "0" * 32])
    def test_an_unknown_act_is_not_undone(self, world, respond, act):
        assert len(flash_messages(respond(action="undo", act=act))) == 1

    def test_they_are_assigned_and_that_is_undone(self, world, second, respond, as_user):
        contact = make_contact(first_name="Ilse", last_name="Brandt")
        type(world.application).objects.filter(pk=world.application.pk).update(
            technical_owner_person=contact
        )
        page = text_of(as_user(world.editor).get(PAGE))
        assert f'<option value="{contact.pk}">Ilse Brandt (contact)</option>' in page

        answer = respond(
            issue=[world.issue.pk, second.pk], action="assign", owner=contact.pk, confirmed="1"
        )

        assert flash_messages(answer) == ["2 issues assigned."]
        assert set(Issue.objects.values_list("owner", flat=True)) == {contact.pk}
        answer = respond(issue=world.issue.pk, action="assign", owner="application")
        world.issue.refresh_from_db()
        assert (flash_messages(answer)[-1], world.issue.assigned_by_id) == (
            "1 issue assigned.",
            None,
        )

    def test_a_contact_without_the_application_is_assigned_once_that_is_confirmed(
        self, world, second, respond
    ):
        contact = make_contact(first_name="Ilse", last_name="Brandt")
        data = {"issue": [world.issue.pk, second.pk], "action": "assign", "owner": contact.pk}

        page = visible_text(respond(**data))
        assert "0 issues will be assigned. 2 issues cannot be." in page
        assert "Assign the issues to this contact anyway" in page
        respond(**data, confirmed="1", confirm_contact="on")

        assert set(Issue.objects.values_list("owner", flat=True)) == {contact.pk}

    def test_issues_of_one_retirement_start_its_migration(self, world, second, respond):
        offering = world.dependency.offering
        CauseOffering.objects.get_or_create(cause=world.issue.cause, offering=offering)

        answer = respond(issue=world.issue.pk, action="migrate")

        assert answer["Location"] == f"/campaigns/new/?offering={offering.pk}"
        answer = respond(issue=[world.issue.pk, second.pk], action="migrate")
        assert flash_messages(answer)[-1].startswith("A migration has one cause.")

    def test_the_number_of_statements_does_not_depend_on_the_issues(self, world, respond):
        few = [make_issue(make_application(team=world.team)).pk for _ in range(2)]
        many = [make_issue(make_application(team=world.team)).pk for _ in range(20)]
        respond(issue=few, action="acknowledge", confirmed="1")
        with CaptureQueriesContext(connection) as cheap:
            respond(issue=few, action="snooze", days="7", confirmed="1")
        respond(issue=many, action="acknowledge", confirmed="1")
        with CaptureQueriesContext(connection) as dear:
            respond(issue=many, action="snooze", days="7", confirmed="1")

        assert len(dear) == len(cheap)

    def test_a_person_who_cannot_own_them_is_explained(self, world, respond):
        answer = respond(issue=world.issue.pk, action="assign", owner=world.stranger.pk)

        assert "cannot view this issue" in flash_messages(answer)[0]

    def test_an_issue_that_rejects_it_is_explained_once(self, world, respond):
        rejected = [resolved(world.application).pk for _ in range(3)]

        answer = respond(issue=[world.issue.pk, *rejected], action="acknowledge", confirmed="1")

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
            (
                {"issue": "1"},
                "Select a response: acknowledge, assign, snooze or start a migration.",
            ),
            (
                {"issue": "1", "action": "accept"},
                "Select a response: acknowledge, assign, snooze or start a migration.",
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
