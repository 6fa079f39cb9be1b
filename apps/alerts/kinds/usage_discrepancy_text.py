"""How alerts about what was seen in use put things, in mails and on pages alike. Plain Python.

`Alert.details` of every such kind: {"n": discrepancies it tells of, "ids", "found": the first of
them, each as the intake noted it: names, versions and days}. The subject is the application.
"""

from collections.abc import Mapping
from typing import Any

from apps.alerts.models import Alert, SeenKind
from apps.alerts.text import as_day, day, listed, one_line, spelled

# what one sentence names; the rest is counted
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

# what several applications do, after their number
PLURAL_CLAUSES: Mapping[str, str] = {
    SeenKind.SHADOW_DEPENDENCY: "call models that nobody declared",
    SeenKind.DECLARED_NOT_SEEN: "declare models that were not seen in use",
    SeenKind.VERSION_DRIFT: "are answered by other versions than before",
    SeenKind.OTHER_MODEL_SERVED: "are answered by other models than they ask for",
    SeenKind.RETIRED_IN_USE: "are retired and still call models",
}


def discrepancy_heading(alert: Alert, *, name: str) -> str:
    """`Claims triage calls gpt-4o at OpenAI, which nobody declared`"""
    return f"{name or 'An application'} {discrepancy_clause(alert)}"


def discrepancy_clause(alert: Alert) -> str:
    """The predicate, the application being its subject."""
    return kind_clause(alert.kind, alert.details.get("found", []), int(alert.details.get("n", 0)))


def kind_clause(kind: str, named: list[Mapping[str, Any]], n: int) -> str:
    """`named` as `found` in `Alert.details`; `n` counts those that are not named, too."""
    if not named:
        return PLURAL_CLAUSES[kind]
    first = named[0]
    match kind:
        case SeenKind.SHADOW_DEPENDENCY:
            models = [_at_host(row) for row in named]
            return f"calls {_names(models, n)}, which nobody declared"
        case SeenKind.DECLARED_NOT_SEEN:
            models = [_at_host(row) for row in named]
            return f"declares {_names(models, n)}, not seen in use for {first.get('days', 30)} days"
        case SeenKind.VERSION_DRIFT:
            if n > 1:
                changes = [f"'{_text(row, 'asked')}' by {_text(row, 'now')}" for row in named]
                return f"is answered by other versions than before: {_names(changes, n)}"
            since = as_day(first.get("first_on"))
            when = f" since {day(since)}" if since else ""
            return (
                f"is answered by {_text(first, 'now')}{when} where it asks for "
                f"'{_text(first, 'asked')}', "
                f"before by {_text(first, 'was')}"
            )
        case SeenKind.OTHER_MODEL_SERVED:
            pairs = [f"{_text(row, 'asked')} by {_text(row, 'now')}" for row in named]
            if n > 1:
                return f"is answered by other models than it asks for: {_names(pairs, n)}"
            return f"asks for {_text(first, 'asked')} and is answered by {_text(first, 'now')}"
    last = as_day(first.get("last_on"))
    return f"is retired and still calls {_text(first, 'called')}" + (
        f", last on {day(last)}" if last else ""
    )


def discrepancies_path(*, slug: str = "") -> str:
    """Where it is answered, from the root of the site."""
    return f"/intake/discrepancies/?application={slug}" if slug else "/intake/discrepancies/"


def _at_host(row: Mapping[str, Any]) -> str:
    return f"{_text(row, 'api_id')} at {_text(row, 'host')}"


def _text(row: Mapping[str, Any], key: str) -> str:
    return one_line(row.get(key) or "?", most=120)


def _names(names: list[str], n: int) -> str:
    shown = names[:MAX_NAMED_MODELS]
    more = n - len(shown)
    return listed(shown) if more <= 0 else f"{', '.join(shown)} and {spelled(more)} more"


__all__ = [
    "GUIDANCE",
    "PLURAL_CLAUSES",
    "discrepancies_path",
    "discrepancy_clause",
    "discrepancy_heading",
    "kind_clause",
]
