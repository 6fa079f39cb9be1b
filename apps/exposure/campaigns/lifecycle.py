"""Opening, extending, rescheduling, closing and reopening of campaigns.

The caller has checked `by.is_governance`: a campaign spans teams. Refusals raise
ConflictError with a sentence.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering, ProviderEvent, RetirementAnnouncement
from apps.common.database.statements import compose_statement, load_statement
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.exposure.campaigns.reach import (
    TASK_DATE_PARAMETERS,
    TASK_DATES,
    as_sql,
    campaign_offering_ids,
    dependencies_in,
    is_ending,
)
from apps.exposure.campaigns.steps import add_missing_steps
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Dependency

State = CampaignTask.State
UNFINISHED = CampaignTask.UNFINISHED
UNSETTLED: tuple[str, ...] = (*UNFINISHED, State.WAIVED)

_RELATIONS = (
    "event",
    "announcement__version",
    "announcement__foundation",
    "announcement__provider",
    "announcement__offering__host",
    "subject__host",
    "target",
)

_INSERT_TASKS = load_statement("exposure", "insert_campaign_tasks")


@transaction.atomic
def open_campaign(
    *,
    by: User,
    at: datetime,
    event: ProviderEvent | None = None,
    offering: Offering | None = None,
    announcement: RetirementAnnouncement | None = None,
    target: Offering | None = None,
    targets: Mapping[int, int] | None = None,
    title: str = "",
    due_on: date | None = None,
    note: str = "",
    reason: str = "",
) -> Campaign:
    """Open a campaign over all dependencies that the event reaches, that retire with the offering,
    or with an offering that the announcement covers; exactly one of the three is given.

    A second call returns the open campaign and changes nothing. Without `target` it is the
    announced successor, or the host's replacement, if any; tasks can choose another. `targets` is
    {offering: its target} of a what-if: the campaign, started from one of these offerings, is then
    about the dependencies on them, each with its target. `due_on` is
    the latest finish date for all of its tasks. Tasks and steps cost two statements for any
    number.
    """
    if sum(given is not None for given in (event, offering, announcement)) != 1:
        raise ConflictError(
            "Choose either an event, an offering or an announced retirement to start the campaign."
        )
    if announcement is not None and announcement.is_withdrawn:
        raise ConflictError(
            "This announcement is withdrawn, so there is nothing to migrate. Open a campaign from "
            "the offering."
        )
    subject_id = (
        event.offering_id or 0
        if event is not None
        else offering.pk
        if offering is not None
        else representative_id(announcement, day_of(at))
        if announcement is not None
        else 0
    )
    # of two users who open it concurrently, the second waits here and then finds the first one's
    # campaign
    subject = (
        Offering.objects.select_for_update(of=("self",), no_key=True)
        .select_related("host", "replacement__host")
        .get(pk=subject_id)
    )
    open_campaigns = open_campaigns_for(event=event, subject=subject, announcement=announcement)
    if existing := open_campaigns.select_related(*_RELATIONS).first():
        if targets:
            raise ConflictError(
                f"A migration off {subject.api_id} is already open. Close it first, or continue "
                "with it."
            )
        return existing
    announced_successor = announcement.successor if announcement is not None else None
    if not targets:
        target = target or announced_successor or subject.replacement
    campaign = Campaign(
        title=title or _default_title(subject, event, announcement),
        event=event,
        announcement=announcement,
        subject=subject,
        target=target,
        targets={str(old): new for old, new in (targets or {}).items()},
        due_on=due_on,
        note=note,
        opened_by=by,
        opened_at=at,
    )
    offering_ids = campaign_offering_ids(campaign)
    if target is not None and target.pk in offering_ids:
        raise ConflictError(
            "The target is the offering to migrate from. Choose another offering, or leave "
            "it empty."
        )
    campaign.full_clean(exclude=["offerings"])
    with audit_context(user=by, reason=reason or "campaign opened"):
        campaign.save(force_insert=True)
        campaign.offerings.set(offering_ids)
        if not _insert_tasks(campaign, at):
            raise ConflictError(
                "No dependency uses this offering today, so there is nothing to migrate. "
                "Open a campaign when one does."
            )
    return campaign


def subject_of_targets(targets: Mapping[int, int], on: date) -> Offering:
    """Return the offering of the mapping that represents its campaign: the one that most
    dependencies use and that no open campaign is about yet. Raises ConflictError without one."""
    busy = Campaign.objects.filter(state=Campaign.State.OPEN, event=None, announcement=None)
    live = Dependency.objects.live_on(on).filter(offering=OuterRef("pk"))
    subject = (
        Offering.objects.filter(pk__in=targets)
        .exclude(pk__in=busy.values("subject"))
        .annotate(
            n=Coalesce(
                Subquery(live.order_by().values("offering").annotate(n=Count("pk")).values("n")), 0
            )
        )
        .order_by("-n", "pk")
        .first()
    )
    if subject is None:
        raise ConflictError(
            "A migration is already open for every model of the mapping. Close them first, or "
            "continue with them."
        )
    return subject


def open_campaigns_for(
    *,
    event: ProviderEvent | None,
    subject: Offering,
    announcement: RetirementAnnouncement | None,
) -> QuerySet[Campaign]:
    """Return the open campaign for the same, if any."""
    campaigns = Campaign.objects.filter(state=Campaign.State.OPEN)
    if announcement is not None:
        return campaigns.filter(announcement=announcement)
    return campaigns.filter(event=event, announcement=None, subject=subject)


def representative_id(announcement: RetirementAnnouncement, on: date) -> int:
    """Return the ID of the covered offering that most dependencies use."""
    live = Dependency.objects.live_on(on).filter(offering=OuterRef("pk"))
    covered = announcement.offerings.annotate(
        n=Coalesce(
            Subquery(live.order_by().values("offering").annotate(n=Count("pk")).values("n")), 0
        )
    )
    representative: int | None = covered.order_by("-n", "pk").values_list("pk", flat=True).first()
    assert representative is not None
    return representative


@transaction.atomic
def extend_campaign(
    *, campaign: Campaign, at: datetime, by: User | None = None, job: str = "", reason: str = ""
) -> int:
    """Add tasks for dependencies that have become affected, and steps for adaptations recorded
    since; return the number of added tasks.

    Repeating it adds nothing. Called by users and by a job.
    """
    campaign = lock_campaign(campaign)
    _require_open(campaign)
    with audit_context(user=by, job=job, reason=reason or "campaign extended"):
        return _insert_tasks(campaign, at)


@transaction.atomic
def change_campaign(
    *,
    campaign: Campaign,
    by: User,
    title: str | None = None,
    target: Offering | None = None,
    due_on: date | None = None,
    note: str | None = None,
    reason: str = "",
) -> Campaign:
    """Set the given facts. Due dates of tasks change only by `reschedule_campaign`."""
    campaign = lock_campaign(campaign)
    _require_open(campaign)
    changes = {"title": title, "target": target, "due_on": due_on, "note": note}
    changed_names = [
        name
        for name, value in changes.items()
        if value is not None and getattr(campaign, name) != value
    ]
    if not changed_names:
        return campaign
    if target is not None and target.pk in campaign_offering_ids(campaign):
        raise ConflictError("The target is the offering to migrate from. Choose another offering.")
    for name in changed_names:
        setattr(campaign, name, changes[name])
    campaign.full_clean()
    with audit_context(user=by, reason=reason or "campaign changed"):
        campaign.save(update_fields=[*changed_names, "updated_at"])
    return campaign


@transaction.atomic
def reschedule_campaign(*, campaign: Campaign, at: datetime, by: User, reason: str = "") -> int:
    """Recalculate the dates of all unfinished tasks, after the retirement date or efforts
    changed; return how many changed.

    Dates set by users are replaced too, so only users call this.
    """
    campaign = lock_campaign(campaign)
    _require_open(campaign)
    with (
        audit_context(user=by, reason=reason or "dates recalculated"),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"""
            WITH wanted AS (
                SELECT t.dependency_id, %(subject)s::bigint AS subject_id,
                       coalesce(t.target_id, %(target)s::bigint) AS target_id,
                       %(latest_on)s::date AS latest_on
                FROM exposure_campaigntask t WHERE t.campaign_id = %(campaign)s
                    AND t.state = ANY (%(unfinished)s)
            ),
            due AS ({TASK_DATES})
            UPDATE exposure_campaigntask t
            SET start_by = due.start_by, finish_by = due.finish_by, scheduled_on = %(day)s,
                updated_at = %(at)s
            FROM due
            WHERE t.campaign_id = %(campaign)s AND t.state = ANY (%(unfinished)s)
              AND t.dependency_id = due.dependency_id
              AND (t.start_by, t.finish_by) IS DISTINCT FROM (due.start_by, due.finish_by)
            """,
            {**_statement_parameters(campaign, at), "unfinished": list(UNSETTLED)},
        )
        n_changed: int = cursor.rowcount
    return n_changed


@transaction.atomic
def close_campaign(
    *, campaign: Campaign, at: datetime, by: User, closing_note: str = "", reason: str = ""
) -> Campaign:
    """Close the campaign; `closing_note` is required if tasks are unfinished or waived.

    Unfinished tasks stay as they are, and waivers of a closed campaign do not expire. Does nothing
    if it is already closed.
    """
    campaign = lock_campaign(campaign)
    if campaign.state == Campaign.State.CLOSED:
        return campaign
    n_left = campaign.tasks.filter(state__in=UNSETTLED).count()
    if n_left and not closing_note.strip():
        raise ConflictError(
            "1 task is unfinished or deferred. Finish it, or enter a closing "
            "note that explains why "
            "the campaign is closed."
            if n_left == 1
            else f"{n_left} tasks are unfinished or deferred. Finish them, or enter a closing note "
            "that explains why the campaign is closed."
        )
    campaign.state, campaign.closed_by, campaign.closed_at = Campaign.State.CLOSED, by, at
    campaign.closing_note = closing_note
    with audit_context(user=by, reason=reason or closing_note or "campaign closed"):
        campaign.save(
            update_fields=["state", "closed_by", "closed_at", "closing_note", "updated_at"]
        )
    return campaign


def close_unstarted_campaigns(
    *, announcement: RetirementAnnouncement, at: datetime, by: User, closing_note: str
) -> list[Campaign]:
    """Close the open campaigns of a withdrawn announcement in which no work has started; return
    them."""
    started = CampaignTask.objects.filter(campaign=OuterRef("pk")).exclude(
        state__in=(State.OPEN, State.OBSOLETE)
    )
    campaigns = announcement.campaigns.filter(~Exists(started), state=Campaign.State.OPEN)
    return [
        close_campaign(campaign=campaign, at=at, by=by, closing_note=closing_note)
        for campaign in campaigns.order_by("pk")
    ]


@transaction.atomic
def reopen_campaign(*, campaign: Campaign, by: User, reason: str) -> Campaign:
    """Reopen the campaign with its tasks unchanged. Refused without a reason, or if another
    campaign is open for the same offering."""
    if not reason.strip():
        raise ConflictError("Enter a reason for reopening the campaign.")
    Offering.objects.select_for_update(no_key=True).only("pk").get(pk=campaign.subject_id)
    campaign = lock_campaign(campaign)
    if campaign.state == Campaign.State.OPEN:
        return campaign
    open_campaigns = open_campaigns_for(
        event=campaign.event, subject=campaign.subject, announcement=campaign.announcement
    )
    refusal = ConflictError(
        "Another campaign for the same subject is open. Close it first, or continue with it."
    )
    if open_campaigns.exists():
        raise refusal
    campaign.state, campaign.closed_by, campaign.closed_at = Campaign.State.OPEN, None, None
    try:
        with audit_context(user=by, reason=reason), transaction.atomic():
            campaign.save(update_fields=["state", "closed_by", "closed_at", "updated_at"])
    except IntegrityError:
        raise refusal from None
    return campaign


def lock_campaign(campaign: Campaign) -> Campaign:
    """Lock the campaign until the transaction ends and return its current row, locked first and
    read afterwards like tasks."""
    Campaign.objects.select_for_update().only("pk").get(pk=campaign.pk)
    return Campaign.objects.select_related(*_RELATIONS).get(pk=campaign.pk)


def _require_open(campaign: Campaign) -> None:
    if campaign.state == Campaign.State.CLOSED:
        raise ConflictError("The campaign is closed. Reopen it first.")


def _insert_tasks(campaign: Campaign, at: datetime) -> int:
    """Insert tasks for affected dependencies without one, and missing steps; return the number of
    tasks."""
    affected = as_sql(dependencies_in(campaign, on=day_of(at)))
    n_joined = 0
    if affected is not None:
        sql, params = affected
        with connection.cursor() as cursor:
            cursor.execute(
                compose_statement(_INSERT_TASKS, affected=sql, dates=TASK_DATES),
                {**params, **_statement_parameters(campaign, at), "owner": TeamRole.OWNER.rank},
            )
            n_joined = cursor.rowcount
    add_missing_steps(
        campaign_id=campaign.pk, subject_retires=is_ending(campaign), unfinished_states=UNSETTLED
    )
    return n_joined


def _statement_parameters(campaign: Campaign, at: datetime) -> dict[str, Any]:
    return {
        "campaign": campaign.pk,
        "subject": campaign.subject_id,
        "target": campaign.target_id,
        "targets": json.dumps(campaign.targets),
        "latest_on": campaign.due_on,
        "at": at,
        "day": day_of(at),
        **TASK_DATE_PARAMETERS,
    }


def _default_title(
    subject: Offering, event: ProviderEvent | None, announcement: RetirementAnnouncement | None
) -> str:
    name = (
        announcement.subject_name
        if announcement is not None
        else f"{subject.api_id} on {subject.host.name}"
    )
    title = f"Migrate from {name}" if event is None else f"{event.get_kind_display()}: {name}"
    if subject.retires_on:
        title = f"{title} (retires on {subject.retires_on:%Y-%m-%d})"
    return title[:200]
