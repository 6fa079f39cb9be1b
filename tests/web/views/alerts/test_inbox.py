"""The inbox of alerts: what it lists for whom, how it is narrowed, answered and taken back."""

from datetime import timedelta

import pytest

from apps.alerts.models import Alert, AlertIssue, Notice
from apps.common.time import now
from tests.builders import make_event, make_issue, make_offering, make_user
from tests.http import file_lines, text_of, visible_text


def make_alert(world, key, **fields):
    """A further alert of the team about the event of the world."""
    fields.setdefault("kind", "announced")
    fields.setdefault("severity", 3)
    fields.setdefault("event", world.event)
    fields.setdefault("team", world.team)
    fields.setdefault("raised_at", now())
    return Alert.objects.create(key=key, **fields)


def headings(response):
    """The keys of alerts listed, by the addresses of their pages."""
    page = response.content.decode()
    return [
        pk
        for _, pk in sorted(
            (page.index(f'<h2><a href="/alerts/{pk}/"'), pk) for pk in listed_in(page)
        )
    ]


def listed_in(page):
    return [
        pk
        for pk in Alert.objects.values_list("pk", flat=True)
        if f'<h2><a href="/alerts/{pk}/"' in page
    ]


def test_a_row_says_what_to_do_by_when_for_whom_and_who_was_told(world, as_user):
    page = text_of(as_user(world.editor).get("/alerts/"))

    assert "Retirement announced: claude-sonnet-4-5 on Anthropic, retires" in page
    assert "Choose a replacement, test it and migrate before the date." in page
    assert "in 10 days" in page
    assert "To Claims." in page
    assert f'Notified: Claims (<a href="/deliveries/{world.delivery.pk}/">failed</a>).' in page


@pytest.mark.parametrize(
    ("reader", "sees", "answers"),
    [
        ("governance", True, True),
        ("editor", True, True),
        ("viewer", True, False),
        ("outsider", False, False),
    ],
)
def test_who_reads_and_who_answers(reader, sees, answers, world, as_user):
    page = text_of(as_user(getattr(world, reader)).get("/alerts/"))

    assert ("Claims triage" in page) is sees
    assert ('type="submit">Acknowledge<' in page) is answers
    assert ('form="bulk"' in page) is answers


@pytest.mark.proof
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "open late other"),
        ("?state=", "open snoozed late other"),
        ("?state=snoozed", "snoozed"),
        ("?mine=true", "open"),
        ("?mine=false", "late other"),
        ("?assigned_to=me", "open"),
        ("?assigned_to=ilse", "open"),
        ("?assigned_to=nobody", ""),
        ("?kind=repriced", "other"),
        ("?severity=3", "open late"),
        ("?due_within=14", "late"),
        ("?due_before=2020-01-01", ""),
        ("?provider=anthropic", "late"),
        ("?provider=amazon-bedrock", "other"),
        ("?team=no-such-team", ""),
    ],
)
def test_filters_narrow_page_and_csv_alike(query, found, world, as_user):
    Notice.objects.all().delete()
    Alert.objects.all().delete()
    alerts = {
        "open": make_alert(world, "open", assigned_to=world.editor),
        "snoozed": make_alert(
            world, "snoozed", state="snoozed", snoozed_until=world.today + timedelta(3), severity=2
        ),
        "late": make_alert(world, "late", due_on=world.today + timedelta(5), offering=world.sonnet),
        "other": make_alert(world, "other", kind="repriced", severity=2, offering=world.unknown),
    }
    client = as_user(world.editor)

    page = headings(client.get("/alerts/" + query))
    table = file_lines(client.get("/alerts.csv" + query))[1:]

    wanted = {alerts[key].pk for key in found.split()}
    assert set(page) == wanted
    assert {int(row.rstrip("/").rpartition("/")[2]) for row in table} == wanted


def test_what_fell_to_oneself_is_mine_until_it_is_given_to_another(world, as_user):
    Alert.objects.update(user=world.editor)
    client = as_user(world.editor)
    assert headings(client.get("/alerts/?mine=true")) == [world.alert.pk]

    Alert.objects.update(assigned_to=world.governance)

    assert headings(client.get("/alerts/?mine=true")) == []


def test_alerts_stand_in_the_order_that_is_asked_for(world, as_user):
    soon = make_alert(world, "soon", severity=1, due_on=world.today)
    client = as_user(world.editor)

    assert headings(client.get("/alerts/")) == [world.alert.pk, soon.pk]
    assert headings(client.get("/alerts/?sort=due")) == [soon.pk, world.alert.pk]
    assert 'aria-current="true">Due</a>' in text_of(client.get("/alerts/?sort=due"))


def test_a_day_that_is_near_is_red_until_somebody_answers(world, as_user):
    Alert.objects.update(due_on=world.today + timedelta(3))
    client = as_user(world.editor)
    assert '<span class="late">Due' in text_of(client.get("/alerts/"))

    client.post(f"/alerts/{world.alert.pk}/acknowledge/")

    assert 'class="late"' not in text_of(client.get("/alerts/?state="))


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.proof
def test_acknowledging_is_offered_to_be_undone_once(world, as_user):
    client = as_user(world.editor)

    page = text_of(
        client.post(f"/alerts/{world.alert.pk}/acknowledge/", {"back": "/alerts/"}, follow=True)
    )

    assert "One alert acknowledged." in page
    assert ">Undo</button>" in page
    assert "Undo" not in text_of(client.get("/alerts/"))


def test_with_script_the_row_alone_is_drawn_anew(world, as_user):
    response = as_user(world.editor).post(
        f"/alerts/{world.alert.pk}/acknowledge/",
        {"back": "/alerts/"},
        headers={"HX-Request": "true"},
    )

    page = text_of(response)
    assert response.status_code == 200
    assert "acknowledged by ilse" in page
    assert "Reopen" in page
    assert "<html" not in page


def test_the_other_answers_of_a_row_come_when_it_is_opened(world, as_user):
    page = text_of(as_user(world.editor).get(f"/alerts/{world.alert.pk}/answers/?back=/alerts/"))

    assert "Snooze until date" in page
    assert "Mute notifications" in page
    assert 'name="back" value="/alerts/"' in page
    assert "<html" not in page


def test_several_are_acknowledged_and_opened_again(world, as_user):
    further = make_alert(world, "further")
    client = as_user(world.editor)
    ids = [world.alert.pk, further.pk]

    page = text_of(
        client.post("/alerts/several/", {"pick": ids, "action": "acknowledge"}, follow=True)
    )
    assert "Two alerts acknowledged." in page
    assert "/alerts/several/?action=undo&" in page
    assert set(Alert.objects.values_list("state", flat=True)) == {"acknowledged"}

    page = text_of(client.post("/alerts/several/", {"pick": ids, "action": "reopen"}, follow=True))
    assert "Two alerts reopened." in page
    assert set(Alert.objects.values_list("state", "acknowledged_by")) == {("open", None)}


@pytest.mark.proof
def test_undoing_puts_a_snooze_back_that_was_running(world, as_user):
    client = as_user(world.editor)
    until = world.today + timedelta(9)
    client.post(f"/alerts/{world.alert.pk}/snooze/", {"until": until.isoformat()})
    client.post("/alerts/several/", {"pick": [world.alert.pk], "action": "resolve", "why": "Moved"})

    page = text_of(
        client.post("/alerts/several/", {"pick": [world.alert.pk], "action": "undo"}, follow=True)
    )

    assert "One alert restored." in page
    assert Alert.objects.values_list("state", "snoozed_until").get() == ("snoozed", until)
    as_user(world.governance).post(f"/alerts/{world.alert.pk}/acknowledge/")
    again = text_of(
        client.post("/alerts/several/", {"pick": [world.alert.pk], "action": "undo"}, follow=True)
    )
    assert f"{world.governance} changed this alert later." in again


def test_undoing_leaves_alone_what_was_answered_before(world, as_user):
    earlier = make_alert(world, "earlier", state="acknowledged", acknowledged_by=world.governance)
    client = as_user(world.editor)

    page = text_of(
        client.post(
            "/alerts/several/",
            {"pick": [world.alert.pk, earlier.pk], "action": "acknowledge"},
            follow=True,
        )
    )

    assert "One alert acknowledged." in page
    assert f'?action=undo&amp;pick={world.alert.pk}"' in page


def test_several_are_snoozed_for_a_week(world, as_user):
    as_user(world.editor).post(
        "/alerts/several/",
        {"pick": [world.alert.pk], "action": "snooze", "days": "7", "back": "/alerts/"},
    )

    world.alert.refresh_from_db()
    assert (world.alert.state, world.alert.snoozed_until) == ("snoozed", world.today + timedelta(7))


@pytest.mark.proof
def test_resolving_needs_to_say_how_and_what_it_kept_back_is_owed_again_when_it_is_undone(
    world, as_user
):
    owed = Notice.objects.create(
        alert=world.alert, user=world.editor, why="subscription", owed_at=world.alert.raised_at
    )
    client = as_user(world.editor)

    page = text_of(
        client.post(
            "/alerts/several/", {"pick": [world.alert.pk], "action": "resolve"}, follow=True
        )
    )
    assert "Enter how the alert was resolved." in page
    assert Alert.objects.get().state == "open"

    client.post("/alerts/several/", {"pick": [world.alert.pk], "action": "resolve", "why": "Moved"})
    owed.refresh_from_db()
    assert (Alert.objects.get().resolution_sentence, owed.skip_reason != "") == ("Moved", True)

    client.post("/alerts/several/", {"pick": [world.alert.pk], "action": "reopen"})
    owed.refresh_from_db()
    assert (Alert.objects.get().state, owed.skip_reason) == ("open", "")


@pytest.mark.proof
@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"action": "acknowledge"}, "Select at least one alert."),
        (
            {"action": "acknowledge", "pick": ["x", "9" * 30]},
            "Select at least one alert.",
        ),
        ({"action": "burn", "pick": "{pk}"}, "Select a response: acknowledge, snooze or resolve."),
        ({"action": "snooze", "pick": "{pk}"}, "Enter an end date."),
        (
            {"action": "snooze", "pick": "{pk}", "until": "2020-01-01"},
            "Enter a date after today.",
        ),
        (
            {"action": "snooze", "pick": "{pk}", "until": "soon"},
            "Enter a date such as 2026-11-24.",
        ),
    ],
)
def test_what_lacks_something_changes_nothing_and_says_what(data, words, world, as_user):
    if data.get("pick") == "{pk}":
        data = {**data, "pick": world.alert.pk}

    page = text_of(as_user(world.editor).post("/alerts/several/", data, follow=True))

    assert words in page
    assert Alert.objects.get().state == "open"


def test_who_only_reads_is_told_so_and_changes_nothing(world, as_user):
    page = text_of(
        as_user(world.viewer).post(
            "/alerts/several/", {"pick": [world.alert.pk], "action": "acknowledge"}, follow=True
        )
    )

    assert "You need the editor role on Claims to respond to its alerts." in page
    assert Alert.objects.get().state == "open"


def test_a_stranger_answers_nothing(world, as_user):
    page = text_of(
        as_user(make_user()).post(
            "/alerts/several/", {"pick": [world.alert.pk], "action": "acknowledge"}, follow=True
        )
    )

    assert "Select at least one alert" in page
    assert Alert.objects.get().state == "open"


def test_the_csv_has_what_waits_unless_it_is_asked_for_more(world, as_user):
    make_alert(world, "done", state="acknowledged", event=make_event(make_offering("other-model")))
    client = as_user(world.editor)

    assert len(file_lines(client.get("/alerts.csv"))) == 2
    rows = file_lines(client.get("/alerts.csv?state="))
    assert len(rows) == 3
    assert any("Claims: failed" in row and "Claims triage" in row for row in rows)


@pytest.mark.parametrize(
    ("query", "n"), [("", 1), ("?state=open&severity=5", 0), ("?mine=true&state=open", 0)]
)
def test_the_lead_counts_what_the_filters_leave(query, n, world, as_user):
    Alert.objects.update(severity=4)

    answer = as_user(world.governance).get(f"/alerts/{query}")

    assert len(answer.context["page"].rows) == n
    lead = str(answer.context["sentence"])
    if query:
        assert lead == "No alerts match the filters."
    else:
        assert lead.startswith("1 alert needs a response.")


def test_an_alert_of_one_issue_leads_to_it_and_keeps_its_own_page(world, as_user):
    issue = make_issue(world.triage)
    AlertIssue.objects.create(alert=world.alert, issue=issue)
    client = as_user(world.governance)

    page = text_of(client.get("/alerts/"))

    assert f'href="/issues/{issue.pk}/"' in page
    assert f'href="/alerts/{world.alert.pk}/">View alert' in page
    assert f'href="/issues/{issue.pk}/"' in text_of(client.get(f"/alerts/{world.alert.pk}/"))


def test_the_storage_key_of_an_alert_is_not_shown(world, as_user):
    assert world.alert.key not in text_of(
        as_user(world.governance).get(f"/alerts/{world.alert.pk}/")
    )


@pytest.mark.parametrize("path", ["/events/{event}/", "/offerings/{offering}/"])
def test_an_auditor_reads_who_was_notified_of_a_retirement_and_who_answered(path, world, as_user):
    auditor = make_user(role="auditor")
    address = path.format(event=world.event.pk, offering=world.sonnet.pk)

    page = visible_text(as_user(auditor).get(address))

    block = page[page.index("Notified") :]
    assert "Claims" in block
    assert "Failed" in block
    assert "No response" in block


def test_who_was_notified_is_shown_to_those_who_can_view_the_alert(world, as_user):
    page = visible_text(as_user(world.outsider).get(f"/offerings/{world.sonnet.pk}/"))

    assert "No notification about this model concerns your applications." in page
