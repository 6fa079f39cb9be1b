"""Reads of causes and issues that join other records."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q

from apps.common.database.statements import count_each
from apps.issues.models import CauseKind, Issue, IssueQuerySet
from apps.issues.subjects import load_subjects
from apps.issues.urgency import issue_urgency

RECORD_BATCH_SIZE = 2_000


def issue_records(
    issues: IssueQuerySet,
    *,
    today: date,
    load_notified: Callable[[Collection[int]], Mapping[int, datetime]],
) -> Iterator[dict[str, Any]]:
    """Yield issues as `manage.py issues` prints them, most urgent first; memory stays flat.

    `retired_in_use`: the model of the issue is retired and still used. `notified` is the time of
    the last notification, null until one is sent or pending; `load_notified` returns it by issue,
    since notifications belong to a higher app.
    """
    rows = issues.order_by("act_by", "criticality", "pk").values(
        "pk",
        "cause_id",
        "state",
        "start_by",
        "finish_by",
        "due_on",
        "is_earliest",
        "act_by",
        "criticality",
        kind=F("cause__kind"),
        subject_key=F("cause__subject"),
        slug=F("application__slug"),
        username=F("owner__username"),
        email=F("owner__email"),
    )
    batch: list[dict[str, Any]] = []
    for row in rows.iterator(chunk_size=RECORD_BATCH_SIZE):
        batch.append(dict(row))
        if len(batch) == RECORD_BATCH_SIZE:
            yield from _as_records(batch, today, load_notified)
            batch = []
    yield from _as_records(batch, today, load_notified)


def _as_records(
    rows: list[dict[str, Any]],
    today: date,
    load_notified: Callable[[Collection[int]], Mapping[int, datetime]],
) -> Iterator[dict[str, Any]]:
    subjects = load_subjects(row["subject_key"] for row in rows)
    notified = load_notified([row["pk"] for row in rows])
    for row in rows:
        yield {
            "cause": row["cause_id"],
            "kind": row["kind"],
            "subject": subjects[row["subject_key"]].canonical,
            "application": row["slug"],
            "owner": row["email"] or row["username"],
            "urgency": issue_urgency(
                act_by=row["act_by"],
                criticality=row["criticality"],
                state=row["state"],
                today=today,
            ),
            "state": row["state"],
            "start_by": _iso(row["start_by"]),
            "finish_by": _iso(row["finish_by"]),
            "retired_in_use": is_retired_in_use(
                row["kind"], row["state"], row["due_on"], row["is_earliest"], today
            ),
            "notified": notified[row["pk"]].isoformat() if row["pk"] in notified else None,
        }


def is_retired_in_use(
    kind: str, state: str, due_on: date | None, is_earliest: bool, today: date
) -> bool:
    """Return whether an unresolved retirement has come: its model is retired and still used."""
    if kind != CauseKind.RETIREMENT or state == Issue.State.RESOLVED:
        return False
    return due_on is None or (due_on <= today and not is_earliest)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def bounded_counts[Name](
    selections: Mapping[Name, IssueQuerySet], *, limit: int
) -> dict[Name, int]:
    """Return {name: number of issues of the selection, at most `limit`}; one statement, which reads
    no more rows than that of each selection."""
    if not selections:
        return {}
    counts = count_each(
        *(
            # a selection that is already cut keeps its length
            (rows if rows.query.is_sliced else rows.order_by()).values("pk")[:limit]
            for rows in selections.values()
        )
    )
    return dict(zip(selections, counts, strict=True))


def set_aside_condition(today: date) -> Q:
    """Return the condition of issues that can wait: snoozed, or accepted, until a date after
    `today`. An accepted issue has that date in `act_by`."""
    return Q(state=Issue.State.ACCEPTED, act_by__gt=today) | Q(
        snoozed_until__gt=today, snoozed_until__isnull=False
    )


# issues that are read at a time while groups are looked for
_BATCH_SIZES = (2_000, 8_000, 32_000)


def first_groups(issues: IssueQuerySet, *, column: str, limit: int) -> tuple[list[Any], bool]:
    """Return (the first values of a column in the order of the issues, whether there can be more):
    causes, applications or owners.

    The issues are read in their order, some thousands at a time, without those of the groups that
    are known; three statements at most, so that the rest of a large organisation stays unread.
    """
    found: dict[Any, None] = {}
    for size in _BATCH_SIZES:
        remaining = issues.exclude(**{f"{column}__in": [key for key in found if key is not None]})
        if None in found:
            remaining = remaining.filter(**{f"{column}__isnull": False})
        keys = list(remaining.values_list(column, flat=True)[:size])
        found.update(dict.fromkeys(keys))
        if len(found) > limit:
            return list(found)[:limit], True
        if len(keys) < size:
            return list(found), False
    return list(found), True


def first_in_each(
    selections: Iterable[IssueQuerySet], *, n: int, relations: Collection[str]
) -> list[Issue]:
    """Return the first `n` issues of each selection, in its order, with relations; two
    statements."""
    parts = [issues.values_list("pk", flat=True)[:n] for issues in selections]
    if not parts:
        return []
    pks = list(parts[0] if len(parts) == 1 else parts[0].union(*parts[1:], all=True).order_by())
    rows = Issue.objects.select_related(*relations).in_bulk(pks)
    return [rows[pk] for pk in pks if pk in rows]
