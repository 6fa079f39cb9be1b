"""Atom feeds behind secret addresses: for readers that cannot sign in, revocable, with the eyes of
their owner."""

from xml.etree import ElementTree as ET

import pytest
from django.conf import settings

from apps.accounts.roles import TeamRole
from apps.alerts.models import Alert, CalendarFeed
from apps.alerts.preferences import create_calendar_feed
from apps.common.time import now
from tests.builders import make_event, make_member, make_offering, make_team, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db
ATOM = {"a": "http://www.w3.org/2005/Atom"}
KINDS = {"alerts": "atom/alerts", "changes": "atom/changes"}


@pytest.fixture
@kept_world
def ann():
    world = make_small_world()
    event = make_event(make_offering("model-1"))
    person = make_member(world.team, TeamRole.VIEWER, make_user("ann"))
    Alert.objects.create(
        key="event:1|announced||team:1",
        kind="announced",
        severity=3,
        team=world.team,
        event=event,
        offering=event.offering,
        state="open",
        raised_at=now(),
    )
    return person


def path_of(user, kind):
    return f"/{KINDS[kind]}/{create_calendar_feed(user=user, kind=kind)[1]}.atom"


def titles(answer):
    assert answer.status_code == 200, answer.content
    return [
        entry.find("a:title", ATOM).text
        for entry in ET.fromstring(answer.content).findall("a:entry", ATOM)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_it_needs_no_sign_in_and_is_not_sent_again_while_nothing_changed(ann, client, kind):
    path = path_of(ann, kind)

    first = client.get(path)
    again = client.get(path, HTTP_IF_NONE_MATCH=first["ETag"])

    assert len(titles(first)) == 1
    assert first["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert "private" in first["Cache-Control"]
    assert again.status_code == 304
    assert CalendarFeed.objects.get().last_used_at is not None


@pytest.mark.parametrize(
    ("details", "title"),
    [
        ({"what": "FR-27, Terms change"}, "Treatment due: FR-27, Terms change"),
        (
            {"found": [{"api_id": "a-1", "host": "There"}, {"api_id": "b"}]},
            "Treatment due: a-1 on There, and 1 more",
        ),
        ({}, "Treatment due: assessment 3"),
    ],
)
def test_an_alert_is_titled_by_what_it_speaks_of(ann, client, details, title):
    Alert.objects.create(
        key="assessment:3@2027-01-01|treatment_due||team:1",
        kind="treatment_due",
        severity=2,
        state="open",
        team=ann.memberships.get().team,
        subject_kind="assessment",
        subject_id=3,
        due_on="2027-01-01",
        raised_at=now(),
        details=details,
    )

    assert title in titles(client.get(path_of(ann, "alerts")))


def test_it_shows_what_its_owner_may_see(ann, client):
    stranger = make_member(make_team(), TeamRole.OWNER)

    assert titles(client.get(path_of(stranger, "alerts"))) == []
    assert titles(client.get(f"{path_of(ann, 'alerts')}?severity=5")) == []
    assert client.get(f"{path_of(ann, 'alerts')}?severty=5").status_code == 400


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_revoked_unknown_of_another_kind_or_of_somebody_who_left_leads_nowhere(
    ann, client, kind
):
    other = next(each for each in KINDS if each != kind)
    path = path_of(ann, kind)
    secret = path.rpartition("/")[2].removesuffix(".atom")

    for elsewhere in (
        f"/{KINDS[other]}/{secret}.atom",
        f"/calendar/{secret}.ics",
        f"/{KINDS[kind]}/{secret[:-1]}.atom",
    ):
        assert client.get(elsewhere).status_code == 404
    for feed in CalendarFeed.objects.all():
        assert client.get(f"/{KINDS[kind]}/{feed.digest}.atom").status_code == 404
    assert client.post(path).status_code == 405
    ann.is_active = False
    ann.save()
    assert client.get(path).status_code == 404
    ann.is_active = True
    ann.save()
    CalendarFeed.objects.update(revoked_at=now())
    assert client.get(path).status_code == 404


def test_an_address_is_made_and_revoked_by_rest(ann, api, client):
    caller = api(ann, "read", "write")

    made = caller.post(
        "/api/v1/calendar-feeds/", {"kind": "alerts", "name": "Reader"}, format="json"
    )
    wrong = caller.post("/api/v1/calendar-feeds/", {"kind": "news"}, format="json")

    path = made.json()["url"].removeprefix(settings.PUBLIC_URL)
    assert (made.status_code, made.json()["kind"], wrong.status_code) == (201, "alerts", 400)
    assert len(titles(client.get(path))) == 1
    assert caller.post(f"/api/v1/calendar-feeds/{made.json()['id']}/revoke/").status_code == 200
    assert client.get(path).status_code == 404


def test_the_page_makes_one_of_each_kind_and_shows_it_once(ann, client):
    client.force_login(ann)

    page = client.post("/alerts/calendar/", {"kind": "changes", "name": "Reader"}).content.decode()
    refused = client.post("/alerts/calendar/", {"kind": "news"})

    assert "/atom/changes/" in page
    assert "Change feed (Atom)" in page
    assert "/atom/changes/" not in client.get("/alerts/subscriptions/").content.decode()
    assert refused.status_code == 302
    assert CalendarFeed.objects.count() == 1
