"""Outbox: writes one message per recipient and digest window, rendered once and stored with the
notifications that it delivers.

Recipients are processed in batches. The records that a batch of digests mentions are loaded
together: ten thousand recipients cost hundreds of statements, and the memory of one batch."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from apps.accounts.models import Team, User
from apps.alerts.channels.changes import channel_address
from apps.alerts.channels.notices import draft_following_notices
from apps.alerts.channels.rendering import ChannelMessages, render_channel
from apps.alerts.contacts import mailable_contacts
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
_SKIPPED_KINDS = {
    SkipReason.WEBHOOK_DISABLED: Delivery.Kind.WEBHOOK,
    SkipReason.CHANNEL_DISABLED: Delivery.Kind.CHANNEL,
}
MAX_PAUSE = timedelta(hours=1)


def queue_digests(*, at: datetime, gather: timedelta | None = None) -> int:
    """Write the messages that are due, and return the number of deliveries written.

    A recipient's notifications are gathered for `gather` (the setting ALERT_GATHER_SECONDS if None)
    after the first, so that one poll with many changes makes one email. A message that cannot be
    written does not block the others: an ExceptionGroup reports all of them at the end."""
    if gather is None:
        gather = timedelta(seconds=settings.ALERT_GATHER_SECONDS)
    last_scan_at = Tick.objects.filter(pk=DIGEST_CHECKPOINT).values_list("at", flat=True).first()
    # Correct times of a clock that was ahead: the next window is due again, the last one is not
    # repeated.
    Preference.objects.filter(served_at__gt=at + MAX_CLOCK_LEAD).update(served_at=at)
    draft_following_notices(at=at)
    scan = scan_due_digests(at=at, last_scan_at=last_scan_at, gather=gather)
    n_queued, n_locked, errors = 0, 0, []
    for batch in batched(scan.due, RECIPIENT_BATCH_SIZE, strict=False):
        result = _queue_or_split(batch, at=at)
        n_queued += result.n
        n_locked += result.n_locked
        errors += result.errors
    # Digests that are still gathering, and recipients locked by another run, would otherwise miss
    # the past window. Errors do not delay the checkpoint, since they may persist.
    if not scan.gathers and not n_locked:
        Tick.objects.update_or_create(pk=DIGEST_CHECKPOINT, defaults={"at": at})
    if errors:
        raise ExceptionGroup("Some messages could not be created.", errors)
    return n_queued


def was_interrupted(*, at: datetime) -> bool:
    """Return whether due digests were not scanned for an hour: the registry was stopped, or is
    new."""
    last_scan_at = Tick.objects.filter(pk=DIGEST_CHECKPOINT).values_list("at", flat=True).first()
    return last_scan_at is None or at - last_scan_at > MAX_PAUSE


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
            error.add_note(_describe_recipient(batch[0]))
            return BatchResult(0, [error])
    results = [_queue_or_split([due_digest], at=at) for due_digest in batch]
    return BatchResult(
        sum(result.n for result in results),
        [error for result in results for error in result.errors],
        sum(result.n_locked for result in results),
    )


def _describe_recipient(due_digest: DueDigest) -> str:
    return (
        f"while creating a message for user {due_digest.recipient.user_id}, team "
        f"{due_digest.recipient.team_id}, webhook {due_digest.recipient.webhook_id}"
    )


@transaction.atomic
def _queue_batch(batch: Sequence[DueDigest], *, at: datetime) -> BatchResult:
    """Queue one batch. The recipients' rows are the locks: of two concurrent runs one skips them,
    and what it finds pending afterwards is new."""
    users = _lock_rows(User, {due_digest.recipient.user_id for due_digest in batch})
    teams = _lock_rows(Team, {due_digest.recipient.team_id for due_digest in batch})
    webhooks = _lock_rows(Webhook, {due_digest.recipient.webhook_id for due_digest in batch})
    due_digests = [
        due_digest
        for due_digest in batch
        if due_digest.recipient.user_id in users
        or due_digest.recipient.team_id in teams
        or due_digest.recipient.webhook_id in webhooks
    ]
    notices = _lock_pending_notices(due_digests)
    # Load again: another run may have written this window while this one waited for the locks.
    schedules = load_schedules(due_digest.recipient for due_digest in due_digests)
    context = load_context(
        [notice for recipient_notices in notices.values() for notice in recipient_notices], at=at
    )
    team_ids_by_user = visible_teams(users.values())
    owned_by_contact = mailable_contacts(users.values())
    # a user's own channel follows the mutes of that user
    person_of_channel = {row.pk: row.person_id for row in webhooks.values() if row.person_id}
    mutes = _load_active_mutes({*users, *person_of_channel.values()}, teams, at=at)
    first_time_keys = _find_first_time_recipients(users, teams)
    result = BatchResult(0, [], len(batch) - len(due_digests))
    deliveries: list[tuple[Delivery, list[Notice]]] = []
    lost_notices: list[Notice] = []
    withheld_notices: list[Notice] = []
    served_windows: list[tuple[DueDigest, datetime]] = []
    for due_digest in due_digests:
        key = (due_digest.recipient.user_id, due_digest.recipient.team_id)
        if due_digest.window is not None:
            last_window = schedules[key].served_before(at)
            if last_window is not None and last_window >= due_digest.window:
                continue
        recipient_notices = [
            candidate
            for candidate in notices[key, due_digest.recipient.webhook_id]
            if candidate.urgent or due_digest.takes_all
        ]
        try:
            plan = _plan_message(
                due_digest,
                recipient_notices,
                users=users,
                teams=teams,
                webhooks=webhooks,
                context=context,
                team_ids_by_user=team_ids_by_user,
                owned_by_contact=owned_by_contact,
                mutes=mutes[
                    (person_of_channel.get(due_digest.recipient.webhook_id or 0, key[0]), key[1])
                ],
                is_first=key in first_time_keys,
                at=at,
            )
        except Exception as error:  # noqa: BLE001 - one recipient's trouble must not silence the others; it is raised
            error.add_note(_describe_recipient(due_digest))
            result.errors.append(error)
            continue
        if plan.delivery is not None:
            deliveries.append((plan.delivery, plan.carried))
        if plan.unwanted is not None:
            deliveries.append(plan.unwanted)
        deliveries += plan.further
        lost_notices += plan.lost
        withheld_notices += plan.kept_back
        if due_digest.window is not None and (plan.delivery is not None or recipient_notices):
            served_windows.append((due_digest, due_digest.window))
    _store_messages(deliveries)
    _record_windows(served_windows)
    skipped_notices = [
        notice for notice in [*lost_notices, *withheld_notices] if notice.skip_reason
    ]
    Notice.objects.bulk_update(skipped_notices, ["skip_reason", "skip_details", "mute"])
    reassignment.reassign_lost_notices(lost_notices, at=at)
    reassignment.reassign_moved_applications(_find_moved_applications(deliveries, context), at=at)
    result.n = len(deliveries)
    return result


def _find_moved_applications(
    deliveries: Sequence[tuple[Delivery, list[Notice]]], context: BatchContext
) -> dict[int, list[int]]:
    """Return {alert: its applications that meanwhile moved to another team}, for alerts first sent
    by these messages."""
    moved_ids_by_alert: dict[int, list[int]] = {}
    for notice in (notice for _, sent_notices in deliveries for notice in sent_notices):
        alert = context.alerts[notice.alert_id]
        if alert.team_id is None or notice.occasion != Notice.Occasion.RAISED:
            continue
        applications = [
            context.applications[pk] for pk in alert.application_ids if pk in context.applications
        ]
        if moved_ids := [
            application.pk for application in applications if application.team_id != alert.team_id
        ]:
            moved_ids_by_alert[alert.pk] = moved_ids
    return moved_ids_by_alert


def _lock_rows[M: (User, Team, Webhook)](model: type[M], ids: Iterable[int | None]) -> dict[int, M]:
    row_ids = sorted(pk for pk in ids if pk is not None)
    if not row_ids:
        return {}
    rows = (
        model._default_manager.select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=row_ids)
        .order_by("pk")
    )
    return {row.pk: row for row in rows}


type NoticeKey = tuple[tuple[int | None, int | None], int | None]


def _lock_pending_notices(due_digests: Sequence[DueDigest]) -> dict[NoticeKey, list[Notice]]:
    """Lock the notifications until the end, so that none is resolved while the message is
    written."""
    rows = (
        Notice.objects.owed()
        .filter(
            Q(
                user__in=[
                    due_digest.recipient.user_id
                    for due_digest in due_digests
                    if due_digest.recipient.user_id
                ]
            )
            | Q(
                team__in=[
                    due_digest.recipient.team_id
                    for due_digest in due_digests
                    if due_digest.recipient.team_id
                ]
            )
            | Q(
                webhook__in=[
                    due_digest.recipient.webhook_id
                    for due_digest in due_digests
                    if due_digest.recipient.webhook_id
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


def _load_active_mutes(
    users: Iterable[int], teams: Iterable[int], *, at: datetime
) -> dict[tuple[int | None, int | None], list[Mute]]:
    mutes: dict[tuple[int | None, int | None], list[Mute]] = defaultdict(list)
    rows = Mute.objects.filter(
        Q(user__in=list(users)) | Q(team__in=list(teams)), lifted_at=None, until__gt=day_of(at)
    )
    for mute in rows:
        mutes[mute.user_id, mute.team_id].append(mute)
    return mutes


def _find_first_time_recipients(
    users: Iterable[int], teams: Iterable[int]
) -> set[tuple[int | None, int | None]]:
    """Return the recipients without an earlier message: their first one summarises all open
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
    are not urgent, if only urgent ones are wanted, and those notifications. `further` are messages
    of a channel with their notifications."""

    delivery: Delivery | None
    carried: list[Notice]
    lost: list[Notice]
    kept_back: list[Notice] = field(default_factory=list)
    unwanted: tuple[Delivery, list[Notice]] | None = None
    further: list[tuple[Delivery, list[Notice]]] = field(default_factory=list)


def _plan_message(
    due_digest: DueDigest,
    notices: list[Notice],
    *,
    users: dict[int, User],
    teams: dict[int, Team],
    webhooks: dict[int, Webhook],
    context: BatchContext,
    team_ids_by_user: Mapping[int, frozenset[int] | None],
    owned_by_contact: Mapping[int, frozenset[int]],
    mutes: Sequence[Mute],
    is_first: bool,
    at: datetime,
) -> _MessagePlan:
    """Decide about every notification: in a message, skipped with a reason, or left pending."""
    if due_digest.recipient.webhook_id is not None:
        webhook = webhooks[due_digest.recipient.webhook_id]
        if not notices:
            # Another run wrote them after this run's scan.
            return _MessagePlan(None, [], [])
        if not webhook.is_signed_webhook:
            return _plan_channel_messages(due_digest, webhook, notices, context, mutes, at=at)
        if not webhook.enabled:
            skipped_delivery = _build_skipped_delivery(
                due_digest, notices, SkipReason.WEBHOOK_DISABLED, address=webhook.url, at=at
            )
            return _MessagePlan(skipped_delivery, notices, [])
        return _MessagePlan(render_webhook(webhook, notices, context, at=at), notices, [])
    user = users.get(due_digest.recipient.user_id or 0)
    team = teams.get(due_digest.recipient.team_id or 0)
    address = user.email if user else team.email if team else ""
    if skip_reason := _find_skip_reason(user, team, due_digest.schedule, owned_by_contact):
        if not notices:
            # An empty digest that cannot be sent needs no row.
            return _MessagePlan(None, [], [])
        # Notifications that the recipient does not want are not sent to others instead.
        lost_notices = [] if skip_reason == SkipReason.NO_EMAIL_WANTED else notices
        return _MessagePlan(
            _build_skipped_delivery(due_digest, notices, skip_reason, address=address, at=at),
            notices,
            lost_notices,
        )
    teams_seen = team_ids_by_user[user.pk] if user else frozenset({team.pk if team else 0})
    owned_ids = owned_by_contact.get(user.pk) if user else None
    visible_notices, withheld_notices, hidden_notices = [], [], []
    for notice in notices:
        alert = context.alerts[notice.alert_id]
        if mute := longest_mute(mutes, context.about[notice.alert_id]):
            notice.skip_reason, notice.mute = SkipReason.MUTED, mute
            notice.skip_details = {"until": mute.until.isoformat()}
            withheld_notices.append(notice)
        elif not _can_see(user, alert, teams_seen, owned_ids):
            hidden_notices.append(notice)
        else:
            visible_notices.append(notice)
    unwanted = None
    if due_digest.schedule.wants_only_urgent:
        routine_notices = [notice for notice in visible_notices if not notice.urgent]
        visible_notices = [notice for notice in visible_notices if notice.urgent]
        if routine_notices:
            reason = SkipReason.URGENT_ONLY
            unwanted = (
                _build_skipped_delivery(
                    due_digest, routine_notices, reason, address=address, at=at
                ),
                routine_notices,
            )
    rendered = render_mail(
        visible_notices,
        context,
        user=user,
        team=team,
        teams_seen=teams_seen,
        owned_ids=owned_ids,
        schedule=due_digest.schedule,
        at=at,
        is_first=is_first,
        kind=Delivery.Kind.IMMEDIATE if due_digest.only_urgent else Delivery.Kind.DIGEST,
        also_when_empty=due_digest.schedule.heartbeat and due_digest.window is not None,
    )
    hidden_notices += rendered.left_out
    for notice in rendered.passed:
        notice.skip_reason = SkipReason.PASSED
    withheld_notices += rendered.passed
    excluded_ids = {notice.pk for notice in [*hidden_notices, *rendered.passed]}
    sent_notices = [notice for notice in visible_notices if notice.pk not in excluded_ids]
    if hidden_notices and rendered.delivery is None:
        # The delivery log records the message that is not sent, with the reason.
        skipped_delivery = _build_skipped_delivery(
            due_digest, hidden_notices, SkipReason.NO_LONGER_CONCERNED, address=address, at=at
        )
        return _MessagePlan(
            skipped_delivery, hidden_notices, hidden_notices, withheld_notices, unwanted
        )
    for notice in hidden_notices:
        notice.skip_reason = SkipReason.NO_LONGER_CONCERNED
    return _MessagePlan(rendered.delivery, sent_notices, hidden_notices, withheld_notices, unwanted)


def _plan_channel_messages(
    due_digest: DueDigest,
    channel: Webhook,
    notices: list[Notice],
    context: BatchContext,
    mutes: Sequence[Mute],
    *,
    at: datetime,
) -> _MessagePlan:
    """Plan the messages of a channel. What its owner can no longer view is skipped; other
    recipients are notified of it anyway, so that nothing is reassigned."""
    address = channel_address(channel)
    if not channel.enabled:
        skipped_delivery = _build_skipped_delivery(
            due_digest, notices, SkipReason.CHANNEL_DISABLED, address=address, at=at
        )
        return _MessagePlan(skipped_delivery, notices, [])
    muted, wanted = [], []
    for notice in notices:
        if mute := longest_mute(mutes, context.about[notice.alert_id]):
            notice.skip_reason, notice.mute = SkipReason.MUTED, mute
            notice.skip_details = {"until": mute.until.isoformat()}
            muted.append(notice)
        else:
            wanted.append(notice)
    rendered: ChannelMessages = render_channel(channel, wanted, context, at=at)
    for notice in rendered.hidden:
        notice.skip_reason = SkipReason.NO_LONGER_CONCERNED
    return _MessagePlan(None, [], [], [*muted, *rendered.hidden], further=rendered.messages)


def _can_see(
    user: User | None,
    alert: Alert,
    teams_seen: frozenset[int] | None,
    owned_ids: frozenset[int] | None,
) -> bool:
    if user is None:
        return alert.team_id in (teams_seen or ())
    if owned_ids is not None:
        return not owned_ids.isdisjoint(alert.application_ids)
    return can_see_alert(user.pk, alert, teams_seen)


def _find_skip_reason(
    user: User | None, team: Team | None, schedule: DigestSchedule, contacts: Container[int]
) -> SkipReason | None:
    """Return the reason why this recipient receives no email; None if email may be sent. `contacts`
    may receive email although they cannot sign in."""
    if user is not None and not user.is_active and user.pk not in contacts:
        return SkipReason.CONTACT_NOT_ALLOWED if user.is_contact else SkipReason.INACTIVE_USER
    if user is not None and not user.email:
        return SkipReason.NO_USER_EMAIL
    if team is not None and not team.email:
        return SkipReason.NO_TEAM_EMAIL
    return SkipReason.NO_EMAIL_WANTED if schedule.cadence == Cadence.NEVER else None


def _build_skipped_delivery(
    due_digest: DueDigest,
    notices: Sequence[Notice],
    reason: SkipReason,
    *,
    address: str,
    at: datetime,
) -> Delivery:
    """Build a row of the delivery log for a message that is not sent, with the reason."""
    return Delivery(
        user_id=due_digest.recipient.user_id,
        team_id=due_digest.recipient.team_id,
        webhook_id=due_digest.recipient.webhook_id,
        kind=_SKIPPED_KINDS.get(reason, Delivery.Kind.DIGEST),
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
    stored_deliveries = Delivery.objects.bulk_create([delivery for delivery, _ in deliveries])
    id_pairs = [
        (notice.pk, delivery.pk)
        for delivery, (_, sent_notices) in zip(stored_deliveries, deliveries, strict=True)
        for notice in sent_notices
    ]
    if id_pairs:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE alerts_notice n SET delivery_id = p.delivery_id"
                " FROM unnest(%s::bigint[], %s::bigint[]) AS p(id, delivery_id) WHERE n.id = p.id",
                [[pk for pk, _ in id_pairs], [pk for _, pk in id_pairs]],
            )


def _record_windows(served_windows: Sequence[tuple[DueDigest, datetime]]) -> None:
    """Record the last served window of each recipient."""
    user_windows = [
        (due_digest.recipient.user_id, window)
        for due_digest, window in served_windows
        if due_digest.recipient.user_id is not None
    ]
    team_windows = [
        (due_digest.recipient.team_id, window)
        for due_digest, window in served_windows
        if due_digest.recipient.team_id is not None
    ]
    with connection.cursor() as cursor:
        for column, rows in (("user_id", user_windows), ("team_id", team_windows)):
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
