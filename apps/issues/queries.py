"""Reads of causes and issues that join other records."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import F

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


def bounded_counts(selections: Mapping[str, IssueQuerySet], *, limit: int) -> dict[str, int]:
    """Return {name: number of issues of the selection, at most `limit`}; one statement, which reads
    no more rows than that of each selection."""
    parts: list[str] = []
    values: list[Any] = []
    for issues in selections.values():
        sql, params = issues.order_by().values("pk")[:limit].query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")
        values.extend(params)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        return dict(zip(selections, cursor.fetchone(), strict=True))
