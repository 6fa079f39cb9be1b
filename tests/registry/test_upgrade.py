"""A filled database as the first migrations left it is brought to the migrations of today: nothing
is lost, and everything can be looked at and changed.

Where a migration takes rows or a table away on purpose, GONE says why. The dump is written by
`python -m tests.upgrade_fixture`, once.
"""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Q
from django.test import Client
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from apps.accounts.models import User
from apps.alerts.issues.links import link_issues
from apps.alerts.models import Delivery
from apps.alerts.queries import last_notifications
from apps.common.history.context import audit_context
from apps.common.time import day_of, now
from apps.exposure.campaigns.reach import task_dates
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Application, Dependency
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from tests.upgrade_fixture import DUMP, restored_dump
from tests.web.routes import stops

pytestmark = pytest.mark.proof

MAX_BYTES = 300_000
# {table: why a migration takes it, or rows of it, away}
GONE: dict[str, str] = {}


def row_counts() -> dict[str, int]:
    """{table: rows} of all tables that hold any."""
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"""SELECT '{name}', count(*) FROM "{name}" """ for name in tables)
        )
        return {table: n for table, n in cursor.fetchall() if n}


@pytest.fixture(scope="module")
def counts_before(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, int]]:
    """The restored database after the upgrade; the rows it had before."""
    with django_db_blocker.unblock(), restored_dump():
        before = row_counts()
        call_command("migrate", verbosity=0, interactive=False)
        yield before


@pytest.fixture
def governor(counts_before: dict[str, int]) -> User:
    return User.objects.filter(organisation_role="governance", is_active=True).earliest("pk")


def test_the_dump_is_small_and_holds_much(counts_before: dict[str, int]) -> None:
    assert DUMP.stat().st_size < MAX_BYTES
    assert len(counts_before) > 80


def test_no_table_loses_rows(counts_before: dict[str, int]) -> None:
    after = row_counts()

    lost = {
        table: (n, after.get(table, 0))
        for table, n in counts_before.items()
        if after.get(table, 0) < n and table not in GONE
    }
    assert lost == {}
    assert call_command("migrate", check_unapplied=True, verbosity=0) is None


def test_tasks_have_both_dates_and_campaigns_their_offerings(
    counts_before: dict[str, int],
) -> None:
    tasks = CampaignTask.objects.filter(finish_by__isnull=False)
    assert tasks.exists()
    assert not tasks.filter(Q(start_by=None) | Q(scheduled_on=None)).exists()
    assert not tasks.filter(start_by__gt=F("finish_by")).exists()
    # as a campaign that is opened today calculates them
    dates = task_dates(tasks=list(tasks.values_list("pk", flat=True)))
    assert any(task.finish_by == dates[task.pk].finish_by for task in tasks)
    assert all(
        list(campaign.offerings.all()) == [campaign.subject]
        for campaign in Campaign.objects.select_related("subject")
    )


def test_every_page_shows_what_was_there(governor: User) -> None:
    client = Client()
    client.force_login(governor)

    empty: list[str] = []
    # links in emails expire 30 days after these were written, the dump's own therefore soon
    Delivery.objects.update(created_at=now())
    broken = {
        stop.path: response.status_code
        for stop in stops(governor, empty=empty)
        if (response := client.get(stop.path)).status_code not in {200, 302}
    }

    assert broken == {}
    name = Dependency.objects.live_on(day_of(now())).earliest("pk").application.name
    page = client.get(reverse("applications:list"), {"q": name})
    assert name in page.content.decode()


def test_owners_are_persons_where_their_text_names_one(counts_before: dict[str, int]) -> None:
    owned = Application.objects.exclude(business_owner="")

    linked = owned.exclude(business_owner_person=None)
    assert linked.exists()
    assert all(row.business_owner for row in linked)
    # the columns begin with these values, so that earlier changes can still be undone
    assert {row.history.latest("pgh_id").business_owner_person_id for row in linked} == {None}


def test_rest_lists_what_was_there(governor: User) -> None:
    client = Client()
    client.force_login(governor)

    rows = client.get("/api/v1/applications/", {"page_size": 5}).json()["results"]

    assert rows
    assert Application.objects.filter(slug__in=[row["slug"] for row in rows]).count() == len(rows)


def test_changes_go_on_and_are_kept_in_the_history(governor: User) -> None:
    application = Application.objects.earliest("pk")
    versions = application.history.count()

    with audit_context(user=governor, reason="After the upgrade"):
        application.purpose = "Sorts what comes in after the upgrade"
        application.save()

    assert application.history.count() == versions + 1
    refresh(on=day_of(now()))


def test_issues_know_the_notifications_of_before(counts_before: dict[str, int]) -> None:
    evaluate_issues(at=now())

    assert link_issues() > 0

    assert last_notifications(Issue.objects.values_list("pk", flat=True))
