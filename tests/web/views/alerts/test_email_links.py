"""The signed addresses in mails: they act for the person the mail went to, and looking changes
nothing."""

import re
from datetime import timedelta

import pghistory.models
import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.accounts.roles import TeamRole
from apps.alerts import unsubscribe_links
from apps.alerts.delivery import links
from apps.alerts.lifecycle.responses import resolve_alert
from apps.alerts.models import Alert, Cadence, Delivery, Mute, Notice, Preference
from apps.alerts.preferences import set_preference, stop_mail
from apps.common.time import now
from apps.web.views.alerts import email_links
from tests.builders import make_member, make_offering, make_user
from tests.http import outline_of, text_of


@pytest.fixture
def mail(world):
    """A mail to the editor about the alert of the world and one that only governance sees."""
    at = now()
    mail = Delivery.objects.create(
        user=world.editor,
        address="ilse@example.org",
        message_id="<two@registry>",
        subject="Two things",
        body_text="...",
        due_at=at,
        created_at=at,
        state="sent",
        sent_at=at,
    )
    hidden = Alert.objects.create(
        key="hidden",
        kind="retired",
        severity=4,
        event=world.event,
        user=world.governance,
        raised_at=at,
        offering=make_offering("hidden-model"),
    )
    for alert in (world.alert, hidden):
        Notice.objects.create(
            alert=alert, user=world.editor, why="owner", owed_at=at, delivery=mail
        )
    return mail


@pytest.fixture
def answer(mail):
    return f"/alerts/answer/{links.answer_token(mail)}/"


def address(*, user_id):
    return links.unsubscribe_address_of_user(user_id=user_id).partition("127.0.0.1:8000")[2]


def mailbox_address(team, *, age=timedelta(0)):
    """As a mail to the mailbox carries it."""
    at = now()
    mail = Delivery.objects.create(
        team=team,
        address=team.email,
        message_id=f"<{team.pk}-{at.isoformat()}@registry>",
        subject="Something",
        body_text="...",
        due_at=at,
        created_at=at - age,
        state="sent",
        sent_at=at,
    )
    return links.unsubscribe_address_of_delivery(mail).partition("127.0.0.1:8000")[2]


def informed_owners():
    return list(Delivery.objects.filter(kind="mailbox").order_by("pk"))


@pytest.fixture
def unsubscribe(world):
    return address(user_id=world.editor.pk)


def everything():
    """What the history and the wishes hold: unchanged where nothing was done."""
    return (
        apps.get_model("alerts", "AlertHistory").objects.count(),
        pghistory.models.Context.objects.count(),
        list(Preference.objects.values()),
        Mute.objects.count(),
        Notice.objects.count(),
    )


# --- answers --------------------------------------------------------------------------------------


def test_without_a_sign_in_it_shows_what_the_person_may_see_of_that_mail(client, world, answer):
    response = client.get(answer)

    page = text_of(response)
    assert response.status_code == 200
    assert "Respond as ilse" in page
    assert "Retirement announced: claude-sonnet-4-5 on Anthropic" in page
    assert "Claims triage" in page
    assert page.count('name="alert"') == 1


def test_looking_changes_nothing(client, world, answer, unsubscribe):
    before = everything()

    for path in (answer, unsubscribe):
        client.get(path)
        client.head(path)

    assert everything() == before


def test_the_page_is_kept_by_nobody_and_needs_no_inline_script(client, answer, unsubscribe):
    for path in (answer, unsubscribe):
        response = client.get(path)

        assert response["Cache-Control"] == "no-store"
        assert "noindex" in response["X-Robots-Tag"]
        assert response["Referrer-Policy"] == "same-origin"
        found = outline_of(response)
        assert (found.styled, found.inline) == ([], [])
        assert [
            field for field in found.fields if not field[2] and field[0] not in found.labelled
        ] == []


def test_acknowledging_all_acts_for_the_person_and_says_so(client, world, answer):
    page = text_of(client.post(answer, {"action": "acknowledge-all"}))

    world.alert.refresh_from_db()
    assert "One alert acknowledged." in page
    assert (world.alert.state, world.alert.acknowledged_by) == ("acknowledged", world.editor)
    assert Alert.objects.get(key="hidden").state == "open"


@pytest.mark.parametrize(
    ("data", "words", "state"),
    [
        ({"action": "acknowledge"}, "One alert acknowledged.", "acknowledged"),
        ({"action": "take"}, "One alert assigned to ilse.", "open"),
        ({"action": "snooze:7"}, "One alert snoozed until", "snoozed"),
        ({"action": "snooze", "until": "{in_a_week}"}, "One alert snoozed until", "snoozed"),
        ({"action": "comment", "text": "Asked the vendor"}, "One alert commented on.", "open"),
    ],
)
def test_every_answer_is_given_through_the_link(data, words, state, client, world, answer):
    data = {
        name: value.format(in_a_week=(world.today + timedelta(7)).isoformat())
        for name, value in data.items()
    }

    page = text_of(client.post(answer, {**data, "alert": world.alert.pk}))

    world.alert.refresh_from_db()
    assert words in page
    assert world.alert.state == state


@pytest.mark.parametrize("action", ["resolve", "reopen", "mute", "accept-gap", "unmute", "assign"])
def test_nothing_else_is_permitted_by_the_link_to_users_with_an_account(
    action, client, world, answer
):
    data = {"until": (world.today + timedelta(7)).isoformat(), "why": "Moved"}

    response = client.post(answer, {**data, "action": action, "alert": world.alert.pk})

    world.alert.refresh_from_db()
    assert response.status_code == 422
    assert (world.alert.state, world.alert.assigned_to) == ("open", None)
    assert not Mute.objects.exists()


def test_a_comment_on_an_alert_without_an_issue_stands_in_its_activity(
    client, world, answer, as_user
):
    client.post(
        answer, {"action": "comment", "text": "Asked <the> vendor", "alert": world.alert.pk}
    )

    page = text_of(as_user(world.viewer).get(f"/alerts/{world.alert.pk}/"))
    assert "commented, by the link in an email" in page
    assert "Asked &lt;the&gt; vendor" in page


def test_an_assignment_is_accepted_by_the_person_to_whom_the_alert_is_assigned(
    client, world, answer
):
    assert 'value="accept"' not in text_of(client.get(answer))
    refused = text_of(client.post(answer, {"action": "accept", "alert": world.alert.pk}))
    assert "None of these is assigned to you." in refused
    Alert.objects.filter(pk=world.alert.pk).update(assigned_to=world.editor)

    page = text_of(client.post(answer, {"action": "accept", "alert": world.alert.pk}))

    world.alert.refresh_from_db()
    assert "One alert accepted by ilse." in page
    assert (world.alert.state, world.alert.assigned_to) == ("acknowledged", world.editor)


def test_names_and_words_of_other_persons_are_not_shown(client, world, answer):
    Alert.objects.filter(pk=world.alert.pk).update(
        assigned_to=world.governance,
        state="resolved",
        resolved_at=now(),
        resolved_by=world.governance,
        resolution="by_user",
        resolution_text="Settled with the supervisor",
    )

    page = text_of(client.get(answer))

    assert "Resolved, assigned to another person." in page
    assert str(world.governance) not in page
    assert "Settled with" not in page


def test_the_link_is_throttled(client, world, answer, monkeypatch):
    monkeypatch.setattr(email_links, "MAX_RESPONSES_AN_HOUR", 2)
    for _ in range(2):
        assert client.post(answer, {"action": "acknowledge"}).status_code == 422

    response = client.post(answer, {"action": "acknowledge", "alert": world.alert.pk})

    assert response.status_code == 429
    assert response["Retry-After"] == "3600"
    assert "Nothing was changed." in text_of(response)
    assert Alert.objects.get(pk=world.alert.pk).state == "open"


@pytest.mark.proof
def test_what_was_done_can_be_undone_there(client, world, answer):
    page = text_of(client.post(answer, {"action": "acknowledge", "alert": world.alert.pk}))
    assert ">Undo</button>" in page

    page = text_of(client.post(answer, {"action": "undo", "alert": world.alert.pk}))

    assert "One alert restored." in page
    assert ">Undo</button>" not in page
    assert Alert.objects.get(pk=world.alert.pk).state == "open"


def test_what_was_done_signed_in_is_not_undone_by_the_link(client, world, answer):
    resolve_alert(alert=world.alert, reason="Moved", by=world.editor, at=now())

    page = text_of(client.post(answer, {"action": "undo", "alert": world.alert.pk}))

    assert "Sign in to undo your last response to this alert." in page
    assert Alert.objects.get(pk=world.alert.pk).state == "resolved"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"action": "acknowledge"}, "Select at least one alert."),
        (
            {"action": "burn", "alert": "{alert}"},
            "Select a response: acknowledge, snooze, comment, assign to me or accept.",
        ),
        ({"action": "comment", "text": " ", "alert": "{alert}"}, "Enter a comment."),
        ({"action": "snooze", "alert": "{alert}"}, "Enter an end date."),
        (
            {"action": "snooze", "until": "2020-01-01", "alert": "{alert}"},
            "Enter a date after today.",
        ),
    ],
)
def test_what_lacks_something_is_refused_with_a_sentence(data, words, client, world, answer):
    data = {name: value.format(alert=world.alert.pk) for name, value in data.items()}

    response = client.post(answer, data)

    assert response.status_code == 422
    assert words in text_of(response)
    assert Alert.objects.get(pk=world.alert.pk).state == "open"


def test_an_alert_of_another_mail_is_not_answered_by_it(client, world, answer):
    hidden = Alert.objects.get(key="hidden")
    other = Alert.objects.create(
        key="other",
        kind="announced",
        severity=2,
        event=world.event,
        team=world.team,
        raised_at=now(),
    )

    response = client.post(answer, {"action": "acknowledge", "alert": [hidden.pk, other.pk]})

    assert response.status_code == 422
    assert set(Alert.objects.values_list("state", flat=True)) == {"open"}


@pytest.mark.proof
def test_who_only_reads_by_now_may_look_and_not_answer(client, world, answer):
    world.editor.memberships.update(role=1)

    page = text_of(client.get(answer))
    done = text_of(client.post(answer, {"action": "acknowledge", "alert": world.alert.pk}))

    assert "You can view it, but not respond to it." in page
    assert "Acknowledge" not in page
    assert "You need the editor role on Claims to respond to its alerts." in done
    assert Alert.objects.get(pk=world.alert.pk).state == "open"


def test_who_lost_sight_of_it_sees_nothing_of_it(client, world, answer):
    world.editor.memberships.all().delete()

    page = text_of(client.get(answer))

    assert "No alert of this email is still routed to you." in page
    assert "claude-sonnet" not in page


def test_a_session_of_another_person_does_not_count(world, answer, as_user):
    as_user(world.governance).post(answer, {"action": "acknowledge", "alert": world.alert.pk})

    assert Alert.objects.get(pk=world.alert.pk).acknowledged_by == world.editor


@pytest.mark.proof
def test_the_history_does_not_keep_the_address_that_acts_for_others(client, world, answer):
    client.post(answer, {"action": "acknowledge", "alert": world.alert.pk})

    history = apps.get_model("alerts", "AlertHistory").objects.filter(pgh_obj_id=world.alert.pk)
    said = history.select_related("pgh_context").latest("pgh_id").pgh_context.metadata
    assert (said["user"], said["url"]) == (world.editor.pk, "/alerts/answer/-/")


def test_the_page_of_the_alert_says_that_it_was_answered_by_a_mails_link(
    client, world, answer, as_user
):
    client.post(answer, {"action": "acknowledge", "alert": world.alert.pk})

    assert "acknowledged the alert, by the link in an email" in text_of(
        as_user(world.viewer).get(f"/alerts/{world.alert.pk}/")
    )


def test_a_form_of_another_site_answers_nothing(world, answer):
    strict = Client(enforce_csrf_checks=True)

    response = strict.post(answer, {"action": "acknowledge-all"})

    assert response.status_code == 403
    assert Alert.objects.get(pk=world.alert.pk).state == "open"


def test_an_address_that_was_tampered_with_opens_nothing(client, world, answer, mail):
    broken = client.get(answer[:-3] + "x/")
    of_another = client.get(answer.replace(f"/{mail.pk}.", f"/{world.delivery.pk}."))

    for response in (broken, of_another):
        assert response.status_code == 404
        assert "This link is incomplete." in text_of(response)
        assert 'href="/alerts/"' in text_of(response)
        assert response["Cache-Control"] == "no-store"


def test_an_old_mail_answers_nothing_any_more(client, world, answer, mail):
    Delivery.objects.filter(pk=mail.pk).update(created_at=now() - timedelta(days=31))

    response = client.post(answer, {"action": "acknowledge-all"})

    assert response.status_code == 404
    assert "This link has expired" in text_of(response)
    assert Alert.objects.get(pk=world.alert.pk).state == "open"


def test_a_leaver_answers_nothing_any_more(client, world, answer):
    world.editor.is_active = False
    world.editor.save()

    assert client.post(answer, {"action": "acknowledge-all"}).status_code == 404
    assert Alert.objects.get(pk=world.alert.pk).state == "open"


# --- less mail ------------------------------------------------------------------------------------


def cadence(**key):
    return Preference.objects.filter(**key).values_list("cadence", "immediate").first()


def test_it_says_what_the_address_gets(client, world, unsubscribe):
    page = text_of(client.get(unsubscribe))

    assert (
        "ilse@example.org receives a digest every day at 07:00 UTC. "
        "Urgent alerts are sent immediately." in page
    )
    assert "The delivery log says that no email was wanted." in page
    assert "Undo: send emails again" not in page


def test_one_click_of_a_mail_program_stops_it_without_cookie_or_token(world, unsubscribe):
    program = Client(enforce_csrf_checks=True)

    response = program.post(
        unsubscribe, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )

    assert response.status_code == 200
    assert response.cookies == {}
    assert "ilse@example.org no longer receives emails." in text_of(response)
    assert cadence(user=world.editor)[0] == Cadence.NEVER


def test_the_same_click_as_multipart_counts_as_well(world, unsubscribe):
    Client(enforce_csrf_checks=True).post(unsubscribe, {"List-Unsubscribe": "One-Click"})

    assert cadence(user=world.editor)[0] == Cadence.NEVER


@pytest.mark.parametrize(
    ("choice", "wanted", "words"),
    [
        ("never", ("never", True), "ilse@example.org no longer receives emails."),
        ("urgent", ("urgent", True), "receives emails only about urgent alerts."),
        (
            "weekly",
            ("weekly", True),
            "receives a digest every Monday at 07:00 UTC. Urgent alerts are sent immediately.",
        ),
        (
            "weekly-only",
            ("weekly", False),
            "receives a digest every Monday at 07:00 UTC. Nothing is sent between digests.",
        ),
        (
            "daily-only",
            ("daily", False),
            "receives a digest every day at 07:00 UTC. Nothing is sent between digests.",
        ),
    ],
)
def test_less_can_be_chosen_without_a_session(choice, wanted, words, world, unsubscribe):
    response = Client(enforce_csrf_checks=True).post(unsubscribe, {"choice": choice})

    assert words in text_of(response)
    assert cadence(user=world.editor) == wanted


@pytest.mark.parametrize("choice", ["", "hourly", "at_once"])
def test_a_choice_that_does_not_exist_changes_nothing(choice, client, world, unsubscribe):
    response = client.post(unsubscribe, {"choice": choice})

    assert response.status_code == 422
    assert "Select one of the options." in text_of(response)
    assert cadence(user=world.editor) is None


def test_the_way_back_leads_to_what_was_there_before(client, world, unsubscribe):
    set_preference(
        by=world.editor, at=now(), cadence=Cadence.WORKING_DAYS, immediate=False, heartbeat=True
    )

    page = text_of(client.post(unsubscribe, {"choice": "never"}))
    assert 'name="cadence" value="working_days"' in page
    assert 'name="heartbeat" value="on"' in page
    page = text_of(
        client.post(unsubscribe, {"choice": "again", "cadence": "working_days", "heartbeat": "on"})
    )

    assert "Undone: " in page
    assert cadence(user=world.editor) == ("working_days", False)
    assert Preference.objects.get(user=world.editor).heartbeat


def test_who_comes_back_later_is_mailed_daily(client, world, unsubscribe):
    stop_mail(world.editor)

    page = text_of(client.get(unsubscribe))
    client.post(unsubscribe, {"choice": "again", "cadence": "never"})

    assert "receives no emails." in page
    assert "Undo: send emails again" in page
    assert cadence(user=world.editor)[0] == Cadence.DAILY


def test_a_mailbox_of_a_team_is_stopped_and_says_that_others_read_it(client, world):
    path = mailbox_address(world.team)

    page = text_of(client.get(path))
    client.post(path, {"List-Unsubscribe": "One-Click"})

    assert "This is the mailbox of Claims" in page
    assert cadence(team=world.team)[0] == Cadence.NEVER
    assert cadence(user=world.editor) is None


def test_the_owners_of_a_team_are_informed_and_change_it_back(client, world, as_user):
    owner = make_member(world.team, TeamRole.OWNER, make_user("otto"))

    client.post(mailbox_address(world.team), {"choice": "never"})

    (mail,) = informed_owners()
    assert (mail.user, mail.address, mail.state) == (owner, "otto@example.org", "queued")
    assert "claims@example.org no longer receives emails." in mail.body_text
    link = re.search(r"http://127.0.0.1:8000(\S+)", mail.body_text)[1]
    page = as_user(owner).get(link)
    assert (
        reverse("notification-preferences:edit-team", args=[world.team.slug])
        in page.content.decode()
    )
    as_user(owner).post(
        reverse("notification-preferences:edit-team", args=[world.team.slug]),
        {"cadence": "daily", "weekday": 0, "hour": 7, "immediate": "on", "time_zone": "UTC"},
    )
    assert cadence(team=world.team)[0] == Cadence.DAILY


def test_governance_is_informed_where_a_team_has_no_owner(client, world):
    Membership.objects.filter(role=TeamRole.OWNER.rank).delete()

    client.post(mailbox_address(world.team), {"List-Unsubscribe": "One-Click"})

    assert [mail.user for mail in informed_owners()] == [world.governance]


def test_administrators_are_informed_where_nobody_has_the_governance_role(client, world):
    Membership.objects.filter(role=TeamRole.OWNER.rank).delete()
    world.governance.organisation_role = ""
    world.governance.save()
    administrator = make_user("noor", role="admin")

    client.post(mailbox_address(world.team), {"List-Unsubscribe": "One-Click"})

    assert [mail.user for mail in informed_owners()] == [administrator]


def test_what_changes_nothing_sends_no_email(client, world):
    path = mailbox_address(world.team)
    client.post(path, {"choice": "never"})
    n_informed = len(informed_owners())

    client.post(path, {"choice": "never"})
    client.get(path)

    assert len(informed_owners()) == n_informed


def test_a_mailbox_is_changed_by_links_so_many_times_a_day(client, world):
    path = mailbox_address(world.team)
    for n in range(unsubscribe_links.MAX_CHANGES_A_DAY):
        client.post(path, {"choice": "weekly" if n % 2 else "never"})
    before, n_informed = cadence(team=world.team), len(informed_owners())

    response = client.post(path, {"choice": "daily-only"})

    assert response.status_code == 422
    assert "several times today" in text_of(response)
    assert (cadence(team=world.team), len(informed_owners())) == (before, n_informed)


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_address_of_a_mailbox_expires_with_its_mail(client, world, method):
    old = mailbox_address(world.team, age=timedelta(days=91))
    for_ever = links._with_token(f"t{world.team.pk}").partition("127.0.0.1:8000")[2]

    for path in (old, for_ever):
        response = getattr(client, method)(path, {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 404
        assert "This link has expired" in text_of(response)
    assert not Preference.objects.exists()


def test_each_mail_to_a_mailbox_has_an_address_of_its_own_and_a_persons_stays(world, unsubscribe):
    assert mailbox_address(world.team) != mailbox_address(world.team)
    assert unsubscribe == address(user_id=world.editor.pk)


def test_an_unknown_address_stops_nothing(client, world, unsubscribe, answer):
    token_of_an_answer = answer.rstrip("/").rpartition("/")[2]

    for path in (
        unsubscribe[:-3] + "x/",
        f"/unsubscribe/{token_of_an_answer}/",
        address(user_id=999_999),
    ):
        response = client.post(path, {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 404
    assert not Preference.objects.exists()


def test_the_history_says_that_a_link_stopped_it_and_not_which(client, world, unsubscribe):
    client.post(unsubscribe, {"choice": "never"})

    version = Preference.objects.get(user=world.editor).history.latest("pgh_id")
    metadata = version.pgh_context.metadata
    assert metadata["job"] == "unsubscribe link"
    assert metadata["url"] == "/unsubscribe/-/"
