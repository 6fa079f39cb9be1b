"""Campaigns in the admin: opened, led and read there by the offices."""

import pytest
from django.urls import reverse

import apps.exposure.admin_campaigns  # noqa: F401 - registers them
from apps.exposure.models import Campaign
from tests.builders import make_member, make_team, make_user
from tests.http import flash_text

pytestmark = pytest.mark.django_db

LIST, ADD = "admin:exposure_campaign_changelist", "admin:exposure_campaign_add"


@pytest.fixture
def governed(client, payments):
    client.force_login(payments.governance)
    return client


def test_governance_opens_one_and_opening_it_again_leads_to_the_same(governed, payments):
    for _ in range(2):
        answer = governed.post(
            reverse(ADD), {"event": payments.event.pk, "target": payments.target.pk}
        )
        assert answer.status_code == 302, answer.context["adminform"].form.errors

    campaign = Campaign.objects.get()
    assert (campaign.opened_by, campaign.target, campaign.tasks.count()) == (
        payments.governance,
        payments.target,
        1,
    )


def test_what_is_refused_is_said_and_nothing_stays(governed, payments):
    answer = governed.post(reverse(ADD), {"subject": payments.target.pk}, follow=True)

    assert "nothing to migrate" in flash_text(answer)
    assert Campaign.objects.count() == 0


def test_it_wants_an_event_or_an_offering(governed):
    answer = governed.post(reverse(ADD), {"title": "Spring"})

    assert "either an event or an offering" in str(answer.context["adminform"].form.errors)


def test_its_page_shows_how_far_it_is_and_takes_another_title(governed, payments):
    campaign = payments.open()
    address = reverse("admin:exposure_campaign_change", args=[campaign.pk])

    assert "0 of 1 tasks settled" in governed.get(address).text
    answer = governed.post(
        address, {"title": "Summer", "target": payments.target.pk, "reason": "a better name"}
    )

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    campaign.refresh_from_db()
    assert campaign.title == "Summer"


@pytest.mark.parametrize(
    ("action", "words"),
    [("extend", "1 tasks"), ("reschedule", "0 tasks"), ("close", "unfinished or deferred")],
)
def test_actions_say_what_came_of_them(governed, payments, action, words):
    campaign = payments.open()
    payments.stand("Late")

    answer = governed.post(
        reverse(LIST), {"action": action, "_selected_action": [campaign.pk]}, follow=True
    )

    assert words in flash_text(answer)


def test_the_auditor_reads_and_members_do_not_enter(client, payments):
    task = payments.task()
    addresses = [
        reverse("admin:exposure_campaign_change", args=[task.campaign_id]),
        reverse("admin:exposure_campaigntask_change", args=[task.pk]),
    ]
    client.force_login(make_user(role="auditor"))
    assert [client.get(address).status_code for address in addresses] == [200, 200]
    assert client.get(reverse(ADD)).status_code == 403

    client.force_login(make_member(make_team()))
    assert {client.get(address).status_code for address in addresses} <= {302, 403}
