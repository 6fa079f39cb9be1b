"""An alert whose every recipient fell away is told to whom its applications fall now, never to
nobody; so are applications that changed hands before a message was due."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from apps.alerts.event_alerts import Party
from apps.alerts.models import Alert, AlertQuerySet, Delivery, Notice, Resolution
from apps.alerts.routing import governors, owners_of
from apps.alerts.settling import settle
from apps.alerts.storing import Owed, alert_key, beside_known, party_key, store_alerts, tell
from apps.inventory.models import Application

# reasons that are nobody else's business: the recipient's own wish
_OWN_WISH = frozenset({Notice.Why.SUBSCRIPTION, Notice.Why.WEBHOOK, Notice.Why.OWN})


def tell_others(lost: Sequence[Notice], *, at: datetime) -> int:
    """Pass on the alerts of these notices, which reach their recipient no more, where nobody else
    is told of them; the number passed on."""
    candidates = {notice.alert_id for notice in lost if notice.why not in _OWN_WISH}
    if not candidates:
        return 0
    alerts = list(_standing().filter(pk__in=candidates - _reaching(candidates)).order_by("pk"))
    return _pass_on(alerts, at=at) if alerts else 0


def follow_applications(strayed: Mapping[int, Collection[int]], *, at: datetime) -> int:
    """Tell the teams that applications belong to by now of what is told to their former ones
    without them; `strayed` is {alert: such applications}. The number of new alerts."""
    if not strayed:
        return 0
    alerts = list(_standing().filter(pk__in=strayed).order_by("pk"))
    parties = _parties_now(strayed)
    successors = [
        _successor(alert, party, at=at) for alert in alerts for party in parties[alert.pk].values()
    ]
    return store_alerts(beside_known(successors))


def _standing() -> AlertQuerySet:
    """Alerts that are told: live ones, and good news, which asks for no answer from the start."""
    return Alert.objects.filter(~Q(state=Alert.State.RESOLVED) | Q(resolved_at=None))


def _reaching(alert_ids: Collection[int]) -> set[int]:
    """Those of which somebody is told, or will be, whose business it is."""
    return set(
        Notice.objects.filter(alert__in=alert_ids, skip_reason="")
        .exclude(delivery__state__in=[Delivery.State.SKIPPED, Delivery.State.FAILED])
        .exclude(why__in=_OWN_WISH)
        .values_list("alert_id", flat=True)
    )


def _parties_now(
    wanted: Mapping[int, Collection[int]],
) -> dict[int, dict[tuple[int, int | None], Party]]:
    """{alert: {(team, owner): party}} of these applications by the owners and teams of today."""
    ids = {pk for some in wanted.values() for pk in some}
    owners = owners_of(ids)
    levels = dict(Application.objects.filter(pk__in=ids).values_list("pk", "criticality"))
    found: dict[int, dict[tuple[int, int | None], Party]] = {}
    for alert_id, some in wanted.items():
        parties = found.setdefault(alert_id, {})
        for pk in some:
            if pk in owners:
                key = (owners[pk].team_id, owners[pk].first)
                parties.setdefault(key, Party(*key)).add(
                    pk, levels[pk], is_primary=True, owners=owners[pk]
                )
    return found


def _pass_on(alerts: Sequence[Alert], *, at: datetime) -> int:
    """By the owners and teams of today; an alert without a team goes to whoever governs."""
    found = _parties_now(
        {alert.pk: alert.application_ids for alert in alerts if alert.team_id is not None}
    )
    offices = [user.pk for user in governors()]
    again: list[Owed] = []
    successors: list[Owed] = []
    n = 0
    for alert in alerts:
        if alert.team_id is None:
            # about the organisation, and no team's business, whatever applications it names
            n += _tell_offices(alert, offices, at=at)
            if offices and alert.user_id not in offices:
                n += settle([alert.pk], resolution=Resolution.REROUTED, at=at, say=False)
            continue
        parties = found[alert.pk]
        own = parties.pop((alert.team_id, alert.user_id), None)
        if own is not None or not alert.application_ids:
            # the party is the same, and its people may be others
            alert.raised_at = at
            again.append(Owed(alert))
        successors += [_successor(alert, party, at=at) for party in parties.values()]
        if own is None and parties:
            n += settle([alert.pk], resolution=Resolution.REROUTED, at=at, say=False)
    tell(again)
    _tell_governance(again, offices, at=at)
    return n + store_alerts(beside_known(successors)) + len(again)


def _tell_governance(again: Sequence[Owed], offices: Sequence[int], *, at: datetime) -> None:
    """Where the party is the same and still none of its people can be told."""
    reached = _reaching([each.alert.pk for each in again])
    notices = [
        Notice(
            alert=each.alert,
            user_id=pk,
            why=Notice.Why.GOVERNANCE,
            urgent=each.alert.urgent,
            owed_at=at,
        )
        for each in again
        if each.alert.pk not in reached
        for pk in offices
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def _tell_offices(alert: Alert, offices: Sequence[int], *, at: datetime) -> int:
    """The same for everyone who governs and has it not; webhooks had it with the first. The number
    of new alerts."""
    owed = [
        Owed(
            _copied(
                alert,
                party_key(None, pk),
                team_id=None,
                user_id=pk,
                application_ids=alert.application_ids,
                at=at,
            )
        )
        for pk in offices
    ]
    n_new = store_alerts(owed, quiet=True)
    fresh = [each.alert for each in owed if each.alert.pk is not None]
    Notice.objects.bulk_create(
        Notice(
            alert=new, user_id=new.user_id, why=Notice.Why.GOVERNANCE, urgent=new.urgent, owed_at=at
        )
        for new in fresh
    )
    return n_new


def _successor(alert: Alert, party: Party, *, at: datetime) -> Owed:
    """The same alert for another party."""
    copied = _copied(
        alert,
        party.key,
        team_id=party.team_id,
        user_id=party.user_id,
        application_ids=party.application_ids,
        at=at,
    )
    return Owed(copied, others=party.others, criticality=party.gravest)


def _copied(
    alert: Alert,
    party: str,
    *,
    team_id: int | None,
    user_id: int | None,
    application_ids: list[int],
    at: datetime,
) -> Alert:
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
