"""A filled database as the first migrations left it is brought to the migrations of today: nothing
is lost, and everything can be looked at and changed.

Where a migration takes rows or a table away on purpose, GONE says why. The dump is written by
`python -m tests.upgrade_fixture`, once.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.signing import Signer
from django.db import connection
from django.db.models import F, Q
from django.test import Client
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from apps.accounts.models import User
from apps.alerts.issues.links import link_issues
from apps.alerts.models import AlertIssue, Delivery, PendingLink
from apps.alerts.queries import last_notifications
from apps.common.history.context import audit_context
from apps.common.time import day_of, now
from apps.exposure.campaigns.reach import task_dates
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Application, Dependency
from apps.issues.evaluation import evaluate_everything, evaluate_issues
from apps.issues.models import Issue
from tests.upgrade_fixture import DUMP, restored_dump
from tests.web.routes import stops

pytestmark = pytest.mark.proof

MAX_BYTES = 300_000
# {table: why a migration takes it, or rows of it, away}
GONE: dict[str, str] = {}
# {column that a migration renames: columns one of which has its value}
RENAMED: dict[str, tuple[str, ...]] = {
    "exposure_campaigntask.due_on": ("start_by", "finish_by"),
    "exposure_campaigntaskhistory.due_on": ("finish_by",),
}
# {column: rows whose text a migration replaces, where no user had changed it}
REWORDED = {
    "exposure_policy.name": 6,
    "exposure_eventrate.source": 6,
    "gate_gatepolicy.levels": 1,
    # a feed with capabilities is read in full at its next poll
    "feeds_pollstate.digest": 1,
}
# filled by the upgrade, before any test changes a row: {column: rows with another value}
CHANGES: dict[str, int] = {}


def stored_rows() -> dict[str, dict[str, dict[str, Any]]]:
    """{table: {primary key: {column: value}}} of all tables that the product fills."""
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            if table.startswith(("django_", "auth_")):
                continue
            key = connection.introspection.get_primary_key_columns(cursor, table)
            if key is None or len(key) != 1:
                continue
            cursor.execute(f'SELECT "{key[0]}"::text, to_jsonb(t) FROM "{table}" t')
            rows[table] = {pk: json.loads(row) for pk, row in cursor.fetchall()}
    return rows


def changed_values(
    before: dict[str, dict[str, dict[str, Any]]], after: dict[str, dict[str, dict[str, Any]]]
) -> dict[str, int]:
    """{table.column: number of rows whose value changed or is gone}."""
    changed: Counter[str] = Counter()
    for table, rows in before.items():
        for pk, row in rows.items():
            row_after = after.get(table, {}).get(pk, {})
            for column, value in row.items():
                names = RENAMED.get(f"{table}.{column}", (column,))
                if all(name not in row_after or row_after[name] != value for name in names):
                    changed[f"{table}.{column}"] += 1
    return dict(changed)


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
        before, rows_before = row_counts(), stored_rows()
        call_command("migrate", verbosity=0, interactive=False)
        CHANGES.update(changed_values(rows_before, stored_rows()))
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


def test_no_value_of_a_column_changes(counts_before: dict[str, int]) -> None:
    assert CHANGES == REWORDED


def test_the_link_of_an_email_that_was_sent_works(counts_before: dict[str, int]) -> None:
    delivery = Delivery.objects.filter(user__is_active=True, notices__isnull=False).latest("pk")
    Delivery.objects.filter(pk=delivery.pk).update(created_at=now())
    # as it was signed when the email was sent
    token = Signer(salt="alerts.answer", sep=".").sign(str(delivery.pk))

    page = Client().get(f"/alerts/answer/{token}/")

    assert page.status_code == 200
    assert "Acknowledge" in page.content.decode()


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


def test_issues_keep_the_responses_to_earlier_alerts(counts_before: dict[str, int]) -> None:
    evaluate_everything(at=now())
    link_issues()

    links = AlertIssue.objects.exclude(issue__alert_links__alert__state="open")
    kept = {
        (link.alert.state, link.alert.snoozed_until == link.issue.snoozed_until)
        for link in links.filter(alert__state__in=["acknowledged", "snoozed"]).select_related(
            "alert", "issue"
        )
    }
    assert kept == {("snoozed", True)}
    assert not PendingLink.objects.exists()


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
    link_issues()

    assert last_notifications(Issue.objects.values_list("pk", flat=True))
