"""Effects of a change on an application's runway and findings: compared before and after, in a
sentence."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.http import HttpRequest

from apps.common.history.context import current_change_id
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.findings import Finding, findings_of_application
from apps.inventory.models import Application
from apps.inventory.read_models import refresh_applications
from apps.inventory.runway import PrimaryRunway, runways
from apps.web.pages.flash_messages import flash_success
from apps.web.wording import number

_MAX_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """State of an application before or after a change; `runway` is that of the most urgent primary
    model, None if no date is announced."""

    runway: PrimaryRunway | None
    findings: tuple[Finding, ...]


def application_state(application: Application, *, on: date) -> ApplicationState:
    """Read runway and findings; two statements."""
    found = runways(on=on, application_ids=[application.pk], limit=1)
    return ApplicationState(
        found[0] if found else None, tuple(findings_of_application(application=application, on=on))
    )


def flash_change(
    request: HttpRequest, application: Application, before: ApplicationState, sentence: str
) -> None:
    """Show what was changed and its effects, with an undo; lists include the change from now on.
    About ten statements."""
    today = day_of(now())
    after = application_state(application, on=today)
    refresh_applications(application_ids=[application.pk], on=today)
    flash_success(
        request, " ".join([sentence, *describe_effects(before, after)]), undo=current_change_id()
    )


def describe_effects(before: ApplicationState, after: ApplicationState) -> list[str]:
    """Describe the differences in sentences; none if there are none."""
    said = []
    was, is_now = describe_runway(before.runway), describe_runway(after.runway)
    if was != is_now:
        said.append(f"Runway: {was} before, {is_now} now.")
    known = {(finding.code, finding.dependency_id) for finding in before.findings}
    new = [
        finding for finding in after.findings if (finding.code, finding.dependency_id) not in known
    ]
    if new:
        said.append(
            "New: {findings}".format(
                findings=" ".join(finding.sentence for finding in new[:_MAX_SENTENCES])
            )
        )
        if len(new) > _MAX_SENTENCES:
            more = len(new) - _MAX_SENTENCES
            said.append(pluralize(more, f"And {more} more finding.", f"And {more} more findings."))
    left = {(finding.code, finding.dependency_id) for finding in after.findings}
    n_settled = len(known - left)
    if n_settled:
        said.append(
            pluralize(
                n_settled, f"{n_settled} finding is settled.", f"{n_settled} findings are settled."
            )
        )
    return said


def describe_runway(row: PrimaryRunway | None) -> str:
    if row is None or row.days_left is None:
        return "no end announced" if row is None else "an end announced without a date"
    at_least = "at least " if row.at_least else ""
    if row.runway is None:
        return f"{at_least}{number(row.days_left)} days left, the move not known"
    return f"{at_least}{format_days(row.runway)} days"


def format_days(value: Decimal) -> str:
    """Format days, as a whole number if they are whole."""
    return number(int(value)) if value == int(value) else number(value.normalize())
