"""Alerts of the API: every subject an alert may have, who was told of it, and the answers people
give."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.alerts.actions import assign_alert, queue_digests, raise_alerts, raise_due_alerts
from apps.alerts.lifecycle.responses import MAX_SNOOZE_DAYS
from apps.alerts.models import Alert, Delivery, Mute, Notice, Webhook
from apps.common.time import day_of, now
from tests.alerts.kinds.feed_states import backfill, polled, suspect
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_flag,
    make_member,
    make_source,
    make_team,
    make_user,
)
from tests.http import listed_rows, problem_detail
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def in_days(n):
    return (day_of(now()) + n * DAY).isoformat()


class TestWhatIsShown:
    def test_an_alert_about_back_fill_names_its_run_and_the_models(self, api):
        world = make_small_world()
        run = backfill(world.offering)
        raise_alerts(at=NOW)

        (row,) = listed_rows(api(make_member(world.team)).get("/api/v1/alerts/"))

        assert (row["kind"], row["run"], row["source"], row["event"], row["flag"]) == (
            "backfilled",
            run.pk,
            None,
            None,
            None,
        )
        assert row["details"]["offerings"][0]["api_id"] == "gemini-2.5-pro"
        assert row["application_ids"] == [world.application.pk]

    def test_alerts_about_feeds_name_the_source_or_the_run_and_say_why(self, api):
        governor = make_user(role="governance")
        source = make_source()
        run = suspect(source)
        polled(source, success=NOW - timedelta(days=2))
        raise_alerts(at=NOW)

        found = {row["kind"]: row for row in listed_rows(api(governor).get("/api/v1/alerts/"))}

        assert (found["late"]["source"], found["late"]["details"]["since"]) == (
            "litellm",
            "2026-11-22",
        )
        assert found["suspect"]["run"] == run.pk
        assert found["suspect"]["details"]["groups"]["google-vertex-ai"]["says"].startswith(
            "41 of 153 rows disappeared"
        )
        assert [
            row["kind"] for row in listed_rows(api(governor).get("/api/v1/alerts/?kind=late"))
        ] == ["late"]
        assert listed_rows(api(make_member(make_small_world().team)).get("/api/v1/alerts/")) == []

    def test_a_milestone_names_the_model_the_day_and_whom_it_falls_to(self, api):
        world = make_small_world()
        owner = make_member(world.team, TeamRole.EDITOR, make_user("ola"))
        world.application.business_owner = "ola"
        world.application.save()
        raise_due_alerts(at=NOW)

        row = next(
            row
            for row in listed_rows(api(owner).get("/api/v1/alerts/"))
            if row["kind"] == "milestone"
        )

        assert row["subject"] == f"offering:{world.offering.pk}@2027-01-15"
        assert row["key"].startswith(row["subject"])
        assert (row["subject_kind"], row["subject_id"], row["offering"]) == (
            "offering",
            world.offering.pk,
            world.offering.pk,
        )
        assert (row["host"], row["api_id"]) == ("google-vertex-ai", "gemini-2.5-pro")
        assert (row["milestone"], row["due_on"], row["urgent"]) == (60, "2027-01-15", False)
        assert (row["team"], row["user"], row["state"], row["escalation"]) == (
            world.team.slug,
            "ola",
            "open",
            0,
        )
        assert row["escalate_at"] is not None

    def test_the_answers_of_people_stand_in_it(self, api):
        world = make_small_world()
        editor = make_member(world.team, user=make_user("eda"))
        world.event()
        raise_alerts(at=NOW)
        client = api(editor, "read", "write")
        address = f"/api/v1/alerts/{Alert.objects.get().pk}/"

        client.post(f"{address}acknowledge/", {"reason": "on it"})
        client.post(f"{address}assign/", {"username": "eda"})
        client.post(f"{address}resolve/", {"reason": "moved to the next one"})
        row = client.get(address).json()

        assert (row["acknowledged_by"], row["assigned_to"], row["resolved_by"]) == (
            "eda",
            "eda",
            "eda",
        )
        assert (row["state"], row["resolution"], row["escalate_at"]) == (
            "resolved",
            "moved to the next one",
            None,
        )
        assert None not in (row["acknowledged_at"], row["resolved_at"])

    def test_its_activity_says_who_answered_what_and_by_which_way(self, api):
        world = make_small_world()
        world.event()
        raise_alerts(at=NOW)
        client = api(
            make_member(world.team, user=make_user("eda", first_name="Eda", last_name="Lee")),
            "read",
            "write",
        )
        address = f"/api/v1/alerts/{Alert.objects.get().pk}/"
        client.post(f"{address}acknowledge/", {"reason": "on it"})

        activity = client.get(f"{address}activity/").json()

        assert (activity[0]["who"], activity[0]["what"], activity[0]["reason"]) == (
            "Eda Lee",
            "acknowledged the alert",
            "on it",
        )
        assert activity[0]["how"] == "by the API"
        assert activity[-1]["what"] == "raised the alert"

    def test_only_the_fields_asked_for(self, api):
        world = make_small_world()
        world.event()
        raise_alerts(at=NOW)

        [row] = listed_rows(
            api(make_member(world.team)).get("/api/v1/alerts/?fields=subject,notifications")
        )

        assert set(row) == {"subject", "notifications"}

    @pytest.mark.parametrize("n", [1, 4])
    def test_a_list_costs_one_statement_however_many_were_told(self, api, n):
        world = make_small_world(email="")
        for _ in range(n):
            make_member(world.team, TeamRole.OWNER)
        for _ in range(n):
            world.event()
        raise_alerts(at=NOW)
        reader = api(make_user(role="auditor"))
        reader.get("/api/v1/teams/")

        with CaptureQueriesContext(connection) as queries:
            found = listed_rows(reader.get("/api/v1/alerts/"))

        assert (len(queries), len(found), len(found[0]["notifications"])) == (2, n, n)

    def test_the_same_answer_is_not_sent_twice(self, api):
        world = make_small_world()
        world.event()
        raise_alerts(at=NOW)
        client = api(make_member(world.team))
        first = client.get("/api/v1/alerts/")

        again = client.get("/api/v1/alerts/", HTTP_IF_NONE_MATCH=first["ETag"])

        assert (again.status_code, again.content) == (304, b"")


class TestWhoWasTold:
    def test_names_mailboxes_people_and_webhooks_with_what_became_of_each(self, api):
        make_user("gus", role="governance")
        Webhook.objects.create(
            name="Chat", url="https://hooks.example.org/a", created_by=make_user("author")
        )
        world = make_small_world()
        world.event()
        raise_alerts(at=NOW)
        queue_digests(at=NOW, gather=timedelta(0))

        [row] = listed_rows(api(make_user(role="auditor")).get("/api/v1/alerts/"))

        mail = Delivery.objects.get(team=world.team)
        by_route = {notice["route"]: notice for notice in row["notifications"]}
        assert set(by_route) == {"team", "webhook"}
        assert (
            by_route["team"]["team"],
            by_route["team"]["user"],
            by_route["team"]["trigger"],
        ) == (
            world.team.slug,
            None,
            "raised",
        )
        assert (
            by_route["team"]["delivery"],
            by_route["team"]["state"],
            by_route["team"]["skip_reason"],
        ) == (
            mail.pk,
            "queued",
            "",
        )
        assert by_route["webhook"]["webhook"] == "Chat"
        # as every moment of the API
        assert by_route["team"]["owed_at"] == "2026-11-24T12:00:00Z"

    def test_what_was_not_sent_says_why(self, api):
        world = make_small_world()
        world.event()
        raise_alerts(at=NOW)
        Mute.objects.create(
            team=world.team, kind="announced", until=day_of(NOW) + 9 * DAY, created_by=make_user()
        )
        queue_digests(at=NOW, gather=timedelta(0))

        [row] = listed_rows(api(make_member(world.team)).get("/api/v1/alerts/"))

        [notice] = row["notifications"]
        assert (notice["delivery"], notice["state"]) == (None, None)
        assert notice["skip_reason"] == f"Muted until {day_of(NOW) + 9 * DAY}."

    def test_members_see_that_others_of_the_team_were_told_and_not_their_mail(self, api):
        world = make_small_world(email="")
        first, second = (make_member(world.team, TeamRole.OWNER) for _ in range(2))
        world.event()
        raise_alerts(at=NOW)
        queue_digests(at=NOW, gather=timedelta(0))

        [row] = listed_rows(api(first).get("/api/v1/alerts/"))

        mails = {
            notice["user"]: (notice["delivery"], notice["state"]) for notice in row["notifications"]
        }
        own = Delivery.objects.get(user=first)
        assert mails == {first.username: (own.pk, "queued"), second.username: (None, "queued")}

    def test_of_an_alert_about_the_organisation_its_reader_without_office_sees_the_own_line_alone(
        self, api
    ):
        former = make_user("former", role="governance")
        make_flag()
        raise_alerts(at=NOW)
        alert = Alert.objects.get(user=former)
        Notice.objects.create(
            alert=alert,
            user=make_user("other"),
            why="escalation",
            occasion="escalated",
            owed_at=NOW,
        )
        everything = listed_rows(api(former).get("/api/v1/alerts/"))
        former.organisation_role = ""
        former.save()

        [row] = listed_rows(api(former).get("/api/v1/alerts/"))

        assert len(everything[0]["notifications"]) == 2
        assert [notice["user"] for notice in row["notifications"]] == ["former"]


@pytest.fixture
def answered(api):
    """An alert of a team, and a client of one of its editors."""
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    editor = make_member(world.team, user=make_user("eda"))
    return world, Alert.objects.get(), api(editor, "read", "write")


class TestAnswers:
    def test_acknowledging_keeps_the_first_name_and_its_reason(self, answered, api):
        world, alert, client = answered
        other = api(make_member(world.team, user=make_user("second")), "write")

        client.post(f"/api/v1/alerts/{alert.pk}/acknowledge/", {"reason": "looking at it"})
        again = other.post(f"/api/v1/alerts/{alert.pk}/acknowledge/", {})

        assert (again.status_code, again.json()["acknowledged_by"]) == (200, "eda")
        context = alert.history.order_by("-pgh_id").first().pgh_context.metadata
        assert (context["actor"], context["reason"]) == ("eda", "looking at it")

    def test_a_snoozed_one_waits_until_its_day(self, answered):
        _, alert, client = answered

        row = client.post(f"/api/v1/alerts/{alert.pk}/snooze/", {"until": in_days(7)}).json()

        assert (row["state"], row["snoozed_until"], row["snoozed_by"]) == (
            "snoozed",
            in_days(7),
            "eda",
        )

    @pytest.mark.parametrize(
        ("n", "sentence"),
        [
            (-1, "Enter a date after today."),
            (0, "Enter a date after today."),
            (MAX_SNOOZE_DAYS + 1, f"An alert can be snoozed for at most {MAX_SNOOZE_DAYS} days."),
        ],
    )
    def test_a_day_that_makes_no_snooze_is_refused(self, answered, n, sentence):
        _, alert, client = answered

        answer = client.post(f"/api/v1/alerts/{alert.pk}/snooze/", {"until": in_days(n)})

        assert problem_detail(answer, 400).startswith(f"until: {sentence}")
        alert.refresh_from_db()
        assert alert.state == "open"

    def test_who_is_given_it_is_named_and_told(self, answered):
        world, alert, client = answered
        make_member(world.team, TeamRole.VIEWER, make_user("vic"))

        row = client.post(f"/api/v1/alerts/{alert.pk}/assign/", {"username": "vic"}).json()
        back = client.post(f"/api/v1/alerts/{alert.pk}/assign/", {"username": None}).json()

        assert (row["assigned_to"], back["assigned_to"]) == ("vic", None)
        assert [
            notice["user"] for notice in row["notifications"] if notice["route"] == "assigned"
        ] == ["vic"]

    def test_who_has_it_already_is_not_told_again(self, answered):
        world, alert, client = answered
        vic = make_member(world.team, TeamRole.VIEWER, make_user("vic"))
        assign_alert(alert=alert, to=vic, by=make_user(role="governance"), at=now() - DAY)

        client.post(f"/api/v1/alerts/{alert.pk}/assign/", {"username": "vic"})

        assert Notice.objects.filter(user=vic, why="assigned").count() == 1

    def test_it_is_given_to_nobody_who_may_not_see_it(self, answered):
        _, alert, client = answered
        make_user("stranger")

        assert "Select a member of the team or a governance user" in problem_detail(
            client.post(f"/api/v1/alerts/{alert.pk}/assign/", {"username": "stranger"}), 400
        )

    def test_resolving_needs_a_word_and_reopening_takes_it_back(self, answered):
        _, alert, client = answered
        address = f"/api/v1/alerts/{alert.pk}/"

        problem_detail(client.post(f"{address}resolve/", {"reason": " "}), 400)
        resolved = client.post(f"{address}resolve/", {"reason": "moved"}).json()
        reopened = client.post(f"{address}reopen/").json()

        assert (resolved["state"], resolved["resolution"]) == ("resolved", "moved")
        assert (reopened["state"], reopened["resolved_by"], reopened["resolution"]) == (
            "open",
            None,
            "",
        )

    @pytest.mark.parametrize(
        ("verb", "body"), [("snooze", {"until": in_days(3)}), ("assign", {"username": "eda"})]
    )
    def test_what_is_resolved_is_reopened_first(self, answered, verb, body):
        _, alert, client = answered
        client.post(f"/api/v1/alerts/{alert.pk}/resolve/", {"reason": "moved"})

        assert problem_detail(
            client.post(f"/api/v1/alerts/{alert.pk}/{verb}/", body), 409
        ).startswith("This alert is resolved")

    @pytest.mark.parametrize(
        ("verb", "body"),
        [
            ("snooze", {}),
            ("snooze", {"until": "soon"}),
            ("assign", {}),
            ("assign", {"username": "nobody"}),
            ("resolve", {}),
            ("resolve", {"reason": "x" * 301}),
            ("mute", {}),
            ("mute", {"until": "2020-01-01"}),
            ("mute", {"until": "2999-01-01"}),
            ("mute", {"until": in_days(3), "scope": "world"}),
        ],
    )
    def test_refuses_what_is_no_answer(self, answered, verb, body):
        _, alert, client = answered

        problem_detail(client.post(f"/api/v1/alerts/{alert.pk}/{verb}/", body), 400)

    def test_undo_puts_a_running_snooze_back_and_is_refused_once_somebody_else_has_answered(
        self, answered, api
    ):
        world, alert, client = answered
        client.post(f"/api/v1/alerts/{alert.pk}/snooze/", {"until": in_days(5)})
        client.post(f"/api/v1/alerts/{alert.pk}/acknowledge/", {})

        back = client.post(f"/api/v1/alerts/{alert.pk}/undo/").json()

        assert (back["state"], back["snoozed_until"], back["acknowledged_by"]) == (
            "snoozed",
            in_days(5),
            None,
        )
        api(make_member(world.team, TeamRole.EDITOR), "write").post(
            f"/api/v1/alerts/{alert.pk}/acknowledge/", {}
        )
        assert "changed this alert later" in problem_detail(
            client.post(f"/api/v1/alerts/{alert.pk}/undo/"), 409
        )

    def test_a_viewer_is_told_whom_to_ask_before_the_body_is_looked_at(self, answered, api):
        world, alert, _ = answered
        viewer = api(make_member(world.team, TeamRole.VIEWER), "write")

        for verb in ("acknowledge", "snooze", "assign", "resolve", "reopen", "undo"):
            assert "You need the editor role on" in problem_detail(
                viewer.post(f"/api/v1/alerts/{alert.pk}/{verb}/", {}), 403
            )


class TestMuting:
    @pytest.mark.parametrize(
        ("scope", "field"),
        [
            ("subject", "subject"),
            ("offering", "offering"),
            ("provider", "provider"),
            ("application", "application"),
            ("kind", "kind"),
        ],
    )
    def test_says_what_it_keeps_back(self, answered, scope, field):
        world, alert, client = answered

        made = client.post(
            f"/api/v1/alerts/{alert.pk}/mute/",
            {"until": in_days(5), "scope": scope, "reason": "known"},
        )

        expected = {
            "subject": alert.subject,
            "offering": world.offering.pk,
            "provider": "google-vertex-ai",
            "application": world.application.slug,
            "kind": "announced",
        }[scope]
        body = made.json()
        named = ["subject", "offering", "provider", "application", "kind"]
        assert made.status_code == 201
        assert {name: body[name] for name in named if body[name]} == {field: expected}
        assert (body["user"], body["team"], body["until"], body["holds"]) == (
            "eda",
            None,
            in_days(5),
            True,
        )
        assert body["reason"] == "known"

    def test_without_a_scope_it_is_this_matter_alone(self, answered):
        _, alert, client = answered

        body = client.post(f"/api/v1/alerts/{alert.pk}/mute/", {"until": in_days(5)}).json()

        assert (body["subject"], body["kind"]) == (alert.subject, "")

    def test_the_alert_stands_as_before(self, answered):
        _, alert, client = answered

        client.post(f"/api/v1/alerts/{alert.pk}/mute/", {"until": in_days(5)})

        alert.refresh_from_db()
        assert alert.state == "open"

    def test_an_alert_of_several_applications_does_not_say_which(self, api):
        world = make_small_world()
        make_dependency(make_application("Second", team=world.team), world.offering)
        world.event()
        raise_alerts(at=NOW)
        client = api(make_member(world.team), "write")

        answer = client.post(
            f"/api/v1/alerts/{Alert.objects.get().pk}/mute/",
            {"until": in_days(5), "scope": "application"},
        )

        assert "several applications" in problem_detail(answer, 400)

    @pytest.mark.parametrize("scope", ["offering", "provider", "application"])
    def test_an_alert_about_a_feed_has_no_model(self, api, scope):
        governor = make_user(role="governance")
        polled(make_source(), success=NOW - timedelta(days=2))
        raise_alerts(at=NOW)

        answer = api(governor, "write").post(
            f"/api/v1/alerts/{Alert.objects.get().pk}/mute/", {"until": in_days(5), "scope": scope}
        )

        assert "no" in problem_detail(answer, 400)

    def test_an_editor_mutes_the_mailbox_of_the_team(self, answered, api):
        world, alert, client = answered
        body = {"until": in_days(5), "team": world.team.slug}

        made = client.post(f"/api/v1/alerts/{alert.pk}/mute/", body).json()
        refused = api(make_member(world.team, TeamRole.VIEWER), "write").post(
            f"/api/v1/alerts/{alert.pk}/mute/", body
        )

        assert (made["team"], made["user"]) == (world.team.slug, None)
        problem_detail(refused, 403)


class TestAnsweringMany:
    @pytest.fixture
    def several(self, api):
        world = make_small_world()
        for _ in range(3):
            world.event()
        raise_alerts(at=NOW)
        editor = make_member(world.team, user=make_user("eda"))
        return world, list(Alert.objects.order_by("pk")), api(editor, "read", "write")

    def test_says_of_each_what_became_of_it(self, several):
        world, alerts, client = several
        hidden = Alert.objects.create(
            key="x||k",
            kind="announced",
            severity=3,
            event=alerts[0].event,
            team=make_team("Other"),
            raised_at=NOW,
        )
        read_only = make_team("Read only")
        make_member(read_only, TeamRole.VIEWER, world.team.memberships.get().user)
        seen = Alert.objects.create(
            key="y||k",
            kind="announced",
            severity=3,
            event=alerts[0].event,
            team=read_only,
            raised_at=NOW,
        )
        client.post(f"/api/v1/alerts/{alerts[0].pk}/acknowledge/", {})

        answer = client.post(
            "/api/v1/alerts/bulk-respond/",
            {
                "ids": [*(alert.pk for alert in alerts), seen.pk, hidden.pk, 10**12],
                "action": "acknowledge",
            },
        )

        body = answer.json()
        assert answer.status_code == 200
        assert (body["updated"], body["unchanged"]) == (
            [alerts[1].pk, alerts[2].pk],
            [alerts[0].pk],
        )
        refused = {row["id"]: row["detail"] for row in body["rejected"]}
        assert set(refused) == {seen.pk, hidden.pk, 10**12}
        assert "editor" in refused[seen.pk]
        assert (
            refused[hidden.pk]
            == refused[10**12]
            == ("Alert not found. It does not exist or you do not have access.")
        )
        assert set(Alert.objects.filter(state="open").values_list("pk", flat=True)) == {
            seen.pk,
            hidden.pk,
        }

    @pytest.mark.parametrize(
        ("action", "more", "state"),
        [
            ("acknowledge", {"reason": "on it"}, "acknowledged"),
            ("snooze", {"until": in_days(4)}, "snoozed"),
            ("assign", {"username": "eda"}, "open"),
            ("resolve", {"reason": "moved"}, "resolved"),
        ],
    )
    def test_gives_every_kind_of_answer_and_takes_it_back(self, several, action, more, state):
        _, alerts, client = several
        ids = [alert.pk for alert in alerts]

        body = client.post(
            "/api/v1/alerts/bulk-respond/", {"ids": ids, "action": action, **more}
        ).json()
        states = set(Alert.objects.values_list("state", flat=True))
        back = client.post("/api/v1/alerts/bulk-respond/", {"ids": ids, "action": "undo"}).json()

        assert (body["updated"], states) == (ids, {state})
        assert back["updated"] == ids
        assert set(Alert.objects.values_list("state", "assigned_to")) == {("open", None)}

    def test_one_that_cannot_be_answered_leaves_the_others_answered(self, several):
        _, alerts, client = several
        client.post(f"/api/v1/alerts/{alerts[1].pk}/resolve/", {"reason": "moved"})

        body = client.post(
            "/api/v1/alerts/bulk-respond/",
            {"ids": [alert.pk for alert in alerts], "action": "snooze", "until": in_days(4)},
        ).json()

        assert body["updated"] == [alerts[0].pk, alerts[2].pk]
        assert [(row["id"], row["detail"][:23]) for row in body["rejected"]] == [
            (alerts[1].pk, "This alert is resolved."),
        ]

    def test_an_id_named_twice_is_answered_once(self, several):
        _, alerts, client = several

        body = client.post(
            "/api/v1/alerts/bulk-respond/",
            {"ids": [alerts[0].pk] * 3, "action": "assign", "username": "eda"},
        ).json()

        assert (body["updated"], body["unchanged"], body["rejected"]) == ([alerts[0].pk], [], [])

    def test_nothing_is_stored_where_something_breaks(self, several, monkeypatch):
        _, alerts, client = several
        client.raise_request_exception = False

        def breaks(alerts, **kwargs):
            raise RuntimeError("the disk is full")

        monkeypatch.setattr("apps.alerts.issues.linked_issues.acknowledge_issues", breaks)
        answer = client.post(
            "/api/v1/alerts/bulk-respond/",
            {"ids": [alert.pk for alert in alerts], "action": "acknowledge"},
        )

        assert answer.status_code == 500
        assert set(Alert.objects.values_list("state", flat=True)) == {"open"}

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"ids": []},
            {"ids": [1]},
            {"ids": [1], "action": "mute"},
            {"ids": ["x"], "action": "reopen"},
            {"ids": [10**30], "action": "reopen"},
            {"ids": [0], "action": "reopen"},
            {"ids": [1], "action": "snooze"},
            {"ids": [1], "action": "assign"},
            {"ids": [1], "action": "resolve"},
            {"ids": [1], "action": "resolve", "reason": ""},
            {"ids": [1], "action": "assign", "username": "nobody"},
            {"ids": [*range(1, 502)], "action": "reopen"},
        ],
    )
    def test_refuses_what_is_no_answer(self, several, body):
        _, _, client = several

        problem_detail(client.post("/api/v1/alerts/bulk-respond/", body), 400)
