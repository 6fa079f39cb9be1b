"""The ten tasks that matter, from the first click to the row in the database, on the filled demo in
a real browser."""

import csv
import hashlib
import json
import re
import time
import zipfile
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.db.models import Count
from playwright.sync_api import Page, Route, expect

from apps.accounts.models import User
from apps.alerts.delivery import links
from apps.alerts.models import Alert, Delivery
from apps.catalog.actions import set_manual_fact
from apps.catalog.models import Assertion, Offering
from apps.common.time import day_of, now
from apps.demo.fixtures import PASSWORD
from apps.exposure.models import Campaign, CampaignTask, Scenario, ScenarioRun
from apps.inventory.models import Application, Dependency
from apps.reports.models import EvidencePack
from apps.risks.models import Assessment, Treatment

pytestmark = [pytest.mark.browser, pytest.mark.proof]


def person(username: str) -> User:
    return User.objects.get(username=username)


# ------------------------------------------------ 1: sign in with TOTP


def code_of(secret: str) -> str:
    """What an authenticator shows now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def sign_in(page: Page, username: str) -> None:
    page.goto("/accounts/login/?next=/")
    page.locator("[name=login]").fill(username)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form[method=post] button[type=submit]").click()


def test_sign_in_with_a_second_factor(page, demo, settings):
    # a code stays good until the next one is shown
    settings.MFA_TOTP_TOLERANCE = 1
    sign_in(page, "edith")
    page.goto("/account/")
    page.get_by_role("link", name="Set up two-factor authentication").click()
    # who changes how one signs in is asked who one is
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    secret = page.locator("#authenticator_secret").input_value()
    page.locator("[name=code]").fill(code_of(secret))
    page.get_by_role("button", name="Set up app").click()
    page.wait_for_url("**/2fa/recovery-codes/")
    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")
    # every code signs in once; the one of a moment ago stands for one half a minute later
    cache.clear()

    sign_in(page, "edith")
    expect(page.locator("[name=code]"), "the password alone is not enough").to_be_visible()
    page.locator("[name=code]").fill(code_of(secret))
    page.locator("form[method=post] button[type=submit]").first.click()

    expect(page).to_have_title("Home · Foundation Registry")


# ------------------------------------------------ 2: what retires next quarter, and who owns it


def test_find_what_retires_next_quarter_and_who_owns_it(signed_in, demo):
    today = day_of(now())
    standing = Dependency.objects.filter(
        until=None, role="primary", application__status="production"
    )
    # the days of the catalogue are those of the providers, and pass
    set_manual_fact(
        offering=standing.exclude(offering__lifecycle="retired").earliest("pk").offering,
        value={"retires_on": (today + timedelta(45)).isoformat(), "date_kind": "firm"},
        by=person("maren"),
        reason="The provider wrote to us.",
    )
    page = signed_in(person("maren"))
    page.goto("/")
    page.locator("main").get_by_role("link", name="Calendar").first.click()
    page.get_by_label("90 days").check()
    coming = standing.filter(offering__retires_on__range=(today, today + timedelta(90)))
    ending = coming.select_related("offering", "application__team").earliest(
        "offering__retires_on", "pk"
    )

    row = page.locator("#listing tbody tr").filter(has_text=ending.offering.api_id).first
    expect(row).to_be_visible()
    row.get_by_role("link").first.click()
    page.locator("main").get_by_role("link", name=ending.application.name).first.click()

    expect(page.locator("main")).to_contain_text(ending.application.team.name)
    expect(page.locator("h1")).to_be_visible()


# ------------------------------------------------ 3: register, and declare out of 4,000 offerings


def test_register_an_application_and_declare_what_it_calls(signed_in, demo):
    assert Offering.objects.count() > 4000
    page = signed_in(person("tomasz"))
    page.goto("/applications/")
    page.get_by_role("link", name="Register").first.click()
    page.get_by_label("Name").fill("Glass breakage helper")
    page.get_by_label("Team").select_option("Claims")
    page.get_by_label("Criticality").select_option("Important")
    page.get_by_label("Purpose").fill("Reads photographs of broken windscreens")
    # a fast typist is done before the scripts have come
    late: list[Route] = []
    page.route(re.compile(r"htmx[^/]*\.js"), lambda route: late.append(route))
    page.get_by_role("button", name="Register application").click()
    search = page.get_by_role("searchbox", name="Model, host or model ID")
    search.press_sequentially("anthropic sonnet")
    expect(search).to_have_value("anthropic sonnet")
    for route in late:
        route.continue_()
    assert late

    expect(page.locator("#hits tbody tr").first).to_contain_text("sonnet", ignore_case=True)
    search.press("ArrowDown")
    picked = page.locator("#hits input:checked")
    expect(picked).to_have_count(1)
    offering = Offering.objects.get(pk=picked.input_value())
    page.get_by_role("button", name="Add dependency", exact=True).click()

    expect(page.locator("main")).to_contain_text(offering.api_id)
    made = Application.objects.get(name="Glass breakage helper")
    assert [use.offering for use in made.dependencies.all()] == [offering]


# ------------------------------------------------ 4: a sheet with errors


SHEET = """\
name;team;criticality;status;purpose
Fleet quotes north;{team};important;production;Prices of car fleets
Fleet renewals north;{team};urgent;production;Letters before a policy ends
"""


def test_import_a_sheet_with_errors_fix_it_and_confirm(signed_in, demo):
    page = signed_in(person("tomasz"))
    sheet = SHEET.format(team=person("tomasz").memberships.get().team.slug)
    page.goto("/imports/")
    page.locator("input[type=file]").set_input_files(
        {"name": "fleet-north.csv", "mimeType": "text/csv", "buffer": sheet.encode()}
    )
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Read values").click()
    expect(page.locator("main")).to_contain_text("1 value has no meaning yet")
    page.get_by_role("button", name="Preview import").click()
    incomplete = page.locator("#listing tbody tr").filter(has_text="Not imported, criticality")
    expect(incomplete).to_have_count(1)
    expect(incomplete).to_contain_text("Fleet renewals north")
    expect(incomplete, "it names what is wrong").to_contain_text("urgent")
    assert not Application.objects.filter(name__endswith=" north").exists()

    page.get_by_role("link", name="Change values").click()
    page.locator("tr", has_text="urgent").locator("select").select_option(label="Standard")
    page.get_by_role("button", name="Preview import").click()
    expect(page.locator("#listing tbody tr")).to_have_count(2)
    expect(incomplete).to_have_count(0)
    page.get_by_role("button", name="Import these rows").click()

    expect(page.locator("main")).to_contain_text("Applied")
    assert set(
        Application.objects.filter(name__endswith=" north").values_list("name", flat=True)
    ) == {
        "Fleet quotes north",
        "Fleet renewals north",
    }


# ------------------------------------------------ 5: five inherited risks, one accepted


def test_assess_five_inherited_risks_together_and_accept_one_until_a_day(signed_in, demo):
    page = signed_in(person("maren"))
    before = Assessment.objects.count()
    page.goto("/risks/?state=unassessed")
    page.get_by_role("link", name="By dependency").click()
    for box in page.locator("#listing tbody td.pick input").all()[:5]:
        box.check()
    page.get_by_role("button", name="Assess selected").click()
    page.get_by_label("Current likelihood").select_option("2")
    page.get_by_label("Current impact").select_option("3")
    page.get_by_role("button", name="Assess selected risks").click()

    expect(page.locator("#said")).to_contain_text("5")
    assert Assessment.objects.count() == before + 5
    made = Assessment.objects.order_by("-pk").first()
    assert (made.current_likelihood, made.current_impact, made.assessed_by) == (
        2,
        3,
        person("maren"),
    )

    page.goto(f"/risks/inherited/{made.risk_id}-{made.dependency_id}/")
    page.locator("#accept summary").click()
    until = day_of(now()) + timedelta(120)
    page.get_by_label("Accepted until").fill(until.isoformat())
    page.get_by_label("Reason for the acceptance").fill("Replaced in spring")
    page.get_by_role("button", name="Accept risk", exact=True).click()

    expect(page.locator("main")).to_contain_text("Replaced in spring")
    made.refresh_from_db()
    assert (made.treatment, made.accepted_until) == (Treatment.ACCEPT, until)


# ------------------------------------------------ 6: a what-if


def test_run_a_what_if_and_save_it(signed_in, demo):
    page = signed_in(person("maren"))
    page.goto("/what-if/")
    page.locator("#pick").press_sequentially("Anthropic")
    hit = page.locator("#picks tbody tr").filter(has_text="developer").first
    hit.get_by_role("link").first.click()
    expect(page.locator(".sentence")).to_contain_text(re.compile(r"application", re.IGNORECASE))

    page.get_by_label("Name").fill("Without Anthropic next spring")
    page.get_by_role("button", name="Save scenario and result").click()

    expect(page.locator(".kicker")).to_contain_text("Without Anthropic next spring")
    assert ScenarioRun.objects.filter(
        scenario=Scenario.objects.get(name="Without Anthropic next spring"), state="done"
    ).exists()
    page.goto("/what-if/saved/")
    expect(page.locator("#listing")).to_contain_text("Without Anthropic next spring")


# ------------------------------------------------ 7: a refresh campaign


def test_open_a_campaign_and_finish_a_task_of_it(signed_in, demo):
    page = signed_in(person("maren"))
    leaving = (
        Offering.objects.filter(retires_on__isnull=False, dependencies__until=None)
        .exclude(pk__in=Campaign.objects.values("subject"))
        .annotate(n=Count("dependencies"))
        .order_by("-n", "pk")
        .first()
    )
    page.goto("/campaigns/")
    page.get_by_role("link", name="Open migration").click()
    page.get_by_role("searchbox", name="Model ID").press_sequentially(leaving.api_id)
    page.locator(f"#hits a[href$='?offering={leaving.pk}']").click()
    page.get_by_role("button", name=re.compile(r"^Open migration with")).click()
    expect(page.locator("#said")).to_contain_text("The migration was opened with")
    task = CampaignTask.objects.filter(campaign__subject=leaving).order_by("pk").earliest("pk")
    page.locator(f"main a[href='/campaigns/tasks/{task.pk}/']").first.click()
    expect(page.get_by_role("button", name="Sign off"), "too early").to_be_disabled()

    page.locator("#target input[type=radio]").first.check()
    page.get_by_role("button", name="Set target").click()
    expect(page.locator("#said")).to_contain_text("The target is")
    page.get_by_role("button", name=re.compile("^Switch to")).click()
    expect(page.locator("#said")).to_contain_text("uses")
    for step in (
        "Record adaptations",
        "Update fallback and exit test",
        "Monitor in production",
    ):
        page.get_by_role("row", name=step).get_by_role("button").click()
        expect(page.locator("#said")).to_contain_text(f"Step completed: {step}")
    measure(page)
    prove(page)
    page.goto(f"/campaigns/tasks/{task.pk}/")
    page.get_by_role("button", name="Sign off").click()

    expect(page.locator(".kicker .state")).to_have_text("Signed off")
    task.refresh_from_db()
    assert (task.state, task.signed_off_by) == ("done", person("maren"))


def measure(page: Page) -> None:
    form = page.locator("form[action$='/measure/']")
    for name, value in (("Metric", "accuracy"), ("Before", "0.91"), ("After", "0.93")):
        form.get_by_label(name).fill(value)
    form.get_by_role("button", name="Record").click()
    expect(page.locator("#said")).to_contain_text("accuracy was recorded")


def prove(page: Page) -> None:
    """An evaluation of the target, put on file from the task."""
    page.get_by_role("link", name="Record an evaluation as evidence").click()
    expect(page.get_by_label("Kind")).to_have_value("own_evaluation")
    expect(page.get_by_label("Offering tested"), "the target is filled in").not_to_have_value("")
    page.get_by_label("Metric").fill("accuracy")
    page.get_by_label("Value").fill("0.93")
    page.get_by_label("Passed").select_option("Yes")
    page.get_by_label("Tested on").fill(day_of(now()).isoformat())
    page.locator("main form[method=post] button.go").click()
    expect(page.locator("#said")).to_contain_text(re.compile("evidence|record", re.IGNORECASE))


# ------------------------------------------------ 8: from the mail


def test_acknowledge_from_the_link_of_a_mail(page, demo):
    mail = Delivery.objects.filter(user__username="ilse").latest("pk")
    alert = Alert.objects.filter(notices__delivery=mail).earliest("pk")
    page.goto(f"/alerts/answer/{links.answer_token(mail)}/")
    page.locator(f"#tick-{alert.pk}").check()
    page.locator("[name=action][value=acknowledge]").click()

    expect(page.locator(".sentence")).to_contain_text("One alert acknowledged")
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", person("ilse"))


# ------------------------------------------------ 9: feeds that disagree


def test_settle_a_disagreement_between_feeds(signed_in, demo):
    page = signed_in(person("maren"))
    page.goto("/feeds/")
    page.locator("main a[href='/feeds/disagreements/']").first.click()
    page.get_by_role("link", name="View all offerings").first.click()
    page.locator("#listing tbody a[href^='/feeds/disagreements/']").first.click()
    page.get_by_role("radio").first.check()
    page.get_by_label("Reason").fill("The provider's own page says so")
    page.get_by_role("button", name="Save decision").click()

    expect(page.locator(".banner")).to_contain_text("Manual override by")
    claim = Assertion.objects.filter(asserted_by=person("maren")).latest("pk")
    assert claim.reason == "The provider's own page says so"
    offering = claim.offering
    assert claim.value["retires_on"] == offering.retires_on.isoformat()


# ------------------------------------------------ 10: the evidence pack


def test_export_the_evidence_pack(signed_in, demo, tmp_path):
    page = signed_in(person("edith"))
    page.goto("/reports/")
    page.get_by_role("link", name=re.compile("evidence pack", re.IGNORECASE)).first.click()
    page.get_by_role("button", name="Request pack").click()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download zip").click()
    path = tmp_path / "pack.zip"
    fetched.value.save_as(path)

    pack = EvidencePack.objects.latest("pk")
    with zipfile.ZipFile(path) as archive:
        manifest = archive.read("manifest.json")
        told = {file["name"]: file["sha256"] for file in json.loads(manifest)["files"]}
        found = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in told}
        table = next(name for name in told if name.endswith(".csv"))
        rows = list(csv.reader(archive.read(table).decode("utf-8-sig").splitlines()))
    assert hashlib.sha256(manifest).hexdigest() == pack.digest
    assert found == told
    assert len(rows) > 1
