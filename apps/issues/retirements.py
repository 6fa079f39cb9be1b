"""Announcing and withdrawing a retirement together with the issues that follow from it."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.models import RetirementAnnouncement
from apps.catalog.retirements.announcements import (
    RetirementTerms,
    announce_retirement,
    withdraw_announcement,
)
from apps.common.time import day_of
from apps.exposure.campaigns.lifecycle import close_unstarted_campaigns
from apps.exposure.queries.announcement_reach import affected_application_ids
from apps.issues.evaluation import (
    MAX_APPLICATIONS_IN_REQUEST,
    EvaluationCounts,
    evaluate_issues,
)


@dataclass(frozen=True, slots=True)
class RetirementOutcome:
    """What an announcement or a withdrawal changed. `counts` None: so many applications are
    affected that a worker evaluates their issues. `is_repeated`: it was announced before."""

    announcement: RetirementAnnouncement
    n_applications: int
    counts: EvaluationCounts | None
    is_repeated: bool = False


@transaction.atomic
def announce_and_evaluate(
    terms: RetirementTerms, *, at: datetime, by: User | None
) -> RetirementOutcome:
    """Announce the retirement and evaluate the issues of the affected applications, in one
    transaction."""
    announcement = announce_retirement(terms, at=at, by=by)
    outcome = _evaluate(announcement, at=at)
    # the same announcement again is the open one, of an earlier time
    return replace(outcome, is_repeated=announcement.announced_at != at)


@transaction.atomic
def withdraw_and_evaluate(
    *, announcement: RetirementAnnouncement, at: datetime, by: User | None, reason: str
) -> RetirementOutcome:
    """Withdraw the announcement and evaluate the issues of the applications that it affected, in
    one transaction. Its migration is closed, unless work on it has started."""
    application_ids = announced_application_ids(announcement, on=day_of(at))
    withdrawn = withdraw_announcement(announcement=announcement, at=at, by=by, reason=reason)
    if by is not None:
        close_unstarted_campaigns(
            announcement=withdrawn, at=at, by=by, closing_note=f"Announcement withdrawn: {reason}"
        )
    return _evaluate(
        withdrawn,
        at=at,
        application_ids=application_ids | announced_application_ids(withdrawn, on=day_of(at)),
    )


def announced_application_ids(announcement: RetirementAnnouncement, *, on: date) -> set[int]:
    """Return the IDs of the applications that the announcement affects on that day."""
    return affected_application_ids(
        offering_ids=list(announcement.offerings.values_list("pk", flat=True)),
        on=on,
        retires_on=announcement.retires_on,
    )


def _evaluate(
    announcement: RetirementAnnouncement,
    *,
    at: datetime,
    application_ids: set[int] | None = None,
) -> RetirementOutcome:
    """Evaluate the affected applications; very many are left to the worker, whose queue holds
    them."""
    if application_ids is None:
        application_ids = announced_application_ids(announcement, on=day_of(at))
    counts = None
    if len(application_ids) <= MAX_APPLICATIONS_IN_REQUEST:
        counts = evaluate_issues(
            at=at, application_ids=application_ids, reason=f"{announcement}, announced"
        )
    return RetirementOutcome(announcement, len(application_ids), counts)
