"""Items about negative runways: one for each model and retirement date, with its applications."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from apps.alerts.delivery.digest.applications import (
    MigrationFacts,
    application_lines,
    application_name,
    n_more_applications,
    retirement_predicate,
    runway,
    signed_days,
    visible_by_criticality,
    warned_fallbacks,
)
from apps.alerts.delivery.digest.causes import (
    Concern,
    alert_ids,
    cause_of_id,
    first_ids,
    highest_severity_of,
    visible_ids,
)
from apps.alerts.delivery.digest.model_items import RetirementChange, first_replacement, model_title
from apps.alerts.delivery.digest.occasions import occasion_note
from apps.alerts.delivery.digest.parts import (
    MAX_MODEL_IDS,
    MAX_SOURCES,
    DigestContext,
    DigestEntry,
    DigestItem,
    PrimaryUse,
)
from apps.alerts.models import Alert, Notice, StateKind
from apps.alerts.text import counted


@dataclass(frozen=True, slots=True)
class _LateUse:
    entry: DigestEntry
    use: PrimaryUse
    margin: Decimal


def runway_items(
    entries: Iterable[DigestEntry],
    context: DigestContext,
    changes: Mapping[Concern, Sequence[RetirementChange]],
) -> list[DigestItem]:
    """Return an item for each model and date. `changes` are the announcements and moves of the
    same digest, which these items report instead of items of their own."""
    by_fact: dict[tuple[object, ...], list[_LateUse]] = defaultdict(list)
    for entry in entries:
        if entry.alert.kind != StateKind.RUNWAY_NEGATIVE or is_runway_over(entry, context):
            continue
        use = _find_use(entry.alert, context)
        margin = runway(use, context) if use is not None else None
        if use is not None and margin is not None and visible_ids([entry], context):
            cause = cause_of_id(use.offering_id, context)
            by_fact[cause, use.ends_on, use.at_least].append(_LateUse(entry, use, margin))
    return [_build_item(late_uses, context, changes) for late_uses in by_fact.values()]


def is_runway_over(entry: DigestEntry, context: DigestContext) -> bool:
    """Return whether the time suffices by now, or the model is no longer used, so that the alert is
    not sent."""
    if entry.alert.kind != StateKind.RUNWAY_NEGATIVE or entry.occasion == Notice.Occasion.RESOLVED:
        return False
    use = _find_use(entry.alert, context)
    margin = runway(use, context) if use is not None else None
    # The registry counts by its own day: for a recipient whose date is still the day before, the
    # runway is one day longer.
    return margin is None or margin >= 1


def _find_use(alert: Alert, context: DigestContext) -> PrimaryUse | None:
    for pk in alert.application_ids:
        for use in context.uses.get(pk, ()):
            if use.dependency_id == alert.subject_id:
                return use
    return None


def _build_item(
    late_uses: Sequence[_LateUse],
    context: DigestContext,
    changes: Mapping[Concern, Sequence[RetirementChange]],
) -> DigestItem:
    worst = min(late_uses, key=lambda late: late.margin)
    use, entries = worst.use, [late.entry for late in late_uses]
    affected = visible_ids(entries, context)
    applications = visible_by_criticality(affected, context)
    cause = cause_of_id(use.offering_id, context)
    offering_ids = sorted({late.use.offering_id for late in late_uses})
    offerings = [context.offerings[pk] for pk in offering_ids if pk in context.offerings]
    title = model_title(offerings) if offerings else "The model"
    retires = retirement_predicate(use.ends_on, context.today, is_earliest=use.at_least)
    news = list(dict.fromkeys(change for pk in affected for change in changes.get((cause, pk), ())))
    moved = " ".join(change.sentence for change in news if change.is_move)
    model_ids, n_more_model_ids = first_ids(offerings, MAX_MODEL_IDS)
    lines = application_lines(applications, context, retiring=offering_ids)
    item = DigestItem(
        title=title,
        url=f"{context.public_url}/offerings/{offering_ids[0]}/",
        what=f"The model {retires}. {moved}".rstrip(),
        margin=counted(len(applications), "application"),
        severity=highest_severity_of(entries),
        affected=affected,
        on=use.ends_on,
        is_earliest=use.at_least,
        group=StateKind.RUNWAY_NEGATIVE,
        pressing=True,
        applications=lines,
        n_more_applications=n_more_applications(applications),
        model_ids=model_ids,
        n_more_model_ids=n_more_model_ids,
        replacement=first_replacement(offerings, context),
        sources=tuple(dict.fromkeys(source for change in news for source in change.sources))[
            :MAX_SOURCES
        ],
        note=occasion_note(entries, context),
        alert_ids=(*alert_ids(entries), *(pk for change in news for pk in change.alert_ids)),
        cause=cause,
        warned_fallbacks=warned_fallbacks(lines),
    )
    if len(applications) > 1:
        return item
    application = applications[0]
    facts = MigrationFacts.of(application, use, context, with_runway=False)
    return replace(
        item,
        title=application_name(application),
        url=f"{context.public_url}/applications/{application.slug}/",
        what=f"{title} {retires}. {moved}".rstrip(),
        margin=signed_days(worst.margin),
        details=facts.details,
        warning=facts.warning,
        applications=(),
    )


__all__ = ["is_runway_over", "runway_items"]
