"""The page of one alert: what it says to whom, who was told, what was answered, and the answers it
takes."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.alerts.actions import acknowledge_alert, raise_due_alerts
from apps.alerts.models import Alert, Mute, Notice, Webhook
from apps.common.time import now
from apps.exposure.models import ExposureFlag
from apps.inventory.models import Application
from tests.builders import make_application, make_flag, make_member, make_team
from tests.http import text_of


@pytest.fixture
def page_of(world, as_user):
    """The text of the page of an alert, as somebody reads it."""

    def read(user, alert=None):
        return text_of(as_user(user).get(f"/alerts/{(alert or world.alert).pk}/"))

    return read


@pytest.mark.parametrize(
    ("reader", "code"), [("governance", 200), ("editor", 200), ("viewer", 200), ("outsider", 404)]
)
def test_who_may_open_it(reader, code, world, as_user):
    client = as_user(getattr(world, reader))

    assert client.get(f"/alerts/{world.alert.pk}/").status_code == code
    assert client.get(f"/alerts/{world.alert.pk}/answers/").status_code == code


def test_it_says_what_happened_why_it_fell_there_and_what_to_do(world, page_of):
    page = page_of(world.editor)

    assert "Retirement announced: claude-sonnet-4-5 on Anthropic, retires" in page
    assert "Choose a replacement, test it and migrate before the date." in page
    assert (
        "The alert was routed to Claims, because the affected application has no owner with an "
        "address." in page
    )
    assert f'href="/events/{world.event.pk}/"' in page
    assert f'href="/offerings/{world.sonnet.pk}/"' in page
    assert 'href="https://example.org/deprecations"' in page
    assert "in 10 days" in page


def test_it_names_only_the_applications_that_its_reader_may_see(world, page_of):
    Alert.objects.update(application_ids=[world.triage.pk, world.foreign.pk])

    mine = page_of(world.viewer)

    assert "Claims triage" in mine
    assert "Clause finder" not in mine
    assert "And 1 application that is not visible to you." in mine
    assert "Clause finder" in page_of(world.governance)


def test_it_says_who_was_told_when_and_who_was_not_and_why(world, page_of):
    at = now()
    hook = Webhook.objects.create(
        name="Tickets", url="https://example.org/hook", created_by=world.governance
    )
    Notice.objects.create(alert=world.alert, webhook=hook, why="webhook", owed_at=at)
    Notice.objects.create(
        alert=world.alert,
        user=world.editor,
        why="owner",
        owed_at=at,
        skip_reason="muted",
        skip_details={"until": "2027-01-01"},
    )
    page = page_of(world.viewer)

    assert f'<a href="/deliveries/{world.delivery.pk}/">Failed</a>' in page
    assert "550 mailbox unavailable" in page
    assert "Tickets" in page
    assert "Pending" in page
    assert "Not notified</span><small>Muted until 2027-01-01.</small>" in page


def test_a_mail_to_another_person_is_named_and_not_opened(world, page_of):
    world.delivery.team, world.delivery.user = None, world.governance
    world.delivery.save()
    Notice.objects.filter(alert=world.alert).update(
        team=None, user=world.governance, why="governance"
    )

    page = page_of(world.viewer)

    assert "Failed" in page
    assert f"/deliveries/{world.delivery.pk}/" not in page


def test_of_an_alert_about_the_organisation_one_reads_only_ones_own_line(world, page_of):
    Alert.objects.update(team=None, user=world.editor, application_ids=[])
    Notice.objects.create(alert=world.alert, user=world.outsider, why="governance", owed_at=now())

    assert "stranger" not in page_of(world.editor)
    assert "stranger" in page_of(world.governance)


def test_it_keeps_what_was_answered_by_whom_and_how(world, page_of, as_user):
    client = as_user(world.editor)
    client.post(f"/alerts/{world.alert.pk}/acknowledge/")
    client.post(f"/alerts/{world.alert.pk}/assign/", {"to": "ilse"})
    client.post(f"/alerts/{world.alert.pk}/resolve/", {"why": "Moved to Sonnet 4.6"})

    page = page_of(world.viewer)

    done = page[page.index(">Activity<") :]
    order = [
        "resolved the alert<small>Moved to Sonnet 4.6</small>",
        "assigned the alert to ilse",
        "acknowledged the alert",
        "raised the alert",
    ]
    assert sorted(done.index(words) for words in order) == [done.index(words) for words in order]
    assert "alert acknowledged" not in done


def test_an_alert_about_a_flag_says_the_figure_and_the_line(world, page_of):
    flag: ExposureFlag = make_flag("Anthropic 2")
    alert = Alert.objects.create(
        key="flag",
        kind="opened",
        severity=4,
        flag=flag,
        user=world.governance,
        raised_at=now(),
        details={"value": "0.62", "limit": "0.5", "n": 3},
    )

    page = page_of(world.governance, alert)

    assert (
        "62% of critical applications depend on Anthropic 2 as developer; the tolerance is 50%"
        in page
    )
    assert "Reduce the exposure or accept it until a date." in page


def test_days_that_come_nearer_have_their_heading_and_their_todo(world, page_of):
    Application.objects.filter(pk=world.triage.pk).update(
        next_review_on=world.today + timedelta(10)
    )
    Alert.objects.all().update(due_on=None)
    raise_due_alerts(at=now())

    review = Alert.objects.get(kind="review_due")
    milestone = Alert.objects.filter(kind="milestone").first()

    assert "The review of Claims triage is due in 10 days" in page_of(world.viewer, review)
    assert milestone is not None
    assert "claude-sonnet-4-5 on Anthropic retires in 10 days" in page_of(world.viewer, milestone)


def test_what_belongs_to_another_team_by_now_is_not_named(world, page_of):
    alert = Alert.objects.create(
        key="review",
        kind="review_due",
        severity=2,
        subject_kind="application",
        subject_id=world.triage.pk,
        team=world.team,
        application_ids=[world.triage.pk],
        due_on=world.today,
        details={"what": "Claims triage"},
        raised_at=now(),
    )
    Application.objects.filter(pk=world.triage.pk).update(team=make_team("Others"))

    page = page_of(world.viewer, alert)

    assert "Claims triage" not in page
    assert "Review due: its applications belong to another team now" in page


def test_a_page_costs_the_same_however_many_were_told(world, as_user, django_assert_num_queries):
    client = as_user(world.governance)
    for _ in range(8):
        application = make_application(team=world.team)
        world.alert.application_ids.append(application.pk)
        Notice.objects.create(
            alert=world.alert,
            user=make_member(world.team, TeamRole.VIEWER),
            why="subscription",
            owed_at=now(),
        )
    world.alert.save()
    acknowledge_alert(alert=world.alert, by=world.editor, at=now())

    with django_assert_num_queries(15):
        client.get(f"/alerts/{world.alert.pk}/")


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["acknowledge", "snooze", "assign", "take", "resolve", "reopen"])
def test_who_only_reads_may_not_answer_and_is_told_who_may(action, world, as_user):
    response = as_user(world.viewer).post(
        f"/alerts/{world.alert.pk}/{action}/", {"days": "7", "to": "ilse", "why": "done"}
    )

    assert response.status_code == 403
    assert "You need the editor role on Claims to respond to its alerts." in text_of(response)
    assert Alert.objects.get().state == "open"


@pytest.mark.parametrize(
    "action", ["acknowledge", "snooze", "assign", "take", "resolve", "reopen", "mute", "burn"]
)
def test_to_strangers_there_is_nothing_to_answer(action, world, as_user):
    assert as_user(world.outsider).post(f"/alerts/{world.alert.pk}/{action}/").status_code == 404


def test_an_answer_that_does_not_exist_is_not_found(world, as_user):
    assert as_user(world.editor).post(f"/alerts/{world.alert.pk}/burn/").status_code == 404


def test_it_can_be_snoozed_until_a_day(world, as_user):
    day = world.today + timedelta(20)

    page = text_of(
        as_user(world.editor).post(
            f"/alerts/{world.alert.pk}/snooze/", {"until": day.isoformat()}, follow=True
        )
    )

    world.alert.refresh_from_db()
    assert (world.alert.state, world.alert.snoozed_until, world.alert.snoozed_by) == (
        "snoozed",
        day,
        world.editor,
    )
    assert "One alert snoozed until" in page


def test_it_is_given_to_somebody_of_the_team_who_is_told(world, as_user):
    as_user(world.editor).post(f"/alerts/{world.alert.pk}/assign/", {"to": "hana"})

    world.alert.refresh_from_db()
    assert world.alert.assigned_to == world.viewer
    assert Notice.objects.get(user=world.viewer).why == Notice.Why.ASSIGNED


def test_one_takes_it_oneself_and_gives_it_back(world, as_user):
    client = as_user(world.editor)

    client.post(f"/alerts/{world.alert.pk}/take/")
    assert Alert.objects.get().assigned_to == world.editor

    client.post(f"/alerts/{world.alert.pk}/assign/", {"to": ""})
    assert Alert.objects.get().assigned_to is None


@pytest.mark.parametrize(
    ("action", "data", "words"),
    [
        ("snooze", {}, "Enter an end date."),
        ("snooze", {"until": "2020-01-01"}, "Enter a date after today."),
        (
            "snooze",
            {"until": "2999-01-01"},
            "Enter an earlier date, or resolve the alert with a reason",
        ),
        ("assign", {"to": "stranger"}, "Other users cannot view this alert"),
        ("resolve", {"why": "  "}, "Enter how the alert was resolved."),
        (
            "mute",
            {"what": "kind", "until": "2020-01-01"},
            "Enter a date after today.",
        ),
        ("mute", {"what": "kind", "until": "2999-01-01"}, "A mute can last at most one year"),
        (
            "mute",
            {"what": "everything", "until": "2999-01-01"},
            "Choose what to mute from the list.",
        ),
        ("mute", {"until": ""}, "A mute can last at most one year"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(action, data, words, world, as_user):
    response = as_user(world.editor).post(f"/alerts/{world.alert.pk}/{action}/", data)

    assert response.status_code == 422
    assert words in text_of(response)
    assert (Alert.objects.get().state, Mute.objects.count()) == ("open", 0)


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/", "/alerts\\..\\evil", "javascript:1"]
)
def test_no_answer_leads_off_the_site(back, world, as_user):
    response = as_user(world.editor).post(
        f"/alerts/{world.alert.pk}/snooze/", {"days": "1", "back": back}
    )

    assert response["Location"] == f"/alerts/{world.alert.pk}/"


# --- mutes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "field", "value"),
    [
        ("subject", "subject", "event:{event.pk}"),
        ("offering", "offering_id", "{sonnet.pk}"),
        ("provider", "provider_id", "{sonnet.host_id}"),
        ("application", "application_id", "{triage.pk}"),
        ("kind", "kind", "announced"),
    ],
)
def test_a_reader_mutes_for_oneself_what_one_chooses(what, field, value, world, as_user):
    until = world.today + timedelta(30)

    as_user(world.viewer).post(
        f"/alerts/{world.alert.pk}/mute/",
        {"what": what, "until": until.isoformat(), "reason": "I know"},
    )

    mute = Mute.objects.get()
    assert (mute.user, mute.team, mute.until, mute.reason) == (world.viewer, None, until, "I know")
    assert str(getattr(mute, field)) == value.format(**vars(world))


def test_an_editor_mutes_the_mailbox_of_the_team_and_a_viewer_is_not_asked(world, as_user, page_of):
    data = {
        "what": "kind",
        "until": (world.today + timedelta(9)).isoformat(),
        "whose": world.team.slug,
    }
    assert "Mailbox of Claims" in page_of(world.editor)
    assert "Mailbox of Claims" not in page_of(world.viewer)

    refused = as_user(world.viewer).post(f"/alerts/{world.alert.pk}/mute/", data)
    as_user(world.editor).post(f"/alerts/{world.alert.pk}/mute/", data)

    assert refused.status_code == 422
    assert (Mute.objects.get().team, Mute.objects.get().created_by) == (world.team, world.editor)


# --- whom it would fall to ------------------------------------------------------------------------


def test_an_application_says_whom_its_alerts_go_to(world, as_user):
    def said():
        return text_of(as_user(world.viewer).get(f"/applications/{world.triage.slug}/"))

    assert "Alerts go to the mailbox of Claims, claims@example.org." in said()

    world.triage.business_owner, world.triage.technical_owner = "ilse@example.org", "A. Nobody"
    world.triage.save()
    page = said()
    assert "Alerts go to ilse and to the mailbox of Claims, claims@example.org." in page
    assert "“A. Nobody” names no active user who can view the application." in page


def test_an_application_without_a_mailbox_says_who_is_told_instead(world, as_user):
    world.team.email = ""
    world.team.save()

    def said():
        return text_of(as_user(world.viewer).get(f"/applications/{world.triage.slug}/"))

    assert "Alerts go to governance, maren: Claims has no mailbox" in said()
    make_member(world.team, TeamRole.OWNER)
    assert ", as Claims has no mailbox." in said()
