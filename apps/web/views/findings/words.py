"""Findings as lists name them, and what to do about each kind."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.inventory.findings import Severity

NAMES: dict[str, Promise] = {
    "retired_offering": _("Calls a retired model"),
    "blocked": _("Blocked by decision"),
    "restricted": _("Outside of what is approved"),
    "fallback_is_primary": _("Fallback is the primary itself"),
    "fallback_same_version": _("Fallback is the same version at the same host"),
    "redirected": _("Answered by another model"),
    "test_lapsed": _("Exit test no longer counts"),
    "approval_expired": _("Approval has expired"),
    "unresolved": _("Foundation not known"),
    "no_primary": _("No primary declared"),
    "retired_with_live": _("Retired, but still in use"),
    "review_overdue": _("Review overdue"),
    "shares_do_not_sum": _("Traffic shares do not add up to 1"),
    "shares_leave_nothing": _("Traffic shares leave nothing for a primary"),
    "exit_untested": _("Exit plan never tested"),
    "fallback_order": _("Fallbacks not numbered in order"),
    "observed_only": _("Observed, not declared"),
    "tokens_missing": _("No monthly tokens"),
}

SEVERITIES: dict[str, Promise] = {
    Severity.ALARM: _("Alarm"),
    Severity.WARNING: _("Warning"),
    Severity.NOTE: _("Note"),
}
BY_RANK = tuple(Severity)
# how a severity is drawn: the bars of the severity ramp
MARKS = {Severity.ALARM: 5, Severity.WARNING: 3, Severity.NOTE: 1}
