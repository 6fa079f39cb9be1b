"""Retention: one list of all tables with their limits, and the job that deletes expired rows.

Each app declares its tables in its module `retention`, which is imported when the apps are loaded.
A table is permanent for a stated reason, is limited by a rule here, or has a cleanup task of its
own if the condition is more than a rule can express. A test compares the list with the database, so
that no new table is forgotten.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.text import capfirst

from apps.common.database.statements import fetch_rows
from apps.common.history.context import audit_context
from apps.common.history.maintenance import history_models
from apps.common.text import pluralize

JOB = "common.delete_expired_rows"
# rows per transaction
DELETE_BATCH_SIZE = 1_000
# rows per table and night, so that the job ends; the next night continues
MAX_ROWS = 200_000


class RetentionGroup(StrEnum):
    """Group of tables under which administrators see sizes."""

    INVENTORY = "inventory"
    CATALOGUE = "catalogue"
    HISTORY = "history"
    RUNS = "runs"
    FILES = "files"
    LEDGER = "ledger"
    OBSERVATIONS = "observations"
    DERIVED = "derived"
    ACCOUNTS = "accounts"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    RetentionGroup.INVENTORY: "Inventory, risks and decisions",
    RetentionGroup.CATALOGUE: "Catalogue, prices and events",
    RetentionGroup.HISTORY: "History",
    RetentionGroup.RUNS: "Runs and jobs",
    RetentionGroup.FILES: "Files",
    RetentionGroup.LEDGER: "Alerts and messages",
    RetentionGroup.OBSERVATIONS: "Observed usage",
    RetentionGroup.DERIVED: "Derived tables and snapshots",
    RetentionGroup.ACCOUNTS: "Accounts and sessions",
}


@dataclass(frozen=True, slots=True)
class PermanentTable:
    """A table whose rows are not deleted, or only with the record they belong to; `because` gives
    the reason, as the end of a sentence."""

    table: str
    group: RetentionGroup
    because: str

    def limit(self) -> str:
        return "kept"


@dataclass(frozen=True, slots=True)
class TaskLimit:
    """A table from which a periodic task deletes rows by its own condition."""

    table: str
    group: RetentionGroup
    task: str
    limit: Callable[[], str]


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Rows of one model that are deleted `days` (or the number in the setting, 0: never) after the
    time in the field `ended`.

    Rows that do not meet `only`, rows that another row outside of `parts` refers to, and the latest
    row of each combination of `latest_per` are never deleted. `parts` are labels of models whose
    rows are deleted with the row they belong to.
    """

    model: type[models.Model]
    group: RetentionGroup
    ended: Any
    setting: str = ""
    days: int = 0
    only: Q = field(default_factory=Q)
    parts: tuple[str, ...] = ()
    latest_per: tuple[str, ...] = ()

    ENDED: ClassVar[str] = "retention_ended"

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def limit_days(self) -> int | None:
        """Return the limit in days; None if the setting disables deletion."""
        return (getattr(settings, self.setting) or None) if self.setting else self.days

    def limit(self) -> str:
        return format_days(self.limit_days())

    def expired(self, *, at: datetime) -> models.QuerySet[Any]:
        """Return the expired rows that no other row refers to."""
        days = self.limit_days()
        rows: models.QuerySet[Any] = self.model._base_manager.annotate(**{self.ENDED: self.ended})
        if days is None:
            return rows.none()
        before = at - timedelta(days=days)
        kind = rows.query.annotations[self.ENDED].output_field
        is_day = isinstance(kind, models.DateField) and not isinstance(kind, models.DateTimeField)
        rows = rows.filter(self.only, **{f"{self.ENDED}__lt": before.date() if is_day else before})
        for model, name in self._references():
            rows = rows.filter(
                ~Exists(model._base_manager.filter(**{name: OuterRef("pk")}).order_by())
            )
        if self.latest_per:
            group_filter = {name: OuterRef(name) for name in self.latest_per}
            rows = rows.filter(
                Exists(
                    self.model._base_manager.filter(
                        **group_filter, pk__gt=OuterRef("pk")
                    ).order_by()
                )
            )
        return rows

    def _references(self) -> Iterator[tuple[type[models.Model], str]]:
        """Yield every (model, field) that refers to the rows, except parts and histories."""
        for relation in self.model._meta.get_fields(include_hidden=True):
            if not isinstance(relation, models.ForeignObjectRel) or relation.many_to_many:
                continue
            related_model: Any = relation.related_model
            if related_model._meta.label not in self.parts and not hasattr(
                related_model, "pgh_tracked_model"
            ):
                yield related_model, relation.field.name


type Entry = PermanentTable | TaskLimit | RetentionRule

_ENTRIES: dict[str, Entry] = {}


def declare_retention(*entries: Entry) -> None:
    """Add tables to the list; raises an error if a table is declared twice."""
    for entry in entries:
        if entry.table in _ENTRIES:
            raise ValueError(f"{entry.table} is declared twice.")
        _ENTRIES[entry.table] = entry


def permanent_tables(group: RetentionGroup, because: str, *tables: str) -> list[PermanentTable]:
    """Declare several tables that are not deleted for the same reason."""
    return [PermanentTable(table, group, because) for table in tables]


def retention_entries() -> dict[str, Entry]:
    """Return all declared tables, and each history table with the limit of the history."""
    histories = [
        TaskLimit(table, RetentionGroup.HISTORY, "accounts.purge_old_history", _history_limit)
        for table in [*(model._meta.db_table for model in history_models()), "pghistory_context"]
    ]
    return {entry.table: entry for entry in [*_ENTRIES.values(), *histories]}


def _history_limit() -> str:
    return format_days(settings.HISTORY_DAYS or None)


def format_days(days: int | None) -> str:
    """Format a limit: whole years as years, None as unlimited."""
    if days is None:
        return "no end"
    years = round(days / 365.25)
    if years and abs(days - years * 365.25) < 2:
        return pluralize(years, f"{years} year", f"{years} years")
    return pluralize(days, f"{days} day", f"{days} days")


# --- deletion -------------------------------------------------------------------------------------


def delete_expired_rows(*, at: datetime, max_rows: int = MAX_ROWS) -> dict[str, int]:
    """Delete expired rows, at most `max_rows` per table, one batch per transaction; return {table:
    rows}.

    Locked rows are left to the next run. Safe to run concurrently and to interrupt.
    """
    counts = {}
    with audit_context(job=JOB, reason="retention period expired"):
        for rule in retention_entries().values():
            if isinstance(rule, RetentionRule) and (n := _delete(rule, at, max_rows)):
                counts[rule.table] = n
    return counts


def _delete(rule: RetentionRule, at: datetime, max_rows: int) -> int:
    n_deleted = 0
    while n_deleted < max_rows:
        batch_size = min(DELETE_BATCH_SIZE, max_rows - n_deleted)
        with transaction.atomic():
            expired = (
                rule.expired(at=at).select_for_update(skip_locked=True, of=("self",)).order_by("pk")
            )
            ids = list(expired.values_list("pk", flat=True)[:batch_size])
            rule.model._base_manager.filter(pk__in=ids).delete()
        n_deleted += len(ids)
        if len(ids) < batch_size:
            break
    return n_deleted


# --- sizes ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableSize:
    """The estimated size of a table: `n_rows` is from the server's last analysis, partitions are
    summed."""

    table: str
    n_rows: int
    n_bytes: int


def table_sizes() -> dict[str, TableSize]:
    """Return the size of every table of the database; one statement over the server's statistics,
    no table is read."""
    sizes = fetch_rows(
        TableSize,
        """
        SELECT coalesce(parent.relname, c.relname) AS table,
               -- a partition counts as part of its table; -1 means never analysed
               greatest(sum(c.reltuples), 0)::bigint AS n_rows,
               sum(pg_total_relation_size(c.oid))::bigint AS n_bytes
        FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
        LEFT JOIN pg_class parent ON parent.oid = i.inhparent
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
          -- not the empty table above its partitions, whose reltuples is their sum
          AND NOT (c.relkind = 'p' AND EXISTS (SELECT 1 FROM pg_inherits k
          WHERE k.inhparent = c.oid))
        GROUP BY 1
        """,
    )
    return {size.table: size for size in sizes}


@dataclass(frozen=True, slots=True)
class GroupSize:
    """The total size of a group of tables, and the distinct limits of its tables."""

    group: RetentionGroup
    n_tables: int
    n_rows: int
    n_bytes: int
    limits: tuple[str, ...]

    @property
    def label(self) -> str:
        return self.group.label

    @property
    def kept(self) -> str:
        """The limits as text for a cell: "7 days, 90 days; the rest is not deleted"."""
        endless = "kept"
        limits = ", ".join(limit for limit in self.limits if limit != endless)
        if not limits:
            return "Not deleted"
        if endless in self.limits:
            return capfirst(f"{limits}; the rest is not deleted")
        return capfirst(limits)


def group_sizes() -> list[GroupSize]:
    """Return the groups with their sizes, largest first."""
    sizes, entries = table_sizes(), retention_entries()
    groups = []
    for group in RetentionGroup:
        of_group = [
            entry for table, entry in entries.items() if entry.group == group and table in sizes
        ]
        groups.append(
            GroupSize(
                group=group,
                n_tables=len(of_group),
                n_rows=sum(sizes[entry.table].n_rows for entry in of_group),
                n_bytes=sum(sizes[entry.table].n_bytes for entry in of_group),
                limits=_distinct(entry.limit() for entry in of_group),
            )
        )
    return sorted(groups, key=lambda row: -row.n_bytes)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


declare_retention(
    *permanent_tables(
        RetentionGroup.DERIVED,
        "one row per lease or periodic job, and Django's own tables",
        "common_lease",
        "common_periodicjob",
        "django_content_type",
        "django_migrations",
    )
)
