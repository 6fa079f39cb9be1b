"""Messages of channels from pending notifications: what the owner of the channel can view, in the
form of the service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from apps.accounts.models import Team
from apps.accounts.queries import team_and_below
from apps.alerts.channels import pagerduty, teams
from apps.alerts.channels.changes import channel_address, local_part
from apps.alerts.channels.message_items import MessageItem, to_message_item
from apps.alerts.channels.slack import messages as slack
from apps.alerts.delivery.context import BatchContext
from apps.alerts.delivery.digest.builder import build_items
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry
from apps.alerts.delivery.mail import message_id_for
from apps.alerts.models import Alert, ChannelService, Delivery, Notice, Webhook
from apps.alerts.recipients import visible_teams
from apps.alerts.subscriptions import can_see_alert
from apps.alerts.text import counted
from apps.common.time import day_of


@dataclass(slots=True)
class ChannelMessages:
    """The messages of one channel with their notifications; `hidden` are notifications of which the
    owner of the channel can no longer view anything."""

    messages: list[tuple[Delivery, list[Notice]]] = field(default_factory=list)
    hidden: list[Notice] = field(default_factory=list)


def teams_of_channel(channel: Webhook) -> frozenset[int] | None:
    """Return the teams whose records the owner of the channel can view; None: all."""
    if channel.person is not None:
        return visible_teams([channel.person])[channel.person.pk]
    if channel.team_id is not None:
        return frozenset(team_and_below(team_ids=[channel.team_id]))
    return None


def render_channel(
    channel: Webhook, notices: Sequence[Notice], batch: BatchContext, *, at: datetime
) -> ChannelMessages:
    """Render the pending notifications of a channel: one message in a chat, one event for each
    alert in PagerDuty."""
    result = ChannelMessages()
    seen = teams_of_channel(channel)
    context = batch.context_for(teams=seen, today=day_of(at))
    visible: list[Notice] = []
    for notice in notices:
        alert = batch.alerts[notice.alert_id]
        is_visible = _can_view(channel, alert, seen) and (
            not alert.application_ids or bool(context.applications.keys() & alert.application_ids)
        )
        (visible if is_visible else result.hidden).append(notice)
    if not visible:
        return result
    if channel.service == ChannelService.PAGERDUTY:
        team_names = dict(
            Team.objects.filter(
                pk__in={batch.alerts[notice.alert_id].team_id for notice in visible}
            ).values_list("pk", "name")
        )
        for notice in visible:
            alert = batch.alerts[notice.alert_id]
            body = pagerduty.build_event(
                alert,
                notice.occasion,
                _first_item(notice, alert, context),
                group=team_names.get(alert.team_id or 0, "Organisation"),
            )
            action = pagerduty.event_action(notice.occasion)
            delivery = _build_delivery(
                channel, [notice], body, subject=f"{action} {pagerduty.dedup_key(alert)}", at=at
            )
            result.messages.append((delivery, [notice]))
        return result
    delivery = _build_delivery(channel, visible, "", subject="", at=at)
    items = _build_items(visible, batch.alerts, context)
    heading = _heading(visible, items)
    delivery.subject = heading
    delivery.body_text = (
        slack.build_message(
            items,
            destination=channel.destination,
            message_id=local_part(delivery.message_id),
            heading=heading,
            more_url=f"{settings.PUBLIC_URL}/alerts/",
            offers_members=channel.team_id is not None,
        )
        if channel.service == ChannelService.SLACK
        else teams.build_card(items, heading=heading, more_url=f"{settings.PUBLIC_URL}/alerts/")
    )
    result.messages.append((delivery, visible))
    return result


def _can_view(channel: Webhook, alert: Alert, seen: frozenset[int] | None) -> bool:
    if channel.person is not None:
        return channel.person.is_active and can_see_alert(channel.person.pk, alert, seen)
    return seen is None or alert.team_id in seen


def _build_items(
    notices: Sequence[Notice], alerts: Mapping[int, Alert], context: DigestContext
) -> list[MessageItem]:
    entries = [DigestEntry.of(notice, alerts[notice.alert_id]) for notice in notices]
    needing = frozenset(
        alert.pk
        for alert in (alerts[notice.alert_id] for notice in notices)
        if alert.state in {Alert.State.OPEN, Alert.State.SNOOZED}
    )
    return [to_message_item(item, needing) for item in build_items(entries, context)]


def _first_item(notice: Notice, alert: Alert, context: DigestContext) -> MessageItem | None:
    items = build_items([DigestEntry.of(notice, alert)], context)
    return to_message_item(items[0], frozenset({alert.pk})) if items else None


def _heading(notices: Sequence[Notice], items: Sequence[MessageItem]) -> str:
    if len(items) == 1:
        return items[0].title
    return counted(max(len(items), 1), "alert")


def _build_delivery(
    channel: Webhook, notices: Sequence[Notice], body: str, *, subject: str, at: datetime
) -> Delivery:
    address = channel_address(channel)
    return Delivery(
        webhook=channel,
        kind=Delivery.Kind.CHANNEL,
        address=address,
        message_id=message_id_for(
            # the name can change and be given to another channel
            address=f"channel {channel.pk}",
            keys=[f"notice:{notice.pk}" for notice in notices],
        ),
        subject=subject[:300],
        body_text=body,
        due_at=at,
        created_at=at,
    )
