"""Deputies of absent users: notified in addition to the user, as far as they can view the alert."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from apps.accounts.models import Delegation, User
from apps.accounts.people.delegations import deputies_on
from apps.alerts.models import PERSONAL_KINDS, Alert, Notice
from apps.alerts.recipients import display_name, visible_teams
from apps.alerts.subscriptions import build_shared_key, can_see_alert

# what users asked for themselves concerns no deputy
_OWN_ROUTES = frozenset({Notice.Why.SUBSCRIPTION, Notice.Why.OWN, Notice.Why.DEPUTY})


def deputy_notices(
    notices: Sequence[Notice], alerts: Mapping[int, Alert], *, on: date
) -> list[Notice]:
    """Draft notifications for the deputies of users who are absent on that day and receive one of
    `notices`; `alerts` are those of the notifications. One statement without an absence."""
    if not any(notice.user_id is not None for notice in notices):
        return []
    deputies = deputies_on(on)
    to_deputies = [
        (notice, deputies[notice.user_id])
        for notice in notices
        if notice.user_id in deputies
        and notice.why not in _OWN_ROUTES
        and alerts[notice.alert_id].kind not in PERSONAL_KINDS
    ]
    if not to_deputies:
        return []
    users = User.objects.filter(pk__in={deputy_id for _, deputy_id in to_deputies})
    team_ids_by_user = visible_teams(users)
    # alerts of the organisation have a copy for each recipient
    notified = {
        (build_shared_key(alerts[notice.alert_id]), notice.user_id, notice.occasion)
        for notice in notices
    }
    drafts = []
    for notice, deputy_id in to_deputies:
        alert = alerts[notice.alert_id]
        key = (build_shared_key(alert), deputy_id, notice.occasion)
        if key in notified or not can_see_alert(deputy_id, alert, team_ids_by_user[deputy_id]):
            continue
        notified.add(key)
        drafts.append(
            Notice(
                alert_id=notice.alert_id,
                user_id=deputy_id,
                why=Notice.Why.DEPUTY,
                occasion=notice.occasion,
                application_ids=notice.application_ids,
                urgent=notice.urgent,
                owed_at=notice.owed_at,
            )
        )
    return drafts


def absent_names(notices: Iterable[Notice], *, on: date) -> dict[int, list[str]]:
    """Return {deputy: names of the users who are absent on that day} for the deputies among the
    recipients; one statement, or none without a deputy."""
    deputy_ids = {notice.user_id for notice in notices if notice.why == Notice.Why.DEPUTY}
    if not deputy_ids:
        return {}
    rows = Delegation.objects.effective_on(on).filter(deputy__in=deputy_ids)
    names: dict[int, list[str]] = {}
    for delegation in rows.select_related("person").order_by("since", "pk"):
        names.setdefault(delegation.deputy_id, []).append(display_name(delegation.person))
    return names
