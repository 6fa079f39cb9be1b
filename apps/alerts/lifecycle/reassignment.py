"""Reassignment of alerts: if all recipients of an alert lost access, the alert is routed to the
current owners of its applications, so that it always has a recipient. The same applies to
applications that changed teams before a message was due."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from apps.alerts.kinds.provider_events import AffectedParty
from apps.alerts.lifecycle.creation import (
    AlertDraft,
    alert_key,
    create_notices,
    party_key,
    store_alerts,
    with_unique_keys,
)
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, AlertQuerySet, Delivery, Notice, PersonKind, Resolution
from apps.alerts.recipients import application_owners, governance_users
from apps.inventory.models import Application

# Routes of notifications that are not passed on to other recipients.
_PERSONAL_REASONS = frozenset(
    {
        Notice.Why.SUBSCRIPTION,
        Notice.Why.WEBHOOK,
        Notice.Why.CHANNEL,
        Notice.Why.OWN,
        Notice.Why.MENTIONED,
        Notice.Why.DEPUTY,
    }
)


def reassign_lost_notices(notices: Sequence[Notice], *, at: datetime) -> int:
    """Reassign the alerts of these notifications, which can no longer reach their recipient, unless
    another recipient is notified of them; return the number reassigned."""
    candidates = {notice.alert_id for notice in notices if notice.why not in _PERSONAL_REASONS}
    if not candidates:
        return 0
    alerts = list(
        _select_notifiable()
        .filter(pk__in=candidates - _find_with_recipients(candidates))
        .order_by("pk")
    )
    return _reassign(alerts, at=at) if alerts else 0


def reassign_moved_applications(
    moved_ids_by_alert: Mapping[int, Collection[int]], *, at: datetime
) -> int:
    """Notify the current teams of applications of the alerts that only their former teams receive;
    `moved_ids_by_alert` is {alert: such applications}. Return the number of new alerts."""
    if not moved_ids_by_alert:
        return 0
    alerts = list(_select_notifiable().filter(pk__in=moved_ids_by_alert).order_by("pk"))
    parties = _find_current_parties(moved_ids_by_alert)
    drafts = [
        _copy_for_party(alert, party, at=at)
        for alert in alerts
        for party in parties[alert.pk].values()
    ]
    return store_alerts(with_unique_keys(drafts))


def _select_notifiable() -> AlertQuerySet:
    """Select alerts that are notified: live ones, and good news, which needs no response from the
    start. What concerns one person is passed on to nobody else."""
    return Alert.objects.filter(~Q(state=Alert.State.RESOLVED) | Q(resolved_at=None)).exclude(
        kind__in=PersonKind.values
    )


def _find_with_recipients(alert_ids: Collection[int]) -> set[int]:
    """Return the alerts with a notification, sent or pending, to a recipient who is responsible for
    them."""
    return set(
        Notice.objects.filter(alert__in=alert_ids, skip_reason="")
        .exclude(delivery__state__in=[Delivery.State.SKIPPED, Delivery.State.FAILED])
        .exclude(why__in=_PERSONAL_REASONS)
        .values_list("alert_id", flat=True)
    )


def _find_current_parties(
    ids_by_alert: Mapping[int, Collection[int]],
) -> dict[int, dict[tuple[int, int | None], AffectedParty]]:
    """Return {alert: {(team, owner): party}} of these applications by their current owners and
    teams."""
    all_ids = {pk for application_ids in ids_by_alert.values() for pk in application_ids}
    owners = application_owners(all_ids)
    levels = dict(Application.objects.filter(pk__in=all_ids).values_list("pk", "criticality"))
    parties_by_alert: dict[int, dict[tuple[int, int | None], AffectedParty]] = {}
    for alert_id, application_ids in ids_by_alert.items():
        parties = parties_by_alert.setdefault(alert_id, {})
        for pk in application_ids:
            if pk in owners:
                key = (owners[pk].team_id, owners[pk].first)
                parties.setdefault(key, AffectedParty(*key)).add(
                    pk, levels[pk], is_primary=True, owners=owners[pk]
                )
    return parties_by_alert


def _reassign(alerts: Sequence[Alert], *, at: datetime) -> int:
    """Reassign by the current owners and teams; an alert without a team goes to governance."""
    parties_by_alert = _find_current_parties(
        {alert.pk: alert.application_ids for alert in alerts if alert.team_id is not None}
    )
    governance = [user.pk for user in governance_users()]
    repeated_drafts: list[AlertDraft] = []
    new_drafts: list[AlertDraft] = []
    n_reassigned = 0
    for alert in alerts:
        if alert.team_id is None:
            # An alert about the organisation concerns no team, whatever applications it names.
            n_reassigned += _copy_for_governance(alert, governance, at=at)
            if governance and alert.user_id not in governance:
                n_reassigned += resolve_alerts(
                    [alert.pk], resolution=Resolution.REROUTED, at=at, notify=False
                )
            continue
        parties = parties_by_alert[alert.pk]
        own_party = parties.pop((alert.team_id, alert.user_id), None)
        if own_party is not None or not alert.application_ids:
            # The party is the same, but its users may have changed.
            alert.raised_at = at
            repeated_drafts.append(AlertDraft(alert))
        new_drafts += [_copy_for_party(alert, party, at=at) for party in parties.values()]
        if own_party is None and parties:
            n_reassigned += resolve_alerts(
                [alert.pk], resolution=Resolution.REROUTED, at=at, notify=False
            )
    create_notices(repeated_drafts)
    _notify_governance(repeated_drafts, governance, at=at)
    return n_reassigned + store_alerts(with_unique_keys(new_drafts)) + len(repeated_drafts)


def _notify_governance(
    drafts: Sequence[AlertDraft], governance: Sequence[int], *, at: datetime
) -> None:
    """Notify governance if the party is the same and none of its users can be notified."""
    reached_ids = _find_with_recipients([draft.alert.pk for draft in drafts])
    notices = [
        Notice(
            alert=draft.alert,
            user_id=pk,
            why=Notice.Why.GOVERNANCE,
            urgent=draft.alert.urgent,
            owed_at=at,
        )
        for draft in drafts
        if draft.alert.pk not in reached_ids
        for pk in governance
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def _copy_for_governance(alert: Alert, governance: Sequence[int], *, at: datetime) -> int:
    """Copy the alert for every governance user who does not have it, and return the number of new
    alerts; webhooks received the first one."""
    drafts = [
        AlertDraft(
            _copy_alert(
                alert,
                party_key(None, pk),
                team_id=None,
                user_id=pk,
                application_ids=alert.application_ids,
                at=at,
            )
        )
        for pk in governance
    ]
    n_new = store_alerts(drafts, quiet=True)
    new_alerts = [draft.alert for draft in drafts if draft.alert.pk is not None]
    Notice.objects.bulk_create(
        Notice(
            alert=new_alert,
            user_id=new_alert.user_id,
            why=Notice.Why.GOVERNANCE,
            urgent=new_alert.urgent,
            owed_at=at,
        )
        for new_alert in new_alerts
    )
    return n_new


def _copy_for_party(alert: Alert, party: AffectedParty, *, at: datetime) -> AlertDraft:
    """Copy the alert for another party."""
    new_alert = _copy_alert(
        alert,
        party.key,
        team_id=party.team_id,
        user_id=party.user_id,
        application_ids=party.application_ids,
        at=at,
    )
    return AlertDraft(new_alert, others=party.others, criticality=party.gravest)


def _copy_alert(
    alert: Alert,
    party: str,
    *,
    team_id: int | None,
    user_id: int | None,
    application_ids: list[int],
    at: datetime,
) -> Alert:
    """Return an unsaved copy of the alert for another party; open, unless the alert is resolved."""
    subject, kind, milestone, _ = alert.key.split("|")
    return Alert(
        key=alert_key(subject, kind, party, milestone=milestone),
        kind=alert.kind,
        severity=alert.severity,
        event_id=alert.event_id,
        flag_id=alert.flag_id,
        run_id=alert.run_id,
        source_id=alert.source_id,
        subject_kind=alert.subject_kind,
        subject_id=alert.subject_id,
        offering_id=alert.offering_id,
        milestone=alert.milestone,
        due_on=alert.due_on,
        urgent=alert.urgent,
        details=alert.details,
        team_id=team_id,
        user_id=user_id,
        application_ids=application_ids,
        state=Alert.State.RESOLVED if alert.state == Alert.State.RESOLVED else Alert.State.OPEN,
        raised_at=at,
    )
