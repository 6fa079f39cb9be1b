"""The calendar over HTTP: with a token or session, and behind secret addresses."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from apps.accounts.roles import TeamRole
from apps.alerts.models import CalendarFeed
from apps.alerts.preferences import create_calendar_feed
from apps.api.alerts.calendar import LAST_USED_PRECISION
from apps.common.time import day_of, now
from tests.builders import make_member, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def ann():
    """Somebody of the team that runs the Motor damage estimator."""
    world = make_small_world()
    world.offering.retires_on = day_of(now()) + timedelta(days=40)
    world.offering.save()
    return make_member(world.team, TeamRole.VIEWER, make_user("ann"))


@pytest.fixture
def secret(ann):
    return create_calendar_feed(user=ann, name="Phone")[1]


def summaries(answer):
    assert answer.status_code == 200, answer.content
    return [str(event["summary"]) for event in Calendar.from_ical(answer.content).walk("VEVENT")]


SEEN = ["gemini-2.5-pro on Google Vertex AI retires: Motor damage estimator"]


class TestSignedIn:
    def test_a_token_that_reads_gets_it(self, ann, api):
        answer = api(ann, "read").get("/api/v1/calendar.ics")

        assert summaries(answer) == SEEN
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert answer["Content-Disposition"] == 'inline; filename="foundation-registry.ics"'

    def test_a_session_gets_it(self, ann, client):
        client.force_login(ann)

        assert summaries(client.get("/api/v1/calendar.ics")) == SEEN

    @pytest.mark.parametrize(
        "accept", ["text/calendar", "*/*", "text/calendar, */*;q=0.5", "text/*"]
    )
    def test_whatever_a_calendar_program_says_it_takes(self, ann, api, accept):
        assert api(ann).get("/api/v1/calendar.ics", HTTP_ACCEPT=accept).status_code == 200

    def test_a_refusal_is_a_problem_document(self, api):
        answer = api().get("/api/v1/calendar.ics")

        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
        assert "token" in answer.json()["detail"]

    def test_it_is_only_read(self, ann, api):
        assert api(ann, "read", "write").post("/api/v1/calendar.ics", {}).status_code == 405


class TestBySecret:
    def test_it_needs_no_sign_in(self, secret, client):
        answer = client.get(f"/calendar/{secret}.ics")

        assert summaries(answer) == SEEN
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"

    def test_nobody_between_keeps_it(self, secret, client):
        assert set(client.get(f"/calendar/{secret}.ics")["Cache-Control"].split(", ")) == {
            "private",
            "no-cache",
        }

    def test_it_is_not_sent_again_while_nothing_changed(self, secret, ann, client):
        first = client.get(f"/calendar/{secret}.ics")
        same = client.get(f"/calendar/{secret}.ics", HTTP_IF_NONE_MATCH=first["ETag"])
        ann.memberships.get().team.applications.update(name="Renamed")
        changed = client.get(f"/calendar/{secret}.ics", HTTP_IF_NONE_MATCH=first["ETag"])

        assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
        assert changed.status_code == 200
        assert b"Renamed" in changed.content

    def test_a_revoked_one_leads_nowhere(self, secret, client):
        CalendarFeed.objects.update(revoked_at=now())

        self.leads_nowhere(client.get(f"/calendar/{secret}.ics"))

    def test_an_unknown_one_leads_nowhere(self, secret, client):
        self.leads_nowhere(client.get(f"/calendar/{secret[:-1]}.ics"))

    def test_what_is_kept_of_one_is_none(self, secret, client):
        feed = CalendarFeed.objects.get()

        for kept in (feed.digest, feed.prefix):
            self.leads_nowhere(client.get(f"/calendar/{kept}.ics"))

    def test_that_of_somebody_who_left_leads_nowhere(self, secret, ann, client):
        ann.is_active = False
        ann.save()

        self.leads_nowhere(client.get(f"/calendar/{secret}.ics"))

    def leads_nowhere(self, answer):
        assert answer.status_code == 404
        assert b"VCALENDAR" not in answer.content
        assert CalendarFeed.objects.get().last_used_at is None

    def test_its_last_use_is_written_once_an_hour(self, secret, client):
        client.get(f"/calendar/{secret}.ics")
        first = CalendarFeed.objects.get().last_used_at
        client.get(f"/calendar/{secret}.ics")
        again = CalendarFeed.objects.get().last_used_at
        CalendarFeed.objects.update(last_used_at=first - LAST_USED_PRECISION)
        client.get(f"/calendar/{secret}.ics")

        assert first is not None
        assert again == first
        assert CalendarFeed.objects.get().last_used_at > first

    def test_it_shows_what_its_owner_may_see_on_the_day_it_is_read(self, secret, ann, client):
        ann.memberships.all().delete()

        assert summaries(client.get(f"/calendar/{secret}.ics")) == []

    def test_it_opens_nothing_else(self, secret, client):
        assert (
            client.get("/api/v1/alerts/", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 401
        )
        assert client.post(f"/calendar/{secret}.ics").status_code in {403, 405}

    def test_it_costs_the_same_statements_each_time(self, secret, client):
        client.get(f"/calendar/{secret}.ics")

        with CaptureQueriesContext(connection) as queries:
            client.get(f"/calendar/{secret}.ics")

        # the address, its last use (which changes nothing), and the five of the calendar
        assert len(queries) == 7

    @pytest.mark.parametrize(
        "path", ["calendar/.ics", "calendar/%F0%9F.ics", f"calendar/{'a' * 200}.ics"]
    )
    def test_what_is_no_secret_is_not_there(self, client, path):
        client.force_login(make_user())

        assert client.get(f"/{path}").status_code == 404


class TestAddresses:
    def test_one_is_shown_when_it_is_made_and_never_again(self, ann, api, client):
        made = api(ann, "write").post("/api/v1/calendar-feeds/", {"name": "Phone"})
        body = made.json()
        secret = body["url"].removeprefix(f"{settings.PUBLIC_URL}/calendar/").removesuffix(".ics")
        read = client.get(f"/calendar/{secret}.ics")
        listed = api(ann).get("/api/v1/calendar-feeds/")

        assert (made.status_code, body["name"], body["revoked_at"]) == (201, "Phone", None)
        assert "no-store" in made["Cache-Control"]
        assert summaries(read) == SEEN
        assert secret not in listed.content.decode()
        [row] = listed.json()["results"]
        assert (row["prefix"], row["last_used_at"] is not None, "url" in row) == (
            secret[:8],
            True,
            False,
        )

    def test_one_is_revoked_for_good(self, ann, api, client, secret):
        address = f"/api/v1/calendar-feeds/{CalendarFeed.objects.get().pk}/revoke/"

        first = api(ann, "read", "write").post(address).json()
        again = api(ann, "read", "write").post(address).json()

        assert first["revoked_at"] == again["revoked_at"] is not None
        assert client.get(f"/calendar/{secret}.ics").status_code == 404

    def test_another_one_goes_on(self, ann, api, client, secret):
        other = create_calendar_feed(user=ann)[0]

        api(ann, "write").post(f"/api/v1/calendar-feeds/{other.pk}/revoke/")

        assert summaries(client.get(f"/calendar/{secret}.ics")) == SEEN

    def test_they_are_neither_changed_nor_deleted(self, ann, api, secret):
        address = f"/api/v1/calendar-feeds/{CalendarFeed.objects.get().pk}/"
        client = api(ann, "read", "write")

        assert [client.patch(address, {}).status_code, client.delete(address).status_code] == [
            405,
            405,
        ]
        assert client.post("/api/v1/calendar-feeds/", {"name": "x" * 101}).status_code == 400
