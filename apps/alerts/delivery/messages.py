"""Message rendering: from a recipient's notifications to a delivery to send, limited to what the
recipient can view."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.accounts.models import Team, User
from apps.alerts.delivery.context import BatchContext
from apps.alerts.delivery.digest.builder import build_digest
from apps.alerts.delivery.digest.parts import MAX_BYTES, SIZE_LIMITS, DigestEntry
from apps.alerts.delivery.digest.runway_items import is_runway_over
from apps.alerts.delivery.mail import (
    EmailFooter,
    message_id_for,
    render_digest,
    render_heartbeat,
    thread_id_for,
)
from apps.alerts.delivery.schedule import DigestSchedule, time_zone_named
from apps.alerts.delivery.webhook_payload import build_payload
from apps.alerts.models import Cadence, Delivery, Notice, Webhook
from apps.alerts.recipients import display_name
from apps.alerts.text import listed, one_line
from apps.common.time import day_of


@dataclass(slots=True)
class RenderedNotices:
    """A rendered message. `delivery` is None if there is nothing to send. `left_out` are
    notifications of which the recipient can no longer view anything, `passed` those whose cause has
    ended although they are not resolved yet."""

    delivery: Delivery | None = None
    left_out: list[Notice] = field(default_factory=list)
    passed: list[Notice] = field(default_factory=list)


def render_mail(
    notices: Sequence[Notice],
    batch: BatchContext,
    *,
    user: User | None,
    team: Team | None,
    teams_seen: frozenset[int] | None,
    owned_ids: frozenset[int] | None,
    schedule: DigestSchedule,
    at: datetime,
    is_first: bool,
    kind: str,
    also_when_empty: bool,
) -> RenderedNotices:
    """Render an email to one user or one team mailbox; `owned_ids` are the applications of a
    contact."""
    entries = {
        notice.pk: DigestEntry.of(notice, batch.alerts[notice.alert_id]) for notice in notices
    }
    context = batch.context_for(
        teams=teams_seen,
        owned_ids=owned_ids,
        today=at.astimezone(time_zone_named(schedule.time_zone)).date(),
    )
    result = RenderedNotices()
    # Other recipients are notified of alerts whose applications this one can no longer view.
    for notice in notices:
        application_ids = entries[notice.pk].application_ids
        is_organisation_alert = batch.alerts[notice.alert_id].team_id is None and owned_ids is None
        if (
            application_ids
            and not is_organisation_alert
            and not any(pk in context.applications for pk in application_ids)
        ):
            result.left_out.append(notice)
            del entries[notice.pk]
        elif is_runway_over(entries[notice.pk], context):
            result.passed.append(notice)
            del entries[notice.pk]
    visible_entries = list(entries.values())
    digest = build_digest(visible_entries, context, is_first=is_first)
    if digest is None and not also_when_empty:
        result.left_out += [notice for notice in notices if notice.pk in entries]
        return result
    address = user.email if user else team.email if team else ""
    footer = EmailFooter(
        batch.feeds,
        _describe_reason(notices, user, team, batch.absent),
        _describe_schedule(schedule),
        can_respond=user is not None,
        can_sign_in=user is None or not user.is_contact,
    )
    if digest is None:
        email = render_heartbeat(
            footer=footer, at=at, time_zone=schedule.time_zone, since=schedule.served_before(at)
        )
        kind, keys, thread = Delivery.Kind.HEARTBEAT, [f"heartbeat {at.isoformat()}"], ""
    else:
        audience = _describe_audience(notices, user, team, batch.absent)
        email = render_digest(
            digest, audience=audience, footer=footer, at=at, time_zone=schedule.time_zone
        )
        for fit in SIZE_LIMITS[1:]:
            if len(email.html.encode()) <= MAX_BYTES:
                break
            digest = build_digest(visible_entries, context, is_first=is_first, fit=fit) or digest
            email = render_digest(
                digest, audience=audience, footer=footer, at=at, time_zone=schedule.time_zone
            )
        keys = [f"notice:{pk}" for pk in entries]
        thread = thread_id_for(next(iter(digest.subjects))) if len(digest.subjects) == 1 else ""
        if digest.lead:
            kind = Delivery.Kind.SUMMARY
    result.delivery = Delivery(
        user=user,
        team=team,
        kind=kind,
        address=address,
        message_id=message_id_for(address=address, keys=keys),
        thread=thread,
        subject=email.subject,
        body_text=email.text,
        body_html=email.html,
        due_at=at,
        created_at=at,
    )
    return result


def _describe_audience(
    notices: Sequence[Notice],
    user: User | None,
    team: Team | None,
    absent: Mapping[int, Sequence[str]],
) -> str:
    if user is None:
        return f"For {team}: the applications of the team"
    name = display_name(user)
    routes = {notice.why for notice in notices}
    if routes <= {Notice.Why.GOVERNANCE, Notice.Why.OPERATOR, Notice.Why.ESCALATION}:
        return f"For {name}: the whole organisation"
    if routes == {Notice.Why.SUBSCRIPTION}:
        return f"For {name}: your subscriptions"
    if routes == {Notice.Why.DEPUTY}:
        return f"For {name}: as deputy of {_name_absent_users(absent.get(user.pk, ()))}"
    return f"For {name}: your applications and subscriptions"


def _name_absent_users(names: Sequence[str]) -> str:
    """Return the names of the absent users; after their return without a name."""
    return listed([one_line(name) for name in names]) or "an absent user"


_REASONS = {
    Notice.Why.OWNER: "you own the applications listed",
    Notice.Why.TEAM_OWNER: "you own the team of the applications, or a team above it",
    Notice.Why.GOVERNANCE: "you have the governance role",
    Notice.Why.OPERATOR: "you are responsible for the feeds",
    Notice.Why.ESCALATION: "alerts were not acknowledged in time",
    Notice.Why.ASSIGNED: "alerts are assigned to you",
    Notice.Why.SUBSCRIPTION: "you subscribed to these changes",
    Notice.Why.OWN: "you created or decided what the alerts are about",
    Notice.Why.MENTIONED: "you were mentioned in a comment",
    Notice.Why.DEPUTY: "you are the deputy of {absent}",
}


_CONTACT_SENTENCE = (
    "You are a contact of the registry and have no account. You can respond by the link above, and "
    "stop these emails by the link below."
)


def _describe_reason(
    notices: Sequence[Notice],
    user: User | None,
    team: Team | None,
    absent: Mapping[int, Sequence[str]],
) -> str:
    if not notices:
        return "You receive this email because you asked for a digest even if nothing changed."
    if user is None:
        return "You receive this email because this address is the mailbox of the team."
    names = _name_absent_users(absent.get(user.pk, ()))
    reasons = [
        reason.replace("{absent}", names)
        for route, reason in _REASONS.items()
        if any(notice.why == route for notice in notices)
    ]
    sentence = f"You receive this email because {', and '.join(reasons)}." if reasons else ""
    if not user.is_contact:
        return sentence
    sentence = sentence or "You receive this email because you are named in these alerts."
    return f"{sentence} {_CONTACT_SENTENCE}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _describe_schedule(schedule: DigestSchedule) -> str:
    """Return the sentence about the schedule, such as `Daily digest at 07:00 Europe/Zurich, only
    when something changes; urgent alerts immediately.`"""
    frequency = {
        Cadence.DAILY: "Daily digest",
        Cadence.WORKING_DAYS: "Digest on weekdays",
        Cadence.WEEKLY: f"Weekly digest on {_WEEKDAYS[schedule.weekday]}",
    }.get(Cadence(schedule.cadence))
    if schedule.wants_only_urgent:
        return "Emails for urgent alerts only."
    if frequency is None:
        return "Each alert is sent immediately."
    condition = "even if nothing changes" if schedule.heartbeat else "only when something changes"
    urgent = "; urgent alerts immediately" if schedule.immediate else ""
    time = f"{schedule.hour:02}:00 {schedule.time_zone}"
    return f"{frequency} at {time}, {condition}{urgent}."


# --- webhooks -------------------------------------------------------------------------------------


def render_webhook(
    webhook: Webhook, notices: Sequence[Notice], batch: BatchContext, *, at: datetime
) -> Delivery:
    """Render one request with all pending notifications of the webhook."""
    context = batch.context_for(teams=None, today=day_of(at))
    body = build_payload(
        [(notice, batch.alerts[notice.alert_id]) for notice in notices], context, at=at
    )
    n = len(notices)
    return Delivery(
        webhook=webhook,
        kind=Delivery.Kind.WEBHOOK,
        address=webhook.url,
        message_id=message_id_for(
            address=webhook.url, keys=[f"notice:{notice.pk}" for notice in notices]
        ),
        subject=f"{n} alert{'' if n == 1 else 's'}",
        body_text=json.dumps(body, ensure_ascii=False),
        due_at=at,
        created_at=at,
    )
