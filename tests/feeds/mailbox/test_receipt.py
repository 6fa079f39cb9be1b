"""The locks in front of a draft: sender, signature, loops, duplicates; and the decisions after
it."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.catalog.models import ProviderEvent
from apps.catalog.retirements.announcements import (
    RetirementTerms,
    announce_retirement,
    withdraw_announcement,
)
from apps.common.errors import ConflictError, ForbiddenError
from apps.common.retention import delete_expired_rows
from apps.feeds.mailbox.decisions import dismiss_notice, link_announcement, reopen_notice
from apps.feeds.mailbox.receipt import Outcome, Refusal, receive_message
from apps.feeds.models import NoticeMailSettings, NoticeMailStatus, ReceivedNotice
from tests.builders import NOW, make_offering, make_provider, make_user
from tests.feeds.mailbox.emails import (
    MESSAGE_ID,
    RESULTS,
    SENDER,
    SERVER,
    allow_senders,
    email,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def governance(db):
    user = make_user(role="governance")
    allow_senders(SENDER, by=user)
    return user


def receive(raw, at=NOW):
    return receive_message(raw, where="standard input", at=at)


def test_a_forwarded_notice_becomes_a_draft_and_nothing_else(governance):
    azure = make_provider("azure")
    make_offering("acme-big-1", host=azure)
    successor = make_offering("acme-big-2", host=azure)

    receipt = receive(email())

    assert receipt.outcome is Outcome.DRAFT
    notice = ReceivedNotice.objects.with_state().get()
    assert notice.state == "new"
    assert (notice.sender, notice.sender_name) == (SENDER, "Ilse Brandt")
    assert notice.signed_by == "calder.example"
    assert notice.message_id == MESSAGE_ID.strip("<>")
    assert notice.model_names == ["acme-big-1"]
    assert notice.retires_on == date(2027, 4, 8)
    assert notice.successor == successor
    assert notice.source_url == "https://acme.example/deprecations#acme-big-1"
    assert not ProviderEvent.objects.exists()


def test_without_a_rule_no_email_is_accepted():
    receipt = receive(email())
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, Refusal.NO_SENDER_ALLOWED)
    assert "No sender is allowed yet" in receipt.reason


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (email(sender="eve@calder.example"), Refusal.SENDER),
        (email(sender=f'"{SENDER}" <eve@evil.example>'), Refusal.SENDER),
        (email(results=()), Refusal.DKIM),
        (email(results=f"{SERVER}; dkim=fail header.d=calder.example"), Refusal.DKIM),
        (email(results=f"{SERVER}; dkim=pass header.d=evil.example"), Refusal.DKIM),
        (email(results="evil.example; dkim=pass header.d=calder.example"), Refusal.DKIM),
        # the sender wrote the second header; the server's own is above it
        (email(results=(f"{SERVER}; dkim=none", RESULTS)), Refusal.DKIM),
        (email(text=""), Refusal.UNREADABLE),
        (email(content_type="application/pdf"), Refusal.UNREADABLE),
        (b"x" * (1024 * 1024 + 1), Refusal.UNREADABLE),
        (b"", Refusal.UNREADABLE),
    ],
)
def test_what_does_not_pass_a_lock_is_rejected_and_shown_to_governance(governance, raw, code):
    receipt = receive(raw)
    assert (receipt.outcome, receipt.code) == (Outcome.REJECTED, code)
    assert receipt.reason.endswith(".")
    assert not ReceivedNotice.objects.exists()
    (rejection,) = NoticeMailStatus.objects.get().rejections
    assert (rejection["code"], rejection["reason"]) == (code, receipt.reason)


def test_a_domain_allows_all_of_its_addresses_but_none_below_it(governance):
    allow_senders("calder.example", by=governance)
    assert receive(email(sender="Any One <any@CALDER.example>")).outcome is Outcome.DRAFT
    raw = email(sender="any@sub.calder.example", message_id="<b@x.example>")
    assert receive(raw).code == Refusal.SENDER


def test_signatures_can_be_left_to_the_mail_server(governance):
    allow_senders(SENDER, by=governance, requires_dkim=False, receiving_server="")
    assert receive(email(results=())).outcome is Outcome.DRAFT
    assert ReceivedNotice.objects.get().signed_by == ""


def test_required_signatures_need_the_name_of_the_server(governance):
    allow_senders(SENDER, by=governance, receiving_server="")
    assert receive(email()).code == Refusal.NO_SERVER


@pytest.mark.parametrize(
    "raw",
    [
        email(headers=("Auto-Submitted: auto-replied",)),
        email(headers=("Precedence: list",)),
        email(message_id=f"<{'ab12' * 10}@localhost>"),
        email(sender="Foundation Registry <registry@localhost.example>", headers=("List-Id: <x>",)),
    ],
)
def test_what_a_program_or_the_registry_itself_sent_is_ignored(governance, raw):
    receipt = receive(raw)
    assert receipt.outcome is Outcome.IGNORED
    assert not ReceivedNotice.objects.exists()
    assert not NoticeMailStatus.objects.exists()


def test_the_same_email_again_changes_nothing(governance):
    receive(email())
    again = email(headers=("X-Delivered: again",), text="another text")
    assert receive(again).outcome is Outcome.DUPLICATE
    assert ReceivedNotice.objects.count() == 1


def test_an_email_without_message_id_is_stored_once(governance):
    raw = email(message_id="")
    assert receive(raw).outcome is Outcome.DRAFT
    assert receive(b"Received: from elsewhere\r\n" + raw).outcome is Outcome.DUPLICATE


def test_the_latest_rejections_are_kept(governance):
    for n in range(25):
        receive(email(sender=f"eve{n}@evil.example"))
    rejections = NoticeMailStatus.objects.get().rejections
    assert [row["sender"] for row in rejections] == [
        f"eve{n}@evil.example" for n in range(24, 4, -1)
    ]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_body_of_an_accepted_sender_is_stored_or_rejected(governance, body):
    ReceivedNotice.objects.all().delete()
    outcome = receive(email(body)).outcome
    assert outcome in {Outcome.DRAFT, Outcome.REJECTED}


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["calder", "a b@calder.example", "x@", "*.example.org"])
def test_an_entry_that_is_neither_address_nor_domain_is_rejected(governance, entry):
    with pytest.raises(ValidationError, match="is not a valid email address or domain"):
        allow_senders(entry, by=governance)


def test_entries_are_normalised(governance):
    rules = allow_senders(" @Calder.Example ", "calder.example", by=governance)
    assert rules.allowed_senders == ["calder.example"]
    assert NoticeMailSettings.history is not None


def test_only_governance_changes_the_rules(governance):
    with pytest.raises(ForbiddenError):
        allow_senders("calder.example", by=make_user())


# --- decisions ------------------------------------------------------------------------------------


def make_announcement(by):
    offering = make_offering("acme-big-1", host=make_provider("azure"))
    return announce_retirement(
        RetirementTerms(offering, NOW.date() + timedelta(days=90)), at=NOW, by=by
    )


def state_of(notice):
    return ReceivedNotice.objects.with_state().get(pk=notice.pk).state


def test_a_notice_is_used_until_its_announcement_is_withdrawn(governance):
    notice = receive(email()).notice
    announcement = make_announcement(governance)
    link_announcement(notice=notice, announcement=announcement, by=governance)
    link_announcement(notice=notice, announcement=announcement, by=governance)
    assert state_of(notice) == "used"
    assert not ReceivedNotice.objects.new().exists()
    with pytest.raises(ConflictError, match="Withdraw the announcement first"):
        dismiss_notice(notice=notice, at=NOW, by=governance)

    withdraw_announcement(announcement=announcement, at=NOW, by=governance, reason="Mistake.")
    assert state_of(notice) == "new"


def test_a_notice_is_dismissed_and_reopened(governance):
    notice = receive(email()).notice
    dismiss_notice(notice=notice, at=NOW, by=governance, reason="Not in use.")
    dismissed = dismiss_notice(notice=notice, at=NOW, by=governance, reason="Again.")
    assert (state_of(notice), dismissed.dismissal_reason) == ("dismissed", "Not in use.")
    with pytest.raises(ConflictError, match="was dismissed"):
        link_announcement(notice=notice, announcement=make_announcement(governance), by=governance)
    reopen_notice(notice=notice, by=governance)
    assert state_of(notice) == "new"


def test_others_see_no_notice_and_decide_nothing(governance):
    notice = receive(email()).notice
    for user in (make_user(), make_user(role="auditor")):
        assert not ReceivedNotice.objects.visible_to(user).exists()
        with pytest.raises(ForbiddenError):
            dismiss_notice(notice=notice, at=NOW, by=user)
    assert ReceivedNotice.objects.visible_to(governance).exists()


def test_decided_notices_end_after_their_period_and_waiting_ones_stay(governance, settings):
    settings.RUN_DAYS = 366
    waiting = receive(email(message_id="<1@x.example>")).notice
    dismissed = receive(email(message_id="<2@x.example>")).notice
    used = receive(email(message_id="<3@x.example>")).notice
    dismiss_notice(notice=dismissed, at=NOW, by=governance)
    announcement = make_announcement(governance)
    link_announcement(notice=used, announcement=announcement, by=governance)

    delete_expired_rows(at=NOW + timedelta(days=300))
    assert ReceivedNotice.objects.count() == 3
    delete_expired_rows(at=NOW + timedelta(days=400))
    assert list(ReceivedNotice.objects.all()) == [waiting]
    announcement.refresh_from_db()
