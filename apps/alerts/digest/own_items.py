"""Items about flags and feeds."""

from collections.abc import Iterable

from apps.alerts.digest.applications import lines, ordered
from apps.alerts.digest.occasions import note_of
from apps.alerts.digest.parts import MOST_APPLICATIONS, Entry, Facts, Item
from apps.alerts.feed_words import ended_models, feed_path, n_unnamed, particulars, source_name
from apps.alerts.flag_words import amount, clause, kind_of, line, measured_then
from apps.alerts.models import Alert, FeedKind, FlagKind
from apps.alerts.wording import as_day, days, one_line
from apps.exposure.models import ExposureFlag

# --- flags ----------------------------------------------------------------------------------------


def flag_items(entries: Iterable[Entry], facts: Facts) -> list[Item]:
    return [
        _flag_item(entry, entry.alert.flag, facts)
        for entry in entries
        if entry.alert.flag is not None
    ]


def _flag_item(entry: Entry, flag: ExposureFlag, facts: Facts) -> Item:
    alert = entry.alert
    policy, then = flag.policy, measured_then(alert, flag)
    name = (
        one_line(facts.nodes.get(flag.node_id, ""))
        if flag.node_id is not None
        else one_line(policy.name)
    )
    affected = frozenset(pk for pk in alert.application_ids if pk in facts.applications)
    shown = ordered(affected, facts)
    n_unnamed = max(0, int(alert.details.get("n", 0)) - len(alert.application_ids))
    return Item(
        title=name,
        api_id="",
        # the node as one of its layer, since a name may be developer and host at once
        url=f"{facts.public_url}/alerts/",
        what=f"{clause(policy, then, node=name, kind=kind_of(flag))} ({line(policy, then)})",
        margin=amount(policy, then.value),
        pressing=alert.kind != FlagKind.RESOLVED,
        applications=lines(shown, facts),
        n_more_applications=max(0, len(shown) - MOST_APPLICATIONS) + n_unnamed,
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=affected,
        on=None,
        group=alert.kind,
        note=note_of([entry], facts),
        alert_ids=(alert.pk,),
    )


# --- feeds ----------------------------------------------------------------------------------------


def feed_items(entries: Iterable[Entry], facts: Facts) -> list[Item]:
    items = [
        _feed_item(entry, facts)
        for entry in entries
        if entry.alert.run is not None or entry.alert.source is not None
    ]
    # a team is told of its applications; governance is told of the feed, whoever stands on it
    return [item for item in items if item.affected or item.group != FeedKind.BACKFILLED]


def _feed_item(entry: Entry, facts: Facts) -> Item:
    alert = entry.alert
    affected = frozenset(pk for pk in alert.application_ids if pk in facts.applications)
    shown = ordered(affected, facts)
    ended = ended_models(alert, affected)
    n_models = len(ended) + n_unnamed(alert)
    return Item(
        title=source_name(alert),
        api_id="",
        url=facts.public_url + feed_path(alert),
        what=particulars(alert, applications=affected),
        margin=_feed_margin(alert, facts, n_models),
        pressing=alert.kind == FeedKind.BACKFILLED
        or (alert.kind == FeedKind.SUSPECT and alert.severity >= 4),
        applications=lines(shown, facts),
        n_more_applications=max(0, len(shown) - MOST_APPLICATIONS),
        replacement="",
        sources=(),
        severity=alert.severity,
        affected=affected,
        on=max((model.ended_on for model in ended if model.ended_on), default=None),
        group=alert.kind,
        n_models=n_models,
        note=note_of([entry], facts),
        alert_ids=(alert.pk,),
    )


def _feed_margin(alert: Alert, facts: Facts, n_models: int) -> str:
    if alert.kind == FeedKind.BACKFILLED:
        return f"{n_models} model{'' if n_models == 1 else 's'}"
    if alert.kind == FeedKind.SUSPECT:
        return "held"
    since = as_day(alert.details.get("since"))
    return days((facts.today - since).days) if since else "fresh"
