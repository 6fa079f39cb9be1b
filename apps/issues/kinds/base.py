"""What a kind of cause declares. Plain Python, so that a higher app can add a kind of its own while
apps are loaded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.issues.models.causes import CauseKind

# what a fact without a date of its own waits before it becomes Now, by criticality
DEFAULT_ALLOWANCE_DAYS = 30

# columns of a kind's statement, in the order of the table `issue_fact` of evaluation.py
FACT_COLUMNS = (
    "subject",
    "application_id",
    "owner_id",
    "due_on",
    "is_earliest",
    "start_by",
    "finish_by",
    "act_by",
    "allowance_days",
    "derived_state",
    "accepted_until",
    "task_id",
    "offering_ids",
    "fact_key",
    "details",
)


@dataclass(frozen=True, slots=True)
class IssueKind:
    """One kind of cause, or one part of it (a subtype).

    `statement` returns one row for each fact and application on `%(day)s`. Its columns are named as
    in FACT_COLUMNS; those that it leaves out are null. `application_id` null is an issue of the
    organisation. Parameters: `day`, `application_ids` (null for all), `in_scope` (statuses of
    applications that count), `horizon` (last date of interest).

    `subtype` distinguishes statements of one kind. `has_applications`: its facts concern
    applications, so that the change of an application evaluates it. `load_parameters` adds
    parameters that only Python can work out at that time. `resolution` is SQL over `i` (issue),
    `c` (cause) and the parameters, for the resolution of an issue whose fact is gone.
    """

    kind: CauseKind
    statement: str
    subtype: str = ""
    has_applications: bool = True
    resolution: str = "'cause_ended'"
    parameters: dict[str, Any] = field(default_factory=dict)
    load_parameters: Callable[[datetime], dict[str, Any]] | None = None

    @property
    def name(self) -> str:
        """Return a unique name: `deadline:review`."""
        return f"{self.kind}:{self.subtype}" if self.subtype else str(self.kind)


# ID of the record that a cause is about, for resolutions: 4 of `application:4/review`
SUBJECT_ID = "split_part(split_part(c.subject, ':', 2), '/', 1)::bigint"
# any dependency of the issue's application is active
USES_ANY_MODEL = """EXISTS (
    SELECT 1 FROM inventory_dependency d WHERE d.application_id = i.application_id
      AND is_live(d.since, d.until, %(day)s::date))"""
_IS_OUT_OF_SCOPE = """(
    SELECT a.status FROM inventory_application a WHERE a.id = i.application_id
) <> ALL (%(in_scope)s)"""


def resolve_in_scope(resolution: str) -> str:
    """Return the resolution for an application in pilot or production; of other applications the
    fact is gone because they use nothing any more."""
    return f"CASE WHEN {_IS_OUT_OF_SCOPE} THEN 'no_longer_used' ELSE {resolution} END"


def resolve_by_use(is_used: str, *, otherwise: str) -> str:
    """Return the resolution of a fact about dependencies: `otherwise` while they are active
    (`is_used`), else migrated if the application uses other models, else no longer used."""
    return resolve_in_scope(f"""CASE WHEN {is_used} THEN {otherwise}
    WHEN {USES_ANY_MODEL} THEN 'migrated' ELSE 'no_longer_used' END""")


_kinds: dict[str, IssueKind] = {}


def register_kind(kind: IssueKind) -> None:
    """Add a kind; for apps above this one, from `AppConfig.ready`."""
    _kinds[kind.name] = kind


def registered_kinds() -> tuple[IssueKind, ...]:
    return tuple(_kinds.values())
