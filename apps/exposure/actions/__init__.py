"""What changes on this floor: events worked through, flags evaluated and decided, lines and
settings drawn."""

from apps.exposure.actions.decisions import (
    NotYours,
    RefusedDecision,
    accept_flag,
    acknowledge_flag,
    revoke_acceptance,
)
from apps.exposure.actions.events import handle_events
from apps.exposure.actions.flags import FlagChanges, evaluate_flags
from apps.exposure.actions.lines import add_policy, change_policy, change_settings

__all__ = [
    "FlagChanges",
    "NotYours",
    "RefusedDecision",
    "accept_flag",
    "acknowledge_flag",
    "add_policy",
    "change_policy",
    "change_settings",
    "evaluate_flags",
    "handle_events",
    "revoke_acceptance",
]
