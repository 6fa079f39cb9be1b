"""Action items of one application with due dates, from retirement dates, exit tests, findings and
risks.

Finished work leaves the list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.urls import reverse

from apps.common.text import pluralize
from apps.exposure.queries.dependents import StackRow
from apps.inventory.findings import Finding, Severity
from apps.inventory.models import Application, ExitTest
from apps.inventory.runway import PrimaryRunway
from apps.risks.queries.reach import RiskReach
from apps.web.presenters.change_effects import format_days
from apps.web.views.applications.queries import ExitSection
from apps.web.wording import number

SOON_DAYS = timedelta(days=90)
# findings that other items cover, with their dates
_CODES_SHOWN_AS_ITEMS = {"retired_offering", "test_lapsed", "review_overdue"}


@dataclass(frozen=True, slots=True)
class ActionItem:
    """Action item: `when` None means now, without a due date. `url` and `link` lead to the page of
    the action, for users who may do it."""

    when: date | None
    head: str
    words: str
    url: str = ""
    link: str = ""
    is_late: bool = False


def start_by(runway: PrimaryRunway, today: date) -> date | None:
    """Return the last day on which the migration can start; None if a date or the effort is
    unknown."""
    if runway.days_left is None or runway.effort_days is None:
        return None
    return today + timedelta(days=runway.days_left) - timedelta(days=-int(-runway.effort_days // 1))


def action_items(
    application: Application,
    rows: Sequence[StackRow],
    runways: Iterable[PrimaryRunway],
    exits: ExitSection,
    findings: Iterable[Finding],
    risks: RiskReach,
    today: date,
) -> list[ActionItem]:
    """Build the action items from data that the page has loaded, without statements; undated items
    first, then by date."""
    by_id = {row.dependency.pk: row for row in rows}
    items = [*_migration_items(by_id, runways, today), *_exit_test_items(by_id, exits, today)]
    items += [
        ActionItem(None, finding.sentence, "", is_late=True)
        for finding in findings
        if finding.severity == Severity.ERROR and finding.code not in _CODES_SHOWN_AS_ITEMS
    ]
    n_open = risks.n_unassessed + risks.n_stale
    if n_open:
        heading = pluralize(
            n_open,
            f"Assess {number(n_open)} inherited risk",
            f"Assess {number(n_open)} inherited risks",
        )
        stale_sentence = pluralize(
            risks.n_stale,
            f"{risks.n_stale} has become stale.",
            f"{risks.n_stale} have become stale.",
        )
        items.append(
            ActionItem(None, heading, stale_sentence if risks.n_stale else "", "#risks", "See them")
        )
    if application.next_review_on and application.next_review_on <= today + SOON_DAYS:
        edit_url = reverse("applications:edit", args=[application.slug])
        is_late = application.next_review_on < today
        items.append(
            ActionItem(
                application.next_review_on,
                "Review it, and set the next day",
                "",
                edit_url,
                "Edit",
                is_late,
            )
        )
    return sorted(items, key=lambda todo: (todo.when is not None, todo.when or today, todo.head))


def _migration_items(
    by_id: dict[int, StackRow], runways: Iterable[PrimaryRunway], today: date
) -> Iterable[ActionItem]:
    """Yield an item for each primary model with an announced retirement: migrate it, start in time,
    or plan its migration."""
    for runway in runways:
        row = by_id.get(runway.dependency_id)
        if row is None or runway.at_least:
            continue
        url = reverse("dependencies:replace", args=[row.dependency.pk])
        name = row.offering.api_id
        start_on = start_by(runway, today)
        if runway.days_left is not None and runway.days_left < 0:
            yield ActionItem(
                runway.retires_on,
                f"Leave {name}: it has ended",
                _describe_replacement(row),
                url,
                "Replace",
                is_late=True,
            )
        elif start_on is not None and runway.effort_days is not None:
            deadline_sentence = "It ends on {end}; moving takes {days} days.".format(
                end=runway.retires_on.isoformat() if runway.retires_on else "a day that has passed",
                days=format_days(runway.effort_days),
            )
            yield ActionItem(
                start_on,
                f"Start the move away from {name}",
                f"{deadline_sentence} {_describe_replacement(row)}".strip(),
                url,
                "Replace",
                is_late=start_on < today,
            )
        elif runway.retires_on is not None:
            plan_url = reverse("exit-plans:edit", args=[row.dependency.pk])
            yield ActionItem(
                runway.retires_on,
                f"Leave {name} before it ends",
                "Nobody has said how long the move takes. Write the plan or make a test.",
                plan_url,
                "Plan",
            )


def _describe_replacement(row: StackRow) -> str:
    replacement = row.answering.replacement
    return f"The provider names {replacement.api_id} as its replacement." if replacement else ""


def _exit_test_items(
    by_id: dict[int, StackRow], exits: ExitSection, today: date
) -> Iterable[ActionItem]:
    """Yield an item for each dependency whose exit test expires soon, is not valid, or is due."""
    for pk, tests in exits.tests.items():
        valid_tests = [test for test in tests if test.counts]
        url = reverse("exit-tests:create", args=[pk])
        if valid_tests:
            latest = max(valid_tests, key=lambda test: test.ends_on)
            if latest.ends_on <= today + SOON_DAYS:
                details = "The test of {on} (to {target}) expires.".format(
                    **_test_values(latest.row)
                )
                yield ActionItem(
                    latest.ends_on, "Repeat the exit test", details, url, "Record test"
                )
        elif tests:
            latest = max(tests, key=lambda test: test.row.tested_on)
            details = "The test of {on} (to {target}) no longer counts: {why}.".format(
                **_test_values(latest.row), why=latest.why
            )
            yield ActionItem(None, "Repeat the exit test", details, url, "Record test")
    for pk, plan in exits.plans.items():
        if pk in by_id and plan.next_test_on and plan.next_test_on <= today + SOON_DAYS:
            yield ActionItem(
                plan.next_test_on,
                "Make the planned exit test",
                f"Of {by_id[pk].offering.api_id}.",
                reverse("exit-tests:create", args=[pk]),
                "Record test",
                is_late=plan.next_test_on < today,
            )


def _test_values(test: ExitTest) -> dict[str, str]:
    return {"on": test.tested_on.isoformat(), "target": test.target.api_id}
