"""What one gets: how one is mailed, what one asked for, what one muted, the calendar, and where
things stand now."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.alerts.actions import raise_alerts
from apps.alerts.delivery.schedule import DigestSchedule
from apps.alerts.models import (
    Alert,
    Cadence,
    CalendarFeed,
    HandledEvent,
    Mute,
    Notice,
    Preference,
    Subscription,
)
from apps.alerts.preferences import (
    InvalidPreferenceError,
    create_calendar_feed,
    feed_secret_hash,
    save_subscription,
    set_preference,
)
from apps.alerts.subscription_preview import preview_subscription
from apps.common.time import now
from apps.web.views.alerts.preferences import describe_next_email
from tests.builders import make_event, make_member, make_team, make_user
from tests.http import text_of

PAGE = "/alerts/subscriptions/"
MAIL = {
    "cadence": "weekly",
    "weekday": "2",
    "hour": "16",
    "time_zone": "Europe/Zurich",
    "immediate": "on",
}


@pytest.fixture
def owner(world):
    return make_member(world.team, TeamRole.OWNER, make_user("olga"))


# --- how and when ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["governance", "editor", "viewer", "outsider"])
def test_everybody_has_the_page(reader, world, as_user):
    page = text_of(as_user(getattr(world, reader)).get(PAGE))

    assert "The next digest is sent on" in page
    assert "No subscriptions yet." in page
    assert "Every mute expires." in page
    assert "Mailbox of" not in page


def test_one_chooses_when_one_is_mailed(world, as_user):
    page = text_of(as_user(world.viewer).post("/alerts/mail/", MAIL, follow=True))

    wish = Preference.objects.get(user=world.viewer)
    world.viewer.refresh_from_db()
    assert (wish.cadence, wish.weekday, wish.immediate, wish.heartbeat) == (
        "weekly",
        2,
        True,
        False,
    )
    assert (world.viewer.digest_hour, world.viewer.time_zone) == (16, "Europe/Zurich")
    assert "The next digest is sent on Wednesday" in page
    assert "at 16:00 Europe/Zurich" in page


@pytest.mark.parametrize(
    ("rhythm", "words"),
    [
        (
            DigestSchedule(),
            "The next digest is sent on Thursday 26 November 2026 at 07:00 UTC, if an alert is "
            "pending by then. Urgent alerts are sent immediately.",
        ),
        (
            DigestSchedule(time_zone="America/New_York"),
            "Wednesday 25 November 2026 at 07:00 America/New_York",
        ),
        (
            DigestSchedule(cadence=Cadence.WEEKLY, weekday=4, immediate=False),
            "Friday 27 November 2026 at 07:00 UTC, if an alert is pending by then. Nothing is sent "
            "before that.",
        ),
        (DigestSchedule(heartbeat=True), "even if nothing changed"),
        (DigestSchedule(cadence=Cadence.AT_ONCE), "An email is sent one minute after each event."),
        (
            DigestSchedule(cadence=Cadence.URGENT),
            "No digests are sent. Urgent alerts are sent immediately",
        ),
        (DigestSchedule(cadence=Cadence.NEVER), "No emails are sent."),
    ],
)
def test_the_next_mail_is_foretold(rhythm, words):
    assert words in describe_next_email(
        rhythm, "a@example.org", datetime(2026, 11, 25, 9, tzinfo=UTC)
    )


def test_without_an_address_no_mail_is_promised():
    assert describe_next_email(DigestSchedule(), "", now()) == (
        "No email can be sent, because no email address is recorded."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time_zone": "Mars/Olympus"}, "&quot;Mars/Olympus&quot; is not a valid time zone."),
        ({"time_zone": ""}, "Enter a time zone, such as Europe/Zurich"),
        ({"cadence": "hourly"}, "Select a valid choice."),
        ({"hour": "24"}, "Select a valid choice."),
    ],
)
def test_a_wish_that_cannot_be_kept_is_refused_with_a_sentence(change, words, world, as_user):
    response = as_user(world.viewer).post("/alerts/mail/", {**MAIL, **change})

    assert response.status_code == 422
    assert words in text_of(response)
    assert not Preference.objects.exists()


def test_a_refusal_is_shown_at_the_field_that_it_names_however_it_is_worded(
    world, as_user, monkeypatch
):
    def refuse(name):
        raise InvalidPreferenceError("Other words.", field="time_zone")

    monkeypatch.setattr("apps.alerts.preferences._check_zone", refuse)

    response = as_user(world.viewer).post("/alerts/mail/", MAIL)

    assert response.context["own"].form.errors == {"time_zone": ["Other words."]}


def test_an_owner_chooses_for_the_mailbox_of_the_team(world, owner, as_user):
    client = as_user(owner)
    assert "Mailbox of Claims" in text_of(client.get(PAGE))

    page = text_of(client.post(f"/alerts/mail/of/{world.team.slug}/", MAIL, follow=True))

    world.team.refresh_from_db()
    assert Preference.objects.get(team=world.team).cadence == "weekly"
    assert (world.team.digest_hour, world.team.time_zone) == (16, "Europe/Zurich")
    assert "Preferences for the mailbox of Claims saved." in page


@pytest.mark.parametrize(("reader", "code"), [("editor", 403), ("viewer", 403), ("outsider", 404)])
def test_nobody_else_chooses_for_it(reader, code, world, as_user):
    response = as_user(getattr(world, reader)).post(f"/alerts/mail/of/{world.team.slug}/", MAIL)

    assert response.status_code == code
    assert not Preference.objects.exists()
    if code == 403:
        assert (
            "You need the owner role on Claims to change the preferences of its mailbox."
            in text_of(response)
        )


def test_governance_finds_any_mailbox_by_its_team(world, as_user):
    client = as_user(world.governance)

    assert "Mailbox of Claims" not in text_of(client.get(PAGE))
    assert "Mailbox of Claims" in text_of(client.get(f"{PAGE}?team={world.team.slug}"))


def test_a_team_without_a_mailbox_is_named(world, owner, as_user):
    world.team.email = ""
    world.team.save()

    assert "Claims has no mailbox. Emails are sent to the owners instead." in text_of(
        as_user(owner).get(PAGE)
    )


# --- subscriptions --------------------------------------------------------------------------------


def subscribed(user, **fields):
    return save_subscription(subscription=Subscription(user=user, **fields), by=user)


def test_one_subscribes_by_the_form(world, as_user):
    page = text_of(
        as_user(world.viewer).post(
            f"{PAGE}new/",
            {
                "name": "Sonnet",
                "provider": "anthropic",
                "foundation": "claude sonnet 4.5",
                "team": world.team.slug,
                "kinds": ["announced", "retired"],
                "min_severity": "3",
                "max_days_left": "90",
                "enabled": "on",
            },
            follow=True,
        )
    )

    row = Subscription.objects.get()
    assert (row.user, row.provider, row.team) == (world.viewer, world.sonnet.host, world.team)
    assert row.foundation == world.sonnet.version.foundation
    assert (row.kinds, row.min_severity, row.max_days_left, row.enabled) == (
        ["announced", "retired"],
        3,
        90,
        True,
    )
    assert (
        "Retirement announced and retired, of Anthropic, of Claude Sonnet 4.5, "
        "of Claims and the teams "
        "below it, "
        "severity medium and above, due within 90 days."
    ) in page


def test_a_subscription_is_changed_and_keeps_kinds_that_only_the_api_offers(world, as_user):
    row = subscribed(world.viewer, kinds=["announced", "late"])
    client = as_user(world.viewer)
    page = text_of(client.get(f"{PAGE}{row.pk}/"))
    assert 'value="late" checked' in page

    client.post(f"{PAGE}{row.pk}/", {"kinds": ["late"], "min_severity": "1"})

    row.refresh_from_db()
    assert (row.kinds, row.enabled) == (["late"], False)


def test_a_subscription_is_ended(world, as_user):
    row = subscribed(world.viewer, name="All of it")

    page = text_of(as_user(world.viewer).post(f"{PAGE}{row.pk}/end/", follow=True))

    assert "Subscription deleted: All of it." in page
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("path", ["{pk}/", "{pk}/end/"])
def test_the_subscriptions_of_others_are_not_there(path, world, as_user):
    row = subscribed(world.viewer)

    for user in (world.governance, world.outsider):
        assert (
            as_user(user).post(PAGE + path.format(pk=row.pk), {"min_severity": "1"}).status_code
            == 404
        )
    assert Subscription.objects.get().user == world.viewer


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"foundation": "nothing of that name"},
            "No foundation &quot;nothing of that name&quot; found.",
        ),
        ({"max_days_left": "soon"}, "Enter a number of days, such as 90."),
        ({"team": "legal"}, "Select a valid choice."),
        ({"kinds": ["burnt"]}, "Select a valid choice. burnt is not one of the available choices."),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused_with_a_sentence(data, words, world, as_user):
    response = as_user(world.viewer).post(f"{PAGE}new/", {"min_severity": "1", **data})

    assert response.status_code == 422
    assert words in text_of(response)
    assert not Subscription.objects.exists()


def test_foundations_are_offered_while_one_types(world, as_user):
    page = text_of(as_user(world.viewer).get(f"{PAGE}foundations/?foundation=sonnet"))

    assert (
        '<option value="anthropic-claude-sonnet-4-5">Claude Sonnet 4.5, Anthropic</option>' in page
    )
    assert "<option" not in text_of(as_user(world.viewer).get(f"{PAGE}foundations/?foundation="))


# --- preview --------------------------------------------------------------------------------------


def test_the_preview_says_how_many_mails_that_would_have_been(world, as_user):
    client = as_user(world.viewer)
    sentence = "Would have sent you 1 email in the last 30 days, about 1 alert."

    assert sentence in text_of(client.get(f"{PAGE}preview/?min_severity=1"))
    assert "Would have sent you no email" in text_of(
        client.get(f"{PAGE}preview/?min_severity=1&kinds=retired")
    )
    page = text_of(client.post(f"{PAGE}new/", {"min_severity": "1", "preview": "1"}))
    assert sentence in page
    assert not Subscription.objects.exists()


def test_the_preview_shows_nothing_of_what_one_may_not_see(world, as_user):
    assert "Would have sent you no email" in text_of(
        as_user(world.outsider).get(f"{PAGE}preview/?min_severity=1")
    )


def test_while_something_is_wrong_the_preview_says_what(world, as_user):
    assert "Select one of the list" in text_of(
        as_user(world.viewer).get(f"{PAGE}preview/?min_severity=1&foundation=nothing")
    )


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"kinds": ["retired", "moved_later"]},
        {"min_severity": 4},
        {"provider": True},
        {"provider": True, "kinds": ["released"]},
        {"team": True},
        {"max_days_left": 20},
    ],
)
def test_the_preview_agrees_with_what_raising_writes(wish, world):
    """Raise the same events once without the subscription, which the preview looks at, and once
    with it."""
    at, host, today = now(), world.sonnet.host, world.today
    Notice.objects.all().delete()
    Alert.objects.all().delete()
    for n, (kind, offering, days) in enumerate(
        [
            ("announced", world.sonnet, 10),
            ("moved_later", world.sonnet, 60),
            ("retired", world.sonnet_bedrock, 0),
            ("released", world.sonnet, None),
            ("delisted", world.unknown, None),
        ]
    ):
        on = today + timedelta(days) if days is not None else None
        make_event(
            offering,
            kind,
            key=f"n{n}",
            detected_at=at,
            effective_on=on,
            new=on.isoformat() if on else None,
            old=None,
        )
    raise_alerts(at=at)
    wanted = {
        **wish,
        **({"provider": host} if wish.get("provider") else {}),
        **({"team": world.team} if wish.get("team") else {}),
    }
    preview = preview_subscription(
        Subscription(user=world.viewer, **wanted), user=world.viewer, at=at
    )

    Notice.objects.all().delete()
    Alert.objects.all().delete()
    HandledEvent.objects.all().delete()
    subscribed(world.viewer, **wanted)
    raise_alerts(at=at)

    told = Notice.objects.filter(user=world.viewer, why=Notice.Why.SUBSCRIPTION)
    assert preview.n_alerts - preview.n_anyway == told.count()
    assert told.exists()


# --- mutes ----------------------------------------------------------------------------------------


def muted(world, **fields):
    fields.setdefault("until", world.today + timedelta(9))
    fields.setdefault("created_by", world.governance)
    return Mute.objects.create(kind="announced", reason="We know", **fields)


def test_mutes_are_listed_and_lifted(world, as_user):
    row = muted(world, user=world.viewer)
    client = as_user(world.viewer)
    page = text_of(client.get(PAGE))
    assert "The type “Retirement announced”, until" in page
    assert "We know" in page

    client.post(f"/alerts/mutes/{row.pk}/lift/")

    row.refresh_from_db()
    assert row.lifted_at is not None
    assert "We know" not in text_of(client.get(PAGE))


def test_a_mute_of_the_mailbox_is_lifted_by_an_editor_and_not_by_a_viewer(world, as_user):
    row = muted(world, team=world.team)
    assert "Mailbox of Claims, by maren: We know" in text_of(as_user(world.viewer).get(PAGE))

    refused = as_user(world.viewer).post(f"/alerts/mutes/{row.pk}/lift/")
    row.refresh_from_db()
    assert (refused.status_code, row.lifted_at) == (403, None)
    assert (
        "You can unmute only your own mutes and those of teams on which you have the editor role."
    ) in text_of(refused)

    as_user(world.editor).post(f"/alerts/mutes/{row.pk}/lift/")
    row.refresh_from_db()
    assert row.lifted_at is not None


def test_the_mutes_of_others_are_not_there(world, as_user):
    row = muted(world, user=world.viewer)

    assert as_user(world.outsider).post(f"/alerts/mutes/{row.pk}/lift/").status_code == 404
    assert "We know" not in text_of(as_user(world.governance).get(PAGE))


# --- calendar -------------------------------------------------------------------------------------


def test_a_calendar_address_is_shown_once(world, as_user):
    client = as_user(world.viewer)

    response = client.post("/alerts/calendar/", {"name": "Phone"})

    page = text_of(response)
    secret = page.partition(".ics")[0].rpartition("/calendar/")[2]
    feed = CalendarFeed.objects.get()
    assert feed.digest == feed_secret_hash(secret)
    assert (feed.user, feed.name) == (world.viewer, "Phone")
    assert response["Cache-Control"] == "no-store"
    assert secret not in text_of(client.get(PAGE))
    assert feed.prefix in text_of(client.get(PAGE))


def test_a_calendar_address_is_revoked_by_its_owner_alone(world, as_user):
    feed, _ = create_calendar_feed(user=world.viewer)

    assert as_user(world.governance).post(f"/alerts/calendar/{feed.pk}/revoke/").status_code == 404
    as_user(world.viewer).post(f"/alerts/calendar/{feed.pk}/revoke/")

    feed.refresh_from_db()
    assert feed.revoked_at is not None
    assert feed.prefix not in text_of(as_user(world.viewer).get(PAGE))


# --- where things stand ---------------------------------------------------------------------------


def test_one_asks_for_where_things_stand(world, as_user):
    Alert.objects.update(user=world.editor)
    client = as_user(world.editor)
    assert "1 open alert is routed to you." in text_of(client.get(PAGE))

    assert "An email about one open alert is sent in 1 or 2 minutes" in text_of(
        client.post("/alerts/mail/ask/", follow=True)
    )
    assert "you requested the summary today already" in text_of(
        client.post("/alerts/mail/ask/", follow=True)
    )

    assert Notice.objects.get(user=world.editor).urgent


def test_who_wants_no_mail_is_told_to_change_that_first(world, as_user):
    set_preference(by=world.editor, at=now(), cadence=Cadence.NEVER)

    page = text_of(as_user(world.editor).post("/alerts/mail/ask/", follow=True))

    assert "Your notification frequency is Off" in page


def test_the_page_costs_the_same_however_much_was_wished(
    world, owner, as_user, django_assert_num_queries
):
    client = as_user(owner)
    for _ in range(6):
        subscribed(owner, provider=world.sonnet.host, team=world.team)
        muted(world, user=owner, offering=world.sonnet)
        create_calendar_feed(user=owner)
        make_team()

    with django_assert_num_queries(15):
        client.get(PAGE)
