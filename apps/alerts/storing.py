"""How alerts are written down: each at most once, for ever, with who is owed word of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from apps.alerts.models import Alert, AlertPolicy, AlertSettings, Notice
from apps.alerts.routing import Audience, audiences_of, governors
from apps.alerts.subscribing import notices_of_subscribers, notices_of_webhooks

# a transaction's worth: one event may reach half the portfolio
ALERTS_AT_ONCE = 1000


def alert_key(subject: str, kind: str, recipient: str, *, milestone: object = "") -> str:
    """What an alert is unique by, for ever."""
    return f"{subject}|{kind}|{milestone}|{recipient}"


def party_key(team_id: int | None, user_id: int | None) -> str:
    """The recipient's part of a key: `team:3`, `user:9`, or `user:9@team:3` for an owner's
    applications in a team."""
    if user_id is None:
        return f"team:{team_id}"
    return f"user:{user_id}" if team_id is None else f"user:{user_id}@team:{team_id}"


@dataclass(slots=True)
class Owed:
    """An alert to write down. `others` are told beside its party: {person: their applications, None
    for all}.

    `why` is why its `user` is told. Only alerts with a `criticality` are passed on when nobody
    answers.
    """

    alert: Alert
    others: dict[int, list[int] | None] = field(default_factory=dict)
    why: str = Notice.Why.OWNER
    criticality: int | None = None


def store_alerts(owed: Sequence[Owed], *, quiet: bool = False) -> int:
    """Write alerts with their notices; the number of alerts that were new. One whose key exists is
    left as it is.

    `quiet` writes no notices: for what is told at another place.
    """
    n_new = 0
    for start in range(0, len(owed), ALERTS_AT_ONCE):
        some = owed[start : start + ALERTS_AT_ONCE]
        _plan_escalation(some)
        known = set(
            Alert.objects.filter(key__in=[each.alert.key for each in some]).values_list(
                "key", flat=True
            )
        )
        Alert.objects.bulk_create(
            [each.alert for each in some if each.alert.key not in known], ignore_conflicts=True
        )
        keys = [each.alert.key for each in some if each.alert.key not in known]
        if not keys:
            continue
        ids = dict(Alert.objects.filter(key__in=keys).values_list("key", "pk"))
        fresh = []
        for each in some:
            if each.alert.key in ids:
                each.alert.pk = ids[each.alert.key]
                fresh.append(each)
        n_new += len(fresh)
        if not quiet:
            tell(fresh)
    return n_new


def beside_known(owed: Sequence[Owed]) -> list[Owed]:
    """For a subject of which the party was told already, of other applications: these are told by
    an alert of their own, beside it. Changes the keys in place."""
    known = set(
        Alert.objects.filter(key__in=[each.alert.key for each in owed]).values_list(
            "key", flat=True
        )
    )
    for each in owed:
        if each.alert.key in known:
            subject, kind, milestone, party = each.alert.key.split("|")
            beside = f"{milestone} application:{each.alert.application_ids[0]}".strip()
            each.alert.key = alert_key(subject, kind, party, milestone=beside)
    return [*owed]


def tell(owed: Sequence[Owed], *, occasion: str = Notice.Occasion.RAISED) -> int:
    """Write down who is owed word of stored alerts; the number of notices that were new."""
    notices = [*notices_of(owed, occasion=occasion)]
    alerts = [each.alert for each in owed]
    notices += notices_of_subscribers(alerts, occasion=occasion, told=told_in(notices))
    notices += notices_of_webhooks(alerts, occasion=occasion)
    before = Notice.objects.filter(alert__in=[alert.pk for alert in alerts]).count()
    Notice.objects.bulk_create(notices, ignore_conflicts=True, batch_size=5000)
    return Notice.objects.filter(alert__in=[alert.pk for alert in alerts]).count() - before


def told_in(notices: Iterable[Notice]) -> set[tuple[int, int]]:
    """(alert, person) of everyone these notices are for."""
    return {(notice.alert_id, notice.user_id) for notice in notices if notice.user_id is not None}


def notices_of(owed: Sequence[Owed], *, occasion: str = Notice.Occasion.RAISED) -> list[Notice]:
    """The notices of the party, its owners and its team; where none of them can be told, of
    governance."""
    audiences = audiences_of(
        {each.alert.team_id for each in owed if each.alert.team_id is not None}
    )
    offices: list[int] | None = None
    notices = []
    for each in owed:
        found = _people_of(each, audiences)
        team_id = each.alert.team_id
        if team_id is not None and not found and not audiences[team_id].has_mailbox:
            offices = offices if offices is not None else [user.pk for user in governors()]
            found = dict.fromkeys(offices, (str(Notice.Why.GOVERNANCE), None))
            # the ledger then says why the team itself was not told
            notices.append(_notice(each.alert, occasion, team_id=team_id, why=Notice.Why.TEAM))
        elif team_id is not None and audiences[team_id].has_mailbox:
            notices.append(_notice(each.alert, occasion, team_id=team_id, why=Notice.Why.TEAM))
        notices += [
            _notice(each.alert, occasion, user_id=pk, why=why, application_ids=ids)
            for pk, (why, ids) in found.items()
        ]
    return notices


def _people_of(
    each: Owed, audiences: Mapping[int, Audience]
) -> dict[int, tuple[str, list[int] | None]]:
    """{person: (why, applications)} without those who are told by the team's mailbox."""
    found: dict[int, tuple[str, list[int] | None]] = {}
    if each.alert.user_id is not None:
        found[each.alert.user_id] = (each.why, None)
    for user_id, application_ids in each.others.items():
        found.setdefault(user_id, (Notice.Why.OWNER, application_ids))
    if each.alert.team_id is not None:
        audience = audiences[each.alert.team_id]
        if not audience.has_mailbox:
            for user_id in audience.owner_ids:
                found.setdefault(user_id, (Notice.Why.TEAM_OWNER, None))
    return found


def _notice(
    alert: Alert,
    occasion: str,
    *,
    why: str,
    user_id: int | None = None,
    team_id: int | None = None,
    application_ids: list[int] | None = None,
) -> Notice:
    return Notice(
        alert=alert,
        user_id=user_id,
        team_id=team_id,
        why=why,
        occasion=occasion,
        application_ids=application_ids,
        urgent=alert.urgent,
        owed_at=alert.raised_at,
    )


def _plan_escalation(owed: Sequence[Owed]) -> None:
    """When each alert goes further unless somebody answers: by the gravest criticality it
    concerns."""
    concerned = [
        each
        for each in owed
        if each.criticality is not None and each.alert.state == Alert.State.OPEN
    ]
    if not concerned:
        return
    policies = {policy.criticality: policy for policy in AlertPolicy.objects.all()}
    from_severity = AlertSettings.objects.get(pk=1).escalate_from_severity
    for each in concerned:
        policy = policies.get(each.criticality or 0)
        hours = policy.first_hours if policy else None
        if hours is not None and each.alert.severity >= from_severity:
            each.alert.escalate_at = each.alert.raised_at + timedelta(hours=hours)
