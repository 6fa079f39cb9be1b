"""Issues over REST: lists with their filters, orders and files, responses with their permissions,
and the activity."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.issues.models import Activity, Issue
from apps.issues.responses import acknowledge_issue
from tests.builders import (
    make_application,
    make_contact,
    make_foundation,
    make_issue,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.http import csv_rows, listed_rows, problem_detail, problem_of, workbook_of

LIST = "/api/v1/issues/"


@pytest.fixture
def today(db):
    return day_of(now())


@pytest.fixture
def team(db):
    return make_team("Claims", slug="claims")


@pytest.fixture
def application(team):
    return make_application("Claims triage", team=team, criticality=0)


@pytest.fixture
def issue(application, today):
    """A retirement in 40 days, which nobody owns."""
    return make_issue(application, due_on=today + timedelta(days=40), is_earliest=False)


@pytest.fixture
def editor(team):
    return make_member(team, TeamRole.EDITOR)


@pytest.fixture
def owner(team):
    return make_member(team, TeamRole.OWNER)


@pytest.fixture
def viewer(team):
    return make_member(team, TeamRole.VIEWER)


def ids(response):
    return [row["id"] for row in listed_rows(response)]


class TestRead:
    def test_the_fields_of_an_issue(self, api, viewer, application, issue, today):
        row = api(viewer).get(f"{LIST}{issue.pk}/").json()

        due_on = (today + timedelta(days=40)).isoformat()
        assert row == {
            "id": issue.pk,
            "cause": issue.cause_id,
            "kind": "retirement",
            "subject": issue.cause.subject,
            "application": application.slug,
            "criticality": "critical",
            "team": "claims",
            "owner": None,
            "state": "open",
            "urgency": "this_month",
            "due_on": due_on,
            "is_earliest": False,
            "start_by": None,
            "finish_by": None,
            "task": None,
            "details": {},
            "opened_at": row["opened_at"],
            "acknowledged_by": None,
            "acknowledged_at": None,
            "snoozed_until": None,
            "accepted_until": None,
            "accepted_by": None,
            "accepted_reason": "",
            "resolved_at": None,
            "resolved_by": None,
            "resolution": "",
            "resolution_reason": "",
        }

    def test_a_stranger_finds_nothing(self, api, issue):
        stranger = api(make_member(make_team(), TeamRole.OWNER), "read", "write")

        assert ids(stranger.get(LIST)) == []
        for path in ("", "activity/"):
            assert stranger.get(f"{LIST}{issue.pk}/{path}").status_code == 404
        for action in ("acknowledge", "comment", "undo"):
            assert stranger.post(f"{LIST}{issue.pk}/{action}/", {}).status_code == 404

    def test_an_issue_of_the_organisation_is_visible_to_its_owner_and_the_organisation_roles(
        self, api, viewer, editor
    ):
        issue = make_issue(None, "exposure_flag", subject="flag:1", owner=viewer)

        assert ids(api(viewer).get(LIST)) == [issue.pk]
        assert ids(api(make_user(role="auditor")).get(LIST)) == [issue.pk]
        assert ids(api(editor).get(LIST)) == []

    def test_a_list_costs_the_same_for_any_number_of_issues(self, api, viewer, team):
        client = api(viewer)
        make_issue(make_application(team=team), owner=viewer)
        client.get(LIST)
        with CaptureQueriesContext(connection) as few:
            client.get(LIST)
        for _ in range(10):
            make_issue(make_application(team=team), owner=viewer)
        with CaptureQueriesContext(connection) as many:
            assert len(ids(client.get(LIST))) == 11

        assert len(many) == len(few)


class TestFilters:
    @pytest.fixture
    def others(self, team, owner, today):
        """Five further issues, by name; what is not about dates is due in 60 days."""
        later = today + timedelta(days=60)
        application = make_application("Letters", team=team, criticality=3)
        elsewhere = make_application("Elsewhere", team=make_team("Other", slug="other"))
        offering = make_offering(
            host=make_provider("azure"),
            version=make_version(
                foundation=make_foundation(
                    "openai/gpt", developer=make_provider("openai", roles=("developer",))
                )
            ),
        )
        priced = make_issue(application, "price_change", act_by=today, due_on=today)
        priced.cause.offerings.add(offering)
        return {
            "priced": priced,
            "owned": make_issue(application, owner=owner, act_by=today + timedelta(days=400)),
            "resolved": make_issue(
                application,
                state="resolved",
                resolved_at=now(),
                resolution="migrated",
                due_on=later,
            ),
            "snoozed": make_issue(
                application, snoozed_until=today + timedelta(days=3), due_on=later
            ),
            "elsewhere": make_issue(elsewhere, state="planned", due_on=later),
        }

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("state=unresolved", {"issue", "priced", "owned", "snoozed", "elsewhere"}),
            ("state=resolved", {"resolved"}),
            ("state=planned", {"elsewhere"}),
            ("state=snoozed", {"snoozed"}),
            ("kind=price_change", {"priced"}),
            ("kind=price_change&kind=deadline", {"priced"}),
            ("urgency=now", {"priced"}),
            ("urgency=now&urgency=this_month", {"priced", "issue"}),
            ("urgency=later&state=unresolved", {"owned"}),
            ("owner=unassigned&kind=price_change", {"priced"}),
            ("team=other", {"elsewhere"}),
            ("provider=azure", {"priced"}),
            ("provider=openai", {"priced"}),
        ],
    )
    def test_what_each_selects(self, api, issue, others, query, names):
        rows = ids(api(make_user(role="auditor")).get(f"{LIST}?{query}"))

        all_issues = {"issue": issue, **others}
        assert {name for name, one in all_issues.items() if one.pk in rows} == names

    def test_mine_by_application_cause_and_date(self, api, application, issue, others, owner):
        client = api(owner)

        assert ids(client.get(f"{LIST}?owner=me")) == [others["owned"].pk]
        assert ids(client.get(f"{LIST}?owner={owner.username}")) == [others["owned"].pk]
        assert ids(client.get(f"{LIST}?application={application.slug}")) == [issue.pk]
        assert ids(client.get(f"{LIST}?cause={issue.cause_id}")) == [issue.pk]
        before = (issue.due_on + timedelta(days=1)).isoformat()
        assert issue.pk in ids(client.get(f"{LIST}?due_before={before}"))
        assert issue.pk not in ids(client.get(f"{LIST}?due_before={issue.due_on}"))

    @pytest.mark.parametrize("query", ["state=waiting", "urgency=soon", "kind=end", "colour=red"])
    def test_an_unknown_value_or_filter_is_an_error(self, api, viewer, query):
        problem_of(api(viewer).get(f"{LIST}?{query}"), 400)

    def test_the_most_urgent_is_first_and_pages_follow_each_other(self, api, issue, others, today):
        client = api(make_user(role="auditor"))
        order = list(Issue.objects.order_by("act_by", "id").values_list("pk", flat=True))

        assert ids(client.get(LIST)) == order
        assert ids(client.get(f"{LIST}?ordering=-id")) == sorted(order, reverse=True)
        first = client.get(f"{LIST}?page_size=4").json()
        rest = client.get(first["next"]).json()
        assert [row["id"] for row in (*first["results"], *rest["results"])] == order

    def test_fields_can_be_selected(self, api, viewer, issue):
        (row,) = listed_rows(api(viewer).get(f"{LIST}?fields=id,urgency"))

        assert row == {"id": issue.pk, "urgency": "this_month"}


class TestFiles:
    def test_the_list_as_csv_and_workbook(self, api, viewer, issue):
        client = api(viewer)

        (row,) = csv_rows(client.get(f"{LIST}?format=csv&fields=id,kind,urgency,application"))
        sheet = workbook_of(client.get(f"{LIST}?format=xlsx&fields=id,kind")).active

        assert row == {
            "id": str(issue.pk),
            "kind": "retirement",
            "urgency": "this_month",
            "application": issue.application.slug,
        }
        assert [cell.value for cell in sheet[2]] == [issue.pk, "retirement"]

    def test_the_activity_as_csv(self, api, viewer, issue, editor):
        acknowledge_issue(issue=issue, by=editor, at=now())

        (row,) = csv_rows(api(viewer).get(f"{LIST}{issue.pk}/activity/?format=csv"))

        assert row["sentence"] == f"{editor} acknowledged the issue."


@pytest.fixture
def respond(api, issue):
    """Send a response of a user; return the answer."""

    def send(user, action, **body):
        client = api(user, "read", "write")
        return client.post(f"{LIST}{issue.pk}/{action}/", body, format="json")

    return send


def error_of(answer, field):
    """The sentence about one field of the body."""
    errors = problem_of(answer, 400)["errors"]
    return next(error["detail"] for error in errors if error["field"] == field)


class TestResponses:
    def test_acknowledge(self, respond, editor):
        answer = respond(editor, "acknowledge", reason="Planned").json()

        assert (answer["state"], answer["acknowledged_by"]) == ("acknowledged", editor.username)

    def test_snooze(self, respond, editor, today):
        until = (today + timedelta(days=7)).isoformat()

        assert respond(editor, "snooze", until=until).json()["snoozed_until"] == until

    def test_accept_and_revoke(self, respond, owner, today):
        until = (today + timedelta(days=30)).isoformat()

        accepted = respond(owner, "accept", until=until, reason="Budget in May").json()
        assert (accepted["state"], accepted["accepted_until"]) == ("accepted", until)
        assert (accepted["accepted_by"], accepted["urgency"]) == (owner.username, "later")

        assert respond(owner, "revoke").json()["state"] == "open"

    def test_assign_and_follow_the_application_again(self, respond, editor, viewer):
        assert respond(editor, "assign", owner=viewer.username).json()["owner"] == viewer.username

        assert respond(editor, "assign", owner=None).json()["owner"] is None

    def test_assign_to_a_contact_who_owns_the_application(
        self, respond, application, editor, viewer
    ):
        contact = make_contact("ilse@insurer.example")
        type(application).objects.filter(pk=application.pk).update(business_owner_person=contact)

        answer = respond(editor, "assign", owner="Ilse <ilse@insurer.example>")

        assert answer.json()["owner"] == "ilse@insurer.example"

    def test_another_contact_is_assigned_only_once_it_is_confirmed(self, respond, editor, issue):
        make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")

        refused = respond(editor, "assign", owner="ilse@insurer.example")
        assigned = respond(editor, "assign", owner="ilse@insurer.example", confirm_contact=True)

        assert "does not own" in error_of(refused, "confirm_contact")
        assert assigned.json()["owner"] == "ilse@insurer.example"

    def test_an_unknown_address_becomes_a_contact_for_who_may_name_owners(
        self, respond, editor, viewer, issue
    ):
        refused = respond(editor, "assign", owner="new@insurer.example")
        assert "becomes a contact" in error_of(refused, "confirm_contact")
        Issue.objects.filter(pk=issue.pk).update(owner=viewer)
        answer = respond(viewer, "assign", owner="new@insurer.example", confirm_contact=True)
        assert "editor role" in error_of(answer, "owner")
        assert not User.objects.filter(email="new@insurer.example").exists()

        answer = respond(editor, "assign", owner="new@insurer.example", confirm_contact=True)

        assert answer.json()["owner"] == "new@insurer.example"

    def test_a_user_who_is_unknown_is_explained(self, respond, editor):
        answer = respond(editor, "assign", owner="whoever")

        assert "Enter a username" in error_of(answer, "owner")

    def test_contacts_are_assigned_in_bulk(self, api, editor, issue):
        make_contact("ilse@insurer.example")
        body = {"ids": [issue.pk], "action": "assign", "owner": "ilse@insurer.example"}
        client = api(editor, "read", "write")

        refused = client.post(f"{LIST}bulk-respond/", body, format="json").json()
        updated = client.post(
            f"{LIST}bulk-respond/", {**body, "confirm_contact": True}, format="json"
        ).json()

        assert "does not own" in refused["rejected"][0]["detail"]
        assert updated["updated"] == [issue.pk]

    def test_resolve_and_reopen(self, respond, editor):
        resolved = respond(editor, "resolve", reason="Not in production").json()
        assert (resolved["state"], resolved["resolution"]) == ("resolved", "by_user")
        assert resolved["resolution_reason"] == "Not in production"

        assert respond(editor, "reopen").json()["state"] == "open"

    def test_undo(self, respond, editor, today):
        until = (today + timedelta(days=7)).isoformat()
        respond(editor, "snooze", until=until)

        assert respond(editor, "undo").json()["snoozed_until"] is None

    def test_comment_with_a_mention(self, respond, viewer, editor, issue):
        answer = respond(viewer, "comment", text="Who tests it?", mentions=[editor.username])

        assert answer.status_code == 201
        assert (answer.json()["kind"], answer.json()["text"]) == ("comment", "Who tests it?")
        assert list(issue.activity.get().mentions.all()) == [editor]

    def test_activity_is_told_latest_first(self, respond, api, viewer, editor, issue):
        respond(editor, "acknowledge", reason="Planned")
        respond(viewer, "comment", text="Thanks")

        rows = api(viewer).get(f"{LIST}{issue.pk}/activity/").json()

        assert [(row["kind"], row["user"], row["text"]) for row in rows] == [
            ("comment", viewer.username, "Thanks"),
            ("acknowledged", editor.username, "Planned"),
        ]
        assert rows[1]["sentence"] == f"{editor} acknowledged the issue."


class TestRefusals:
    @pytest.mark.parametrize(
        ("action", "body", "field"),
        [
            ("snooze", {}, "until"),
            ("snooze", {"until": "soon"}, "until"),
            ("snooze", {"until": "2020-01-01"}, "until"),
            ("accept", {"reason": "x"}, "until"),
            ("accept", {"until": "2020-01-01", "reason": "x"}, "until"),
            ("resolve", {}, "reason"),
            ("resolve", {"reason": " "}, "reason"),
            ("assign", {}, "owner"),
            ("assign", {"owner": "unknown"}, "owner"),
            ("comment", {"text": ""}, "text"),
        ],
    )
    def test_invalid_input_names_the_field(self, respond, owner, issue, action, body, field):
        problem = problem_of(respond(owner, action, **body), 400)

        assert [error["field"] for error in problem["errors"]] == [field]
        issue.refresh_from_db()
        assert (issue.state, issue.snoozed_until) == ("open", None)

    def test_a_user_who_cannot_view_the_issue_is_no_owner(self, respond, editor):
        stranger = make_user()

        problem = problem_of(respond(editor, "assign", owner=stranger.username), 400)

        assert [error["field"] for error in problem["errors"]] == ["owner"]

    def test_a_resolved_issue_takes_no_response_but_reopen(self, respond, editor, today):
        respond(editor, "resolve", reason="Done")

        detail = problem_detail(respond(editor, "acknowledge"), 409)

        assert detail == "This issue is resolved. Reopen it before you acknowledge it."

    def test_without_a_response_there_is_nothing_to_undo(self, respond, editor):
        problem_of(respond(editor, "undo"), 409)

    def test_a_response_of_another_user_is_not_undone(self, respond, editor, owner):
        respond(editor, "acknowledge")

        problem_of(respond(owner, "undo"), 409)

    @pytest.mark.parametrize(
        "action",
        ["acknowledge", "snooze", "accept", "revoke", "assign", "resolve", "reopen", "undo"],
    )
    def test_a_viewer_is_told_which_role_is_missing(self, respond, viewer, action):
        # the role is checked before the body
        detail = problem_detail(respond(viewer, action), 403)

        assert detail == "You need the editor role on Claims to respond to its issues."

    def test_an_editor_cannot_accept(self, respond, editor, today):
        until = (today + timedelta(days=30)).isoformat()

        detail = problem_detail(respond(editor, "accept", until=until, reason="x"), 403)

        assert detail == "You need the owner role on Claims to accept this gap."

    def test_a_token_that_only_reads_changes_nothing(self, api, editor, issue):
        answer = api(editor, "read").post(f"{LIST}{issue.pk}/acknowledge/", {})

        problem_of(answer, 403)

    @pytest.mark.parametrize(
        ("kind", "record"),
        [
            ("exposure_flag", "exposure flag"),
            ("usage_discrepancy", "discrepancy"),
            ("stale_assessment", "assessment"),
        ],
    )
    @pytest.mark.parametrize("action", ["accept", "resolve"])
    def test_what_has_a_record_of_its_own_is_decided_there(
        self, api, application, owner, today, kind, record, action
    ):
        issue = make_issue(application, kind)
        body = {"reason": "x"}
        if action == "accept":
            body["until"] = (today + timedelta(days=30)).isoformat()

        answer = api(owner, "read", "write").post(
            f"{LIST}{issue.pk}/{action}/", body, format="json"
        )

        assert problem_detail(answer, 409) == (
            f"{action.capitalize()} the {record} itself. The issue follows it."
        )


class TestBulk:
    def test_each_issue_is_updated_or_rejected_with_a_reason(self, api, editor, issue, application):
        resolved = make_issue(
            application, state="resolved", resolved_at=now(), resolution="migrated"
        )
        foreign = make_issue(make_application())

        answer = api(editor, "read", "write").post(
            f"{LIST}bulk-respond/",
            {"ids": [issue.pk, resolved.pk, foreign.pk], "action": "acknowledge"},
            format="json",
        )

        body = answer.json()
        assert body["updated"] == [issue.pk]
        assert {row["id"]: row["detail"] for row in body["rejected"]} == {
            resolved.pk: "This issue is resolved. Reopen it before you acknowledge it.",
            foreign.pk: "Issue not found. It does not exist or you do not have access.",
        }
        assert not Activity.objects.filter(issue=foreign).exists()

    @pytest.mark.parametrize(
        ("action", "body"),
        [
            ("acknowledge", {}),
            ("snooze", {"until": 7}),
            ("accept", {"until": 30, "reason": "Budget"}),
            ("assign", {"owner": "governor"}),
            ("resolve", {"reason": "Done"}),
            ("reopen", {}),
        ],
    )
    def test_every_response_can_be_given_to_many(self, api, issue, today, action, body):
        governor = make_user("governor", role="governance")
        if "until" in body:
            body = {**body, "until": (today + timedelta(days=body["until"])).isoformat()}

        answer = api(governor, "read", "write").post(
            f"{LIST}bulk-respond/", {"ids": [issue.pk], "action": action, **body}, format="json"
        )

        assert answer.json() == {"updated": [issue.pk], "rejected": []}

    @pytest.mark.parametrize(
        "body",
        [
            {"ids": [], "action": "acknowledge"},
            {"ids": [1], "action": "ignore"},
            {"ids": [1], "action": "comment"},
            {"ids": [1], "action": "snooze"},
            {"ids": list(range(1, 502)), "action": "acknowledge"},
        ],
    )
    def test_invalid_bodies_are_rejected(self, api, editor, body):
        client = api(editor, "read", "write")

        problem_of(client.post(f"{LIST}bulk-respond/", body, format="json"), 400)
