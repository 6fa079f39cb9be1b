"""Items about exposure flags, and about feeds."""

from collections.abc import Collection, Iterable, Sequence

from apps.alerts.delivery.digest.applications import (
    application_lines,
    n_more_applications,
    visible_by_criticality,
)
from apps.alerts.delivery.digest.causes import alert_ids
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem
from apps.alerts.kinds.exposure_flag_text import (
    flag_clause,
    format_measure,
    measurement_when_raised,
    node_kind_label,
    tolerance_text,
)
from apps.alerts.kinds.feeds.feed_text import (
    RetiredModel,
    feed_headline,
    feed_path,
    feed_sentences,
    held_sentences,
    n_unnamed,
    retired_models,
    source_name,
)
from apps.alerts.models import Alert, FeedKind, FlagKind, IssueAlertKind
from apps.alerts.text import as_day, counted, days, one_line
from apps.exposure.models import ExposureFlag

# --- flags ----------------------------------------------------------------------------------------


def flag_items(entries: Iterable[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each flag, about its latest event."""
    by_flag: dict[int, list[DigestEntry]] = {}
    for entry in entries:
        if entry.alert.flag_id is not None:
            by_flag.setdefault(entry.alert.flag_id, []).append(entry)
    items = []
    for flag_entries in by_flag.values():
        flag_entries.sort(key=lambda entry: (entry.alert.raised_at, entry.alert.pk))
        flag = flag_entries[-1].alert.flag
        assert flag is not None
        items.append(_build_flag_item(flag_entries, flag, context))
    return items


def _build_flag_item(
    entries: Sequence[DigestEntry], flag: ExposureFlag, context: DigestContext
) -> DigestItem:
    alert = entries[-1].alert
    policy, measurement = flag.policy, measurement_when_raised(alert, flag)
    name = (
        one_line(context.nodes.get(flag.node_id, ""))
        if flag.node_id is not None
        else one_line(policy.name)
    )
    affected = frozenset(pk for pk in alert.application_ids if pk in context.applications)
    applications = visible_by_criticality(affected, context)
    n_unlisted = max(0, int(alert.details.get("n", 0)) - len(alert.application_ids))
    # The kind is named, because a provider can be a developer and a host.
    clause = flag_clause(policy, measurement, node=name, kind=node_kind_label(flag))
    return DigestItem(
        title=name,
        url=f"{context.public_url}/alerts/",
        what=f"{clause}. The tolerance is {format_measure(policy, measurement.limit)}.",
        headline=f"{clause} ({tolerance_text(policy, measurement)})",
        margin=format_measure(policy, measurement.value),
        severity=alert.severity,
        affected=affected,
        on=None,
        group=alert.kind,
        pressing=alert.kind != FlagKind.RESOLVED,
        applications=application_lines(applications, context),
        n_more_applications=n_more_applications(applications) + n_unlisted,
        note=occasion_note(entries, context),
        alert_ids=alert_ids(entries),
    )


# --- feeds ----------------------------------------------------------------------------------------


def feed_items(entries: Sequence[DigestEntry], context: DigestContext) -> list[DigestItem]:
    """Return an item for each alert about a feed. Past dates of models that another alert reports
    as retired and still used by the same applications are left out."""
    reported = {
        (model, pk)
        for entry in entries
        if entry.alert.kind == IssueAlertKind.RETIRED_MODEL_IN_USE
        for model in context.cause_models.get(entry.alert.subject_id or 0, ())
        for pk in entry.application_ids
    }
    return [
        item
        for entry in entries
        if (entry.alert.run is not None or entry.alert.source is not None)
        and (item := _build_feed_item(entry, context, reported)) is not None
    ]


def _build_feed_item(
    entry: DigestEntry,
    context: DigestContext,
    reported: Collection[tuple[tuple[str, str], int]],
) -> DigestItem | None:
    alert = entry.alert
    affected = frozenset(pk for pk in alert.application_ids if pk in context.applications)
    models: list[RetiredModel] = []
    if alert.kind == FeedKind.BACKFILLED:
        affected = frozenset(
            pk
            for pk in affected
            if n_unnamed(alert)
            or any(
                ((model.api_id, model.host), pk) not in reported
                for model in retired_models(alert, [pk])
            )
        )
        models = retired_models(alert, affected)
        # Teams are notified about their applications, governance about any feed.
        if not affected:
            return None
    applications = visible_by_criticality(affected, context)
    n_models = len(models) + n_unnamed(alert)
    is_held = alert.kind == FeedKind.SUSPECT
    return DigestItem(
        title=source_name(alert),
        url=context.public_url + feed_path(alert),
        what=held_sentences(alert) if is_held else feed_sentences(alert, applications=affected),
        headline=feed_headline(alert),
        margin=_feed_margin(alert, context, n_models),
        severity=alert.severity,
        affected=affected,
        on=max((model.ended_on for model in models if model.ended_on), default=None),
        group=alert.kind,
        pressing=alert.kind == FeedKind.BACKFILLED or (is_held and alert.severity >= 4),
        applications=application_lines(applications, context),
        n_more_applications=n_more_applications(applications),
        n=n_models,
        note=occasion_note([entry], context),
        alert_ids=(alert.pk,),
    )


def _feed_margin(alert: Alert, context: DigestContext, n_models: int) -> str:
    if alert.kind == FeedKind.BACKFILLED:
        return counted(n_models, "model")
    if alert.kind == FeedKind.SUSPECT:
        return "on hold"
    since = as_day(alert.details.get("since"))
    return days((context.today - since).days) if since else "up to date"
