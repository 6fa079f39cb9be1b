"""Alert creation: each alert is stored at most once, for ever, together with its notifications
(deduplication by a unique key)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from apps.alerts.deputies import deputy_notices
from apps.alerts.models import Alert, AlertPolicy, AlertSettings, Notice
from apps.alerts.recipients import Audience, governance_users, team_audiences
from apps.alerts.subscriptions import subscriber_notices, webhook_notices
from apps.common.time import day_of

# Alerts per batch: one event can affect half the portfolio.
ALERT_BATCH_SIZE = 1000


def alert_key(subject: str, kind: str, recipient: str, *, milestone: object = "") -> str:
    """Return the unique key of an alert, which is never reused."""
    return f"{subject}|{kind}|{milestone}|{recipient}"


def party_key(team_id: int | None, user_id: int | None) -> str:
    """Return the recipient's part of a key: `team:3`, `user:9`, or `user:9@team:3` for an owner's
    applications in a team."""
    if user_id is None:
        return f"team:{team_id}"
    return f"user:{user_id}" if team_id is None else f"user:{user_id}@team:{team_id}"


class TeamRoute(StrEnum):
    """The recipients in the team of an alert: its mailbox, else its owners (`team`); its owners,
    who decide for it (`owners`); or as `team`, but only without a user who is notified
    (`fallback`)."""

    TEAM = "team"
    OWNERS = "owners"
    FALLBACK = "fallback"


@dataclass(slots=True)
class AlertDraft:
    """An alert to store. `others` are notified in addition to its party: {user: their applications,
    None for all}.

    `why` is the reason why its `user` is notified. Only alerts with a `criticality` are
    escalated. `on_request`: only subscribers and webhooks are notified."""

    alert: Alert
    others: dict[int, list[int] | None] = field(default_factory=dict)
    why: str = Notice.Why.OWNER
    criticality: int | None = None
    team_route: TeamRoute = TeamRoute.TEAM
    on_request: bool = False

    @property
    def reaches_mailbox(self) -> bool:
        """Return whether the mailbox of the team is a recipient, if it has one."""
        if self.team_route == TeamRoute.FALLBACK:
            return self.alert.user_id is None
        return self.team_route == TeamRoute.TEAM


def store_alerts(drafts: Sequence[AlertDraft], *, quiet: bool = False) -> int:
    """Store alerts with their notifications, and return the number of alerts that were new. An
    alert whose key exists is left unchanged.

    `quiet` writes no notifications: for alerts that are notified elsewhere."""
    n_new = 0
    for start in range(0, len(drafts), ALERT_BATCH_SIZE):
        batch = drafts[start : start + ALERT_BATCH_SIZE]
        _plan_escalation(batch)
        existing_keys = set(
            Alert.objects.filter(key__in=[draft.alert.key for draft in batch]).values_list(
                "key", flat=True
            )
        )
        Alert.objects.bulk_create(
            [draft.alert for draft in batch if draft.alert.key not in existing_keys],
            ignore_conflicts=True,
        )
        keys = [draft.alert.key for draft in batch if draft.alert.key not in existing_keys]
        if not keys:
            continue
        ids = dict(Alert.objects.filter(key__in=keys).values_list("key", "pk"))
        new_drafts = []
        for draft in batch:
            if draft.alert.key in ids:
                draft.alert.pk = ids[draft.alert.key]
                new_drafts.append(draft)
        n_new += len(new_drafts)
        if not quiet:
            create_notices(new_drafts)
    return n_new


def with_unique_keys(drafts: Sequence[AlertDraft]) -> list[AlertDraft]:
    """Change keys that collide with an alert that the party already has on this subject, for other
    applications: the additional applications get an alert of their own. Changes the keys in
    place."""
    existing_keys = set(
        Alert.objects.filter(key__in=[draft.alert.key for draft in drafts]).values_list(
            "key", flat=True
        )
    )
    for draft in drafts:
        if draft.alert.key in existing_keys:
            subject, kind, milestone, party = draft.alert.key.split("|")
            extended_milestone = f"{milestone} application:{draft.alert.application_ids[0]}".strip()
            draft.alert.key = alert_key(subject, kind, party, milestone=extended_milestone)
    return [*drafts]


def create_notices(drafts: Sequence[AlertDraft], *, occasion: str = Notice.Occasion.RAISED) -> int:
    """Store the notifications of stored alerts, and return the number that were new."""
    routed = [draft for draft in drafts if not draft.on_request]
    notices = [*draft_notices(routed, occasion=occasion)]
    alerts = [draft.alert for draft in drafts]
    notices += subscriber_notices(alerts, occasion=occasion, notified=notified_users(notices))
    notices += webhook_notices(alerts, occasion=occasion)
    if alerts:
        by_pk = {alert.pk: alert for alert in alerts}
        notices += deputy_notices(notices, by_pk, on=day_of(alerts[0].raised_at))
    n_before = Notice.objects.filter(alert__in=[alert.pk for alert in alerts]).count()
    Notice.objects.bulk_create(notices, ignore_conflicts=True, batch_size=5000)
    return Notice.objects.filter(alert__in=[alert.pk for alert in alerts]).count() - n_before


def notified_users(notices: Iterable[Notice]) -> set[tuple[int, int]]:
    """Return (alert, user) for all users to whom these notifications are addressed."""
    return {(notice.alert_id, notice.user_id) for notice in notices if notice.user_id is not None}


def draft_notices(
    drafts: Sequence[AlertDraft], *, occasion: str = Notice.Occasion.RAISED
) -> list[Notice]:
    """Draft notifications for the party, its owners and its team; if none of them can be notified,
    for governance."""
    audiences = team_audiences(
        {draft.alert.team_id for draft in drafts if draft.alert.team_id is not None}
    )
    governance: list[int] | None = None
    notices = []
    for draft in drafts:
        users = _find_users_to_notify(draft, audiences)
        team_id = draft.alert.team_id
        has_mailbox = (
            team_id is not None and draft.reaches_mailbox and audiences[team_id].has_mailbox
        )
        if team_id is not None and not users and not has_mailbox:
            governance = (
                governance if governance is not None else [user.pk for user in governance_users()]
            )
            users = dict.fromkeys(governance, (str(Notice.Why.GOVERNANCE), None))
            # The delivery log then has the reason why the team was not notified.
            notices.append(
                _build_notice(draft.alert, occasion, team_id=team_id, route=Notice.Why.TEAM)
            )
        elif has_mailbox:
            notices.append(
                _build_notice(draft.alert, occasion, team_id=team_id, route=Notice.Why.TEAM)
            )
        notices += [
            _build_notice(draft.alert, occasion, user_id=pk, route=route, application_ids=ids)
            for pk, (route, ids) in users.items()
        ]
    return notices


def _find_users_to_notify(
    draft: AlertDraft, audiences: Mapping[int, Audience]
) -> dict[int, tuple[str, list[int] | None]]:
    """Return {user: (route, applications)} without users whom the team mailbox reaches."""
    users: dict[int, tuple[str, list[int] | None]] = {}
    if draft.alert.user_id is not None:
        users[draft.alert.user_id] = (draft.why, None)
    for user_id, application_ids in draft.others.items():
        users.setdefault(user_id, (Notice.Why.OWNER, application_ids))
    if draft.alert.team_id is not None:
        audience = audiences[draft.alert.team_id]
        has_user = draft.team_route == TeamRoute.FALLBACK and bool(users)
        if not has_user and not (draft.reaches_mailbox and audience.has_mailbox):
            for user_id in audience.owner_ids:
                users.setdefault(user_id, (Notice.Why.TEAM_OWNER, None))
    return users


def _build_notice(
    alert: Alert,
    occasion: str,
    *,
    route: str,
    user_id: int | None = None,
    team_id: int | None = None,
    application_ids: list[int] | None = None,
) -> Notice:
    """Return an unsaved notification; `application_ids` None means all applications of the
    alert."""
    return Notice(
        alert=alert,
        user_id=user_id,
        team_id=team_id,
        why=route,
        occasion=occasion,
        application_ids=application_ids,
        urgent=alert.urgent,
        owed_at=alert.raised_at,
    )


def _plan_escalation(drafts: Sequence[AlertDraft]) -> None:
    """Set `escalate_at` of the alerts, by the policy of their most critical application."""
    escalating_drafts = [
        draft
        for draft in drafts
        if draft.criticality is not None and draft.alert.state == Alert.State.OPEN
    ]
    if not escalating_drafts:
        return
    policies = {policy.criticality: policy for policy in AlertPolicy.objects.all()}
    from_severity = AlertSettings.objects.get(pk=1).escalate_from_severity
    for draft in escalating_drafts:
        policy = policies.get(draft.criticality or 0)
        hours = policy.first_hours if policy else None
        if hours is not None and draft.alert.severity >= from_severity:
            draft.alert.escalate_at = draft.alert.raised_at + timedelta(hours=hours)
