"""The pages of campaigns: governance opens, editors work, owners sign; seen by whose teams are in
it."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Dependency
from apps.web.views.campaigns import create as opening_module
from tests.builders import make_member, make_offering, make_team
from tests.exposure.campaigns.payments_team import PaymentsTeam, do_everything
from tests.http import file_text, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def payments():
    return PaymentsTeam(at=now())


def post(client, name, *args, **data):
    return client.post(reverse(name, args=args), data, follow=True)


def test_governance_opens_one_for_an_event_and_is_told_who_is_concerned_before(payments, as_user):
    client = as_user(payments.governance)
    address = f"{reverse('campaigns:create')}?event={payments.event.pk}"

    before = text_of(client.get(address))
    assert "1 dependency would migrate off" in before
    assert "Claims" in before

    page = text_of(client.post(address, {"title": "Off the old one"}, follow=True))

    campaign = Campaign.objects.get()
    assert "The migration campaign was opened with one task." in page
    assert campaign.title == "Off the old one"
    assert client.get(address).url == reverse("campaigns:detail", args=[campaign.pk])


def test_an_opening_whose_progress_was_lost_says_so_and_waits_no_longer(
    payments, as_user, monkeypatch
):
    monkeypatch.setattr(opening_module, "MAX_IMMEDIATE_DEPENDENCIES", 0)
    monkeypatch.setattr(opening_module.open_large_campaign, "delay", lambda **given: None)
    client = as_user(payments.governance)
    client.post(
        f"{reverse('campaigns:create')}?event={payments.event.pk}", {"title": "", "note": ""}
    )
    address = f"{reverse('campaigns:create-progress')}?event={payments.event.pk}"
    assert client.get(address).status_code == 200

    cache.clear()
    answer = client.get(address, follow=True)

    assert answer.redirect_chain[-1][0] == reverse("campaigns:list")
    assert "The progress of opening this campaign is not known." in text_of(answer)


def test_an_opening_that_would_take_long_is_left_to_a_worker(payments, as_user, monkeypatch):
    monkeypatch.setattr(opening_module, "MAX_IMMEDIATE_DEPENDENCIES", 0)
    asked = []
    monkeypatch.setattr(
        opening_module.open_large_campaign, "delay", lambda **given: asked.append(given)
    )
    client = as_user(payments.governance)

    page = text_of(
        client.post(
            f"{reverse('campaigns:create')}?event={payments.event.pk}",
            {"title": "Big"},
            follow=True,
        )
    )
    assert "Writing a task for each dependency" in page
    assert not Campaign.objects.exists()

    opening_module.open_large_campaign(**asked[0])
    response = client.get(f"{reverse('campaigns:create-progress')}?event={payments.event.pk}")
    assert response.url == reverse("campaigns:detail", args=[Campaign.objects.get(title="Big").pk])


def test_others_open_none(payments, as_user):
    assert (
        as_user(payments.owner)
        .get(f"{reverse('campaigns:create')}?event={payments.event.pk}")
        .status_code
        == 403
    )


def test_the_campaign_says_how_far_it_is_and_lists_its_tasks(payments, as_user):
    campaign = payments.open()
    other = payments.stand("Second")
    client = as_user(payments.governance)

    assert "no of 1 tasks are settled".replace("no", "0") in text_of(
        client.get(reverse("campaigns:detail", args=[campaign.pk]))
    )

    page = text_of(post(client, "campaigns:action", campaign.pk, "extend"))
    assert "One task joined." in page
    assert other.application.name in page
    rows = file_text(client.get(f"{reverse('campaign-tasks:csv')}?campaign={campaign.pk}"))
    assert rows.count("\n") == 3


def test_a_campaign_with_open_tasks_is_closed_only_with_a_reason(payments, as_user):
    campaign = payments.open()
    client = as_user(payments.governance)

    assert "enter a closing note that explains why" in text_of(
        post(client, "campaigns:action", campaign.pk, "close")
    )
    assert "The campaign is closed." in text_of(
        post(client, "campaigns:action", campaign.pk, "close", reason="Moved by hand")
    )
    assert "Closed: 0 of 1 tasks were settled." in text_of(
        client.get(reverse("campaigns:detail", args=[campaign.pk]))
    )
    assert "The campaign is open again." in text_of(
        post(client, "campaigns:action", campaign.pk, "reopen", reason="Not yet")
    )


def test_governance_changes_the_usual_target(payments, as_user):
    campaign = payments.open()
    other = make_offering(
        "newer", host=payments.ending.host, version=payments.ending.version, lifecycle="active"
    )
    client = as_user(payments.governance)
    form = client.get(reverse("campaigns:detail", args=[campaign.pk])).context["form"]
    assert form["target"].value() == payments.target.pk
    facts = {"title": "Off", "note": "By spring.", "due_on": ""}

    # what stands is offered too, though another host serves it
    assert "The campaign is changed." in text_of(
        post(client, "campaigns:action", campaign.pk, "change", target=payments.target.pk, **facts)
    )
    assert Campaign.objects.get().target == payments.target
    post(client, "campaigns:action", campaign.pk, "change", target=other.pk, **facts)

    campaign.refresh_from_db()
    assert (campaign.target, campaign.title, campaign.note) == (other, "Off", "By spring.")
    assert "valid choice" in text_of(
        post(client, "campaigns:action", campaign.pk, "change", target=make_offering().pk, **facts)
    )


@pytest.mark.proof
def test_an_editor_works_a_task_through_and_the_owner_signs_it(payments, as_user):
    task = payments.task()
    editor, owner = as_user(payments.editor), as_user(payments.owner)

    page = text_of(
        post(editor, "campaign-tasks:action", task.pk, "target", target=payments.target.pk)
    )
    assert f"It moves to {payments.target.api_id}." in page
    assert "Missing for the signature" in page

    step = task.steps.filter(kind="watch").get()
    assert f"Done: {step.title}." in text_of(post(editor, "campaign-steps:action", step.pk, "tick"))
    assert "accuracy is recorded." in text_of(
        post(
            editor,
            "campaign-tasks:action",
            task.pk,
            "measure",
            metric="accuracy",
            before="0.91",
            after="0.9",
        )
    )
    page = text_of(
        post(editor, "campaign-tasks:action", task.pk, "switch", on=payments.today.isoformat())
    )
    assert f"calls {payments.target.api_id} from" in page
    assert Dependency.objects.get(pk=task.dependency_id).until == payments.today

    assert post(editor, "campaign-tasks:action", task.pk, "sign").status_code == 403
    assert "Run one on your own workload and record it" in text_of(
        post(owner, "campaign-tasks:action", task.pk, "sign")
    )
    task.refresh_from_db()
    do_everything(task, on=payments.today)
    assert "Signed off." in text_of(post(owner, "campaign-tasks:action", task.pk, "sign"))
    assert CampaignTask.objects.get(pk=task.pk).state == "done"


def test_a_waiver_needs_a_reason_and_a_day_and_is_lifted(payments, as_user):
    task = payments.task()
    owner = as_user(payments.owner)

    until = (payments.today + timedelta(30)).isoformat()
    assert "Reason: This field is required." in text_of(
        post(owner, "campaign-tasks:action", task.pk, "waive", until=until)
    )
    assert "Deferred until" in text_of(
        post(owner, "campaign-tasks:action", task.pk, "waive", until=until, why="No traffic")
    )
    assert "The waiver is lifted." in text_of(post(owner, "campaign-tasks:action", task.pk, "lift"))


def test_strangers_find_nothing_and_viewers_no_forms(payments, as_user):
    task = payments.task()
    stranger = as_user(make_member(make_team(), TeamRole.OWNER))
    viewer = as_user(make_member(payments.team, TeamRole.VIEWER))

    assert stranger.get(reverse("campaigns:detail", args=[task.campaign_id])).status_code == 404
    assert stranger.get(reverse("campaign-tasks:detail", args=[task.pk])).status_code == 404
    assert (
        stranger.post(reverse("campaign-tasks:action", args=[task.pk, "target"])).status_code == 404
    )
    page = text_of(viewer.get(reverse("campaign-tasks:detail", args=[task.pk])))
    assert 'id="h-target"' not in page  # the form; the step of that name is shown
    assert (
        viewer.post(reverse("campaign-tasks:action", args=[task.pk, "target"])).status_code == 403
    )
    assert (
        viewer.post(reverse("campaigns:action", args=[task.campaign_id, "extend"])).status_code
        == 403
    )


@pytest.mark.parametrize(("name", "n"), [("campaigns:list", 12), ("campaign-tasks:list", 8)])
def test_lists_cost_the_same_however_long_they_are(
    name, n, payments, as_user, django_assert_num_queries
):
    client = as_user(payments.governance)
    for _ in range(4):
        payments.stand()
    payments.open()

    with django_assert_num_queries(n):
        client.get(reverse(name))
