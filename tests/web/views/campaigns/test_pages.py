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
from tests.builders import (
    make_application,
    make_campaign,
    make_dependency,
    make_member,
    make_offering,
    make_task,
    make_team,
    make_version,
)
from tests.exposure.campaigns.payments_team import PaymentsTeam, do_everything
from tests.http import file_text, text_of
from tests.worlds.fit import require, settle

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
    assert "The migration was opened with one task." in page
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
    assert "The progress is unknown." in text_of(answer)


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
    assert "Creating a task for each dependency" in page
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

    assert "0 of 1 tasks are signed or no longer needed" in text_of(
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
    assert "Migration closed." in text_of(
        post(client, "campaigns:action", campaign.pk, "close", reason="Moved by hand")
    )
    assert "Closed: 0 of 1 tasks were signed or no longer needed." in text_of(
        client.get(reverse("campaigns:detail", args=[campaign.pk]))
    )
    assert "Migration reopened." in text_of(
        post(client, "campaigns:action", campaign.pk, "reopen", reason="Not yet")
    )


def test_governance_changes_the_usual_target(payments, as_user):
    campaign = payments.open()
    other = make_offering(
        "newer", host=payments.ending.host, version=payments.ending.version, lifecycle="active"
    )
    client = as_user(payments.governance)
    form = client.get(reverse("campaigns:plan", args=[campaign.pk])).context["form"]
    assert form["target"].value() == payments.target.pk
    facts = {"title": "Off", "note": "By spring.", "due_on": ""}

    # what stands is offered too, though another host serves it
    assert "Migration saved." in text_of(
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
    assert f"The target is {payments.target.api_id}." in page
    assert "Sign-off requirements" in page

    step = task.steps.filter(kind="watch").get()
    assert f"Step completed: {step.title}." in text_of(
        post(editor, "campaign-steps:action", step.pk, "tick")
    )
    assert "accuracy was recorded." in text_of(
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
    assert f"uses {payments.target.api_id} from" in page
    assert Dependency.objects.get(pk=task.dependency_id).until == payments.today

    assert post(editor, "campaign-tasks:action", task.pk, "sign").status_code == 403
    assert "Run one on your own workload and record it" in text_of(
        post(owner, "campaign-tasks:action", task.pk, "sign")
    )
    task.refresh_from_db()
    do_everything(task, on=payments.today)
    assert "Task signed off." in text_of(post(owner, "campaign-tasks:action", task.pk, "sign"))
    assert CampaignTask.objects.get(pk=task.pk).state == "done"


def test_a_waiver_needs_a_reason_and_a_day_and_is_lifted(payments, as_user):
    task = payments.task()
    owner = as_user(payments.owner)

    until = (payments.today + timedelta(30)).isoformat()
    assert "Enter a reason." in text_of(
        post(owner, "campaign-tasks:action", task.pk, "waive", until=until)
    )
    assert "Deferred until" in text_of(
        post(owner, "campaign-tasks:action", task.pk, "waive", until=until, why="No traffic")
    )
    assert "Deferral cancelled." in text_of(post(owner, "campaign-tasks:action", task.pk, "lift"))


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


@pytest.mark.parametrize("view", ["table", "plan"])
def test_the_views_of_a_migration_cost_the_same_for_any_number_of_tasks(
    view, payments, as_user, django_assert_max_num_queries
):
    for _ in range(4):
        payments.stand()
    address = reverse(f"campaigns:{view}", args=[payments.open().pk])
    client = as_user(payments.governance)
    client.get(address)

    with django_assert_max_num_queries({"table": 15, "plan": 15}[view]):
        client.get(address)


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


def test_the_named_successor_is_offered_first_then_the_same_region_and_none_is_left_out(
    payments, as_user
):
    subject = payments.ending
    region = {"host": subject.host, "version": None, "lifecycle": "active"}
    versions = [
        make_version(f"maker/release-{n}", foundation=subject.version.foundation) for n in range(45)
    ]
    for n, version in enumerate(versions):
        prefix = "eu." if n % 2 else ""
        make_offering(f"{prefix}maker.release-{n}", **{**region, "version": version})
    named = make_offering("zz-named", host=payments.target.host, lifecycle="active")
    subject.replacement = named
    subject.save()

    page = as_user(payments.governance).get(f"{reverse('campaigns:create')}?offering={subject.pk}")

    groups = page.context["form"].fields["target"].choices[1:]
    assert [label for label, _ in groups] == [
        "Replacement of the provider",
        "Same host, no region",
        "Same host, other regions",
    ]
    assert groups[0][1] == [(named.pk, str(named))]
    assert [len(rows) for _, rows in groups] == [1, 23, 22]


def test_the_table_lists_the_tasks_of_one_migration_with_their_targets(payments, as_user):
    campaign = payments.open()
    other = make_campaign(make_offering())
    make_task(other, make_dependency(make_application("Elsewhere"), other.subject))
    client = as_user(payments.governance)
    task = campaign.tasks.get()

    page = text_of(client.get(reverse("campaigns:table", args=[campaign.pk])))
    narrowed = text_of(
        client.get(reverse("campaigns:table", args=[campaign.pk]), {"state": "open"})
    )

    assert task.dependency.application.name in page
    assert "Elsewhere" not in page
    assert f"on {payments.ending.host.name}, to {payments.target.api_id} (default)" in page
    assert f'name="pick" value="{task.pk}"' in page
    assert '<form class="bulk assign" id="bulk"' in page
    files = f"?state=open&amp;campaign={campaign.pk}"
    assert f'href="{reverse("campaign-tasks:csv")}{files}"' in narrowed
    assert f'href="{reverse("campaign-tasks:xlsx")}{files}"' in narrowed


def test_the_table_of_a_migration_is_for_those_who_can_view_it(payments, as_user):
    address = reverse("campaigns:table", args=[payments.open().pk])
    stranger = make_member(make_team(), TeamRole.OWNER)
    viewer = make_member(payments.team, TeamRole.VIEWER)

    assert as_user(stranger).get(address).status_code == 404
    assert 'name="pick"' not in text_of(as_user(viewer).get(address))


def test_tasks_of_a_team_or_selected_ones_are_assigned_on_the_page(payments, as_user):
    payments.stand("Second")
    campaign = payments.open()
    client = as_user(payments.governance)
    first = campaign.tasks.order_by("pk").first()

    page = post(client, "campaigns:action", campaign.pk, "assign", owner=payments.editor.pk)
    assert "Select at least one task, or a team." in text_of(page)

    post(client, "campaigns:action", campaign.pk, "assign", owner=payments.editor.pk, pick=first.pk)
    assert campaign.tasks.filter(owner=payments.editor).get() == first

    post(
        client,
        "campaigns:action",
        campaign.pk,
        "assign",
        owner=payments.owner.pk,
        team=payments.team.pk,
    )
    assert campaign.tasks.filter(owner=payments.owner).count() == 2


def test_an_editor_assigns_tasks_of_the_own_team_and_a_viewer_none(payments, as_user):
    campaign = payments.open()
    viewer = make_member(payments.team, TeamRole.VIEWER)
    detail = reverse("campaigns:detail", args=[campaign.pk])

    assert as_user(viewer).get(detail).context["assignment"] is None
    editor = as_user(payments.editor)
    assert editor.get(detail).context["assignment"] is not None
    post(
        editor,
        "campaigns:action",
        campaign.pk,
        "assign",
        owner=payments.editor.pk,
        team=payments.team.pk,
    )
    assert campaign.tasks.get().owner == payments.editor
    assert editor.post(reverse("campaigns:action", args=[campaign.pk, "extend"])).status_code == 403


def test_a_task_shows_both_dates_and_by_how_much_it_is_too_late(payments, as_user):
    type(payments.ending).objects.filter(pk=payments.ending.pk).update(
        retires_on=payments.today + timedelta(days=5)
    )
    task = payments.task()
    client = as_user(payments.editor)

    page = text_of(client.get(reverse("campaign-tasks:detail", args=[task.pk])))
    assert "Too late by 39 days" in page
    listed = client.get(reverse("campaign-tasks:list"), {"too_late": "true"})
    assert listed.context["listing"].n_found == 1
    assert "Too late by 39 days" in text_of(listed)

    finish_by = payments.today + timedelta(days=4)
    post(client, "campaign-tasks:action", task.pk, "dates", finish_by=finish_by.isoformat())
    task.refresh_from_db()
    assert task.finish_by == finish_by
    assert task.start_by == finish_by - timedelta(days=30)


def _affected(payments):
    dependency = Dependency.objects.get(offering=payments.event.offering, role="primary")
    require(dependency, vision=True)
    return dependency


def test_common_targets_say_how_many_dependencies_fit_and_ask_before_they_break(payments, as_user):
    dependency = _affected(payments)
    subject = dependency.offering
    blind = make_offering("blind-target", host=subject.host, lifecycle="active")
    blind.version.foundation.developer = subject.version.foundation.developer
    blind.version.foundation.save()
    settle(blind, vision=False)
    client = as_user(payments.governance)
    address = f"{reverse('campaigns:create')}?event={payments.event.pk}"

    assert "blind-target on" in (shown := text_of(client.get(address)))
    assert "0 fit, 1 break, 0 unknown" in shown
    facts = {"title": "", "note": "", "target": blind.pk}
    asked = client.post(address, facts)
    assert asked.status_code == 422
    assert "1 dependency would lose what it uses: blind-target has no image input." in text_of(
        asked
    )
    assert not Campaign.objects.exists()

    done = client.post(address, {**facts, "confirm_breaks": blind.pk})
    assert done.status_code == 302
    assert Campaign.objects.get().target == blind


def test_a_default_target_that_breaks_something_asks_first(payments, as_user):
    dependency = _affected(payments)
    campaign = payments.open()
    blind = make_offering(
        "blind-target",
        host=payments.ending.host,
        version=payments.ending.version,
        lifecycle="active",
    )
    settle(blind, vision=False)
    client = as_user(payments.governance)
    address = reverse("campaigns:action", args=[campaign.pk, "change"])
    facts = {"title": "Off", "note": "", "due_on": "", "target": blind.pk}

    asked = client.post(address, facts)
    assert asked.status_code == 422
    page = text_of(asked)
    assert "1 dependency would lose what it uses: blind-target has no image input." in page
    assert f'name="confirm_breaks" value="{blind.pk}"' in page
    campaign.refresh_from_db()
    assert (campaign.target, campaign.title) != (blind, "Off")

    assert client.post(address, {**facts, "confirm_breaks": blind.pk}).status_code == 302
    campaign.refresh_from_db()
    assert campaign.target == blind
    # what was confirmed is not asked again
    assert client.post(address, {**facts, "title": "Away"}).status_code == 302

    # a task with a target of its own does not follow the default
    campaign.tasks.filter(dependency=dependency).update(target=payments.target)
    client.post(address, {**facts, "target": payments.target.pk})
    assert client.post(address, facts).status_code == 302


def test_a_closed_migration_says_why_it_does_not_change(payments, as_user):
    campaign = payments.open()
    client = as_user(payments.governance)
    post(client, "campaigns:action", campaign.pk, "close", reason="Moved by hand")
    facts = {"title": "Off", "note": "", "due_on": "", "target": ""}
    page = text_of(post(client, "campaigns:action", campaign.pk, "change", **facts))
    assert "The campaign is closed. Reopen it first." in page


def test_the_target_of_a_task_is_marked_and_confirmed(payments, as_user):
    dependency = _affected(payments)
    blind = make_offering("blind-target")
    settle(blind, vision=False)
    campaign = make_campaign(dependency.offering)
    task = make_task(campaign, dependency)
    client = as_user(payments.governance)

    page = text_of(client.get(reverse("campaign-tasks:detail", args=[task.pk]), {"q": "blind"}))
    assert "breaks: has no image input" in page
    assert 'name="confirm_breaks"' in page

    refused = text_of(post(client, "campaign-tasks:action", task.pk, "target", target=blind.pk))
    assert "blind-target has no image input" in refused
    task.refresh_from_db()
    assert task.target is None
    post(client, "campaign-tasks:action", task.pk, "target", target=blind.pk, confirm_breaks="on")
    task.refresh_from_db()
    assert task.target == blind
