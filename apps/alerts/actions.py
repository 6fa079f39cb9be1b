"""Raise what is owed, queue it as mail, and settle what people answer. sending.py carries the mail out."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.digest import Facts, digest_of
from apps.alerts.feed_alerts import raise_for_feeds
from apps.alerts.flag_alerts import raise_for_flags
from apps.alerts.mail import Rendered, alert_digest, message_id_for, zone
from apps.alerts.models import Alert, Delivery
from apps.alerts.queries import (
    Affected,
    Mailbox,
    affected_teams,
    evidence_urls,
    mailboxes_of,
    owed_recipients,
    roles_affected,
    undelivered,
)
from apps.alerts.sending import send_due
from apps.alerts.severity import gravest_severity, is_dearer
from apps.alerts.storing import alert_key, store_alerts
from apps.alerts.wording import as_day
from apps.catalog.models import ProviderEvent
from apps.common.history import acting
from apps.common.time import day_of
from apps.exposure.naming import names_of
from apps.inventory.models import Application

__all__ = [
    "NotYourAlert",
    "acknowledge_alert",
    "queue_digests",
    "raise_alerts",
    "requeue_delivery",
    "send_due",
]

Kind = ProviderEvent.Kind

# what a team is told of without asking; new releases and moved aliases stay in the list of events
MAILED_KINDS = frozenset(
    {
        Kind.ANNOUNCED,
        Kind.MOVED_EARLIER,
        Kind.MOVED_LATER,
        Kind.WITHDRAWN,
        Kind.RETIRED,
        Kind.DELISTED,
        Kind.REPRICED,
    }
)
# a transaction's worth: one event may reach half the portfolio
EVENTS_AT_ONCE = 25

NO_ADDRESS = "No address: the team has no mailbox, and neither it nor a team above has an owner with one."
NO_OWN_ADDRESS = "No address: this person has none."
NOTHING_TO_SHOW = "None of the applications concerned belongs to the recipient any more."


class NotYourAlert(PermissionDenied):
    """Someone acknowledged an alert that is neither theirs nor their team's to work on."""


# --- raise ------------------------------------------------------------------------------------------------------


def raise_alerts(*, at: datetime) -> int:
    """Write down who is owed word of every event, flag and feed not yet worked through; the number of new alerts.

    Safe to run twice at once: an event is claimed by the row that says it is handled, in the transaction that
    writes its alerts, and a second run waits for that row and then finds nothing to do.
    """
    n_raised = raise_for_flags(at=at) + raise_for_feeds(at=at)
    while claimed := _raise_for_some_events(at=at):
        n_raised += claimed[1]
    return n_raised


@transaction.atomic
def _raise_for_some_events(*, at: datetime) -> tuple[int, int] | None:
    """(events handled, alerts raised) of the next EVENTS_AT_ONCE events; None when none is left."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO alerts_handledevent (event_id, handled_at)
            SELECT e.id, %s FROM catalog_providerevent e
            WHERE NOT EXISTS (SELECT 1 FROM alerts_handledevent h WHERE h.event_id = e.id)
            ORDER BY e.id LIMIT %s
            ON CONFLICT DO NOTHING RETURNING event_id
            """,
            [at, EVENTS_AT_ONCE],
        )
        claimed = [row[0] for row in cursor.fetchall()]
    if not claimed:
        return None
    events = ProviderEvent.objects.filter(pk__in=claimed, kind__in=MAILED_KINDS).in_bulk()
    today = day_of(at)
    alerts = [
        _event_alert(events[affected.event_id], affected, at=at, today=today)
        for affected in affected_teams(event_ids=sorted(events), on=today)
    ]
    return len(claimed), store_alerts(alerts)


def _event_alert(event: ProviderEvent, affected: Affected, *, at: datetime, today: date) -> Alert:
    # a row that vanished keeps the date it had; the day it vanished says nothing about its end
    ends_on = as_day(event.old) if event.kind == Kind.DELISTED else event.effective_on
    days_left = (ends_on - today).days if ends_on else None
    return Alert(
        key=alert_key(f"event:{event.pk}", event.kind, f"team:{affected.team_id}"),
        kind=event.kind,
        severity=gravest_severity(
            event.kind,
            days_left=days_left,
            primary=affected.gravest_primary,
            leaning=affected.gravest_leaning,
            dearer=event.kind == Kind.REPRICED and is_dearer(event.old, event.new),
        ),
        event=event,
        team_id=affected.team_id,
        application_ids=affected.application_ids,
        raised_at=at,
    )


# --- queue ------------------------------------------------------------------------------------------------------


def queue_digests(*, at: datetime, gather: timedelta | None = None) -> int:
    """One mail per recipient with alerts that no mail carries yet; the number of deliveries written.

    A recipient's alerts wait `gather` (the setting ALERT_GATHER_SECONDS when None) from the first on, so that one
    poll with many changes makes one mail.
    """
    if gather is None:
        gather = timedelta(seconds=settings.ALERT_GATHER_SECONDS)
    n_queued, troubles = 0, []
    for team_id, user_id in owed_recipients(raised_by=at - gather):
        try:
            n_queued += _queue_digest(team_id=team_id, user_id=user_id, at=at)
        except Exception as trouble:  # noqa: BLE001 - one recipient's trouble must not silence the others; it is raised below
            trouble.add_note(f"while writing the digest of team {team_id}, user {user_id}")
            troubles.append(trouble)
    if troubles:
        raise ExceptionGroup("Some digests could not be written.", troubles)
    return n_queued


@transaction.atomic
def _queue_digest(*, team_id: int | None, user_id: int | None, at: datetime) -> int:
    """The recipient's row is the lock: of two runs one passes by, and what it finds undelivered afterwards is new."""
    team = user = None
    if team_id is not None:
        team = Team.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=team_id).first()
    elif user_id is not None:
        user = User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=user_id).first()
    if team is None and user is None:
        return 0
    alerts = undelivered(team=team, user=user)
    if not alerts:
        return 0
    boxes = mailboxes_of(team) if team else [Mailbox(user.email if user else "", user)]
    deliveries = Delivery.objects.bulk_create(
        [_delivery(alerts, team=team, user=user, box=box, at=at) for box in boxes or [Mailbox("")]]
    )
    # an alert names one mail; where several owners are told, the first stands for all
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(delivery=deliveries[0])
    return len(deliveries)


def _delivery(alerts: Sequence[Alert], *, team: Team | None, user: User | None, box: Mailbox, at: datetime) -> Delivery:
    """Queued, or skipped with the reason: the ledger also says whom nobody could tell."""
    rendered = _rendered(alerts, team=team, box=box, at=at)
    skipped = ""
    if rendered is None:
        skipped = NOTHING_TO_SHOW
    elif not box.address:
        skipped = NO_ADDRESS if team else NO_OWN_ADDRESS
    return Delivery(
        team=team,
        user=user,
        address=box.address,
        message_id=message_id_for(address=box.address, keys=[alert.key for alert in alerts]),
        subject=rendered.subject if rendered else "",
        body_text=rendered.text if rendered else "",
        body_html=rendered.html if rendered else "",
        state=Delivery.State.SKIPPED if skipped else Delivery.State.QUEUED,
        reason=skipped,
        due_at=at,
    )


def _rendered(alerts: Sequence[Alert], *, team: Team | None, box: Mailbox, at: datetime) -> Rendered | None:
    """The mail about these alerts; None where none of the applications is the recipient's any more."""
    today = at.astimezone(zone(box.time_zone)).date()
    event_ids = sorted({alert.event_id for alert in alerts if alert.event_id})
    named = {pk for alert in alerts for pk in alert.application_ids}
    applications = Application.objects.filter(pk__in=named)
    if team is not None:
        applications = applications.filter(team=team)
    elif box.person is not None:
        applications = applications.visible_to(box.person)
    by_id = applications.in_bulk()
    facts = Facts(
        today=today,
        public_url=settings.PUBLIC_URL,
        applications=by_id,
        roles=roles_affected(event_ids=event_ids, application_ids=sorted(by_id), on=today),
        sources=evidence_urls(event_ids),
        nodes=_node_labels(alerts),
    )
    digest = digest_of(alerts, facts, owner=team.name if team else "")
    if digest is None:
        return None
    return alert_digest(
        digest,
        audience=f"For {team.name}: the models its applications call."
        if team
        else f"For {box.person}: the whole organisation.",
        reason=_reason(team, box),
        at=at,
        time_zone=box.time_zone,
    )


def _node_labels(alerts: Sequence[Alert]) -> dict[int, str]:
    nodes = {alert.flag.node_id for alert in alerts if alert.flag is not None and alert.flag.node_id is not None}
    return {pk: node.label for pk, node in names_of(nodes).items()} if nodes else {}


def _reason(team: Team | None, box: Mailbox) -> str:
    if team is None:
        return (
            "You get this mail because you govern the register: it tells of concentration over a limit, and of feeds "
            "that need a decision or fell silent."
        )
    if box.person is None:
        return f"This is the mailbox of {team.name}: it is told when a model that its applications call changes."
    return f"You own {team.name} or a team above it, which has no mailbox of its own, so its alerts come to you."


# --- settle -----------------------------------------------------------------------------------------------------


@transaction.atomic
def acknowledge_alert(*, alert: Alert, by: User) -> Alert:
    """Say that somebody is on it: an editor of the team, whoever governs, or the person it was raised for.

    Acknowledging twice changes nothing: the first name stays.
    """
    allowed = by.is_active and (
        by.governs or alert.user_id == by.pk or (alert.team_id is not None and by.may(TeamRole.EDITOR, alert.team_id))
    )
    if not allowed:
        raise NotYourAlert("Only an editor of the team may acknowledge its alerts. Ask one of them.")
    with acting(user=by, reason="alert acknowledged"):
        Alert.objects.filter(pk=alert.pk, state=Alert.State.OPEN).update(
            state=Alert.State.ACKNOWLEDGED, acknowledged_by=by
        )
    alert.refresh_from_db(fields=["state", "acknowledged_by"])
    return alert


@transaction.atomic
def requeue_delivery(*, delivery: Delivery, at: datetime, by: User) -> bool:
    """Try a failed delivery again, under its old Message-ID; False where it is not failed."""
    if not by.governs:
        raise NotYourAlert("Only governance and administrators may send a delivery again.")
    changed = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.FAILED).update(
        state=Delivery.State.QUEUED, attempts=0, due_at=at, reason=f"Sent again by {by.get_username()}."
    )
    return changed == 1
