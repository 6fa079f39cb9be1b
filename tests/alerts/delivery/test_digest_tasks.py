"""Migration tasks and late migrations in an email: each retirement stays one entry."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import User
from apps.alerts.delivery.digest_requests import request_digest
from apps.alerts.models import Delivery, Notice
from apps.catalog.models import Lifecycle, Offering
from apps.inventory.models import Application, Approval, Dependency
from apps.issues.evaluation import evaluate_issues
from tests.alerts.simulation import day_in, flat, look, mail_out
from tests.builders import (
    NOW,
    make_application,
    make_approval,
    make_campaign,
    make_dependency,
    make_exit_plan,
    make_member,
    make_offering,
    make_task,
    make_user,
)
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


@pytest.fixture
def ilse(world: SmallWorld) -> User:
    """The owner of the application and of its tasks."""
    user = make_member(world.team, user=make_user("ilse", first_name="Ilse", last_name="Brandt"))
    Application.objects.update(business_owner="ilse", business_owner_person=user)
    return user


@pytest.fixture
def late(world: SmallWorld, dependency: Dependency, ilse: User) -> SmallWorld:
    """The model retires in 31 days, and its migration takes 18: with the margin it should have
    started yesterday."""
    Offering.objects.update(retires_on=day_in(31), date_kind="firm")
    make_exit_plan(dependency, estimated_days=Decimal(18))
    return world


def add_task(world: SmallWorld, owner: User, dependency: Dependency, **fields: Any) -> None:
    campaign = make_campaign(world.offering, title="Off Gemini 2.5")
    make_task(
        campaign,
        dependency,
        owner=owner,
        start_by=day_in(-4),
        finish_by=day_in(6),
        scheduled_on=day_in(-30),
        **fields,
    )


def mail(at: datetime = NOW) -> str:
    """The text of Ilse's next email, the next morning, without line breaks."""
    evaluate_issues(at=at)
    look(at)
    mail_out(at + timedelta(hours=23))
    return flat(Delivery.objects.filter(address="ilse@example.org").latest("pk").body_text)


def test_a_late_migration_is_an_entry_with_the_facts_of_the_migration(late: SmallWorld) -> None:
    mail(NOW - 3 * ONE_DAY)

    text = mail()

    assert "LATE MIGRATIONS Start the migration now" in text
    assert (
        "The model retires on 25 December 2026, and its migration should have started. "
        "- Motor damage estimator (critical): Runway 12 days. Migration: 18 days (estimated). "
        "Fallback: none. Owner: Ilse Brandt." in text
    )
    assert Delivery.objects.filter(address="ilse@example.org").latest("pk").subject == (
        "The migration of Motor damage estimator should have started; retirement 25 December 2026"
    )


def test_a_late_migration_is_part_of_the_entry_about_the_retirement(late: SmallWorld) -> None:
    mail(NOW - 3 * ONE_DAY)
    evaluate_issues(at=NOW)
    look(NOW)

    text = mail(NOW + ONE_DAY)

    assert text.count("Gemini 2.5 Pro on Google Vertex AI") == 1
    assert (
        "The model retires on 25 December 2026, in 29 days. The migration should have started."
        in text
    )
    assert "LATE MIGRATIONS" not in text


def test_a_task_is_part_of_the_entry_about_the_retirement(
    late: SmallWorld, ilse: User, dependency: Dependency
) -> None:
    add_task(late, ilse, dependency)

    text = mail()

    assert text.count("Gemini 2.5 Pro on Google Vertex AI") == 1
    assert "1 migration task is too late by 5 days." in text
    assert "MIGRATION TASKS" not in text
    assert Notice.objects.owed().filter(user=ilse).count() == 0


def test_a_task_is_part_of_the_entry_about_a_negative_runway(
    late: SmallWorld, ilse: User, dependency: Dependency
) -> None:
    dependency.exit_plan.delete()
    make_exit_plan(dependency, estimated_days=Decimal(40))
    add_task(late, ilse, dependency)

    text = mail()

    assert text.count("Gemini 2.5 Pro on Google Vertex AI") == 1
    assert "NEGATIVE RUNWAY" in text
    assert "1 migration task is too late by 5 days." in text


def test_a_task_is_part_of_the_entry_about_a_retired_model(
    late: SmallWorld, ilse: User, dependency: Dependency
) -> None:
    Offering.objects.update(retires_on=day_in(-9), lifecycle=Lifecycle.RETIRED)
    add_task(late, ilse, dependency)

    text = mail()

    assert text.count("retired on 15 November 2026") == 1
    assert "RETIRED AND STILL USED" in text
    assert "1 migration task is too late by 5 days." in text


def test_a_task_of_another_application_keeps_an_entry_of_its_own(
    late: SmallWorld, ilse: User
) -> None:
    other = make_offering("gpt-4o")
    application = make_application("Fraud triage", team=late.team)
    add_task(late, ilse, make_dependency(application, other))

    text = mail()

    tasks = text.partition("MIGRATION TASKS")[2]
    assert "Off Gemini 2.5: 5 days late 1 migration task is too late by 5 days." in tasks
    assert "Fraud triage (standard)" in tasks


def test_a_requested_digest_has_the_tasks_too(
    late: SmallWorld, ilse: User, dependency: Dependency
) -> None:
    add_task(late, ilse, dependency)
    mail()

    request_digest(user=ilse, at=NOW + 2 * ONE_DAY)
    mail_out(NOW + 2 * ONE_DAY)

    text = flat(Delivery.objects.filter(user=ilse).latest("pk").body_text)
    assert "1 migration task is too late by 6 days." in text


def test_an_approval_that_expires_today_is_one_entry(world: SmallWorld, ilse: User) -> None:
    """Its owner also has the governance role."""
    User.objects.filter(pk=ilse.pk).update(organisation_role="governance")
    Offering.objects.update(retires_on=None, date_kind="")
    make_approval(offering=world.offering, approver=ilse, expires_on=day_in(0))

    text = mail()

    assert Approval.objects.count() == 1
    assert text.count("gemini-2.5-pro on Google Vertex AI") == 1
    assert "used although its approval expired on 24 November 2026" in text
    assert "APPROVALS EXPIRING" not in text
    assert Delivery.objects.filter(user=ilse).latest("pk").subject == (
        "Motor damage estimator uses gemini-2.5-pro on Google Vertex AI although its approval "
        "expired"
    )
