"""The calendar of one person, parsed back by the library that calendar programs are written
with."""

import json
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from apps.accounts.roles import TeamRole
from apps.alerts.calendar import feed as calendars
from apps.alerts.calendar import queries
from apps.alerts.calendar.feed import build_calendar
from apps.alerts.kinds.reminders.queries import all_reminder_types
from apps.alerts.models import PERSONAL_KINDS, DayKind, Mute
from apps.catalog.models import OfferingStage
from apps.exposure.models import Campaign, CampaignTask, ExposureSettings, FlagEvent
from apps.gate.models import Waiver
from apps.inventory.models import Application, Approval, Dependency, ExitTest, Selection
from apps.risks.models import Assessment, FoundationRisk
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_claim,
    make_dependency,
    make_exit_test,
    make_flag,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def events_of(user, *, at=NOW):
    """{UID: event} of the calendar of `user`."""
    parsed = Calendar.from_ical(build_calendar(user, at=at))
    found = {str(event["uid"]): event for event in parsed.walk("VEVENT")}
    assert len(found) == len(parsed.walk("VEVENT")), "every UID is there once"
    return found


def only(user, *, at=NOW):
    [event] = events_of(user, at=at).values()
    return event


def summaries(user):
    return sorted(str(event["summary"]) for event in events_of(user).values())


@pytest.fixture
def member(world):
    return make_member(world.team, TeamRole.VIEWER)


class TestEnds:
    def test_an_end_is_one_whole_day_that_takes_no_time_and_names_who_calls_it(
        self, world, member, settings
    ):
        settings.PUBLIC_URL = "https://registry.example.org"

        event = only(member)

        assert (
            str(event["summary"])
            == "gemini-2.5-pro on Google Vertex AI retires: Motor damage estimator"
        )
        assert (event.decoded("dtstart"), event.decoded("dtend")) == (
            date(2027, 1, 15),
            date(2027, 1, 16),
        )
        assert (str(event["transp"]), str(event["categories"].cats[0])) == (
            "TRANSPARENT",
            "Upcoming retirement",
        )
        assert str(event["uid"]) == f"offering-{world.offering.pk}-end@registry.example.org"
        assert str(event["url"]) == f"https://registry.example.org/offerings/{world.offering.pk}/"
        assert str(event["description"]).splitlines() == [
            "gemini-2.5-pro on Google Vertex AI retires on 15 January 2027. The date is announced.",
            "Used by 1 application, 1 as a primary model:",
            "- Motor damage estimator",
            "Provider's replacement: gemini-3-pro",
            str(event["url"]),
        ]

    def test_a_day_before_which_nothing_ends_is_said_to_be_one(self, world, member):
        world.offering.date_kind = "not_before"
        world.offering.save()

        event = only(member)

        assert str(event["summary"]) == (
            "gemini-2.5-pro on Google Vertex AI retires no earlier than 15 January 2027: Motor "
            "damage estimator"
        )
        assert "From then on it can retire any day" in str(event["description"])

    def test_many_applications_are_one_event_that_names_the_gravest_and_counts_the_rest(
        self, world, member
    ):
        for number in range(30):
            judge = make_application(f"Judge {number:02}", team=world.team, criticality=3)
            make_dependency(judge, world.offering, "judge")

        event = only(member)

        assert str(event["summary"]).endswith(
            "retires: Motor damage estimator, Judge 00, Judge 01 and 28 more"
        )
        described = str(event["description"])
        assert "Used by 31 applications, 1 as a primary model:" in described
        assert (described.count("- Judge"), "- and 11 more" in described) == (19, True)

    def test_a_day_that_moves_moves_the_event(self, world, member):
        before = only(member)
        world.offering.retires_on = date(2027, 3, 1)
        world.offering.save()

        after = only(member)

        assert after["uid"] == before["uid"]
        assert after.decoded("dtstart") == date(2027, 3, 1)
        assert int(after["sequence"]) > int(before["sequence"])
        assert after.decoded("last-modified") >= before.decoded("last-modified")

    def test_an_end_that_was_taken_back_is_gone(self, world, member):
        world.offering.retires_on, world.offering.date_kind = None, ""
        world.offering.save()

        assert events_of(member) == {}

    def test_what_calls_it_no_more_or_is_not_in_use_is_left_out(self, world, member):
        for status in ("proposed", "retired"):
            make_dependency(
                make_application(f"Is {status}", team=world.team, status=status), world.offering
            )
        gone = make_application("Moved away", team=world.team)
        make_dependency(gone, world.offering, until=TODAY)

        assert summaries(member) == [
            "gemini-2.5-pro on Google Vertex AI retires: Motor damage estimator"
        ]

    def test_what_is_redirected_ends_with_what_answers_in_its_place(self, world, member):
        old = make_offering(
            "gemini-old",
            host=world.offering.host,
            end_behaviour="redirect",
            replacement=world.offering,
            retires_on=TODAY - 300 * DAY,
            date_kind="firm",
            lifecycle="retired",
        )
        make_dependency(make_application("Old caller", team=world.team), old)

        assert any("Old caller" in said for said in summaries(member))

    def test_days_stay_for_a_quarter_after_they_have_passed(self, world, member):
        world.offering.retires_on = TODAY - queries.PAST_DAYS * DAY
        world.offering.save()

        assert only(member).decoded("dtstart") == world.offering.retires_on
        assert events_of(member, at=NOW + DAY) == {}

    def test_it_holds_what_the_database_holds(self, world, member):
        """Several models, teams and applications, compared with what stands in the tables."""
        other = make_team("Other")
        hosts = [make_provider(f"host-{n}") for n in range(3)]
        for number in range(12):
            offering = make_offering(
                f"model-{number}",
                host=hosts[number % 3],
                date_kind="firm" if number % 2 else "not_before",
                retires_on=TODAY + number * 20 * DAY,
            )
            for team in (world.team, other)[: 1 + number % 2]:
                make_dependency(
                    make_application(f"App {number} of {team.name}", team=team), offering
                )
        make_dependency(
            make_application("Only theirs", team=other),
            make_offering("theirs", retires_on=TODAY + DAY, date_kind="firm"),
        )

        found = {
            (event.decoded("dtstart"), str(event["summary"]).rpartition(": ")[2])
            for event in events_of(member).values()
        }

        mine = Dependency.objects.filter(application__team=world.team).select_related(
            "application", "offering"
        )
        assert found == {(row.offering.retires_on, row.application.name) for row in mine}
        assert len(found) == 13


# --- days of the organisation's own ---------------------------------------------------------------


@pytest.fixture
def days(world):
    """One of every kind of day, each on a day of its own."""
    world.offering.retires_on, world.offering.date_kind = None, ""
    world.offering.save()
    application = world.application
    application.next_review_on = TODAY + 10 * DAY
    application.save()
    dependency = application.dependencies.get()
    governor = make_user("gus", role="governance", first_name="Gus", last_name="Grant")
    node = world.offering.footings.get(node__kind=5, depth=0).node

    def risk(title, **fields):
        row = FoundationRisk.objects.create(
            node=node, title=title, likelihood=3, impact=4, opened_at=NOW, changed_at=NOW
        )
        Assessment.objects.create(
            risk=row,
            dependency=dependency,
            inherent_likelihood=3,
            inherent_impact=4,
            assessed_by=governor,
            assessed_at=NOW,
            **fields,
        )

    risk(
        "Outage",
        treatment="accept",
        accepted_by=governor,
        accepted_at=NOW,
        accept_reason="none else",
        accepted_until=TODAY + 11 * DAY,
    )
    risk("Prices", treatment="reduce", due_on=TODAY + 12 * DAY)
    make_exit_test(
        dependency,
        make_offering("spare", host=make_provider("there", name="There")),
        tested_on=TODAY - 352 * DAY,
    )
    campaign = Campaign.objects.create(
        title="Move", subject=world.offering, opened_by=governor, opened_at=NOW
    )
    CampaignTask.objects.create(
        campaign=campaign,
        dependency=dependency,
        state="waived",
        waived_by=governor,
        waived_reason="later",
        waived_until=TODAY + 14 * DAY,
    )
    Approval.objects.create(
        provider=world.offering.host,
        decision="approved",
        reason="sound",
        approver=governor,
        decided_on=TODAY,
        expires_on=TODAY + 15 * DAY,
    )
    Selection.objects.create(
        title="Bet on Google",
        created_by=governor,
        state="decided",
        decided_by=governor,
        decided_on=TODAY,
        decision="x",
        reason="y",
        review_on=TODAY + 16 * DAY,
    )
    Waiver.objects.create(
        application=application,
        rule="FR002",
        model="gemini-2.5-pro",
        reason="Moving.",
        until=TODAY + 18 * DAY,
        requested_by=make_user("ask"),
        requested_at=NOW,
        requested_on=TODAY,
        state="granted",
        decided_by=governor,
        decided_at=NOW,
    )
    flag = make_flag(
        state="accepted",
        accepted_by=governor,
        accepted_until=TODAY + 17 * DAY,
        accepted_reason="known",
        ceiling="0.7",
    )
    assert FlagEvent.objects.filter(flag=flag).exists()
    OfferingStage.objects.create(
        offering=world.offering,
        stage="closed_to_new",
        starts_on=TODAY + 19 * DAY,
        date_kind="firm",
        claim=make_claim(make_source("page"), "gemini", offering=world.offering),
    )
    return world


TEAMS_DAYS = {
    10: "The review of Motor damage estimator is due today",
    11: "The acceptance of Outage for Motor damage estimator by Gus Grant expires today",
    12: "The treatment of Prices for Motor damage estimator is due today",
    13: "The exit test of Motor damage estimator for spare on There expires today",
    14: "The deferral for Motor damage estimator in Move by Gus Grant expires today",
    18: "The waiver of FR002 Model retired, gemini-2.5-pro for Motor damage estimator by Gus "
    "Grant expires today",
    19: "The next stage of gemini-2.5-pro on Google Vertex AI (closed to new customers) for Motor "
    "damage estimator begins today",
}
DECIDED_DAYS = {
    15: "The approval of Google Vertex AI (approved) by Gus Grant expires today",
    16: "The review of Bet on Google is due today",
}
FLAG_DAYS = {
    17: "The acceptance of Critical applications on one developer by Gus Grant expires today"
}


def in_days(user):
    """{days from today: summary}"""
    return {
        (event.decoded("dtstart") - TODAY).days: str(event["summary"])
        for event in events_of(user).values()
    }


class TestDaysOfTheOwn:
    def test_a_member_sees_the_days_of_the_teams_applications(self, days):
        assert in_days(make_member(days.team, TeamRole.VIEWER)) == TEAMS_DAYS

    def test_an_office_sees_those_of_the_organisation_too(self, days):
        assert in_days(make_user(role="auditor")) == TEAMS_DAYS | DECIDED_DAYS | FLAG_DAYS

    def test_who_decided_without_an_office_any_more_sees_the_decision_and_not_the_flag(self, days):
        gus = Approval.objects.get().approver
        gus.organisation_role = ""
        gus.save()

        assert in_days(gus) == DECIDED_DAYS

    def test_another_team_sees_none_of_them(self, days):
        assert events_of(make_member(make_team())) == {}

    def test_each_leads_to_the_page_of_its_application(self, days, settings):
        settings.PUBLIC_URL = "https://registry.example.org"

        urls = {str(event["url"]) for event in events_of(make_member(days.team)).values()}

        assert urls == {f"https://registry.example.org/applications/{days.application.slug}/"}

    def test_a_new_day_moves_the_event_and_a_settled_one_takes_it_away(self, days):
        member = make_member(days.team)
        before = events_of(member)
        assessment = Assessment.objects.get(treatment="accept")
        assessment.accepted_until = TODAY + 40 * DAY
        assessment.save()
        Application.objects.update(next_review_on=None)

        after = events_of(member)

        [uid] = [uid for uid in before if uid.startswith(f"assessment-{assessment.pk}-acceptance")]
        assert after[uid].decoded("dtstart") == TODAY + 40 * DAY
        assert int(after[uid]["sequence"]) > int(before[uid]["sequence"])
        assert {uid for uid in before if uid not in after} == {
            uid for uid in before if uid.startswith("application-")
        }

    def test_a_test_without_an_end_of_its_own_counts_for_as_long_as_tests_are_said_to(self, days):
        """A year while nobody has said otherwise, and then as long as that."""
        auditor = make_user(role="auditor")
        test = ExitTest.objects.get()

        def ends_on():
            [event] = [
                event for uid, event in events_of(auditor).items() if uid.startswith("exit-test-")
            ]
            return event.decoded("dtstart")

        usual = ends_on()
        ExposureSettings.objects.create(pk=ExposureSettings.ONLY, test_validity_days=400)
        as_set = ends_on()
        test.expires_on = TODAY + 5 * DAY
        test.save()

        assert [usual, as_set] == [test.tested_on + 365 * DAY, test.tested_on + 400 * DAY]
        assert ends_on() == TODAY + 5 * DAY

    def test_a_mute_is_no_day_of_the_calendar(self, days):
        member = make_member(days.team)
        Mute.objects.create(
            user=member, kind="repriced", until=TODAY + 60 * DAY, created_by=member, created_at=NOW
        )

        assert in_days(member) == TEAMS_DAYS

    def test_every_cause_that_alerts_know_is_in_it_but_what_is_one_persons_own(self, days):
        kinds = {
            event["categories"].cats[0] for event in events_of(make_user(role="auditor")).values()
        }

        known = {DayKind(cause.kind).label for cause in all_reminder_types()} - {
            kind.label for kind in PERSONAL_KINDS
        }
        assert {str(kind) for kind in kinds} == known


# --- whose it is ----------------------------------------------------------------------------------


class TestWhoseItIs:
    def test_an_application_of_another_team_is_neither_named_nor_counted(self, world, member):
        make_dependency(make_application("Secret project"), world.offering)

        said = build_calendar(member, at=NOW).decode()

        assert "Secret" not in said
        assert "Used by 1 application\\, 1 as a primary" in said

    def test_who_sees_no_application_has_an_empty_calendar(self, world):
        assert events_of(make_user()) == {}

    def test_who_is_not_active_has_an_empty_calendar(self, world):
        assert events_of(make_user(role="auditor", is_active=False)) == {}

    def test_a_team_below_belongs_to_it(self, world):
        above = make_team("Division")
        world.team.parent = above
        world.team.save()

        assert summaries(make_member(above, TeamRole.VIEWER)) == summaries(make_member(world.team))


# --- RFC 5545 -------------------------------------------------------------------------------------

HOSTILE = (
    "Pay; roll, and \\more\\ \r\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:forged \u2028 \u202e\x07"
    + "ä" * 100
)


class TestTheFormat:
    def test_hostile_names_stay_one_event_and_keep_their_signs(self, world, member):
        Application.objects.filter(pk=world.application.pk).update(name=HOSTILE)

        event = only(member)

        named = str(event["summary"]).partition("retires: ")[2]
        assert (
            named == f"Pay; roll, and \\more\\ END:VEVENT BEGIN:VEVENT SUMMARY:forged {'ä' * 100}"
        )

    def test_lines_end_and_fold_as_the_standard_asks(self, world, member):
        Application.objects.filter(pk=world.application.pk).update(name=HOSTILE)

        said = build_calendar(member, at=NOW)

        assert said.endswith(b"END:VCALENDAR\r\n")
        assert b"\n" not in said.replace(b"\r\n", b"")
        assert max(len(line) for line in said.split(b"\r\n")) <= 75

    def test_it_says_what_it_is_and_when_to_come_again(self, world, member):
        parsed = Calendar.from_ical(build_calendar(member, at=NOW))

        assert (str(parsed["version"]), str(parsed["method"]), str(parsed["x-wr-calname"])) == (
            "2.0",
            "PUBLISH",
            "Foundation Registry",
        )
        assert parsed["refresh-interval"].dt == timedelta(hours=6)

    def test_it_stays_the_same_to_the_letter_while_nothing_changes(self, days):
        member = make_member(days.team)

        assert build_calendar(member, at=NOW) == build_calendar(member, at=NOW + timedelta(hours=5))

    @pytest.mark.parametrize("n", [1, 6])
    def test_it_costs_the_same_statements_however_much_it_holds(self, world, member, n):
        for number in range(n):
            offering = make_offering(
                retires_on=TODAY + number * DAY, date_kind="firm", replacement=world.offering
            )
            application = make_application(team=world.team, next_review_on=TODAY + DAY)
            make_dependency(application, offering)

        with CaptureQueriesContext(connection) as queries:
            assert len(events_of(member)) == 1 + 2 * n

        # teams, ends, other days, applications, offerings
        assert len(queries) == 5

    def test_what_is_too_much_for_a_calendar_is_cut_to_the_nearest_days_and_it_says_so(
        self, world, member, monkeypatch
    ):
        for number in range(1, 6):
            make_dependency(
                world.application, make_offering(retires_on=TODAY + number * DAY, date_kind="firm")
            )
        for module in (calendars, queries):
            monkeypatch.setattr(module, "MAX_ENTRIES", 3)

        parsed = Calendar.from_ical(build_calendar(member, at=NOW))

        assert [(event.decoded("dtstart") - TODAY).days for event in parsed.walk("VEVENT")] == [
            1,
            2,
            3,
        ]
        assert str(parsed["x-wr-caldesc"]) == (
            "More than 3 dates: the calendar shows those nearest to today."
        )


def _rows_read(table, ask):
    """Return how many rows of a table the statements of `ask` read by an index."""

    def walk(node):
        own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        read = own * node["Actual Loops"] if node.get("Relation Name") == table else 0
        return read + sum(walk(below) for below in node.get("Plans", ()))

    with CaptureQueriesContext(connection) as asked:
        ask()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        n_read = 0
        for query in asked:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
            [(plans,)] = cursor.fetchall()
            n_read += walk((json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"])
        cursor.execute("SET LOCAL enable_seqscan = on")
    return n_read


def test_retirements_of_a_team_cost_what_its_applications_do():
    team, others = make_team("Ours"), make_team("Theirs")
    offering = make_offering("ends", retires_on=TODAY + 30 * DAY, date_kind="firm")
    make_dependency(make_application(team=team), offering)

    def ask():
        [retirement] = queries.upcoming_retirements(
            on=TODAY, team_ids=[team.pk], first=TODAY, last=TODAY + 90 * DAY
        )
        assert retirement.n == 1

    few = _rows_read("inventory_dependency", ask)
    for _ in range(20):
        make_dependency(make_application(team=others), offering)
    assert _rows_read("inventory_dependency", ask) == few > 0
