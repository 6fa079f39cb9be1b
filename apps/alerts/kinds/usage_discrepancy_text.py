"""Texts of alerts about discrepancies of observed and declared usage, for emails and pages; no
queries.

`Alert.details` of these kinds: {"n": number of discrepancies, "ids", "found": details of the first
ones, as stored by the intake: names, versions and dates}. The subject is the application.
"""

from collections.abc import Mapping
from typing import Any

from apps.alerts.models import Alert, SeenKind
from apps.alerts.text import as_day, days, join_with_more, long_day, one_line

# Models that one sentence names; the others are counted.
MAX_NAMED_MODELS = 4

# {group: (heading, what to do)}
GUIDANCE: Mapping[str, tuple[str, str]] = {
    SeenKind.SHADOW_DEPENDENCY: (
        "Undeclared use",
        "Declare the models that the application needs, and stop the other calls.",
    ),
    SeenKind.DECLARED_NOT_SEEN: (
        "Unconfirmed use",
        "End the dependency if it is not used. Otherwise confirm it.",
    ),
    SeenKind.VERSION_DRIFT: (
        "Version drift",
        "Test the application again, or pin the version. An alias can change without notice.",
    ),
    SeenKind.OTHER_MODEL_SERVED: (
        "Different model served",
        "Contact the provider or the gateway team. Tests and approvals cover the requested model.",
    ),
    SeenKind.RETIRED_IN_USE: (
        "Retired application in use",
        "Stop the calls, or reactivate the application.",
    ),
}

# Predicates for several applications.
PLURAL_CLAUSES: Mapping[str, str] = {
    SeenKind.SHADOW_DEPENDENCY: "call models that are not declared",
    SeenKind.DECLARED_NOT_SEEN: "declare models that were not observed",
    SeenKind.VERSION_DRIFT: "are served other versions than before",
    SeenKind.OTHER_MODEL_SERVED: "are served other models than requested",
    SeenKind.RETIRED_IN_USE: "are retired and still call models",
}


def discrepancy_heading(alert: Alert, *, name: str) -> str:
    """Return a heading such as `Claims triage calls gpt-4o on OpenAI, which is not
    declared`."""
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
            if n == 1 and example.get("answers"):
                name = _format_field(example, "answers")
                return f"calls {_format_model(example)}, which answers the name “{name}”"
            models = _join_names([_format_model(row) for row in discrepancies], n)
            return f"calls {models}, which {'is' if n == 1 else 'are'} not declared"
        case SeenKind.DECLARED_NOT_SEEN:
            models = _join_names([_format_model(row) for row in discrepancies], n)
            n_days = int(example.get("days", 30))
            return f"declares {models}, not observed for {days(n_days)}"
        case SeenKind.VERSION_DRIFT:
            if n > 1:
                changes = [
                    f"{_format_field(row, 'now')} for '{_format_field(row, 'asked')}'"
                    for row in discrepancies
                ]
                return f"is served other versions than before: {_join_names(changes, n)}"
            since = as_day(example.get("first_on"))
            since_text = f" since {long_day(since)}" if since else ""
            return (
                f"requests '{_format_field(example, 'asked')}' and is served "
                f"{_format_field(example, 'now')}{since_text}, before "
                f"{_format_field(example, 'was')}"
            )
        case SeenKind.OTHER_MODEL_SERVED:
            if n > 1:
                model_pairs = [
                    f"{_format_field(row, 'now')} for {_format_field(row, 'asked')}"
                    for row in discrepancies
                ]
                return f"is served other models than requested: {_join_names(model_pairs, n)}"
            return (
                f"requests {_format_field(example, 'asked')} and is served "
                f"{_format_field(example, 'now')}"
            )
    last_day = as_day(example.get("last_on"))
    return f"is retired and still calls {_format_field(example, 'called')}" + (
        f", last on {long_day(last_day)}" if last_day else ""
    )


def discrepancies_path(*, slug: str = "") -> str:
    """Return the path of the page with the discrepancies, of one application if given."""
    return f"/intake/discrepancies/?application={slug}" if slug else "/intake/discrepancies/"


def _format_model(row: Mapping[str, Any]) -> str:
    return f"{_format_field(row, 'api_id')} on {_format_field(row, 'host')}"


def _format_field(row: Mapping[str, Any], key: str) -> str:
    return one_line(row.get(key) or "an unknown model", max_length=120)


def _join_names(names: list[str], n: int) -> str:
    shown_names = names[:MAX_NAMED_MODELS]
    return join_with_more(shown_names, n - len(shown_names))


__all__ = [
    "GUIDANCE",
    "PLURAL_CLAUSES",
    "discrepancies_path",
    "discrepancy_clause",
    "discrepancy_heading",
    "kind_clause",
]
