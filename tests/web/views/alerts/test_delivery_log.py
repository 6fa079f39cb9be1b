"""The ledger: every message and every notice that none carries, and figures that add up."""

import json
import re

import pytest

from apps.alerts.models import Alert, Delivery, Notice, Webhook
from apps.common.time import now
from tests.builders import make_user
from tests.http import csv_rows, file_lines, text_of


@pytest.fixture
def hook(world):
    return Webhook.objects.create(
        name="Tickets", url="https://example.org/hook", created_by=world.governance
    )


@pytest.fixture
def ledger(world, hook):
    """A failed mail to the team, a sent one to the editor, a queued request to the webhook; and
    three notices that nothing carries."""
    at = now()
    sent = Delivery.objects.create(
        user=world.editor,
        kind="immediate",
        address="ilse@example.org",
        message_id="<two@r>",
        subject="At once",
        body_text="...",
        due_at=at,
        state="sent",
        sent_at=at,
    )
    posted = Delivery.objects.create(
        webhook=hook,
        kind="webhook",
        address=hook.url,
        message_id="<three@r>",
        subject="1 alert",
        body_text='{"type": "alerts", "alerts": [{"title": "Motor schätzt"}]}',
        due_at=at,
    )
    for fields in (
        {"user": world.editor, "why": "owner", "delivery": sent},
        {"webhook": hook, "why": "webhook", "delivery": posted},
        {
            "user": world.viewer,
            "why": "subscription",
            "skip_reason": "muted",
            "skip_details": {"until": "2027-01-01"},
        },
        {"user": world.governance, "why": "escalation", "occasion": "escalated"},
    ):
        Notice.objects.create(alert=world.alert, owed_at=at, **fields)
    return {"sent": sent, "posted": posted}


def test_the_figures_add_up(world, ledger, as_user):
    page = text_of(as_user(world.governance).get("/deliveries/"))

    assert (
        '5 notifications: 1 sent, <em class="short">1 failed</em>, 1 not sent with a reason, '
        "2 pending."
    ) in page


def test_before_the_first_alert_nothing_is_owed(world, as_user):
    Notice.objects.all().delete()

    assert "No notifications yet." in text_of(as_user(world.governance).get("/deliveries/"))


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("", {"Claims triage loses a model", "At once", "1 alert"}),
        ("?kind=webhook", {"1 alert"}),
        ("?state=failed", {"Claims triage loses a model"}),
        ("?recipient=ilse", {"At once"}),
        ("?recipient=claims", {"Claims triage loses a model"}),
        ("?recipient=tickets", {"1 alert"}),
        ("?recipient=example.org/hook", {"1 alert"}),
        ("?kind=summary", set()),
    ],
)
def test_messages_are_narrowed_on_page_and_csv_alike(query, subjects, world, ledger, as_user):
    client = as_user(world.governance)

    page = text_of(client.get("/deliveries/" + query))
    rows = csv_rows(client.get("/deliveries.csv" + query))

    assert {
        subject
        for subject in ("Claims triage loses a model", "At once", "1 alert")
        if f">{subject}</a>" in page
    } == subjects
    assert {row["Message"] for row in rows} == subjects


@pytest.mark.parametrize(
    ("reader", "n"), [("governance", 3), ("editor", 2), ("viewer", 1), ("outsider", 0)]
)
def test_everybody_reads_the_messages_to_oneself_and_ones_teams(reader, n, world, ledger, as_user):
    client = as_user(getattr(world, reader))

    assert len(file_lines(client.get("/deliveries.csv"))) - 1 == n
    codes = [client.get(f"/deliveries/{row.pk}/").status_code for row in Delivery.objects.all()]
    assert sorted(codes) == [200] * n + [404] * (3 - n)


def test_a_message_names_what_it_carries_and_why_each(world, ledger, as_user):
    page = text_of(as_user(world.editor).get(f"/deliveries/{ledger['sent'].pk}/"))

    link = f'href="/alerts/{world.alert.pk}/">Retirement announced: claude-sonnet-4-5 on Anthropic'
    assert link in page
    assert "Raised: owner of the application" in page


def test_a_message_does_not_name_what_its_reader_may_not_see_any_more(world, ledger, as_user):
    world.editor.memberships.all().delete()

    page = text_of(as_user(world.editor).get(f"/deliveries/{ledger['sent'].pk}/"))

    assert "An alert that you cannot view" in page
    assert "claude-sonnet-4-5" not in page


def test_what_a_webhook_is_sent_is_shown_as_json(world, ledger, as_user):
    page = as_user(world.governance).get(f"/deliveries/{ledger['posted'].pk}/").content.decode()

    shown = (
        page.partition('<pre class="mail" tabindex="0">')[2]
        .partition("</pre>")[0]
        .replace("&quot;", '"')
    )
    assert json.loads(shown) == {"type": "alerts", "alerts": [{"title": "Motor schätzt"}]}
    assert "\n" in shown.strip()


# --- not carried ----------------------------------------------------------------------------------


def test_what_no_message_carries_stands_there_with_its_reason(world, ledger, as_user):
    page = text_of(as_user(world.governance).get("/deliveries/not-carried/"))

    assert "Muted until 2027-01-01." in page
    assert "Pending" in page
    assert "escalated" in page
    assert f'href="/alerts/{world.alert.pk}/"' in page


@pytest.mark.parametrize(
    ("query", "recipients"),
    [
        ("", ["hana", "maren"]),
        ("?carried=skipped", ["hana"]),
        ("?carried=owed", ["maren"]),
        ("?route=subscription", ["hana"]),
        ("?recipient=mar", ["maren"]),
        ("?team=nothing", []),
    ],
)
def test_they_are_narrowed_on_page_and_csv_alike(query, recipients, world, ledger, as_user):
    client = as_user(world.governance)

    page = text_of(client.get("/deliveries/not-carried/" + query))
    rows = csv_rows(client.get("/deliveries/not-carried.csv" + query))

    shown = [name for name in ("hana", "maren") if re.search(rf">\s?{name}\s?<small>", page)]
    assert shown == recipients
    assert sorted(row["Recipient"] for row in rows) == recipients


def test_strangers_read_none_of_it(world, ledger, as_user):
    client = as_user(make_user())

    assert len(file_lines(client.get("/deliveries/not-carried.csv"))) == 1
    assert "Every notification is in a message." in text_of(client.get("/deliveries/not-carried/"))


def test_an_alert_of_ones_own_that_one_lost_sight_of_is_not_named(world, ledger, as_user):
    world.viewer.memberships.all().delete()

    page = text_of(as_user(world.viewer).get("/deliveries/not-carried/"))

    assert "Muted until 2027-01-01." in page
    assert "An alert that you cannot view" in page
    assert Alert.objects.get().key not in "".join(
        file_lines(as_user(world.viewer).get("/deliveries/not-carried.csv"))
    )


# --- again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reader", "code"), [("editor", 403), ("viewer", 403), ("outsider", 404)])
def test_only_governance_sends_a_failed_message_again(reader, code, world, as_user):
    response = as_user(getattr(world, reader)).post(f"/deliveries/{world.delivery.pk}/resend/")

    assert response.status_code == code
    assert Delivery.objects.get(pk=world.delivery.pk).state == "failed"


def test_what_did_not_fail_is_not_sent_again(world, ledger, as_user):
    page = text_of(
        as_user(world.governance).post(f"/deliveries/{ledger['sent'].pk}/resend/", follow=True)
    )

    assert "Only a failed message can be retried." in page
    assert Delivery.objects.get(pk=ledger["sent"].pk).state == "sent"
