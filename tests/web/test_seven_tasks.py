"""Six tasks of the pages, from the first click to the row in the database, on the filled demo in a
real browser: decisions on Home, work, announcements, notifications, tolerances and the board."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.alerts.models import Notice
from apps.catalog.models import Offering, RetirementAnnouncement
from apps.common.time import day_of, now
from apps.exposure.models import Policy
from apps.inventory.models import DecisionProposal
from apps.issues.evaluation import evaluate_everything
from apps.issues.models import Issue
from apps.reports.models import MAX_COMMENTARY_LENGTH, BoardCommentary

pytestmark = [pytest.mark.browser, pytest.mark.proof]


@pytest.fixture(autouse=True)
def current_issues(demo: None) -> None:
    """Evaluate all issues, as the worker does each minute: on the day of the run a model of the
    demo can be retired or redirected since the demo was made."""
    evaluate_everything(at=now())


Browse = Callable[..., Page]


def person(username: str) -> User:
    return User.objects.get(username=username)


def name_of(username: str) -> str:
    return str(person(username))


# ------------------------------------------------ 1: three decisions from Home


def cause_with(page: Page, act: str) -> Locator:
    """The first cause on Home that offers the act."""
    button = page.get_by_role("button", name=re.compile(f"^{act}"))
    return page.locator("main ol > li").filter(has=button).first


def issue_of(cause: Locator) -> Issue:
    address = cause.locator("h3 a").get_attribute("href") or ""
    return Issue.objects.get(pk=int(address.strip("/").rpartition("/")[2]))


def test_decide_three_issues_from_home(signed_in: Browse, demo: None) -> None:
    page = signed_in(person("maren"))
    page.goto("/")

    cause = cause_with(page, "Assign owner")
    # not always the issue that is named: another application of the cause can lack the owner
    unassigned = cause.locator("input[type=hidden][name=issue]")
    assigned = Issue.objects.get(pk=int(unassigned.input_value()))
    assert assigned.owner is None
    cause.get_by_role("button", name="Assign owner").click()
    cause.get_by_label("Owner").select_option(label=name_of("jonas"))
    cause.get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator("#said")).to_contain_text("1 issue assigned.")
    expect(page.locator("h1")).to_have_text("Home")

    cause = cause_with(page, "Accept until a date")
    accepted = issue_of(cause)
    until = day_of(now()) + timedelta(60)
    cause.get_by_role("button", name="Accept until a date").click()
    cause.get_by_label("Accept until").fill(until.isoformat())
    cause.get_by_label("Reason").fill("The renewal is on the agenda of December")
    cause.get_by_role("button", name="Accept", exact=True).click()
    expect(page.locator("#said")).to_contain_text("accepted", ignore_case=True)
    expect(page.locator("h1")).to_have_text("Home")

    cause = cause_with(page, "Acknowledge")
    acknowledged = issue_of(cause)
    cause.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#said")).to_contain_text("acknowledged", ignore_case=True)
    expect(page.locator("#said").get_by_role("button", name="Undo")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Home")

    for issue in (assigned, accepted, acknowledged):
        issue.refresh_from_db()
        assert issue.activity.filter(user=person("maren")).exists()
    assert assigned.owner == person("jonas")
    assert (accepted.state, accepted.accepted_until) == (Issue.State.ACCEPTED, until)
    assert acknowledged.state == Issue.State.ACKNOWLEDGED


# ------------------------------------------------ 2: seven issues with one assignment


def test_assign_seven_issues_together(signed_in: Browse, demo: None) -> None:
    page = signed_in(person("maren"))
    page.goto("/")
    page.locator("nav").get_by_role("link", name="Work").click()
    page.locator(".views").get_by_role("link", name="Unassigned").click()
    boxes = page.locator("#selected tbody td.pick input")
    ids = [int(box.input_value()) for box in boxes.all()[:7]]
    assert set(Issue.objects.filter(pk__in=ids).values_list("owner", flat=True)) == {None}
    for pk in ids:
        page.locator(f"td.pick input[value='{pk}']").check()
    page.get_by_label("Assign to").select_option(label=name_of("jonas"))
    page.get_by_role("button", name="Assign", exact=True).click()

    expect(page.locator(".sentence")).to_contain_text("7 issues will be assigned.")
    expect(page.locator(".basis")).to_contain_text(
        f"{name_of('jonas')} becomes the owner and is notified."
    )
    assert not Issue.objects.filter(pk__in=ids).exclude(owner=None).exists()
    page.get_by_role("button", name="Assign 7 issues").click()

    expect(page.locator("#said")).to_contain_text("7 issues assigned.")
    assert Issue.objects.filter(pk__in=ids, owner=person("jonas")).count() == 7

    page.locator("#said").get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("7 responses undone.")
    assert Issue.objects.filter(pk__in=ids, owner=None).count() == 7


# ------------------------------------------------ 3: a retirement, announced and withdrawn


def test_announce_a_retirement_and_withdraw_it(signed_in: Browse, demo: None) -> None:
    leaving = (
        Offering.objects.filter(
            retires_on=None,
            dependencies__until=None,
            dependencies__role="primary",
            dependencies__application__status="production",
            version__isnull=False,
        )
        .exclude(lifecycle="retired")
        .order_by("pk")[0]
    )
    day = day_of(now()) + timedelta(120)
    page = signed_in(person("maren"))
    page.goto("/retirements/")
    page.get_by_role("link", name="Announce retirement").click()
    search = page.locator("main").get_by_role("searchbox")
    search.press_sequentially(leaving.api_id)
    search.press("Enter")
    page.locator(f"ul[aria-label=Results] a[href*='offering={leaving.pk}']").first.click()
    page.get_by_label("Retires on").fill(day.isoformat())
    page.get_by_label("Provider notice").fill("Our account manager wrote to us.")
    page.get_by_role("button", name="Preview announcement").click()
    expect(page.locator(".sentence")).to_contain_text("1 model ID retires")
    expect(page.locator(".sentence")).to_contain_text("must migrate")
    assert not RetirementAnnouncement.objects.filter(offerings=leaving).exists()
    page.get_by_role("button", name="Announce retirement").click()

    said = page.locator("#said")
    expect(said).to_contain_text("Retirement of 1 model ID announced.")
    expect(said.get_by_role("button", name="Undo")).to_be_visible()
    announcement = RetirementAnnouncement.objects.get(offerings=leaving)
    leaving.refresh_from_db()
    assert (leaving.retires_on, announcement.announced_by) == (day, person("maren"))
    issues = Issue.objects.filter(
        cause__kind="retirement", cause__cause_offerings__offering=leaving
    ).unresolved()
    assert issues.exists()

    page.locator("details.confirm summary").click()
    page.locator("details.confirm").get_by_label("Reason").fill("The provider took it back")
    page.get_by_role("button", name="Withdraw", exact=True).click()

    expect(page.locator(".sentence")).to_contain_text("was withdrawn on")
    expect(page.locator(".facts")).to_contain_text("The provider took it back")
    leaving.refresh_from_db()
    announcement.refresh_from_db()
    assert (leaving.retires_on, announcement.withdrawn_by) == (None, person("maren"))
    assert not issues.exists()


# ------------------------------------------------ 5: the recipients of one retirement


def test_find_who_was_notified_of_one_retirement(signed_in: Browse, demo: None) -> None:
    page = signed_in(person("edith"))
    page.goto("/")
    retirements = page.get_by_role("region", name="Retirements")
    retirements.get_by_role("link", name="Medical notes, March 2026").click()
    notified = page.get_by_role("region", name="Notified")
    expect(notified).to_contain_text("notified, of")

    offering = Offering.objects.get(pk=int(page.url.strip("/").rpartition("/")[2]))
    notices = Notice.objects.filter(alert__offering=offering).select_related("user", "team")
    recipients = {str(notice.user or notice.team) for notice in notices if not notice.webhook_id}
    assert recipients
    for recipient in recipients:
        row = notified.locator("tbody tr").filter(has_text=recipient).first
        expect(row.locator("td[data-l=Outcome]")).not_to_be_empty()

    notified.locator("tbody td[data-l=Answer] a").first.click()
    expect(page.locator("main")).to_contain_text("Recipients of this alert")


# ------------------------------------------------ 6: a tolerance, by two persons


def test_change_a_tolerance_with_a_second_person(signed_in: Browse, demo: None) -> None:
    policy = Policy.objects.get(slug="critical-on-one-developer")
    assert policy.tolerance == Decimal("0.5")
    page = signed_in(person("maren"))
    page.goto("/exposure/lines/")
    page.locator("main").get_by_role("link", name=policy.name).click()
    page.get_by_label("Tolerance", exact=True).fill("65")
    page.get_by_label("Reason for the change").fill("Two assistants move in spring")
    page.get_by_role("button", name="Save policy").click()
    expect(page.locator("#said")).to_contain_text("once a second governance user confirms it")
    expect(page.locator("#proposal")).to_contain_text("65%")
    expect(page.get_by_role("button", name="Confirm decision")).to_have_count(0)
    policy.refresh_from_db()
    assert policy.tolerance == Decimal("0.5")

    second = signed_in(person("jonas"))
    second.goto("/work/")
    second.get_by_label("Type").select_option("Decision to confirm")
    second.get_by_role("button", name="Apply filters").click()
    decision = second.locator("#selected tbody tr th[scope=row] a")
    expect(decision).to_have_count(1)
    decision.click()
    second.locator(".panel").get_by_role("link", name="View proposal").click()
    second.get_by_role("button", name="Confirm decision").click()
    expect(second.locator("#said")).to_contain_text("Decision confirmed. It applies now.")
    policy.refresh_from_db()
    proposal = DecisionProposal.objects.get(target=f"policy:{policy.pk}")
    assert policy.tolerance == Decimal("0.65")
    assert (proposal.proposed_by, proposal.decided_by) == (person("maren"), person("jonas"))

    second.goto("/reports/board/")
    row = second.locator("[aria-labelledby=h-loosened] tbody tr").filter(has_text=policy.name)
    for words in (
        "50% → 65%",
        "Two assistants move in spring",
        name_of("maren"),
        name_of("jonas"),
    ):
        expect(row).to_contain_text(words)


# ------------------------------------------------ 7: the page of the board


def test_write_the_commentary_of_the_board_and_print_one_a4(signed_in: Browse, demo: None) -> None:
    sentence = "Anthropic grew because of two new assistants in claims. "
    text = (sentence * MAX_COMMENTARY_LENGTH)[:MAX_COMMENTARY_LENGTH].strip()
    page = signed_in(person("maren"))
    page.goto("/reports/")
    page.locator("main").get_by_role("link", name="Board summary").click()
    page.get_by_role("link", name="Write commentary").click()
    page.get_by_label("Commentary").fill(text)
    page.get_by_role("button", name="Save commentary").click()

    expect(page.locator("#said")).to_contain_text("Commentary saved.")
    expect(page.get_by_role("region", name="Commentary")).to_contain_text(sentence.strip())
    expect(page.get_by_role("region", name="Commentary")).to_contain_text(name_of("maren"))
    expect(page.get_by_role("link", name="Print one page")).to_be_visible()
    stored = BoardCommentary.objects.latest("pk")
    assert (stored.text, stored.written_by) == (text, person("maren"))
    page.goto("/reports/board/")
    sheet = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", sheet)) == 1
    width, height = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", sheet).groups()
    assert (round(float(width)), round(float(height))) == (595, 842)
