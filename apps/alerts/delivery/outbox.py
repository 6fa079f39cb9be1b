"""Outbox: writes one message per recipient and digest window, rendered once and stored with the
notifications that it delivers.

Recipients are processed in batches. The records that a batch of digests mentions are loaded
together: ten thousand recipients cost hundreds of statements, and the memory of one batch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from apps.accounts.models import Team, User
from apps.alerts.delivery.context import BatchContext, load_context
from apps.alerts.delivery.due_digests import DueDigest, load_schedules, scan_due_digests
from apps.alerts.delivery.mail import message_id_for
from apps.alerts.delivery.messages import render_mail, render_webhook
from apps.alerts.delivery.schedule import MAX_CLOCK_LEAD, DigestSchedule
from apps.alerts.lifecycle import reassignment
from apps.alerts.lifecycle.mutes import longest_mute
from apps.alerts.models import (
    Alert,
    Cadence,
    Delivery,
    Mute,
    Notice,
    Preference,
    SkipReason,
    Tick,
    Webhook,
)
from apps.alerts.recipients import visible_teams
from apps.alerts.subscriptions import can_see_alert
from apps.common.time import day_of

log = structlog.get_logger(__name__)

DIGEST_CHECKPOINT = "digests"
RECIPIENT_BATCH_SIZE = 50
MAX_PAUSE = timedelta(hours=1)


def queue_digests(*, at: datetime, gather: timedelta | None = None) -> int:
    """Write the messages that are due, and return the number of deliveries written.

    A recipient's notifications are gathered for `gather` (the setting ALERT_GATHER_SECONDS if None)
    after the first, so that one poll with many changes makes one email. A message that cannot be
    written does not block the others: an ExceptionGroup reports all of them at the end."""
    if gather is None:
        gather = timedelta(seconds=settings.ALERT_GATHER_SECONDS)
    last_look = Tick.objects.filter(pk=DIGEST_CHECKPOINT).values_list("at", flat=True).first()
    # served by a clock that ran ahead: the next window counts again, and the last one not a second
    # time
    Preference.objects.filter(served_at__gt=at + MAX_CLOCK_LEAD).update(served_at=at)
    scan = scan_due_digests(at=at, last_look=last_look, gather=gather)
    n_queued, n_passed_by, errors = 0, 0, []
    for batch in batched(scan.due, RECIPIENT_BATCH_SIZE, strict=False):
        written = _queue_or_split(batch, at=at)
        n_queued += written.n
        n_passed_by += written.n_locked
        errors += written.errors
    # what still gathers, and whoever is written to by another run or is in use, would otherwise
    # miss the window that has passed; the trouble of one must not hold up the hours of all, it may
    # last
    if not scan.gathers and not n_passed_by:
        Tick.objects.update_or_create(pk=DIGEST_CHECKPOINT, defaults={"at": at})
    if errors:
        raise ExceptionGroup("Some messages could not be created.", errors)
    return n_queued


def was_interrupted(*, at: datetime) -> bool:
    """Return whether due digests were not scanned for an hour: the registry was stopped, or is
    new."""
    last_look = Tick.objects.filter(pk=DIGEST_CHECKPOINT).values_list("at", flat=True).first()
    return last_look is None or at - last_look > MAX_PAUSE


# --- one batch ------------------------------------------------------------------------------------


@dataclass(slots=True)
class BatchResult:
    """The result of one batch. `n_locked` counts recipients whose row another transaction holds at
    the moment."""

    n: int
    errors: list[Exception]
    n_locked: int = 0


def _queue_or_split(batch: Sequence[DueDigest], *, at: datetime) -> BatchResult:
    """Queue a batch; if it cannot be loaded as a whole, queue its recipients one by one, so that
    one recipient's error affects only that recipient."""
    try:
        return _queue_batch(batch, at=at)
    except Exception as error:  # noqa: BLE001 - as above
        if len(batch) == 1:
            error.add_note(_recipient_note(batch[0]))
            return BatchResult(0, [error])
    results = [_queue_or_split([due], at=at) for due in batch]
    return BatchResult(
        sum(result.n for result in results),
        [error for result in results for error in result.errors],
        sum(result.n_locked for result in results),
    )


def _recipient_note(due: DueDigest) -> str:
    return (
        f"while creating a message for user {due.recipient.user_id}, team "
        f"{due.recipient.team_id}, webhook {due.recipient.webhook_id}"
    )


@transaction.atomic
def _queue_batch(batch: Sequence[DueDigest], *, at: datetime) -> BatchResult:
    """Queue one batch. The recipients' rows are the locks: of two concurrent runs one skips them,
    and what it finds pending afterwards is new."""
    users = _lock_rows(User, {due.recipient.user_id for due in batch})
    teams = _lock_rows(Team, {due.recipient.team_id for due in batch})
    webhooks = _lock_rows(Webhook, {due.recipient.webhook_id for due in batch})
    claimed = [
        due
        for due in batch
        if due.recipient.user_id in users
        or due.recipient.team_id in teams
        or due.recipient.webhook_id in webhooks
    ]
    notices = _lock_pending_notices(claimed)
    # another run may have written this window while this one waited
    schedules = load_schedules(due.recipient for due in claimed)
    loaded = load_context([notice for found in notices.values() for notice in found], at=at)
    visible = visible_teams(users.values())
    mutes = _active_mutes(users, teams, at=at)
    first = _first_time_recipients(users, teams)
    written = BatchResult(0, [], len(batch) - len(claimed))
    deliveries: list[tuple[Delivery, list[Notice]]] = []
    lost_notices: list[Notice] = []
    kept_back: list[Notice] = []
    served: list[tuple[DueDigest, datetime]] = []
    for due in claimed:
        key = (due.recipient.user_id, due.recipient.team_id)
        if due.window is not None:
            before = schedules[key].served_before(at)
            if before is not None and before >= due.window:
                continue
        found = [n for n in notices[key, due.recipient.webhook_id] if n.urgent or due.takes_all]
        try:
            message = _plan_message(
                due,
                found,
                users=users,
                teams=teams,
                webhooks=webhooks,
                loaded=loaded,
                visible=visible,
                mutes=mutes[key],
                is_first=key in first,
                at=at,
            )
        except Exception as error:  # noqa: BLE001 - one recipient's trouble must not silence the others; it is raised
            error.add_note(_recipient_note(due))
            written.errors.append(error)
            continue
        if message.delivery is not None:
            deliveries.append((message.delivery, message.carried))
        if message.unwanted is not None:
            deliveries.append(message.unwanted)
        lost_notices += message.lost
        kept_back += message.kept_back
        if due.window is not None and (message.delivery is not None or found):
            served.append((due, due.window))
    _store_messages(deliveries)
    _record_windows(served)
    skipped = [notice for notice in [*lost_notices, *kept_back] if notice.skip_reason]
    Notice.objects.bulk_update(skipped, ["skip_reason", "skip_details", "mute"])
    reassignment.reassign_lost_notices(lost_notices, at=at)
    reassignment.reassign_moved_applications(_moved_applications(deliveries, loaded), at=at)
    written.n = len(deliveries)
    return written


def _moved_applications(
    deliveries: Sequence[tuple[Delivery, list[Notice]]], loaded: BatchContext
) -> dict[int, list[int]]:
    """Return {alert: applications of it that belong to another team by now}, of alerts first sent
    by these messages."""
    moved: dict[int, list[int]] = {}
    for notice in (notice for _, carried in deliveries for notice in carried):
        alert = loaded.alerts[notice.alert_id]
        if alert.team_id is None or notice.occasion != Notice.Occasion.RAISED:
            continue
        known = [
            loaded.applications[pk] for pk in alert.application_ids if pk in loaded.applications
        ]
        if strayed := [row.pk for row in known if row.team_id != alert.team_id]:
            moved[alert.pk] = strayed
    return moved


def _lock_rows[M: (User, Team, Webhook)](model: type[M], ids: Iterable[int | None]) -> dict[int, M]:
    wanted = sorted(pk for pk in ids if pk is not None)
    if not wanted:
        return {}
    rows = (
        model._default_manager.select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=wanted)
        .order_by("pk")
    )
    return {row.pk: row for row in rows}


type NoticeKey = tuple[tuple[int | None, int | None], int | None]


def _lock_pending_notices(digests: Sequence[DueDigest]) -> dict[NoticeKey, list[Notice]]:
    """Lock the notifications until the end, so that none is resolved while the message is
    written."""
    rows = (
        Notice.objects.owed()
        .filter(
            Q(user__in=[due.recipient.user_id for due in digests if due.recipient.user_id])
            | Q(team__in=[due.recipient.team_id for due in digests if due.recipient.team_id])
            | Q(
                webhook__in=[
                    due.recipient.webhook_id for due in digests if due.recipient.webhook_id
                ]
            )
        )
        .select_for_update(no_key=True)
        .order_by("pk")
    )
    notices: dict[NoticeKey, list[Notice]] = defaultdict(list)
    for notice in rows:
        notices[(notice.user_id, notice.team_id), notice.webhook_id].append(notice)
    return notices


def _active_mutes(
    users: Iterable[int], teams: Iterable[int], *, at: datetime
) -> dict[tuple[int | None, int | None], list[Mute]]:
    mutes: dict[tuple[int | None, int | None], list[Mute]] = defaultdict(list)
    rows = Mute.objects.filter(
        Q(user__in=list(users)) | Q(team__in=list(teams)), lifted_at=None, until__gt=day_of(at)
    )
    for mute in rows:
        mutes[mute.user_id, mute.team_id].append(mute)
    return mutes


def _first_time_recipients(
    users: Iterable[int], teams: Iterable[int]
) -> set[tuple[int | None, int | None]]:
    """Return recipients who never received a message: their first one summarises all open
    alerts."""
    keys = [*((pk, None) for pk in users), *((None, pk) for pk in teams)]
    notified = set(
        Delivery.objects.exclude(state=Delivery.State.SKIPPED)
        .filter(Q(user__in=list(users)) | Q(team__in=list(teams)))
        .values_list("user_id", "team_id")
        .distinct()
    )
    return set(keys) - notified


@dataclass(slots=True)
class _MessagePlan:
    """The plan of one message. `lost` are notifications that do not reach this recipient, and that
    other recipients may need instead; `kept_back` those that are muted or whose cause has ended,
    which need no other recipient. `unwanted` is the row of the delivery log for notifications that
    are not urgent, if only urgent ones are wanted, and those notifications."""

    delivery: Delivery | None
    carried: list[Notice]
    lost: list[Notice]
    kept_back: list[Notice] = field(default_factory=list)
    unwanted: tuple[Delivery, list[Notice]] | None = None


def _plan_message(
    due: DueDigest,
    notices: list[Notice],
    *,
    users: dict[int, User],
    teams: dict[int, Team],
    webhooks: dict[int, Webhook],
    loaded: BatchContext,
    visible: Mapping[int, frozenset[int] | None],
    mutes: Sequence[Mute],
    is_first: bool,
    at: datetime,
) -> _MessagePlan:
    """Decide about every notification: in a message, skipped with a reason, or left pending."""
    if due.recipient.webhook_id is not None:
        webhook = webhooks[due.recipient.webhook_id]
        if not notices:
            # another run wrote them after this one had looked
            return _MessagePlan(None, [], [])
        if not webhook.enabled:
            unsent = _skipped_delivery(
                due, notices, SkipReason.WEBHOOK_DISABLED, address=webhook.url, at=at
            )
            return _MessagePlan(unsent, notices, [])
        return _MessagePlan(render_webhook(webhook, notices, loaded, at=at), notices, [])
    user = users.get(due.recipient.user_id or 0)
    team = teams.get(due.recipient.team_id or 0)
    address = user.email if user else team.email if team else ""
    if refusal := _skip_reason(user, team, due.schedule):
        if not notices:
            # a sign of life that cannot be given
            return _MessagePlan(None, [], [])
        # what is not wanted is not passed on to others
        lost = [] if refusal == SkipReason.NO_EMAIL_WANTED else notices
        return _MessagePlan(
            _skipped_delivery(due, notices, refusal, address=address, at=at), notices, lost
        )
    teams_seen = visible[user.pk] if user else frozenset({team.pk if team else 0})
    shown, kept_back, hidden = [], [], []
    for notice in notices:
        alert = loaded.alerts[notice.alert_id]
        if mute := longest_mute(mutes, loaded.about[notice.alert_id]):
            notice.skip_reason, notice.mute = SkipReason.MUTED, mute
            notice.skip_details = {"until": mute.until.isoformat()}
            kept_back.append(notice)
        elif not _may_see(user, alert, teams_seen):
            hidden.append(notice)
        else:
            shown.append(notice)
    unwanted = None
    if due.schedule.wants_only_urgent:
        calm = [notice for notice in shown if not notice.urgent]
        shown = [notice for notice in shown if notice.urgent]
        if calm:
            reason = SkipReason.URGENT_ONLY
            unwanted = (_skipped_delivery(due, calm, reason, address=address, at=at), calm)
    mail = render_mail(
        shown,
        loaded,
        user=user,
        team=team,
        teams_seen=teams_seen,
        schedule=due.schedule,
        at=at,
        is_first=is_first,
        kind=Delivery.Kind.IMMEDIATE if due.only_urgent else Delivery.Kind.DIGEST,
        also_when_empty=due.schedule.heartbeat and due.window is not None,
    )
    hidden += mail.left_out
    for notice in mail.passed:
        notice.skip_reason = SkipReason.PASSED
    kept_back += mail.passed
    gone = {notice.pk for notice in [*hidden, *mail.passed]}
    carried = [notice for notice in shown if notice.pk not in gone]
    if hidden and mail.delivery is None:
        # the ledger says that a message was owed, and why there is none
        unsent = _skipped_delivery(
            due, hidden, SkipReason.NO_LONGER_CONCERNED, address=address, at=at
        )
        return _MessagePlan(unsent, hidden, hidden, kept_back, unwanted)
    for notice in hidden:
        notice.skip_reason = SkipReason.NO_LONGER_CONCERNED
    return _MessagePlan(mail.delivery, carried, hidden, kept_back, unwanted)


def _may_see(user: User | None, alert: Alert, teams_seen: frozenset[int] | None) -> bool:
    if user is None:
        return alert.team_id in (teams_seen or ())
    return can_see_alert(user.pk, alert, teams_seen)


def _skip_reason(
    user: User | None, team: Team | None, schedule: DigestSchedule
) -> SkipReason | None:
    """Return why this recipient gets no email at all; None if email may be sent."""
    if user is not None and not user.is_active:
        return SkipReason.INACTIVE_USER
    if user is not None and not user.email:
        return SkipReason.NO_USER_EMAIL
    if team is not None and not team.email:
        return SkipReason.NO_TEAM_EMAIL
    return SkipReason.NO_EMAIL_WANTED if schedule.cadence == Cadence.NEVER else None


def _skipped_delivery(
    due: DueDigest, notices: Sequence[Notice], reason: SkipReason, *, address: str, at: datetime
) -> Delivery:
    """Build a row of the delivery log for a message that is not sent, with the reason."""
    return Delivery(
        user_id=due.recipient.user_id,
        team_id=due.recipient.team_id,
        webhook_id=due.recipient.webhook_id,
        kind=Delivery.Kind.WEBHOOK if due.recipient.webhook_id else Delivery.Kind.DIGEST,
        address=address,
        message_id=message_id_for(
            address=address, keys=[f"notice:{notice.pk}" for notice in notices]
        ),
        state=Delivery.State.SKIPPED,
        skip_reason=reason,
        due_at=at,
        created_at=at,
    )


def _store_messages(deliveries: Sequence[tuple[Delivery, list[Notice]]]) -> None:
    """Store the messages and, in two further statements, which notifications each contains."""
    stored = Delivery.objects.bulk_create([delivery for delivery, _ in deliveries])
    pairs = [
        (notice.pk, delivery.pk)
        for delivery, (_, carried) in zip(stored, deliveries, strict=True)
        for notice in carried
    ]
    if pairs:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE alerts_notice n SET delivery_id = p.delivery_id"
                " FROM unnest(%s::bigint[], %s::bigint[]) AS p(id, delivery_id) WHERE n.id = p.id",
                [[pk for pk, _ in pairs], [pk for _, pk in pairs]],
            )


def _record_windows(served: Sequence[tuple[DueDigest, datetime]]) -> None:
    """Record which window was served for which recipient."""
    people = [
        (due.recipient.user_id, window)
        for due, window in served
        if due.recipient.user_id is not None
    ]
    teams = [
        (due.recipient.team_id, window)
        for due, window in served
        if due.recipient.team_id is not None
    ]
    with connection.cursor() as cursor:
        for column, rows in (("user_id", people), ("team_id", teams)):
            if rows:
                cursor.execute(
                    f"""
                    INSERT INTO alerts_preference ({column}, cadence, weekday, immediate, heartbeat,
                        served_at)
                    SELECT id, 'daily', 0, true, false, served_at
                    FROM unnest(%s::bigint[], %s::timestamptz[]) AS w(id, served_at)
                    ON CONFLICT ({column}) DO UPDATE SET served_at = EXCLUDED.served_at
                    """,
                    [[pk for pk, _ in rows], [window for _, window in rows]],
                )
