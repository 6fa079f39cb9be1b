"""What looks wrong or unfinished in what people declared: said, never refused.

Declared reality has to be recordable and imports have to load, so shares that do not add up or a
fallback on the primary's own offering are no constraints. They are findings: shown with the form
that was just saved, in the answer of the API, and as a list. They are worked out of the rows of a
day; for lists they are kept (read_models.py).
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection

from apps.inventory.finding_queries import RULES, finding_statement
from apps.inventory.models import Application, Criticality

TEST_VALIDITY = timedelta(days=365)


class Severity(StrEnum):
    """In order: what is broken, what is doubtful, what is unfinished."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """`dependency_id` is None where it is about the application as a whole."""

    code: str
    severity: Severity
    sentence: str
    application_id: int
    dependency_id: int | None


def findings_of(
    *,
    application_ids: Collection[int],
    on: date,
    validity: timedelta = TEST_VALIDITY,
    statuses: Collection[str] = Application.IN_SCOPE,
) -> list[Finding]:
    """All findings of these applications on that day, by application, gravest first; one statement.

    `validity` is how long an exit test counts that names no end of its own. Made for a page of
    applications; callers have narrowed the ids to what the reader may see.
    """
    if not application_ids:
        return []
    parameters: dict[str, Any] = {
        "application_ids": list(application_ids),
        "on": on,
        "validity": validity.days,
        "statuses": [str(status) for status in statuses],
    }
    with connection.cursor() as cursor:
        cursor.execute(finding_statement(), parameters)
        rows: list[tuple[str, int, int | None, Any]] = cursor.fetchall()
    findings = [
        Finding(
            code,
            finding_severity(code),
            finding_sentence(code, facts),
            application_id,
            dependency_id,
        )
        for code, application_id, dependency_id, facts in rows
    ]
    return sorted(findings, key=_sort_key)


def findings_of_application(*, application: Application, on: date) -> list[Finding]:
    """The findings of one application, as its forms show them after saving."""
    return findings_of(application_ids=[application.pk], on=on)


def findings_about(findings: Iterable[Finding], dependency_id: int) -> list[Finding]:
    """Of the findings of an application, those that a form on one dependency should say: about it,
    or the whole."""
    return [finding for finding in findings if finding.dependency_id in (None, dependency_id)]


def finding_severity(code: str) -> Severity:
    return _SENTENCES[code][0]


def finding_sentence(code: str, facts: Any) -> str:
    """What a finding says; `facts` as the rule found them."""
    return _SENTENCES[code][1](_parse_facts(facts))


def ranks_by_code() -> dict[str, int]:
    """{code: 0 for the gravest severity}."""
    return {code: _RANK[severity] for code, (severity, _) in _SENTENCES.items()}


def _sort_key(finding: Finding) -> tuple[int, int, str, int]:
    return finding.application_id, _RANK[finding.severity], finding.code, finding.dependency_id or 0


def _parse_facts(facts: Any) -> Mapping[str, Any]:
    return facts if isinstance(facts, Mapping) else json.loads(facts)


# --- sentences ------------------------------------------------------------------------------------


def _number(text: str) -> str:
    return f"{float(text):.4g}"


def _shares(facts: Mapping[str, Any]) -> str:
    if float(facts["given"]) == 0:
        return "All primaries have a traffic share of 0. They count equally until one is given."
    return (
        f"The traffic shares of the primaries add up to {_number(facts['given'])}, not 1. "
        "They are scaled to 1."
    )


def _leave_nothing(facts: Mapping[str, Any]) -> str:
    n = facts["n"]
    who = "A primary without a share gets" if n == 1 else f"{n} primaries without a share get"
    return (
        f"The traffic shares given already reach {_number(facts['given'])}. "
        f"{who} nothing and count as standby."
    )


def _restricted(facts: Mapping[str, Any]) -> str:
    reasons = []
    if facts["data_class"] is not None:
        is_now = facts["data_class"] or "not stated"
        reasons.append(f"data of class {', '.join(facts['data_classes'])} (here {is_now})")
    if facts["criticality"] is not None:
        allowed = " or ".join(
            Criticality(level).label.lower() for level in sorted(facts["criticalities"])
        )
        reasons.append(
            f"applications that are {allowed} (here "
            f"{Criticality(facts['criticality']).label.lower()})"
        )
    if facts["regions"] is not None:
        is_now = facts["in"] or "region not stated"
        reasons.append(f"regions {', '.join(facts['regions'])} (here {is_now})")
    return (
        f"{facts['called']} is approved only for {' and '.join(reasons)}. "
        "Move it, or ask for another decision."
    )


def _retired(facts: Mapping[str, Any]) -> str:
    when = f" since {facts['retires_on']}" if facts["retires_on"] else ""
    return f"{facts['called']} is retired{when}. Replace it or end the dependency."


def _lapsed(facts: Mapping[str, Any]) -> str:
    of = f"The last exit test of {facts['called']}, of {facts['tested_on']},"
    why = {
        "failed": "failed",
        "partial": "passed only in part",
        "expired": f"has expired on {facts['ends_on']}",
        "moved": "was made with another version than the one that answers today",
    }[facts["why"]]
    return f"{of} {why}. Test again."


_SENTENCES: dict[str, tuple[Severity, Callable[[Mapping[str, Any]], str]]] = {
    "shares_do_not_sum": (Severity.WARNING, _shares),
    "shares_leave_nothing": (Severity.WARNING, _leave_nothing),
    "fallback_is_primary": (
        Severity.ERROR,
        lambda facts: (
            f"The fallback {facts['called']} is the primary's own offering and fails together with "
            "it."
        ),
    ),
    "fallback_same_version": (
        Severity.WARNING,
        lambda facts: (
            f"The fallback {facts['called']} is the same version at the same host as the primary "
            f"{facts['primary']}."
        ),
    ),
    "fallback_order": (
        Severity.NOTE,
        lambda facts: (
            f"The fallbacks are numbered {', '.join(map(str, facts['numbers']))}."
            " Number them 1, 2, 3 in the order they are tried."
        ),
    ),
    "retired_with_live": (
        Severity.WARNING,
        lambda facts: (
            f"The application is retired but still uses {facts['called']}. End it, or bring it "
            "back."
        ),
    ),
    "no_primary": (
        Severity.WARNING,
        lambda facts: "No primary is declared: it stands nowhere and is in no index.",
    ),
    "unresolved": (
        Severity.WARNING,
        lambda facts: (
            f"Nobody knows which foundation {facts['called']} stands on. Ask for its identity to "
            "be settled."
        ),
    ),
    "tokens_missing": (
        Severity.NOTE,
        lambda facts: (
            f"No monthly tokens are recorded for {facts['called']}, so its cost is not known."
        ),
    ),
    "observed_only": (
        Severity.NOTE,
        lambda facts: (
            f"{facts['called']} was observed and nobody has declared it. Confirm it or end it."
        ),
    ),
    "retired_offering": (Severity.ERROR, _retired),
    "redirected": (
        Severity.WARNING,
        lambda facts: (
            f"{facts['called']} is retired; {facts['answering']} answers in its place. Test it, "
            "and say so."
        ),
    ),
    "blocked": (
        Severity.ERROR,
        lambda facts: (
            f"{facts['called']} is blocked by decision of the organisation: {facts['reason']}"
        ),
    ),
    "restricted": (Severity.ERROR, _restricted),
    "approval_expired": (
        Severity.WARNING,
        lambda facts: (
            f"The approval of {facts['called']} has expired on {facts['expired_on']}. Ask for a "
            "new one."
        ),
    ),
    "review_overdue": (
        Severity.WARNING,
        lambda facts: f"The review was due on {facts['due_on']}. Review it and set the next day.",
    ),
    "exit_untested": (
        Severity.NOTE,
        lambda facts: (
            f"There is an exit plan for {facts['called']} and no test of it: it counts as paper."
        ),
    ),
    "test_lapsed": (Severity.WARNING, _lapsed),
}
CODES = tuple(RULES)
