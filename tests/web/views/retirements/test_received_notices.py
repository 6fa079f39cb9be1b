"""Received notices on pages: from the list over the filled form to the announcement, and away
again."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.catalog.models import Provider, RetirementAnnouncement
from apps.common.time import day_of, now
from apps.feeds.models import NoticeMailSettings, NoticeMailStatus, ReceivedNotice
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.http import file_text, text_of

pytestmark = pytest.mark.django_db
LIST = reverse("received-notices:list")
RULES = reverse("received-notices:rules")
ANNOUNCE = reverse("retirements:announce")


class Mailbox:
    """A model at two hosts with its successor, and a draft about it."""

    def __init__(self):
        self.governance = make_user(role="governance", first_name="Maren", last_name="Oduya")
        self.azure, self.bedrock = make_provider("azure"), make_provider("bedrock")
        Provider.objects.filter(pk=self.azure.pk).update(name="Azure OpenAI")
        self.version = make_version("acme/acme-big-1", name="Acme Big 1")
        self.offering = make_offering("acme-big-1", host=self.azure, version=self.version)
        make_offering("acme.big-1", host=self.bedrock, version=self.version)
        self.successor = make_offering("acme-big-2", host=self.azure)
        self.retires_on = day_of(now()) + timedelta(days=120)
        self.notice = self.add()

    def add(self, message_id="1@x.example", **fields):
        return ReceivedNotice.objects.create(
            **{
                "message_id": message_id,
                "sender": "ilse.brandt@calder.example",
                "sender_name": "Ilse Brandt",
                "signed_by": "calder.example",
                "subject": "Fwd: Acme Big 1",
                "text": "Acme Big 1 retires. <script>alert(1)</script> https://evil.example/x",
                "received_at": now(),
                "model_names": ["acme-big-1"],
                "host_slugs": ["azure"],
                "retires_on": self.retires_on,
                "date_kind": "not_before",
                "successor": self.successor,
                "source_url": "https://acme.example/notice",
            }
            | fields
        )


@pytest.fixture
def mailbox(db):
    return Mailbox()


@pytest.fixture
def client(mailbox, as_user):
    return as_user(mailbox.governance)


def state_of(notice):
    return ReceivedNotice.objects.with_state().get(pk=notice.pk).state


def test_a_draft_opens_the_filled_form_and_saving_uses_it(client, mailbox):
    application = make_application("Claims", team=make_team("Claims"))
    make_dependency(application, mailbox.offering)
    page = client.get(reverse("retirements:list"))
    assert page.context["n_new_notices"] == 1
    assert f'href="{ANNOUNCE}?notice={mailbox.notice.pk}"' in page.content.decode()

    form_page = client.get(ANNOUNCE, {"notice": mailbox.notice.pk}, follow=True)
    address = form_page.redirect_chain[-1][0]
    assert address == f"{ANNOUNCE}?version={mailbox.version.pk}&notice={mailbox.notice.pk}"
    form = form_page.context["form"]
    initial = {name: form[name].value() for name in form.fields}
    assert initial == {
        "notice_text": mailbox.notice.text,
        "retires_on": mailbox.retires_on,
        "date_kind": "not_before",
        "hosts": ["azure"],
        "model_ids": "acme-big-1",
        "successor": "azure/acme-big-2",
        "source_url": "https://acme.example/notice",
    }
    assert "ilse.brandt@calder.example" in text_of(form_page)

    fields = initial | {"retires_on": mailbox.retires_on.isoformat()}
    preview = client.post(address, fields | {"action": "preview"})
    assert [row.offering for row, covered in preview.context["rows"] if covered] == [
        mailbox.offering
    ]
    assert preview.context["n_affected"] == 1
    assert state_of(mailbox.notice) == "new"

    saved = client.post(
        address,
        fields | {"action": "announce", "previewed": "1", "offering": [mailbox.offering.pk]},
        follow=True,
    )
    announcement = RetirementAnnouncement.objects.get()
    assert announcement.date_kind == "not_before"
    assert list(mailbox.notice.announcements.all()) == [announcement]
    assert state_of(mailbox.notice) == "used"
    assert reverse("received-notices:detail", args=[mailbox.notice.pk]) in saved.content.decode()

    client.post(f"{reverse('retirements:withdraw', args=[announcement.pk])}?undo=1")
    assert state_of(mailbox.notice) == "new"


def test_a_notice_about_several_models_offers_each_of_them(client, mailbox):
    other = make_offering("acme-tiny", host=mailbox.azure, resolved=False)
    notice = mailbox.add("2@x.example", model_names=["acme-big-1", "acme-tiny"])
    page = client.get(ANNOUNCE, {"notice": notice.pk})
    assert page.status_code == 200
    addresses = [proposal.url for proposal in page.context["proposals"]]
    assert addresses == [
        f"{ANNOUNCE}?version={mailbox.version.pk}&notice={notice.pk}",
        f"{ANNOUNCE}?offering={other.pk}&notice={notice.pk}",
    ]
    detail = client.get(reverse("received-notices:detail", args=[notice.pk])).content.decode()
    assert all(address.replace("&", "&amp;") in detail for address in addresses)


def test_an_unknown_model_is_searched_for_and_the_notice_stays_beside_it(client, mailbox):
    notice = mailbox.add("2@x.example", model_names=[])
    page = client.get(ANNOUNCE, {"notice": notice.pk, "q": "acme-big-1"})
    assert f"notice={notice.pk}" in page.content.decode()
    assert "ilse.brandt@calder.example" in text_of(page)


def test_nothing_of_an_email_is_markup_or_a_link(client, mailbox):
    notice = mailbox.add(
        "2@x.example",
        subject='"><img src=x onerror=alert(1)>',
        sender_name="<b>Eve</b>",
        source_url="https://evil.example/x",
    )
    for address in (
        reverse("received-notices:detail", args=[notice.pk]),
        f"{ANNOUNCE}?version={mailbox.version.pk}&notice={notice.pk}",
        LIST,
        reverse("retirements:list"),
    ):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>Eve" not in page
        assert 'href="https://evil.example' not in page


def test_a_notice_is_dismissed_and_the_dismissal_is_undone(client, mailbox):
    address = reverse("received-notices:dismiss", args=[mailbox.notice.pk])
    page = client.post(address, {"reason": "Not in use."}, follow=True)
    assert "Notice dismissed." in text_of(page)
    undo = reverse("received-notices:reopen", args=[mailbox.notice.pk])
    assert undo in page.content.decode()
    assert state_of(mailbox.notice) == "dismissed"
    assert client.get(LIST).context["listing"].n_found == 0
    assert client.get(LIST, {"state": "dismissed"}).context["listing"].n_found == 1
    detail = client.get(reverse("received-notices:detail", args=[mailbox.notice.pk]))
    assert "Dismissed by Maren Oduya" in " ".join(text_of(detail).split())

    client.post(undo)
    assert state_of(mailbox.notice) == "new"


def test_a_dismissed_notice_cannot_be_announced(client, mailbox):
    client.post(reverse("received-notices:dismiss", args=[mailbox.notice.pk]))
    page = client.post(
        f"{ANNOUNCE}?version={mailbox.version.pk}&notice={mailbox.notice.pk}",
        {
            "action": "announce",
            "previewed": "1",
            "offering": [mailbox.offering.pk],
            "retires_on": mailbox.retires_on.isoformat(),
            "date_kind": "firm",
        },
    )
    assert "This notice was dismissed." in text_of(page)
    assert not RetirementAnnouncement.objects.exists()


def test_a_notice_about_an_announced_retirement_is_added_to_its_announcement(client, mailbox):
    fields = {
        "action": "announce",
        "previewed": "1",
        "offering": [mailbox.offering.pk],
        "retires_on": mailbox.retires_on.isoformat(),
        "date_kind": "firm",
    }
    address = f"{ANNOUNCE}?version={mailbox.version.pk}&notice="
    client.post(f"{address}{mailbox.notice.pk}", fields)
    reminder = mailbox.add("2@x.example", subject="Fwd: Reminder about Acme Big 1")

    page = client.post(f"{address}{reminder.pk}", fields, follow=True)

    announcement = RetirementAnnouncement.objects.get()
    assert page.redirect_chain[-1][0] == reverse("retirements:detail", args=[announcement.pk])
    assert "This retirement is already announced. The notice was added to it." in text_of(page)
    assert state_of(reminder) == state_of(mailbox.notice)


def test_the_file_has_every_notice_of_the_filters(client, mailbox):
    mailbox.add("2@x.example", subject="=1+1")
    text = file_text(client.get(reverse("received-notices:csv")))
    assert text.count("ilse.brandt@calder.example") == 2
    assert "'=1+1" in text


def test_others_see_no_notice(mailbox, as_user):
    detail = reverse("received-notices:detail", args=[mailbox.notice.pk])
    for user in (
        make_user(role="auditor"),
        make_member(make_team(), TeamRole.OWNER),
    ):
        other = as_user(user)
        assert other.get(detail).status_code == 404
        assert other.get(LIST).status_code == 403
        page = other.get(reverse("retirements:list"))
        assert page.status_code == 200
        assert "Received notices" not in text_of(page)
        assert other.post(reverse("received-notices:dismiss", args=[1])).status_code == 404


def test_an_unknown_notice_is_not_found(client):
    assert client.get(ANNOUNCE, {"notice": "99999"}).status_code == 404
    assert client.get(ANNOUNCE, {"notice": "x"}).status_code == 404


# --- setting it up --------------------------------------------------------------------------------


def test_an_empty_list_says_how_to_set_the_mailbox_up(client, mailbox):
    ReceivedNotice.objects.all().delete()
    for address in (reverse("retirements:list"), LIST):
        page = client.get(address)
        assert "Set up mailbox" in text_of(page)
        assert f'href="{RULES}"' in page.content.decode()


def test_the_rules_are_entered_and_checked(client, mailbox):
    assert "no sender is allowed" in text_of(client.get(RULES))
    page = client.post(RULES, {"allowed_senders": "calder", "requires_dkim": "on"})
    assert page.status_code == 422
    assert "is not a valid email address or domain" in text_of(page)

    page = client.post(
        RULES,
        {
            "allowed_senders": "calder.example\nilse@example.org",
            "requires_dkim": "on",
            "receiving_server": "MX.calder.example",
        },
        follow=True,
    )
    assert "Emails of 2 senders are accepted." in text_of(page)
    rules = NoticeMailSettings.objects.get()
    assert rules.allowed_senders == ["calder.example", "ilse@example.org"]
    assert (rules.requires_dkim, rules.receiving_server) == (True, "mx.calder.example")


def test_the_page_of_the_rules_shows_the_mailbox_and_rejected_emails(client, mailbox, settings):
    NoticeMailStatus.objects.create(
        pk=1,
        error="The IMAP server did not answer in time.",
        rejections=[
            {
                "at": now().isoformat(),
                "where": "x",
                "sender": "eve@evil.example",
                "code": "sender",
                "reason": "eve@evil.example is not an allowed sender.",
            }
        ],
    )
    text = text_of(client.get(RULES))
    assert "did not answer in time" in text
    assert "eve@evil.example is not an allowed sender." in text
    assert "not configured" in text


def test_the_lists_cost_the_same_for_one_and_for_many_notices(
    client, mailbox, django_assert_max_num_queries
):
    for n in range(2, 25):
        mailbox.add(f"{n}@x.example")
    with django_assert_max_num_queries(20):
        client.get(LIST)
    with django_assert_max_num_queries(25):
        client.get(reverse("retirements:list"))


@pytest.mark.parametrize("address", ["/retirements/notices/?q=&state=", "/work/?state=&kind="])
def test_any_of_a_filter_is_no_error(client, address):
    page = client.get(address)

    assert page.status_code == 200
    assert "Select a valid choice" not in text_of(page)
