"""What only a browser can tell of the alerts: a mail's link answers, rows are answered in place,
pages fit a phone."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from apps.alerts.delivery import links
from apps.alerts.models import Alert, Delivery, Notice, Preference, Webhook
from apps.common.time import now
from tests.browsing import PHONE, sideways
from tests.worlds.portfolio import make_portfolio_world

pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db):
    return make_portfolio_world()


@pytest.fixture
def mail(world):
    """A mail to the editor about two alerts."""
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
    further = Alert.objects.create(
        key="further",
        kind="repriced",
        severity=2,
        event=world.event,
        offering=world.sonnet,
        team=world.team,
        raised_at=at,
    )
    for alert in (world.alert, further):
        Notice.objects.create(
            alert=alert, user=world.editor, why="owner", owed_at=at, delivery=mail
        )
    return mail


@pytest.fixture
def editor(signed_in, world):
    """A page of the editor's."""
    return signed_in(world.editor)


def test_a_mails_link_answers_without_a_sign_in_and_takes_it_back(page, world, mail):
    heading = page.locator(".sentence")
    page.goto(f"/alerts/answer/{links.answer_token(mail)}/")
    expect(heading).to_have_text("Two alerts of this email need a response.")
    assert set(Alert.objects.values_list("state", flat=True)) == {"open"}

    page.locator(f"#tick-{world.alert.pk}").click()
    page.locator("[name=action][value='snooze:7']").click()
    expect(heading).to_have_text(re.compile(r"^\s*One alert snoozed until"))
    world.alert.refresh_from_db()
    assert (world.alert.snoozed_until, world.alert.snoozed_by) == (
        world.today + timedelta(7),
        world.editor,
    )

    page.locator(".undo button").click()
    expect(heading).to_have_text("One alert restored.")
    assert set(Alert.objects.values_list("state", flat=True)) == {"open"}


def test_enter_in_the_date_of_a_mails_link_snoozes_until_then_and_does_nothing_else(
    page, world, mail
):
    page.goto(f"/alerts/answer/{links.answer_token(mail)}/")
    page.locator(f"#tick-{world.alert.pk}").click()
    until = world.today + timedelta(days=5)
    page.locator("#until").fill(until.isoformat())
    page.locator("#until").press("Enter")

    expect(page.locator("[role=status]")).to_contain_text("Response saved.")
    snoozed = Alert.objects.filter(state="snoozed")
    assert list(snoozed.values_list("pk", "snoozed_until")) == [(world.alert.pk, until)]


def test_a_page_of_an_address_stops_the_mail_and_starts_it_again(page, world):
    path = links.unsubscribe_address_of_user(user_id=world.editor.pk).partition("/unsubscribe/")[2]
    page.goto(f"/unsubscribe/{path}")

    page.locator("[name=choice][value=never]").click()
    expect(page.locator(".sentence")).to_have_text("ilse@example.org no longer receives emails.")
    assert Preference.objects.get().cadence == "never"

    page.locator("[name=choice][value=again]").click()
    expect(page.locator(".sentence")).to_have_text(re.compile(r"^\s*Undone: "))
    assert Preference.objects.get().cadence == "daily"


def test_a_row_is_acknowledged_in_place_and_opened_again(editor, world):
    editor.goto("/alerts/")
    editor.locator(".msg .acts button").first.click()

    expect(editor.locator(".msg").first).to_contain_text("acknowledged by ilse")
    assert Alert.objects.get().state == "acknowledged"

    editor.locator(".msg .acts button").first.click()
    expect(editor.locator(".msg .acts").first).to_have_text(re.compile(r"^\s*Acknowledge"))
    assert Alert.objects.get().state == "open"


def test_the_other_answers_open_beside_the_row(editor, world):
    editor.goto("/alerts/")
    editor.locator(".further summary").first.click()

    editor.locator(".further [name=days][value='14']").first.click()

    expect(editor.locator(".undo")).to_be_visible()
    assert Alert.objects.get().snoozed_until == world.today + timedelta(14)


def test_what_is_ticked_is_answered_together_and_enter_resolves(editor, world, mail):
    editor.goto("/alerts/")
    expect(editor.locator("#bulk")).to_be_hidden()
    for box in editor.locator(".pick input").all():
        box.click()

    editor.locator("#bulk-why").fill("Moved")
    editor.locator("#bulk-why").press("Enter")

    expect(editor.locator(".undo")).to_be_visible()
    assert set(Alert.objects.values_list("state", "resolution_text")) == {("resolved", "Moved")}


def test_the_preview_follows_what_is_chosen(editor, world):
    editor.goto("/alerts/subscriptions/new/")
    expect(editor.locator("#preview")).to_contain_text("about 1 alert.")

    editor.locator("[name=provider]").select_option("amazon-bedrock")

    expect(editor.locator("#preview")).to_contain_text("no email in the last 30 days")

    editor.locator("[name=foundation]").press_sequentially("sonnet")
    expect(
        editor.locator("#foundations option[value=anthropic-claude-sonnet-4-5]")
    ).to_be_attached()


def test_the_pages_fit_a_phone_and_need_no_inline_style(signed_in, world, mail):
    hook = Webhook.objects.create(
        name="A long name of a system",
        url="https://example.org/" + "hook/" * 30,
        created_by=world.governance,
    )
    Delivery.objects.create(
        webhook=hook,
        kind="webhook",
        address=hook.url,
        message_id="<three@r>",
        subject="1 alert",
        body_text="{}",
        due_at=now(),
    )
    world.editor.organisation_role = "governance"
    world.editor.save()
    less = links.unsubscribe_address_of_user(user_id=world.editor.pk).partition("/unsubscribe/")[2]
    paths = [
        "/alerts/",
        f"/alerts/{world.alert.pk}/",
        "/alerts/subscriptions/",
        "/alerts/subscriptions/new/",
        "/alerts/settings/",
        f"/alerts/settings/webhooks/{hook.pk}/",
        "/deliveries/",
        "/deliveries/not-carried/",
        f"/deliveries/{mail.pk}/",
        f"/alerts/answer/{links.answer_token(mail)}/",
        f"/unsubscribe/{less}",
    ]
    page = signed_in(world.editor, size=PHONE)
    wide = {}
    for path in paths:
        page.goto(path)
        if sideways(page):
            wide[path] = sideways(page)

    assert wide == {}
