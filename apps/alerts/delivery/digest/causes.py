"""Causes: what makes two alerts of one digest about the same fact."""

from collections.abc import Collection, Iterable, Sequence

from apps.alerts.delivery.digest.parts import DigestContext, DigestEntry, DigestItem
from apps.alerts.models import Notice
from apps.alerts.text import one_line
from apps.catalog.models import Offering

# (cause, application)
type Concern = tuple[str, int]


def cause_of(offering: Offering) -> str:
    """Return the key of the model: all model IDs of a version are one, as in `apps.issues`."""
    if offering.version_id is not None:
        return f"version:{offering.version_id}"
    return f"offering:{offering.pk}"


def cause_of_id(offering_id: int | None, context: DigestContext) -> str:
    """Return `cause_of` for an offering of the context; also if it is not loaded."""
    offering = context.offerings.get(offering_id or 0)
    return cause_of(offering) if offering is not None else f"offering:{offering_id}"


def concerns_of(items: Iterable[DigestItem]) -> set[Concern]:
    """Return the (cause, application) pairs that these items report."""
    return {(item.cause, pk) for item in items if item.cause for pk in item.affected}


def merge_repeated(entries: Iterable[DigestEntry]) -> list[DigestEntry]:
    """Merge the entries of one alert, which can have several triggers in one message, into one
    about all its applications. The trigger is the first one that needs an explanation."""
    merged: dict[tuple[int, bool], DigestEntry] = {}
    for entry in entries:
        key = (entry.alert.pk, entry.occasion == Notice.Occasion.RESOLVED)
        other = merged.get(key)
        if other is None:
            merged[key] = entry
            continue
        is_explained = other.occasion not in {Notice.Occasion.RAISED, Notice.Occasion.ASKED}
        merged[key] = DigestEntry(
            entry.alert,
            tuple(dict.fromkeys([*other.application_ids, *entry.application_ids])),
            other.occasion if is_explained else entry.occasion,
            entry.is_own,
        )
    return list(merged.values())


def visible_ids(entries: Iterable[DigestEntry], context: DigestContext) -> frozenset[int]:
    return frozenset(
        pk for entry in entries for pk in entry.application_ids if pk in context.applications
    )


def alert_ids(entries: Iterable[DigestEntry]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(entry.alert.pk for entry in entries))


def highest_severity_of(entries: Sequence[DigestEntry]) -> int:
    return max(entry.alert.severity for entry in entries)


def offerings_of_cause(cause: str, context: DigestContext) -> frozenset[int]:
    """Return the loaded offerings of a cause."""
    return frozenset(
        pk for pk, offering in context.offerings.items() if cause_of(offering) == cause
    )


def first_ids(offerings: Collection[Offering], limit: int) -> tuple[tuple[str, ...], int]:
    """Return (first distinct model IDs, number of further ones)."""
    ids = list(dict.fromkeys(one_line(offering.api_id) for offering in offerings))
    return tuple(ids[:limit]), max(0, len(ids) - limit)


__all__ = [
    "Concern",
    "alert_ids",
    "cause_of",
    "cause_of_id",
    "concerns_of",
    "first_ids",
    "highest_severity_of",
    "merge_repeated",
    "offerings_of_cause",
    "visible_ids",
]
