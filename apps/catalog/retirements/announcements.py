"""Announcing a retirement and withdrawing the announcement.

The caller has checked that the user is governance or administrator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.claims.manual_values import (
    ManualClaim,
    manual_row,
    manual_source,
    record_manual_claims,
    withdraw_manual_claims,
)
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.claims.values import Value
from apps.catalog.footing import refresh_footing
from apps.catalog.models import (
    AnnouncedOffering,
    Assertion,
    DateKind,
    EndBehaviour,
    Foundation,
    Lifecycle,
    Offering,
    Provider,
    ProviderEvent,
    RetirementAnnouncement,
    Version,
)
from apps.catalog.models.claims import Topic
from apps.catalog.retirements.coverage import (
    CoveredOffering,
    Subject,
    covered_offerings,
    scope_of,
)
from apps.common.errors import ConflictError, DomainError
from apps.common.history.context import audit_context
from apps.common.time import day_of

BATCH_SIZE = 500
JOB = "manage.py announce_retirement"


@dataclass(frozen=True, slots=True)
class RetirementTerms:
    """What a user enters. `hosts` and `offering_ids` narrow the coverage; `offering_ids` None:
    every model ID of the subject on these hosts."""

    subject: Subject
    retires_on: date
    date_kind: str = DateKind.FIRM
    hosts: Sequence[Provider] = ()
    offering_ids: Sequence[int] | None = None
    successor: Offering | None = None
    source_url: str = ""
    notice_text: str = ""


@dataclass(frozen=True, slots=True)
class AnnouncementPreview:
    """What an announcement would cover; `rows` also has the model IDs that it leaves out.
    `repeated` is the open announcement that says the same, if any."""

    terms: RetirementTerms
    rows: Sequence[CoveredOffering]
    repeated: RetirementAnnouncement | None = None

    @property
    def offerings(self) -> list[Offering]:
        if self.repeated is not None:
            return [row.offering for row in self.rows if row.open_announcement == self.repeated]
        return [row.offering for row in self.rows if row.is_covered]


def preview_announcement(terms: RetirementTerms, *, on: date) -> AnnouncementPreview:
    """Return the model IDs that the announcement covers, each with its present date.

    Writes nothing. Raises DomainError if the announcement would be refused.
    """
    _refuse_wrong_terms(terms, on)
    rows = covered_offerings(
        terms.subject, on=on, hosts=terms.hosts, offering_ids=terms.offering_ids
    )
    preview = AnnouncementPreview(terms, rows, _same_announcement(terms, rows))
    if preview.repeated is None:
        _refuse_wrong_coverage(preview)
    return preview


@transaction.atomic
def announce_retirement(
    terms: RetirementTerms, *, at: datetime, by: User | None
) -> RetirementAnnouncement:
    """Record the announcement: one manual value, and one event where the date changes, for each
    covered offering.

    The same announcement again returns the open one and changes nothing. `by` None is the command
    line. Raises DomainError or ConflictError with a sentence.
    """
    catalogue_lock()
    preview = preview_announcement(terms, on=day_of(at))
    if preview.repeated is not None:
        return preview.repeated
    reason = _reason(terms)
    subject = terms.subject
    announcement = RetirementAnnouncement(
        version=subject if isinstance(subject, Version) else None,
        foundation=subject if isinstance(subject, Foundation) else None,
        provider=subject if isinstance(subject, Provider) else None,
        offering=subject if isinstance(subject, Offering) else None,
        scope=scope_of(hosts=terms.hosts, offering_ids=terms.offering_ids),
        retires_on=terms.retires_on,
        date_kind=terms.date_kind,
        successor=terms.successor,
        source_url=terms.source_url.strip(),
        notice_text=terms.notice_text.strip(),
        announced_by=by,
        announced_at=at,
    )
    announcement.full_clean(exclude=["version", "foundation", "provider", "offering", "successor"])
    offerings = preview.offerings
    with audit_context(user=by, job="" if by else JOB, reason=reason):
        announcement.save(force_insert=True)
        earlier_claims = _standing_manual_claims(offerings)
        value = _claimed_value(terms)
        assertions, events = record_manual_claims(
            [
                ManualClaim(offering.pk, value, announcement.source_url, reason, by)
                for offering in offerings
            ],
            at=at,
        )
        AnnouncedOffering.objects.bulk_create(
            [
                AnnouncedOffering(
                    announcement=announcement,
                    offering=offering,
                    claim=assertions[offering.pk],
                    event=events.get(offering.pk),
                    earlier_retires_on=offering.retires_on,
                    earlier_date_kind=offering.date_kind,
                    earlier_replacement=offering.replacement,
                    earlier_claim=earlier_claims.get(offering.pk, {}),
                )
                for offering in offerings
            ],
            batch_size=BATCH_SIZE,
        )
    return announcement


@transaction.atomic
def withdraw_announcement(
    *, announcement: RetirementAnnouncement, at: datetime, by: User | None, reason: str
) -> RetirementAnnouncement:
    """Undo the announcement: its manual values end, or become what they replaced, and an event is
    raised for each date that changes.

    Refused if a user changed one of the values later. A value that a user removed stays removed.
    Withdrawing twice changes nothing.
    """
    if not reason.strip():
        raise DomainError("Enter a reason for the withdrawal.", field="reason")
    catalogue_lock()
    announcement = RetirementAnnouncement.objects.select_for_update().get(pk=announcement.pk)
    if announcement.is_withdrawn:
        return announcement
    rows = list(
        announcement.announced_offerings.select_related(
            "claim__asserted_by", "offering__host"
        ).order_by("pk")
    )
    _refuse_later_change(announcement, rows)
    with audit_context(user=by, job="" if by else JOB, reason=reason.strip()):
        events = _restore_values(rows, at=at)
        for row in rows:
            row.withdrawal_event = events.get(row.offering_id)
            row.is_open = False
        AnnouncedOffering.objects.bulk_update(
            rows, ["withdrawal_event", "is_open"], batch_size=BATCH_SIZE
        )
        announcement.withdrawn_by, announcement.withdrawn_at = by, at
        announcement.withdrawal_reason = reason.strip()
        announcement.save(update_fields=["withdrawn_by", "withdrawn_at", "withdrawal_reason"])
    return announcement


def _restore_values(rows: Sequence[AnnouncedOffering], *, at: datetime) -> dict[int, ProviderEvent]:
    """Set the offerings back to what applied without the announcement; return the events."""
    standing = [row for row in rows if row.claim.withdrawn_at is None]
    replaced = [row for row in standing if row.earlier_claim]
    lifted = [row.claim for row in standing if not row.earlier_claim]
    events = withdraw_manual_claims(lifted, at=at) if lifted else {}
    if replaced:
        for row in replaced:
            _change_replacement(row, old=row.claim.value.get("successor_id"), new=None)
        users = User.objects.in_bulk([row.earlier_claim["asserted_by"] for row in replaced])
        _, restored_events = record_manual_claims(
            [
                ManualClaim(
                    row.offering_id,
                    row.earlier_claim["value"],
                    row.earlier_claim["source_url"],
                    row.earlier_claim["reason"],
                    users.get(row.earlier_claim["asserted_by"]),
                )
                for row in replaced
            ],
            at=at,
        )
        events |= restored_events
    for row in standing:
        if row.earlier_replacement_id is not None:
            _change_replacement(row, old=None, new=row.earlier_replacement_id)
    redirected = Offering.objects.filter(
        pk__in=[row.offering_id for row in standing], end_behaviour=EndBehaviour.REDIRECT
    )
    refresh_footing(list(redirected.values_list("pk", flat=True)), today=day_of(at))
    return events


def _change_replacement(row: AnnouncedOffering, *, old: int | None, new: int | None) -> None:
    Offering.objects.filter(pk=row.offering_id, replacement=old).update(replacement=new)


def _refuse_wrong_terms(terms: RetirementTerms, on: date) -> None:
    if terms.retires_on < on:
        raise DomainError(
            f"{terms.retires_on:%Y-%m-%d} is in the past. Enter today or a later date. Record a "
            "past retirement on the page of the offering.",
            field="retires_on",
        )
    if terms.date_kind not in DateKind.values:
        raise DomainError(
            "Choose whether the retirement date is announced or earliest.", field="date_kind"
        )
    url = terms.source_url.strip()
    if url and not url.startswith(("https://", "http://")):
        # it becomes a link
        raise DomainError(
            "The URL of the source must start with https:// or http://.", field="source_url"
        )
    if terms.successor is not None:
        _refuse_successor(terms, terms.successor, on)


def _refuse_successor(terms: RetirementTerms, successor: Offering, on: date) -> None:
    if successor.is_retired(on) or successor.lifecycle == Lifecycle.RETIRED:
        raise DomainError(
            f"The successor {successor} is retired. Choose an offering that is served.",
            field="successor",
        )
    if successor.retires_on is not None and successor.retires_on <= terms.retires_on:
        raise DomainError(
            f"The successor {successor} retires on {successor.retires_on:%Y-%m-%d}, no later than "
            "the model itself. Choose one that is served longer.",
            field="successor",
        )


def _refuse_wrong_coverage(preview: AnnouncementPreview) -> None:
    terms = preview.terms
    covered = [row for row in preview.rows if row.is_covered]
    if not covered:
        raise DomainError(_nothing_covered(preview), field="offerings")
    if terms.successor is not None and any(
        row.offering.pk == terms.successor.pk for row in covered
    ):
        raise DomainError(
            f"The successor {terms.successor} is among the model IDs that retire. Choose another "
            "one, or leave it out of the announcement.",
            field="successor",
        )
    for row in covered:
        if row.open_announcement is not None:
            announcement = row.open_announcement
            recorded_by = f" by {announcement.announced_by}" if announcement.announced_by else ""
            raise ConflictError(
                f"The announcement of {day_of(announcement.announced_at):%Y-%m-%d}{recorded_by} "
                f"covers {row.offering} already. Withdraw that announcement, or leave this model "
                "ID out.",
                field="offerings",
            )
        if row.is_retired:
            raise DomainError(
                f"{row.offering} is already retired. Leave it out.", field="offerings"
            )


def _nothing_covered(preview: AnnouncementPreview) -> str:
    rows = preview.rows
    if not rows:
        return f"No model ID of {preview.terms.subject} is known. Select another subject or host."
    if preview.terms.offering_ids is not None:
        return "Select at least one model ID."
    announcement = next((row.open_announcement for row in rows if row.open_announcement), None)
    if announcement is not None:
        recorded_by = f" by {announcement.announced_by}" if announcement.announced_by else ""
        return (
            f"The announcement of {day_of(announcement.announced_at):%Y-%m-%d}{recorded_by} covers "
            "these model IDs already. Withdraw that announcement first."
        )
    if all(row.is_retired for row in rows):
        return f"Every model ID of {preview.terms.subject} is already retired."
    return "Only aliases are left, which move on to other versions. Select model IDs."


def _same_announcement(
    terms: RetirementTerms, rows: Sequence[CoveredOffering]
) -> RetirementAnnouncement | None:
    """Return the open announcement that says the same about the same model IDs, if any."""
    announcements = {
        row.open_announcement.pk: row.open_announcement
        for row in rows
        if row.open_announcement is not None
    }
    if len(announcements) != 1:
        return None
    announcement = next(iter(announcements.values()))
    announced_ids = {row.offering.pk for row in rows if row.open_announcement is not None}
    wanted_ids = (
        set(terms.offering_ids)
        if terms.offering_ids is not None
        else announced_ids | {row.offering.pk for row in rows if row.is_covered}
    )
    is_same = (
        wanted_ids == announced_ids
        and announcement.retires_on == terms.retires_on
        and announcement.date_kind == terms.date_kind
        and announcement.successor_id == (terms.successor.pk if terms.successor else None)
    )
    return announcement if is_same else None


def _refuse_later_change(
    announcement: RetirementAnnouncement, rows: Sequence[AnnouncedOffering]
) -> None:
    for row in rows:
        claim = row.claim
        if claim.withdrawn_at is None and claim.changed_at != announcement.announced_at:
            changed_by = f"{claim.asserted_by} changed" if claim.asserted_by else "A user changed"
            raise ConflictError(
                f"{changed_by} the date of {row.offering} on {day_of(claim.changed_at):%Y-%m-%d}, "
                "after this announcement. Remove that override on the page of the offering first."
            )


def _claimed_value(terms: RetirementTerms) -> Value:
    value: Value = {
        "retires_on": terms.retires_on.isoformat(),
        "date_kind": str(terms.date_kind),
        # an announced retirement, also where its date is only a lower bound
        "status": "deprecated",
    }
    if terms.successor is not None:
        value["successor"] = terms.successor.api_id
        value["successor_id"] = terms.successor.pk
    return value


def _standing_manual_claims(offerings: Sequence[Offering]) -> dict[int, dict[str, object]]:
    """Return what users say about the offerings today, as `AnnouncedOffering.earlier_claim`."""
    claims = Assertion.objects.standing().filter(
        source=manual_source(),
        topic=Topic.LIFECYCLE,
        external_id__in=[manual_row(offering.pk) for offering in offerings],
    )
    return {
        claim.offering_id: {
            "value": claim.value,
            "source_url": claim.source_url,
            "reason": claim.reason,
            "asserted_by": claim.asserted_by_id,
        }
        for claim in claims
        if claim.offering_id is not None
    }


def _reason(terms: RetirementTerms) -> str:
    source = f" Source: {terms.source_url.strip()}" if terms.source_url.strip() else ""
    return f"Retirement announced.{source}"[:1000]
