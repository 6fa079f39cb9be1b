"""Texts of alerts about discrepancies of observed and declared usage, for emails and pages; no
queries.

`Alert.details` of these kinds: {"n": number of discrepancies, "ids", "found": details of the first
ones, as stored by the intake: names, versions and dates}. The subject is the application.
"""

from collections.abc import Mapping
from typing import Any

from apps.alerts.models import Alert, SeenKind
from apps.alerts.text import as_day, day, listed, one_line, spelled

# Models that one sentence names; the others are counted.
MAX_NAMED_MODELS = 4

# {group: (heading, what to do)}
GUIDANCE: Mapping[str, tuple[str, str]] = {
    SeenKind.SHADOW_DEPENDENCY: (
        "Seen in use, not declared",
        "Declare what is meant to be called, and end what is not. Until then it counts as "
        "observed.",
    ),
    SeenKind.DECLARED_NOT_SEEN: (
        "Declared, not seen",
        "End what is not used any more, or confirm that it is, or that nobody watches it.",
    ),
    SeenKind.VERSION_DRIFT: (
        "Another version answers",
        "Test again what rests on the answers, or pin the version. An alias may move without a "
        "word.",
    ),
    SeenKind.OTHER_MODEL_SERVED: (
        "Another model answers than was asked for",
        "Ask the provider, or whoever runs the gateway. Tests and approvals are about the model "
        "that was asked for.",
    ),
    SeenKind.RETIRED_IN_USE: (
        "Retired, and still calling",
        "Find who still runs it and stop it, or bring the application back into the register.",
    ),
}

# Predicates for several applications.
PLURAL_CLAUSES: Mapping[str, str] = {
    SeenKind.SHADOW_DEPENDENCY: "call models that nobody declared",
    SeenKind.DECLARED_NOT_SEEN: "declare models that were not seen in use",
    SeenKind.VERSION_DRIFT: "are answered by other versions than before",
    SeenKind.OTHER_MODEL_SERVED: "are answered by other models than they ask for",
    SeenKind.RETIRED_IN_USE: "are retired and still call models",
}


def discrepancy_heading(alert: Alert, *, name: str) -> str:
    """Return a heading such as `Claims triage calls gpt-4o at OpenAI, which nobody declared`."""
    return f"{name or 'An application'} {discrepancy_clause(alert)}"


def discrepancy_clause(alert: Alert) -> str:
    """Return the predicate of a sentence whose subject is the application."""
    return kind_clause(alert.kind, alert.details.get("found", []), int(alert.details.get("n", 0)))


def kind_clause(kind: str, discrepancies: list[Mapping[str, Any]], n: int) -> str:
    """Return the predicate for these discrepancies (`found` in `Alert.details`); `n` is the number
    of all, including those that are not named."""
    if not discrepancies:
        return PLURAL_CLAUSES[kind]
    example = discrepancies[0]
    match kind:
        case SeenKind.SHADOW_DEPENDENCY:
            models = [_format_model(row) for row in discrepancies]
            return f"calls {_join_names(models, n)}, which nobody declared"
        case SeenKind.DECLARED_NOT_SEEN:
            models = [_format_model(row) for row in discrepancies]
            n_days = example.get("days", 30)
            return f"declares {_join_names(models, n)}, not seen in use for {n_days} days"
        case SeenKind.VERSION_DRIFT:
            if n > 1:
                changes = [
                    f"'{_format_field(row, 'asked')}' by {_format_field(row, 'now')}"
                    for row in discrepancies
                ]
                return f"is answered by other versions than before: {_join_names(changes, n)}"
            since = as_day(example.get("first_on"))
            since_text = f" since {day(since)}" if since else ""
            return (
                f"is answered by {_format_field(example, 'now')}{since_text} where it asks for "
                f"'{_format_field(example, 'asked')}', "
                f"before by {_format_field(example, 'was')}"
            )
        case SeenKind.OTHER_MODEL_SERVED:
            model_pairs = [
                f"{_format_field(row, 'asked')} by {_format_field(row, 'now')}"
                for row in discrepancies
            ]
            if n > 1:
                return (
                    f"is answered by other models than it asks for: {_join_names(model_pairs, n)}"
                )
            return (
                f"asks for {_format_field(example, 'asked')} and is answered by "
                f"{_format_field(example, 'now')}"
            )
    last_day = as_day(example.get("last_on"))
    return f"is retired and still calls {_format_field(example, 'called')}" + (
        f", last on {day(last_day)}" if last_day else ""
    )


def discrepancies_path(*, slug: str = "") -> str:
    """Return the path of the page with the discrepancies, of one application if given."""
    return f"/intake/discrepancies/?application={slug}" if slug else "/intake/discrepancies/"


def _format_model(row: Mapping[str, Any]) -> str:
    return f"{_format_field(row, 'api_id')} at {_format_field(row, 'host')}"


def _format_field(row: Mapping[str, Any], key: str) -> str:
    return one_line(row.get(key) or "?", max_length=120)


def _join_names(names: list[str], n: int) -> str:
    shown_names = names[:MAX_NAMED_MODELS]
    n_more = n - len(shown_names)
    return (
        listed(shown_names)
        if n_more <= 0
        else f"{', '.join(shown_names)} and {spelled(n_more)} more"
    )


__all__ = [
    "GUIDANCE",
    "PLURAL_CLAUSES",
    "discrepancies_path",
    "discrepancy_clause",
    "discrepancy_heading",
    "kind_clause",
]
