"""Findings: errors and gaps in declared data, which never block saving.

Declared reality must be recordable and imports must load, so shares that do not add up or a
fallback on the primary's own offering are not constraints. They are findings: shown with the saved
form, in the API response, and as a list. They are computed from the rows of a day; for lists they
are stored (read_models.py).
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS
from apps.catalog.capabilities.fit import check_fit
from apps.catalog.capabilities.phrases import describe_losses
from apps.catalog.capabilities.values import SettledValue
from apps.common.text import pluralize
from apps.inventory.finding_queries import RULES, finding_statement
from apps.inventory.governance.term_conditions import accepted_values, unmet_conditions
from apps.inventory.models import Application, Criticality
from apps.inventory.requirements import combine_needs

TEST_VALIDITY = timedelta(days=365)


class Severity(StrEnum):
    """The severities, most severe first: broken, doubtful, incomplete."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding; `dependency_id` is None if it concerns the whole application."""

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
    """Return all findings of these applications on that day, by application, most severe first; one
    statement.

    `validity` is the validity of an exit test without an expiry date. The IDs should be those of
    one page; callers have narrowed them to applications that the reader can view.
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
    """Return the findings of one application, as its forms show them after saving."""
    return findings_of(application_ids=[application.pk], on=on)


def findings_about(findings: Iterable[Finding], dependency_id: int) -> list[Finding]:
    """Return the findings that a form of one dependency shows: those about it and those about the
    whole application."""
    return [finding for finding in findings if finding.dependency_id in (None, dependency_id)]


def finding_severity(code: str) -> Severity:
    return _SENTENCES[code][0]


def finding_sentence(code: str, facts: Any) -> str:
    """Return the text of a finding; `facts` as the rule returned them."""
    return _SENTENCES[code][1](_parse_facts(facts))


def ranks_by_code() -> dict[str, int]:
    """Return {code: rank of its severity, 0 for the most severe}."""
    return {code: _RANK[severity] for code, (severity, _) in _SENTENCES.items()}


def _sort_key(finding: Finding) -> tuple[int, int, str, int]:
    return finding.application_id, _RANK[finding.severity], finding.code, finding.dependency_id or 0


def _parse_facts(facts: Any) -> Mapping[str, Any]:
    return facts if isinstance(facts, Mapping) else json.loads(facts)


# --- sentences ------------------------------------------------------------------------------------


def _format_number(text: str) -> str:
    return f"{float(text):.4g}"


def _describe_share_sum(facts: Mapping[str, Any]) -> str:
    if float(facts["given"]) == 0:
        return (
            "All primary models have a traffic share of 0, so they count equally. Enter their "
            "shares."
        )
    return (
        f"The traffic shares of the primary models add up to {_format_number(facts['given'])}, "
        "not 1, and are scaled to 1. Correct the shares."
    )


def _describe_standby_shares(facts: Mapping[str, Any]) -> str:
    share_sum, n = _format_number(facts["given"]), facts["n"]
    if n == 1:
        return (
            f"The traffic shares already add up to {share_sum}, so 1 primary model without a share "
            "counts as standby. Enter its share."
        )
    return (
        f"The traffic shares already add up to {share_sum}, so {n} primary models without a share "
        "count as standby. Enter their shares."
    )


def _describe_restriction(facts: Mapping[str, Any]) -> str:
    """Return the sentence about the limits of a restricted approval that the dependency is outside
    of."""
    restrictions = []
    if facts["data_class"] is not None:
        current_value = facts["data_class"] or "not recorded"
        restrictions.append(
            f"data of class {', '.join(facts['data_classes'])} (here {current_value})"
        )
    if facts["criticality"] is not None:
        criticalities = " or ".join(
            Criticality(level).label.lower() for level in sorted(facts["criticalities"])
        )
        restrictions.append(
            f"applications that are {criticalities} (here "
            f"{Criticality(facts['criticality']).label.lower()})"
        )
    if facts["regions"] is not None:
        current_value = facts["in"] or "not recorded"
        restrictions.append(f"regions {', '.join(facts['regions'])} (here {current_value})")
    sentences = []
    if restrictions:
        sentences.append(f"{facts['called']} is approved only for {' and '.join(restrictions)}.")
    if (conditions := facts.get("conditions")) is not None:
        unmet = unmet_conditions(facts["called"], conditions, accepted_values(facts.get("terms")))
        sentences += [sentence for sentence, _ in unmet]
    return f"{' '.join(sentences)} Migrate the dependency, or request another approval."


def _describe_training(facts: Mapping[str, Any]) -> str:
    """Return the sentence about sensitive data that the host uses for training."""
    source = facts["source"] or "a recorded source"
    stated = f"{source}, {facts['at']}" if facts["at"] else source
    return (
        f"Inputs of {facts['called']} are used for training ({stated}), and the application "
        f"processes {_sensitive_data(facts)}. Migrate the dependency, or agree other terms and "
        "record them."
    )


def _describe_unknown_training(facts: Mapping[str, Any]) -> str:
    models, n_others = facts["called"], facts["n"] - 1
    if n_others:
        models += pluralize(n_others, " and 1 other model", f" and {n_others} other models")
    return (
        f"It is unknown whether inputs of {models} are used for training, and the application "
        f"processes {_sensitive_data(facts)}. Enter the data terms of the offering."
    )


def _sensitive_data(facts: Mapping[str, Any]) -> str:
    if facts["data_class"] is None:
        return "personal data"
    return f"{Application.DataClass(facts['data_class']).label.lower()} data"


def _describe_contradicted_requirements(facts: Mapping[str, Any]) -> str:
    labels = " and ".join(CAPABILITY_FIELDS[field].label for field in facts["fields"])
    seen = f" on {facts['seen_on']}" if facts["seen_on"] else ""
    is_one = len(facts["fields"]) == 1
    return (
        f"{labels} {'is' if is_one else 'are'} declared as not used with {facts['called']}, but "
        f"{'was' if is_one else 'were'} observed{seen}. Correct the requirements."
    )


def _describe_retired_offering(facts: Mapping[str, Any]) -> str:
    if facts["retires_on"]:
        return (
            f"{facts['called']} retired on {facts['retires_on']}. Replace it or end the dependency."
        )
    return f"{facts['called']} is retired. Replace it or end the dependency."


def _describe_invalid_test(facts: Mapping[str, Any]) -> str:
    """Return the sentence about why the last exit test is not valid."""
    offering_name, tested_on = facts["called"], facts["tested_on"]
    match facts["why"]:
        case "failed":
            return f"The exit test of {offering_name} on {tested_on} failed. Repeat the test."
        case "partial":
            return (
                f"The exit test of {offering_name} on {tested_on} passed only partly. "
                "Repeat the test."
            )
        case "expired":
            return (
                f"The exit test of {offering_name} on {tested_on} expired on {facts['ends_on']}. "
                "Repeat the test."
            )
    return (
        f"The exit test of {offering_name} on {tested_on} used another version than the one served "
        "today. Repeat the test."
    )


def _describe_lack(facts: Mapping[str, Any]) -> str:
    """Return the sentence about what a fallback lacks, each field once with the largest need."""
    needs: dict[str, list[Any]] = {}
    offered: dict[str, SettledValue] = {}
    for row in facts["lost"]:
        needs.setdefault(row["field"], []).append(row["needed"])
        offered[row["field"]] = SettledValue(row["new"])
    needed = {
        field: combine_needs(field, needs[field]) for field in CAPABILITY_FIELDS if field in needs
    }
    losses = describe_losses(check_fit(needed, offered))
    return (
        f"The fallback {facts['called']} {losses}, but the primary model {facts['primary']} is "
        "used for that. Choose another fallback."
    )


_SENTENCES: dict[str, tuple[Severity, Callable[[Mapping[str, Any]], str]]] = {
    "shares_do_not_sum": (Severity.WARNING, _describe_share_sum),
    "shares_leave_nothing": (Severity.WARNING, _describe_standby_shares),
    "fallback_is_primary": (
        Severity.ERROR,
        lambda facts: (
            f"The fallback {facts['called']} is the same offering as the primary model, so both "
            "fail together. Choose another fallback."
        ),
    ),
    "fallback_same_version": (
        Severity.WARNING,
        lambda facts: (
            f"The fallback {facts['called']} is the same version on the same host as the primary "
            f"model {facts['primary']}. Choose another fallback."
        ),
    ),
    "fallback_lacks": (Severity.WARNING, _describe_lack),
    "fallback_order": (
        Severity.NOTE,
        lambda facts: (
            f"The fallbacks are numbered {', '.join(map(str, facts['numbers']))}."
            " Number them 1, 2, 3 in the order in which they are tried."
        ),
    ),
    "retired_with_live": (
        Severity.WARNING,
        lambda facts: (
            f"The application is retired but still uses {facts['called']}. End the dependency, or "
            "reactivate the application."
        ),
    ),
    "no_primary": (
        Severity.WARNING,
        lambda facts: (
            "No primary model is declared, so the application is not part of concentration. "
            "Declare a primary model"
            # an application may depend on an embedding model alone
            + (
                f", or change the role of {facts['called']} to Primary if the application depends "
                "on it."
                if facts.get("called")
                else "."
            )
        ),
    ),
    "unresolved": (
        Severity.WARNING,
        lambda facts: (
            f"{facts['called']} is not linked to a foundation. Identify it under Unresolved models."
        ),
    ),
    "tokens_missing": (
        Severity.NOTE,
        lambda facts: (
            f"No monthly tokens are recorded for {facts['called']}, so its cost is unknown. Enter "
            "the monthly tokens."
        ),
    ),
    "observed_only": (
        Severity.NOTE,
        lambda facts: (
            f"{facts['called']} was observed but is not declared. Confirm or end the dependency."
        ),
    ),
    "requirement_contradicted": (Severity.NOTE, _describe_contradicted_requirements),
    "retired_offering": (Severity.ERROR, _describe_retired_offering),
    "redirected": (
        Severity.WARNING,
        lambda facts: (
            f"{facts['called']} is retired, and {facts['answering']} is served instead. Test it "
            "and record the result."
        ),
    ),
    "blocked": (
        Severity.ERROR,
        lambda facts: (
            f"{facts['called']} is blocked by an approval decision. Reason: {facts['reason']}"
        ),
    ),
    "restricted": (Severity.ERROR, _describe_restriction),
    "training_on_confidential": (Severity.ERROR, _describe_training),
    "training_use_unknown": (Severity.NOTE, _describe_unknown_training),
    "approval_expired": (
        Severity.WARNING,
        lambda facts: (
            f"The approval of {facts['called']} expired on {facts['expired_on']}. Renew it."
        ),
    ),
    "review_overdue": (
        Severity.WARNING,
        lambda facts: (
            f"The review was due on {facts['due_on']}. Review the application and set the next "
            "review date."
        ),
    ),
    "exit_untested": (
        Severity.NOTE,
        lambda facts: (
            f"The exit plan for {facts['called']} has not been tested. Record an exit test."
        ),
    ),
    "test_lapsed": (Severity.WARNING, _describe_invalid_test),
}
CODES = tuple(RULES)
