"""The board of a migration: its tasks in four states, with owner, dates and steps."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from apps.common.time import now
from apps.exposure.campaigns.progress import visible_tasks
from apps.exposure.models import CampaignTask
from apps.web.views.campaigns.board import MAX_CARDS_PER_COLUMN, build_board
from tests.builders import make_application, make_dependency, make_task
from tests.exposure.campaigns.payments_team import PaymentsTeam
from tests.http import visible_text

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def payments():
    return PaymentsTeam(at=now())


def column_sizes(user, today):
    board = build_board(visible_tasks(user=user), today=today)
    return {column.name: column.n for column in board.columns}


@pytest.mark.parametrize(
    ("state", "column"),
    [
        ("open", "Not started"),
        ("in_progress", "Testing"),
        ("ready", "Switched, to be signed"),
        ("done", "Signed"),
    ],
)
def test_a_task_is_in_the_column_of_its_state(payments, state, column):
    payments.open()
    signature = (
        {"signed_off_by": payments.governance, "signed_off_at": now()} if state == "done" else {}
    )
    CampaignTask.objects.update(state=state, **signature)

    sizes = column_sizes(payments.governance, now().date())

    assert {name for name, n in sizes.items() if n} == {column}


def test_a_card_has_owner_dates_and_steps_and_a_late_one_says_so(payments, as_user):
    campaign = payments.open()
    today = now().date()
    CampaignTask.objects.update(start_by=today - 3 * DAY, finish_by=today + 5 * DAY, owner=None)

    page = visible_text(
        as_user(payments.governance).get(reverse("campaigns:detail", args=[campaign.pk]))
    )

    assert "Unassigned" in page
    assert "Too late by 3 days" in page
    assert "Start by" in page
    assert "Finish by" in page
    assert "0 of " in page


def test_the_links_of_the_board_select_unassigned_late_and_own_tasks(payments, as_user):
    campaign = payments.open()
    mine = make_task(
        campaign,
        make_dependency(make_application("Own work"), payments.ending),
        owner=payments.governance,
        finish_by=date(2099, 1, 1),
    )
    client = as_user(payments.governance)
    address = reverse("campaigns:detail", args=[campaign.pk])

    own = visible_text(client.get(f"{address}?owner={payments.governance.username}"))
    late = visible_text(client.get(f"{address}?late=true"))

    assert mine.dependency.application.name in own
    assert "Mine 1" in own
    assert mine.dependency.application.name not in late


def test_a_full_column_leads_to_the_table(payments, as_user):
    campaign = payments.open()
    for _ in range(MAX_CARDS_PER_COLUMN):
        make_task(campaign, make_dependency(make_application(), payments.ending))

    page = visible_text(
        as_user(payments.governance).get(reverse("campaigns:detail", args=[campaign.pk]))
    )

    assert "View 1 more in the table" in page


def test_the_board_costs_the_same_for_any_number_of_tasks(
    payments, as_user, django_assert_max_num_queries
):
    campaign = payments.open()
    for _ in range(5):
        make_task(campaign, make_dependency(make_application(), payments.ending))
    client = as_user(payments.governance)
    address = reverse("campaigns:detail", args=[campaign.pk])
    client.get(address)

    with django_assert_max_num_queries(30):
        client.get(address)
