"""What a change did to an application's time and findings: looked at before and after, said in a
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
from apps.web.saying import say
from apps.web.wording import number

_SAID = 3


@dataclass(frozen=True, slots=True)
class Outlook:
    """`runway` is that of the most urgent primary; None where no end is announced."""

    runway: PrimaryRunway | None
    findings: tuple[Finding, ...]


def outlook(application: Application, *, on: date) -> Outlook:
    """Two statements."""
    found = runways(on=on, application_ids=[application.pk], limit=1)
    return Outlook(
        found[0] if found else None, tuple(findings_of_application(application=application, on=on))
    )


def say_change(
    request: HttpRequest, application: Application, before: Outlook, sentence: str
) -> None:
    """Say what was done and what it brought, with an undo; lists know of it from now on. About ten
    statements."""
    today = day_of(now())
    after = outlook(application, on=today)
    refresh_applications(application_ids=[application.pk], on=today)
    say(request, " ".join([sentence, *effects(before, after)]), undo=current_change_id())


def effects(before: Outlook, after: Outlook) -> list[str]:
    """What differs, in sentences; none where nothing does."""
    said = []
    was, is_now = runway_in_words(before.runway), runway_in_words(after.runway)
    if was != is_now:
        said.append(f"Runway: {was} before, {is_now} now.")
    known = {(finding.code, finding.dependency_id) for finding in before.findings}
    new = [
        finding for finding in after.findings if (finding.code, finding.dependency_id) not in known
    ]
    if new:
        said.append(
            "New: {findings}".format(findings=" ".join(finding.sentence for finding in new[:_SAID]))
        )
        if len(new) > _SAID:
            more = len(new) - _SAID
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


def runway_in_words(row: PrimaryRunway | None) -> str:
    if row is None or row.days_left is None:
        return "no end announced" if row is None else "an end announced without a date"
    at_least = "at least " if row.at_least else ""
    if row.runway is None:
        return f"{at_least}{number(row.days_left)} days left, the move not known"
    return f"{at_least}{days(row.runway)} days"


def days(value: Decimal) -> str:
    """Whole days where they are whole."""
    return number(int(value)) if value == int(value) else number(value.normalize())
