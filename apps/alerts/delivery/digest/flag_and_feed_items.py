"""Digest items about exposure flags and feeds."""

from collections.abc import Iterable

from apps.alerts.delivery.digest.applications import application_lines, visible_by_criticality
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import (
    MAX_APPLICATIONS,
    DigestContext,
    DigestEntry,
    DigestItem,
)
from apps.alerts.kinds.exposure_flag_text import (
    flag_clause,
    format_measure,
    measurement_when_raised,
    node_kind_label,
    tolerance_text,
)
from apps.alerts.kinds.feeds.feed_text import (
    feed_details,
    feed_path,
    n_unnamed,
    retired_models,
    source_name,
)
from apps.alerts.models import Alert, FeedKind, FlagKind
from apps.alerts.text import as_day, days, one_line
from apps.exposure.models import ExposureFlag

# --- flags ----------------------------------------------------------------------------------------


def flag_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each alert about an exposure flag."""
    return [
        _flag_item(entry, entry.alert.flag, context)
        for entry in entries
        if entry.alert.flag is not None
    ]


def _flag_item(entry: DigestEntry, flag: ExposureFlag, context: DigestContext) -> DigestItem:
    """Return the item of a flag, with the measurement of the day on which the alert was raised.

    Affected applications that the alert counts without naming them are added to the number of
    further applications.
    """
    alert = entry.alert
    policy, measurement = flag.policy, measurement_when_raised(alert, flag)
    name = (
        one_line(context.nodes.get(flag.node_id, ""))
        if flag.node_id is not None
        else one_line(policy.name)
    )
    affected = frozenset(pk for pk in alert.application_ids if pk in context.applications)
    applications = visible_by_criticality(affected, context)
    n_unnamed = max(0, int(alert.details.get("n", 0)) - len(alert.application_ids))
    # with its layer, since one name can be that of a developer and of a host
    clause = flag_clause(policy, measurement, node=name, kind=node_kind_label(flag))
    return DigestItem(
        title=name,
        api_id="",
        url=f"{context.public_url}/alerts/",
        what=f"{clause} ({tolerance_text(policy, measurement)})",
        margin=format_measure(policy, measurement.value),
        pressing=alert.kind != FlagKind.RESOLVED,
        applications=application_lines(applications, context),
        n_more_applications=max(0, len(applications) - MAX_APPLICATIONS) + n_unnamed,
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=affected,
        on=None,
        group=alert.kind,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )


# --- feeds ----------------------------------------------------------------------------------------


def feed_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each alert about a feed or one of its polls."""
    items = [
        _feed_item(entry, context)
        for entry in entries
        if entry.alert.run is not None or entry.alert.source is not None
    ]
    # teams are notified if their applications are affected; governance in any case
    return [item for item in items if item.affected or item.group != FeedKind.BACKFILLED]


def _feed_item(entry: DigestEntry, context: DigestContext) -> DigestItem:
    """Return the item of a feed: late, not updating, up to date again, on hold, or with past
    retirement dates."""
    alert = entry.alert
    affected = frozenset(pk for pk in alert.application_ids if pk in context.applications)
    applications = visible_by_criticality(affected, context)
    retired = retired_models(alert, affected)
    n_models = len(retired) + n_unnamed(alert)
    return DigestItem(
        title=source_name(alert),
        api_id="",
        url=context.public_url + feed_path(alert),
        what=feed_details(alert, applications=affected),
        margin=_feed_margin(alert, context, n_models),
        pressing=alert.kind == FeedKind.BACKFILLED
        or (alert.kind == FeedKind.SUSPECT and alert.severity >= 4),
        applications=application_lines(applications, context),
        n_more_applications=max(0, len(applications) - MAX_APPLICATIONS),
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=affected,
        on=max((model.ended_on for model in retired if model.ended_on), default=None),
        group=alert.kind,
        n_models=n_models,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )


def _feed_margin(alert: Alert, context: DigestContext, n_models: int) -> str:
    """Return the figure beside the item: retired models, or days since the feed is late."""
    if alert.kind == FeedKind.BACKFILLED:
        return f"{n_models} model{'' if n_models == 1 else 's'}"
    if alert.kind == FeedKind.SUSPECT:
        return "held"
    since = as_day(alert.details.get("since"))
    return days((context.today - since).days) if since else "fresh"
