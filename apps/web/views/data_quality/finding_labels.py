"""Finding labels in lists, and the instruction for each kind."""

from apps.inventory.findings import Severity

FINDING_NAMES: dict[str, str] = {
    "retired_offering": "Retired model in use",
    "blocked": "Blocked model in use",
    "restricted": "Outside its approval",
    "training_on_confidential": "Confidential data used for training",
    "fallback_is_primary": "Fallback is the primary model",
    "fallback_same_version": "Fallback is the same version on the same host",
    "fallback_lacks": "Fallback lacks what is used",
    "redirected": "Different model served",
    "test_lapsed": "Exit test expired",
    "approval_expired": "Approval expired",
    "unresolved": "Unresolved model",
    "no_primary": "No primary model declared",
    "retired_with_live": "Retired application in use",
    "review_overdue": "Review overdue",
    "shares_do_not_sum": "Traffic shares do not add up to 1",
    "shares_leave_nothing": "No traffic share left for a primary model",
    "exit_untested": "Exit plan never tested",
    "fallback_order": "Fallbacks not numbered in order",
    "training_use_unknown": "Use for training unknown",
    "observed_only": "Observed, not declared",
    "requirement_contradicted": "Declared as not used, but observed",
    "tokens_missing": "Monthly tokens missing",
}

SEVERITIES: dict[str, str] = {
    Severity.ERROR: "Error",
    Severity.WARNING: "Warning",
    Severity.NOTE: "Note",
}
BY_RANK = tuple(Severity)
# number of bars that the severity ramp draws
SEVERITY_MARKS = {Severity.ERROR: 5, Severity.WARNING: 3, Severity.NOTE: 1}
