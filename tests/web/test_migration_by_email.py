"""A migration followed to its signature by an owner without an account: the link of an email, the
work of governance, and what the owner sees afterwards."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.delivery import links
from apps.alerts.models import Delivery
from apps.common.time import now
from apps.exposure.models import CampaignTask
from apps.inventory.models import Application
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from tests.builders import make_contact, make_event
from tests.exposure.campaigns.payments_team import PaymentsTeam, do_everything, make_ending

pytestmark = [pytest.mark.browser, pytest.mark.proof, pytest.mark.django_db(transaction=True)]


def test_follow_a_migration_to_its_signature_as_an_owner_without_an_account(
    page: Page, signed_in: Callable[..., Page], transactional_db: None
) -> None:
    payments = PaymentsTeam(at=now())
    contact = make_contact("ilse@example.org", first_name="Ilse", last_name="Brandt")
    ends_on = payments.today + timedelta(days=90)
    ending = make_ending("old-model", retires_on=ends_on)
    dependency = payments.stand("Letters", on=ending)
    make_event(ending, new=ends_on.isoformat(), effective_on=ends_on, detected_at=payments.at)
    application = dependency.application
    Application.objects.filter(pk=application.pk).update(business_owner_person=contact)
    evaluate_issues(at=now())
    issue = Issue.objects.get(application=application, cause__kind="retirement")
    raise_alerts(at=now())
    queue_digests(at=now() + timedelta(minutes=5))
    # a link counts its days from the email
    Delivery.objects.update(created_at=now())
    email = Delivery.objects.get(user=contact)
    address = f"/alerts/answer/{links.answer_token(email)}/"

    # the owner accepts the work and says when it fits
    page.goto(address)
    expect(page.locator(".sentence")).to_have_text("One alert of this email needs a response.")
    page.get_by_role("button", name="Accept assignment").click()
    expect(page.locator(".sentence")).to_contain_text("One alert accepted by Ilse Brandt.")
    page.get_by_label("Comment for the team").fill("Please switch before the renewals.")
    page.get_by_role("button", name="Add comment").click()
    expect(page.locator("main")).to_contain_text("Please switch before the renewals.")
    issue.refresh_from_db()
    assert (issue.owner, issue.assigned_by, issue.state) == (contact, contact, "acknowledged")

    # governance sees who owns it, opens the migration and does it
    governance = signed_in(payments.governance)
    governance.goto("/work/")
    row = governance.locator("#selected tbody tr").filter(has_text=application.name)
    expect(row).to_contain_text("Ilse Brandt")
    expect(row).to_contain_text("by email only")
    governance.locator("tr.cause").get_by_role("link", name="Start migration").click()
    governance.get_by_role("button", name="Open migration with").click()
    expect(governance.locator("#said")).to_contain_text("The migration was opened with one task.")
    task = CampaignTask.objects.get(dependency=dependency)
    governance.locator(f"main a[href='/campaigns/tasks/{task.pk}/']").first.click()
    target = governance.locator("#target")
    target.get_by_role("searchbox").fill(payments.target.api_id)
    target.get_by_role("button", name="Search").click()
    governance.get_by_role("radio").first.check()
    governance.get_by_role("button", name="Set target").click()
    governance.get_by_role("button", name=f"Switch to {payments.target.api_id}").click()
    expect(governance.locator("#said")).to_contain_text(payments.target.api_id)
    task.refresh_from_db()
    do_everything(task, on=payments.today)
    governance.reload()
    governance.get_by_role("button", name="Sign off").click()
    expect(governance.locator(".kicker .state")).to_have_text("Signed off")
    task.refresh_from_db()
    assert (task.state, task.signed_off_by) == ("done", payments.governance)

    # the owner sees by the same link that nothing is left to do
    evaluate_issues(at=now())
    page.goto(address)
    expect(page.locator(".sentence")).to_have_text("No alert of this email needs a response.")
    expect(page.locator("main")).to_contain_text("Resolved on")
    issue.refresh_from_db()
    assert (issue.owner, issue.state) == (contact, "resolved")
