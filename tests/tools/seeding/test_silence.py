"""In a synthetic portfolio, what is retired, not approved or late and still used has a
notification, and what is in order has none."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Count

from apps.alerts.actions import raise_alerts, raise_due_alerts
from apps.catalog.models import DateKind, Lifecycle, Offering
from apps.common.time import day_of
from apps.exposure.campaigns.lifecycle import open_campaign
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import CampaignTask
from apps.inventory.read_models import refresh_all_applications
from apps.issues.evaluation import evaluate_issues
from tests.builders import make_approval, make_user
from tests.notified_facts import (
    applications_in_order,
    find_facts,
    told_applications,
    unnotified_facts,
)
from tools.seeding.seed import seed_portfolio

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = day_of(AT)


def test_a_portfolio_of_500_applications_today_and_six_weeks_later() -> None:
    governance = make_user(role="governance")
    seed_portfolio(n_applications=500, seed=1, on=TODAY)
    by_use = list(
        Offering.objects.annotate(n=Count("dependencies")).filter(n__gt=0).order_by("-n", "pk")
    )
    retired, retiring, planned, blocked, lapsed = by_use[3:23:4]
    for offering, days in ((retired, -20), (retiring, 25), (planned, 30)):
        Offering.objects.filter(pk=offering.pk).update(
            retires_on=TODAY + timedelta(days=days),
            date_kind=DateKind.FIRM,
            lifecycle=Lifecycle.RETIRED if days < 0 else Lifecycle.DEPRECATED,
        )
    make_approval("blocked", offering=blocked, approver=governance)
    make_approval(offering=lapsed, approver=governance, expires_on=TODAY)
    refresh(on=TODAY)
    planned.refresh_from_db()
    open_campaign(by=governance, at=AT, offering=planned)
    started = CampaignTask.objects.order_by("pk").values_list("pk", flat=True)[:5]
    CampaignTask.objects.filter(pk__in=list(started)).update(state="in_progress")

    for at in (AT, AT + timedelta(days=45)):
        today = day_of(at)
        refresh_all_applications(on=today)
        evaluate_issues(at=at)
        raise_alerts(at=at)
        raise_due_alerts(at=at)

        facts = {fact for fact, _ in find_facts(today)}
        assert facts == {"retired", "too soon", "violation", "expired approval", "late task"}
        assert unnotified_facts(today) == set()
        in_order = applications_in_order(today)
        assert in_order
        assert told_applications(in_order) == set()
