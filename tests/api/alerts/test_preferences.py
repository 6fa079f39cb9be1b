"""Subscriptions with their previews, mutes and mail preferences over REST."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.alerts.actions import create_mute, maintain_alerts, raise_alerts
from apps.alerts.models import Alert, Mute, Notice, Preference, Subscription
from apps.common.time import day_of, now
from tests.builders import (
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
)
from tests.http import listed_rows
from tests.kept_worlds import kept_world
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def in_days(n):
    return (day_of(now()) + n * DAY).isoformat()


@pytest.fixture
@kept_world
def world():
    return make_small_world()


@pytest.fixture
def ann(world):
    """Somebody who may read what the team owns and whom nothing falls to."""
    return make_member(world.team, TeamRole.VIEWER, make_user("ann"))


@pytest.fixture
def client(api, ann):
    return api(ann, "read", "write")


class TestSubscriptions:
    FULL = {
        "name": "Google",
        "provider": "google",
        "foundation": "google-gemini-2-5-pro",
        "kinds": ["announced", "retired"],
        "min_severity": 3,
        "max_days_left": 90,
        "enabled": True,
    }

    def test_are_made_read_changed_and_ended(self, client, world):
        made = client.post("/api/v1/subscriptions/", {**self.FULL, "team": world.team.slug})
        address = f"/api/v1/subscriptions/{made.json()['id']}/"
        changed = client.patch(address, {"provider": None, "kinds": []}).json()
        ended = client.delete(address)

        assert made.status_code == 201
        assert {name: made.json()[name] for name in self.FULL} == self.FULL
        assert made.json()["team"] == world.team.slug
        assert (changed["provider"], changed["kinds"], changed["foundation"]) == (
            None,
            [],
            "google-gemini-2-5-pro",
        )
        assert (ended.status_code, ended.content) == (204, b"")
        assert client.get(address).status_code == 404

    def test_one_without_filters_asks_for_everything_one_may_see(self, client):
        row = client.post("/api/v1/subscriptions/", {}).json()

        assert (row["kinds"], row["min_severity"], row["max_days_left"], row["enabled"]) == (
            [],
            1,
            None,
            True,
        )

    @pytest.mark.parametrize(
        "change",
        [
            {"provider": "nobody"},
            {"foundation": "none"},
            {"kinds": ["weather"]},
            {"kinds": "retired"},
            {"min_severity": 0},
            {"min_severity": 6},
            {"max_days_left": -1},
            {"max_days_left": 100_000},
            {"name": "x" * 101},
            {"enabled": "perhaps"},
        ],
    )
    def test_what_asks_for_nothing_is_refused(self, client, change):
        stored = client.post("/api/v1/subscriptions/", change)
        previewed = client.post("/api/v1/subscriptions/preview/", change)

        assert (stored.status_code, previewed.status_code) == (400, 400)
        assert not Subscription.objects.exists()

    def test_a_team_that_one_may_not_see_is_as_unknown_as_one_that_is_not_there(self, client):
        hidden = make_team()

        answers = [
            client.post("/api/v1/subscriptions/", {"team": slug}).json()
            for slug in (hidden.slug, "nowhere")
        ]

        assert [answer["status"] for answer in answers] == [400, 400]
        assert answers[0]["detail"].replace(hidden.slug, "nowhere") == answers[1]["detail"]

    def test_are_found_by_what_they_ask_for(self, client):
        client.post("/api/v1/subscriptions/", {"provider": "google"})
        client.post("/api/v1/subscriptions/", {"enabled": False})

        assert [
            row["provider"]
            for row in listed_rows(client.get("/api/v1/subscriptions/?provider=google"))
        ] == ["google"]
        assert [
            row["enabled"]
            for row in listed_rows(client.get("/api/v1/subscriptions/?enabled=false"))
        ] == [False]


class TestPreviews:
    def test_tell_what_raising_writes_once_it_is_stored(self, client, world, ann):
        """The same news twice: looked back upon by the preview, then raised with the subscription
        in place."""
        wish = {"provider": "google", "kinds": ["announced"]}
        world.event()
        world.event("retired")
        raise_alerts(at=now())
        preview = client.post("/api/v1/subscriptions/preview/", wish).json()
        made = client.post("/api/v1/subscriptions/", wish).json()
        stored = client.get(f"/api/v1/subscriptions/{made['id']}/preview/").json()
        before = Notice.objects.filter(user=ann).count()

        world.event()
        world.event("retired")
        raise_alerts(at=now())

        written = Notice.objects.filter(user=ann, why="subscription")
        assert preview == stored
        assert (before, written.count(), preview["n_alerts"]) == (0, 1, 1)
        assert written.get().alert.kind == "announced"
        assert (preview["days"], preview["n_mails"], preview["n_anyway"]) == (30, 1, 0)
        assert (
            preview["sentence"] == "Would have sent you 1 email in the last 30 days, about 1 alert."
        )
        assert len(preview["moments"]) == 1

    @pytest.mark.parametrize(
        "wish",
        [
            {},
            {"provider": "google"},
            {"provider": "google-vertex-ai"},
            {"provider": "elsewhere"},
            {"foundation": "google-gemini-2-5-pro"},
            {"team": "claims"},
            {"kinds": ["retired"]},
            {"kinds": ["released"], "provider": "google-vertex-ai"},
            {"min_severity": 4},
            {"min_severity": 5},
            {"max_days_left": 10},
            {"max_days_left": 90},
            {"provider": "google-vertex-ai", "max_days_left": 90},
            {"provider": "google-vertex-ai", "team": "claims"},
            {"provider": "google-vertex-ai", "min_severity": 2},
        ],
    )
    def test_agree_with_what_raising_writes_whatever_is_asked_for(self, client, world, ann, wish):
        """Among the news: of models that something of the person's stands on, of another team's,
        and of nobody's."""
        if wish.get("team"):
            wish = {**wish, "team": world.team.slug}
        make_provider("elsewhere")
        unused = make_offering(
            "gemini-unused", host=world.offering.host, version=world.offering.version
        )
        foreign = make_offering("gemini-foreign", host=world.offering.host)
        make_dependency(make_application("Foreign"), foreign)

        def news():
            for offering in (world.offering, unused, foreign):
                for kind in ("announced", "retired", "released"):
                    make_event(
                        offering, kind, detected_at=now(), effective_on=day_of(now()) + 40 * DAY
                    )
            raise_alerts(at=now())

        news()
        preview = client.post("/api/v1/subscriptions/preview/", wish).json()
        assert client.post("/api/v1/subscriptions/", wish).status_code == 201
        news()

        told = Notice.objects.filter(user=ann, occasion="raised").values("alert").distinct().count()
        assert preview["n_alerts"] == told

    def test_what_one_is_told_of_anyway_is_said(self, api, world):
        owner = make_member(world.team, TeamRole.OWNER)
        world.team.email = ""
        world.team.save()
        world.event()
        raise_alerts(at=now())

        preview = (
            api(owner, "write")
            .post("/api/v1/subscriptions/preview/", {"kinds": ["announced"]})
            .json()
        )

        assert (preview["n_alerts"], preview["n_anyway"]) == (1, 1)
        assert "of them were sent to you anyway" in preview["sentence"]

    def test_count_nothing_that_the_person_may_not_see(self, api, world):
        world.event()
        raise_alerts(at=now())
        outsider = api(make_member(make_team()), "write")

        preview = outsider.post("/api/v1/subscriptions/preview/", {"kinds": ["announced"]}).json()

        assert (preview["n_alerts"], preview["sentence"]) == (
            0,
            "Would have sent you no email in the last 30 days.",
        )

    def test_store_nothing(self, client):
        client.post("/api/v1/subscriptions/preview/", {"kinds": ["announced"]})

        assert not Subscription.objects.exists()


class TestMutes:
    def test_name_what_they_keep_back(self, client, world):
        made = client.post(
            "/api/v1/mutes/",
            {
                "until": in_days(9),
                "reason": "known",
                "kind": "repriced",
                "provider": "google-vertex-ai",
                "offering": world.offering.pk,
                "application": world.application.slug,
            },
        )

        body = made.json()
        assert (made.status_code, body["user"], body["created_by"]) == (201, "ann", "ann")
        assert (body["kind"], body["provider"], body["offering"], body["application"]) == (
            "repriced",
            "google-vertex-ai",
            world.offering.pk,
            world.application.slug,
        )
        assert (body["until"], body["holds"], body["reason"], body["lifted_at"]) == (
            in_days(9),
            True,
            "known",
            None,
        )

    def test_are_lifted_once_and_say_when(self, client):
        address = f"/api/v1/mutes/{client.post('/api/v1/mutes/', a_mute()).json()['id']}/"

        first = client.post(f"{address}unmute/").json()
        again = client.post(f"{address}unmute/").json()

        assert first["holds"] is False
        assert first["lifted_at"] == again["lifted_at"] is not None

    def test_what_still_waits_is_owed_again_once_one_is_lifted(self, client, world, ann):
        world.event()
        raise_alerts(at=now() - DAY)
        alert = Alert.objects.get()
        row = create_mute(by=ann, until=day_of(now()) + 9 * DAY, at=now() - DAY, kind="announced")
        Notice.objects.create(
            alert=alert,
            user=ann,
            why="subscription",
            owed_at=now() - DAY,
            skip_reason="muted",
            mute=row,
        )

        client.post(f"/api/v1/mutes/{row.pk}/unmute/")
        maintain_alerts(at=now())

        assert [notice.occasion_word for notice in Notice.objects.owed().filter(user=ann)] == [
            "unmuted"
        ]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"kind": "repriced"},
            {"until": in_days(5)},
            {"until": "2020-01-01", "kind": "repriced"},
            {"until": "2999-01-01", "kind": "repriced"},
            {"until": in_days(5), "kind": "weather"},
            {"until": in_days(5), "provider": "nobody"},
            {"until": in_days(5), "offering": 0},
            {"until": in_days(5), "application": "none"},
            {"until": in_days(5), "team": "none", "kind": "repriced"},
            {"until": in_days(5), "subject": "x" * 81},
            {"until": in_days(5), "subject": ""},
        ],
    )
    def test_what_mutes_nothing_is_refused(self, client, body):
        answer = client.post("/api/v1/mutes/", body)

        assert answer.status_code == 400, answer.json()
        assert not Mute.objects.exists()

    def test_an_application_that_one_may_not_see_cannot_be_named(self, client):
        hidden = make_application("Secret")

        answer = client.post("/api/v1/mutes/", {"until": in_days(5), "application": hidden.slug})

        assert answer.status_code == 400

    def test_an_application_that_went_to_another_team_is_not_named_any_more(self, client, world):
        made = client.post(
            "/api/v1/mutes/", {"until": in_days(5), "application": world.application.slug}
        ).json()
        world.application.team = make_team()
        world.application.save()

        assert client.get(f"/api/v1/mutes/{made['id']}/").json()["application"] is None

    def test_are_found_by_whether_they_hold_and_whom_they_are_for(self, client, api, world):
        editor = api(make_member(world.team), "read", "write")
        held = client.post("/api/v1/mutes/", a_mute()).json()["id"]
        lifted = client.post("/api/v1/mutes/", a_mute()).json()["id"]
        client.post(f"/api/v1/mutes/{lifted}/unmute/")
        of_team = editor.post("/api/v1/mutes/", {**a_mute(), "team": world.team.slug}).json()["id"]

        def found(query):
            return {row["id"] for row in listed_rows(client.get(f"/api/v1/mutes/?{query}"))}

        assert found("holds=true") == {held, of_team}
        assert found("holds=false") == {lifted}
        assert found(f"team={world.team.slug}") == {of_team}
        assert found("user=ann") == {held, lifted}


def a_mute():
    return {"until": in_days(5), "kind": "repriced"}


class TestMailPreferences:
    ALL = {
        "frequency": "weekly",
        "weekday": 4,
        "hour": 16,
        "time_zone": "Europe/Zurich",
        "urgent_immediately": False,
        "send_when_empty": True,
    }

    def test_without_a_word_they_are_the_usual_ones(self, client):
        body = client.get("/api/v1/notification-preferences/me/").json()

        assert (body["user"], body["team"], body["address"]) == ("ann", None, "ann@example.org")
        assert (
            body["frequency"],
            body["hour"],
            body["time_zone"],
            body["urgent_immediately"],
            body["send_when_empty"],
        ) == (
            "daily",
            7,
            "UTC",
            True,
            False,
        )
        assert body["next_mail_at"].endswith("T07:00:00Z")
        assert not Preference.objects.exists()

    def test_all_of_them_are_set_at_once(self, client, ann):
        put = client.put("/api/v1/notification-preferences/me/", self.ALL)

        body = put.json()
        assert (put.status_code, {name: body[name] for name in self.ALL}) == (200, self.ALL)
        # a Friday at 16:00 in Zurich, in winter or in summer
        assert body["next_mail_at"][11:] in {"15:00:00Z", "14:00:00Z"}
        assert client.get("/api/v1/notification-preferences/me/").json() == body
        ann.refresh_from_db()
        assert (ann.digest_hour, ann.time_zone) == (16, "Europe/Zurich")

    def test_what_was_read_can_be_sent_back(self, client):
        read = client.get("/api/v1/notification-preferences/me/").json()

        assert client.put("/api/v1/notification-preferences/me/", read).json() == read

    def test_some_are_changed_and_the_others_stay(self, client):
        client.put("/api/v1/notification-preferences/me/", self.ALL)

        body = client.patch("/api/v1/notification-preferences/me/", {"hour": 9}).json()

        assert {name: body[name] for name in self.ALL} == {**self.ALL, "hour": 9}

    @pytest.mark.parametrize("frequency", ["off", "immediate", "urgent_only"])
    def test_without_set_hours_there_is_no_next_mail(self, client, frequency):
        assert (
            client.patch("/api/v1/notification-preferences/me/", {"frequency": frequency}).json()[
                "next_mail_at"
            ]
            is None
        )

    @pytest.mark.parametrize(
        "change",
        [
            {"frequency": "hourly"},
            {"weekday": 7},
            {"weekday": -1},
            {"hour": 24},
            {"time_zone": "Europe/Nowhere"},
            {"time_zone": "../../etc/passwd"},
            {"time_zone": ""},
            {"urgent_immediately": "perhaps"},
            {"send_when_empty": None},
        ],
    )
    def test_what_cannot_be_kept_is_refused(self, client, change):
        whole = client.put("/api/v1/notification-preferences/me/", {**self.ALL, **change})
        part = client.patch("/api/v1/notification-preferences/me/", change)

        assert (whole.status_code, part.status_code) == (400, 400)
        assert client.get("/api/v1/notification-preferences/me/").json()["frequency"] == "daily"

    def test_all_of_them_must_be_named_to_set_all(self, client):
        answer = client.put("/api/v1/notification-preferences/me/", {"frequency": "weekly"})

        assert {error["field"] for error in answer.json()["errors"]} == set(self.ALL) - {
            "frequency"
        }

    def test_one_is_told_at_once_where_things_stand_each_alert_once_a_day(self, client, world, ann):
        world.event()
        raise_alerts(at=now())
        Alert.objects.update(assigned_to=ann)

        first = client.post("/api/v1/notification-preferences/me/send-summary/")
        again = client.post("/api/v1/notification-preferences/me/send-summary/")

        assert (first.status_code, first.json()["n_alerts"], again.json()["n_alerts"]) == (
            202,
            1,
            0,
        )
        assert [notice.occasion_word for notice in Notice.objects.owed().filter(user=ann)] == [
            "asked"
        ]

    def test_who_gets_no_mail_is_told_so(self, client):
        client.patch("/api/v1/notification-preferences/me/", {"frequency": "off"})

        answer = client.post("/api/v1/notification-preferences/me/send-summary/")

        assert (answer.status_code, answer.json()["detail"].partition(".")[0]) == (
            409,
            "Your notification frequency is Off",
        )

    def test_a_teams_mailbox_has_its_own(self, api, world):
        client = api(make_member(world.team, TeamRole.OWNER), "read", "write")
        address = f"/api/v1/notification-preferences/teams/{world.team.slug}/"

        body = client.patch(address, {"frequency": "weekdays", "hour": 6}).json()

        assert (body["user"], body["team"], body["address"]) == (
            None,
            world.team.slug,
            "claims@example.org",
        )
        assert (body["frequency"], body["hour"]) == ("weekdays", 6)
        assert client.get("/api/v1/notification-preferences/me/").json()["frequency"] == "daily"
        world.team.refresh_from_db()
        assert world.team.digest_hour == 6
