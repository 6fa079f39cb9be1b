"""Announcing a retirement on pages: from the button on a model's page to the open migration."""

from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests, raise_alerts
from apps.catalog.models import RetirementAnnouncement
from apps.common.time import day_of, now
from apps.exposure.models import Campaign
from apps.exposure.queries.announcement_reach import (
    affected_by_retirement,
    count_affected_by_announcements,
)
from apps.issues.models import Issue
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
ANNOUNCE = reverse("retirements:announce")


class Portfolio:
    """Three model IDs of one version at two hosts, used by six applications of one team."""

    def __init__(self):
        self.today = day_of(now())
        self.retires_on = self.today + timedelta(days=120)
        self.governance = make_user(role="governance", first_name="Maren", last_name="Olsen")
        self.team = make_team("Claims")
        self.owner = make_member(
            self.team,
            TeamRole.OWNER,
            make_user(first_name="Ilse", last_name="Brandt"),
        )
        self.version = make_version("maker/model-x-20250101")
        self.azure, self.bedrock = make_provider("azure"), make_provider("bedrock")
        self.offerings = [
            make_offering("model-x", host=self.azure, version=self.version),
            make_offering("eu.model-x", host=self.bedrock, version=self.version),
            make_offering("us.model-x", host=self.bedrock, version=self.version),
        ]
        self.alias = make_offering(
            "model-latest", host=self.azure, version=self.version, binding="alias"
        )
        self.successor = make_offering("model-y", host=self.azure)
        for n in range(6):
            application = make_application(
                f"Application {n}", team=self.team, business_owner="Ilse Brandt"
            )
            make_dependency(application, self.offerings[n % 3])
        self.address = f"{ANNOUNCE}?version={self.version.pk}"

    def fields(self, **given):
        return {
            "retires_on": self.retires_on.isoformat(),
            "date_kind": "firm",
            "successor": "azure/model-y",
            "notice_text": "From our account manager.",
            **given,
        }


@pytest.fixture
def portfolio(db):
    return Portfolio()


@pytest.fixture
def client(portfolio, as_user):
    return as_user(portfolio.governance)


def announce(client, portfolio, **given):
    ids = [offering.pk for offering in portfolio.offerings]
    return client.post(
        portfolio.address,
        portfolio.fields(action="announce", previewed="1", offering=ids, **given),
        follow=True,
    )


def test_from_the_page_of_the_version_to_the_open_migration_in_five_steps(client, portfolio):
    page = client.get(reverse("versions:detail", args=[portfolio.version.pk])).content.decode()
    assert f'href="{portfolio.address}"' in page

    assert client.get(portfolio.address).status_code == 200

    preview = client.post(portfolio.address, portfolio.fields(action="preview"))
    assert {row.offering.api_id for row, covered in preview.context["rows"] if covered} == {
        "model-x",
        "eu.model-x",
        "us.model-x",
    }
    assert preview.context["n_affected"] == 6
    assert {row.owner for row in preview.context["affected"]} == {portfolio.owner}
    assert not RetirementAnnouncement.objects.exists()

    page = announce(client, portfolio)
    announcement = RetirementAnnouncement.objects.get()
    assert page.redirect_chain[-1][0] == reverse("retirements:detail", args=[announcement.pk])
    assert "Retirement of 3 model IDs announced. 6 issues opened." in text_of(page)
    assert Issue.objects.filter(cause__kind="retirement", owner=portfolio.owner).count() == 6

    opened = client.post(
        f"{reverse('campaigns:create')}?announcement={announcement.pk}",
        {"target": portfolio.successor.pk},
        follow=True,
    )
    campaign = Campaign.objects.get()
    assert campaign.tasks.count() == 6
    assert campaign.target == portfolio.successor
    assert "Migrate from" in text_of(opened)
    assert "View migration" in text_of(
        client.get(reverse("retirements:detail", args=[announcement.pk]))
    )


def test_a_second_click_announces_nothing_and_says_so(client, portfolio):
    announce(client, portfolio)

    page = announce(client, portfolio)

    announcement = RetirementAnnouncement.objects.get()
    assert page.redirect_chain[-1][0] == reverse("retirements:detail", args=[announcement.pk])
    assert "This retirement is already announced. Nothing was changed." in text_of(page)


def test_the_boxes_decide_what_is_covered(client, portfolio):
    first, second, _ = portfolio.offerings
    client.post(
        portfolio.address,
        portfolio.fields(action="announce", previewed="1", offering=[first.pk, second.pk]),
    )
    announcement = RetirementAnnouncement.objects.get()
    assert set(announcement.offerings.all()) == {first, second}
    assert announcement.scope == "model_ids"


def test_all_boxes_as_proposed_is_the_announcement_of_all_hosts(client, portfolio):
    announce(client, portfolio)
    announcement = RetirementAnnouncement.objects.get()
    assert announcement.scope == "all_hosts"
    assert announcement.announced_by == portfolio.governance


def test_without_any_box_nothing_is_announced(client, portfolio):
    answer = client.post(portfolio.address, portfolio.fields(action="announce", previewed="1"))
    assert answer.status_code == 422
    assert "Select at least one model ID." in text_of(answer)


def test_an_empty_date_is_read_from_the_notice(client, portfolio):
    day = portfolio.retires_on
    notice = f"model-x retires on {day:%B} {day.day}, {day.year}. https://maker.example/notice."
    preview = client.post(
        portfolio.address,
        portfolio.fields(action="preview", retires_on="", notice_text=notice),
    )
    terms = preview.context["preview"].terms
    assert (terms.retires_on, terms.source_url) == (day, "https://maker.example/notice")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"retires_on": "", "notice_text": ""}, "Enter the retirement date."),
        ({"retires_on": "2020-01-01"}, "2020-01-01 is in the past."),
        ({"successor": "azure/nothing"}, "No offering 'azure/nothing' found"),
        ({"successor": "azure/model-x"}, "is among the model IDs that retire"),
        ({"model_ids": "nothing"}, "has no model ID 'nothing'"),
    ],
)
def test_refusals_are_shown_at_the_form_and_what_was_entered_stays(
    client, portfolio, change, sentence
):
    answer = client.post(portfolio.address, portfolio.fields(action="preview", **change))
    assert answer.status_code == 422
    assert sentence in unescape(text_of(answer))
    assert "From our account manager." in answer.content.decode() or "notice_text" in change


@pytest.mark.parametrize("kind", ["foundation", "provider", "offering"])
def test_the_other_subjects_are_announced_by_their_pages(client, portfolio, kind):
    subject = {
        "foundation": portfolio.version.foundation.slug,
        "provider": portfolio.bedrock.slug,
        "offering": portfolio.offerings[0].pk,
    }[kind]
    detail = reverse(f"{kind}s:detail", args=[subject])
    address = f"{ANNOUNCE}?{kind}={subject}"
    assert f'href="{address}"' in client.get(detail).content.decode()
    preview = client.post(address, portfolio.fields(action="preview"))
    assert (
        len(preview.context["preview"].offerings)
        == {
            "foundation": 3,
            "provider": 2,
            "offering": 1,
        }[kind]
    )


def test_without_a_subject_the_user_searches_for_it(client, portfolio):
    assert client.get(ANNOUNCE).status_code == 200
    page = client.get(ANNOUNCE, {"q": "eu.model"}).content.decode()
    assert f"?offering={portfolio.offerings[1].pk}" in page


def test_one_announcement_is_one_row_of_the_list_and_the_file(client, portfolio):
    announce(client, portfolio)
    page = client.get(reverse("retirements:list"))
    assert page.context["listing"].n_found == 1
    assert file_text(client.get(reverse("retirements:csv"))).count("\n") == 2
    assert (
        client.get(reverse("retirements:list"), {"withdrawn": "true"}).context["listing"].n_found
        == 0
    )


def test_it_is_withdrawn_with_a_reason_and_undone_without(client, portfolio):
    announce(client, portfolio)
    announcement = RetirementAnnouncement.objects.get()
    address = reverse("retirements:withdraw", args=[announcement.pk])

    assert "Enter a reason" in text_of(client.post(address, follow=True))
    announcement.refresh_from_db()
    assert not announcement.is_withdrawn

    page = client.post(f"{address}?undo=1", follow=True)
    announcement.refresh_from_db()
    assert announcement.withdrawal_reason == "Undone immediately after the announcement."
    assert "Announcement withdrawn." in text_of(page)
    assert not Issue.objects.unresolved().filter(cause__kind="retirement").exists()


def test_others_read_what_they_may_and_cannot_announce(client, portfolio, as_user):
    announce(client, portfolio)
    announcement = RetirementAnnouncement.objects.get()
    detail = reverse("retirements:detail", args=[announcement.pk])
    stranger = as_user(make_member(make_team()))

    page = stranger.get(detail)
    assert page.status_code == 200
    assert page.context["n_affected"] == 0
    assert "Withdraw announcement" not in text_of(page)
    assert as_user(portfolio.owner).get(detail).context["n_affected"] == 6
    assert stranger.get(portfolio.address).status_code == 403
    assert stranger.post(f"{detail}withdraw/", {"reason": "x"}).status_code == 403


def test_the_page_costs_the_same_for_one_and_for_six_applications(
    client, portfolio, django_assert_max_num_queries
):
    announce(client, portfolio)
    announcement = RetirementAnnouncement.objects.get()
    with django_assert_max_num_queries(30):
        client.get(reverse("retirements:detail", args=[announcement.pk]))


def test_the_list_of_events_counts_the_applications_of_announcements_in_two_statements(
    client, portfolio, django_assert_num_queries
):
    announce(client, portfolio)
    announcement = RetirementAnnouncement.objects.get()
    user = announcement.announced_by
    applications, n = affected_by_retirement(
        offering_ids=list(announcement.offerings.values_list("pk", flat=True)),
        on=day_of(now()),
        retires_on=announcement.retires_on,
        user=user,
        limit=1,
    )

    with django_assert_num_queries(2):
        counts = count_affected_by_announcements(
            [announcement, announcement], on=day_of(now()), user=user
        )

    assert applications
    assert counts == {announcement.pk: n}
    assert client.get(reverse("events:list")).context["page"].rows[0].n_applications == n


def test_the_list_of_events_shows_the_announcement_once_and_the_file_every_model_id(
    client, portfolio
):
    announce(client, portfolio)
    announcement = RetirementAnnouncement.objects.get()

    page = client.get(reverse("events:list"))
    assert page.context["listing"].n_found == 1
    assert reverse("retirements:detail", args=[announcement.pk]) in page.content.decode()
    assert "Maren Olsen" in text_of(page)
    assert file_text(client.get(reverse("events:csv"))).count("Maren Olsen") == 3

    client.post(reverse("retirements:withdraw", args=[announcement.pk]), {"reason": "A mistake."})
    page = client.get(reverse("events:list"))
    assert [event.kind for event in page.context["listing"].rows] == ["withdrawn", "announced"]
    event = announcement.announced_offerings.first().event
    assert "Maren Olsen" in text_of(client.get(reverse("events:detail", args=[event.pk])))


def test_the_page_of_an_announcement_says_who_was_notified(client, portfolio):
    page = text_of(announce(client, portfolio))
    assert "No notification about this model" in page

    raise_alerts(at=now())
    queue_digests(at=now() + timedelta(minutes=5))

    announcement = RetirementAnnouncement.objects.get()
    page = client.get(reverse("retirements:detail", args=[announcement.pk]))
    notified = page.context["notified"]
    assert str(portfolio.owner) in {recipient.name for recipient in notified.listed}
