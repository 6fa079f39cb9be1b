"""Bulk merge by natural key: rows are added if they are new and changed if they differ.

Rows come in blocks; each block takes a fixed number of statements: recorded rows are read together,
rows are compared in memory, new ones are written by COPY and changed ones by one UPDATE per set of
columns. An invalid row is reported with its reason, and the others continue. Triggers write the
history, under the change of the caller's audit context
(`apps.common.history.context.audit_context`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from django.db.models import Q

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole

MERGE_BATCH_SIZE = 5_000
# rejected rows that a report lists; the others are only counted
MAX_LISTED_REJECTIONS = 1_000


class RejectedRowError(Exception):
    """An invalid row; the text is a sentence for the sender."""


@dataclass(slots=True)
class MergeReport:
    """The counts of created, updated, unchanged and rejected rows. `rejected` lists (row, reason)
    of the first MAX_LISTED_REJECTIONS."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    n_rejected: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.n_rejected

    def reject(self, number: int, key: str, reason: str) -> None:
        self.n_rejected += 1
        if len(self.rejected) < MAX_LISTED_REJECTIONS:
            self.rejected.append((f"row {number}: {key}" if key else f"row {number}", reason))


@dataclass(slots=True)
class SourceRow:
    """A row of the request: its number, counted from 1, and its value; `broken` is the reason why
    it could not be parsed."""

    number: int
    value: Any
    broken: str = ""


@dataclass(slots=True)
class Merge:
    """User, time and earlier rows of a merge: a second row about the same record is rejected."""

    by: User
    on: date
    at: datetime
    row_numbers: dict[int, int] = field(default_factory=dict)
    offerings: dict[Any, Any] = field(default_factory=dict)
    # {slug: (ID, whether the caller can edit there)}
    teams: dict[str, tuple[int, bool]] = field(init=False)
    editable: set[int] = field(init=False)
    visible: set[int] = field(init=False)
    team_slugs: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.teams = {
            slug: (pk, self.by.may(TeamRole.EDITOR, pk))
            for pk, slug in Team.objects.visible_to(self.by).order_by().values_list("pk", "slug")
        }
        self.editable = {pk for pk, may_edit in self.teams.values() if may_edit}
        self.team_slugs = {pk: slug for slug, (pk, _) in self.teams.items()}
        self.visible = set(self.team_slugs)

    def visible_rows(self, team: str) -> Q:
        """Return a condition for the rows that the caller can view; `team` is the path to their
        team.

        Only these are locked, so that a slow upload does not block users of other teams.
        """
        return Q() if self.by.can_read_all else Q(**{f"{team}__in": self.visible})

    def only_once(self, key: Any, number: int) -> None:
        earlier_number = self.row_numbers.setdefault(hash(key), number)
        if earlier_number != number:
            raise RejectedRowError(
                f"Row {earlier_number} describes the same record. Combine the two rows into one."
            )


class Merger(Protocol):
    """A function that merges one block of rows of one resource, inside the caller's transaction."""

    def __call__(self, rows: Sequence[SourceRow], merge: Merge, report: MergeReport) -> None: ...


def read_fields(
    row: SourceRow, readers: dict[str, Any], other_names: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (parsed facts of the row, raw values of `other_names`); raise RejectedRowError with a
    sentence."""
    if row.broken:
        raise RejectedRowError(row.broken)
    members = row.value
    if not isinstance(members, dict):
        raise RejectedRowError("This row must be an object with names and values.")
    facts, other_values = {}, {}
    for name, value in members.items():
        reader = readers.get(name)
        if reader is not None:
            try:
                facts[name] = reader(value)
            except ValueError as error:
                raise RejectedRowError(f"{name}: {error}") from None
        elif name in other_names:
            other_values[name] = value
        else:
            raise RejectedRowError(
                f"'{str(name)[:60]}' is not a valid field. Use one of: "
                f"{', '.join([*other_names, *readers])}."
            )
    return facts, other_values


def read_text(other_values: dict[str, Any], name: str, missing_message: str = "") -> str:
    """Return a text that identifies a record, such as a slug; `missing_message` is the error if it
    is missing."""
    value = other_values.get(name)
    if value is None or value == "":
        if missing_message:
            raise RejectedRowError(missing_message)
        return ""
    if not isinstance(value, str) or "\x00" in value:
        raise RejectedRowError(f"{name}: The value must be text in quotation marks.")
    return value
