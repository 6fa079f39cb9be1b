"""Effects of a change on an application's runway and findings: compared before and after, in a
sentence."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.catalog.models import NAMED_KINDS
from apps.common.history.context import current_change_id
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.findings import Finding, findings_of_application
from apps.inventory.models import Application, Dependency
from apps.inventory.read_models import refresh_applications
from apps.inventory.runway import PrimaryRunway, runways
from apps.web.pages.action_view import Confirmation
from apps.web.wording import number

_MAX_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """State of an application before or after a change; `runway` is that of the most urgent primary
    model, None if no date is announced. `is_unknown`: a primary model is a name or product, so that
    its date is not known."""

    runway: PrimaryRunway | None
    is_unknown: bool
    findings: tuple[Finding, ...]


def application_state(application: Application, *, on: date) -> ApplicationState:
    """Read runway and findings; three statements."""
    primary_runways = runways(on=on, application_ids=[application.pk], limit=1)
    return ApplicationState(
        primary_runways[0] if primary_runways else None,
        Dependency.objects.live_on(on)
        .filter(application=application, role=Dependency.Role.PRIMARY)
        .filter(offering__kind__in=NAMED_KINDS)
        .exists(),
        tuple(findings_of_application(application=application, on=on)),
    )


def confirm_change(
    application: Application, before: ApplicationState, sentence: str
) -> Confirmation:
    """Return the confirmation of a change: the sentence, the effects, and an undo. Lists include
    the change from now on. About ten statements."""
    today = day_of(now())
    after = application_state(application, on=today)
    refresh_applications(application_ids=[application.pk], on=today)
    return Confirmation(
        " ".join([sentence, *describe_effects(before, after)]), undo=current_change_id()
    )


def describe_effects(before: ApplicationState, after: ApplicationState) -> list[str]:
    """Describe the differences in sentences; none if there are none."""
    sentences = []
    old_runway, new_runway = _describe_runway_of(before), _describe_runway_of(after)
    if old_runway != new_runway:
        sentences.append(f"Runway: {old_runway} before, {new_runway} now.")
    old_keys = {(finding.code, finding.dependency_id) for finding in before.findings}
    new_findings = [
        finding
        for finding in after.findings
        if (finding.code, finding.dependency_id) not in old_keys
    ]
    if new_findings:
        sentences.append(
            "New: {findings}".format(
                findings=" ".join(finding.sentence for finding in new_findings[:_MAX_SENTENCES])
            )
        )
        if len(new_findings) > _MAX_SENTENCES:
            n_more = len(new_findings) - _MAX_SENTENCES
            sentences.append(
                pluralize(n_more, f"And {n_more} more finding.", f"And {n_more} more findings.")
            )
    new_keys = {(finding.code, finding.dependency_id) for finding in after.findings}
    n_settled = len(old_keys - new_keys)
    if n_settled:
        sentences.append(
            pluralize(
                n_settled, f"{n_settled} finding resolved.", f"{n_settled} findings resolved."
            )
        )
    return sentences


def _describe_runway_of(state: ApplicationState) -> str:
    if state.runway is None and state.is_unknown:
        return "unknown, because a model ID is not known"
    return describe_runway(state.runway)


def describe_runway(row: PrimaryRunway | None) -> str:
    if row is None or row.days_left is None:
        return "no retirement date" if row is None else "retirement without a date"
    at_least = "at least " if row.at_least else ""
    if row.runway is None:
        return f"{at_least}{number(row.days_left)} days left, effort unknown"
    return f"{at_least}{format_days(row.runway)} days"


def format_days(value: Decimal) -> str:
    """Format days, as a whole number if they are whole."""
    return number(int(value)) if value == int(value) else number(value.normalize())
