"""Finding labels in lists, and the instruction for each kind."""

from apps.inventory.findings import Severity

FINDING_NAMES: dict[str, str] = {
    "retired_offering": "Calls a retired model",
    "blocked": "Blocked by decision",
    "restricted": "Outside of what is approved",
    "fallback_is_primary": "Fallback is the primary itself",
    "fallback_same_version": "Fallback is the same version at the same host",
    "redirected": "Answered by another model",
    "test_lapsed": "Exit test no longer counts",
    "approval_expired": "Approval has expired",
    "unresolved": "Foundation not known",
    "no_primary": "No primary declared",
    "retired_with_live": "Retired, but still in use",
    "review_overdue": "Review overdue",
    "shares_do_not_sum": "Traffic shares do not add up to 1",
    "shares_leave_nothing": "Traffic shares leave nothing for a primary",
    "exit_untested": "Exit plan never tested",
    "fallback_order": "Fallbacks not numbered in order",
    "observed_only": "Observed, not declared",
    "tokens_missing": "No monthly tokens",
}

SEVERITIES: dict[str, str] = {
    Severity.ERROR: "Error",
    Severity.WARNING: "Warning",
    Severity.NOTE: "Note",
}
BY_RANK = tuple(Severity)
# number of bars that the severity ramp draws
SEVERITY_MARKS = {Severity.ERROR: 5, Severity.WARNING: 3, Severity.NOTE: 1}
