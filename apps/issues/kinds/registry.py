"""All kinds, in the order in which they are evaluated: a later statement can read earlier facts."""

from apps.issues.kinds.approvals import APPROVAL_EXPIRY, APPROVAL_VIOLATION
from apps.issues.kinds.assessments import STALE_ASSESSMENT
from apps.issues.kinds.base import IssueKind, registered_kinds
from apps.issues.kinds.deadlines import DEADLINES, TOKEN_EXPIRY
from apps.issues.kinds.decisions import DECISIONS
from apps.issues.kinds.exposure_flags import EXPOSURE_FLAG
from apps.issues.kinds.feeds import FEED_REVIEW
from apps.issues.kinds.incidents import INCIDENT
from apps.issues.kinds.migrations import MIGRATION_TASK
from apps.issues.kinds.retirement import FALLBACK_RETIRES, RETIREMENT
from apps.issues.kinds.usage import (
    MISSING_DATA,
    MISSING_MODEL_ID,
    PRICE_CHANGE,
    PRODUCT_MODELS,
    USAGE_DISCREPANCY,
)
from apps.issues.kinds.use_cases import PROPOSED_USE_CASE

_OWN_KINDS = (
    RETIREMENT,
    FALLBACK_RETIRES,
    PRICE_CHANGE,
    INCIDENT,
    EXPOSURE_FLAG,
    APPROVAL_VIOLATION,
    APPROVAL_EXPIRY,
    *DEADLINES,
    STALE_ASSESSMENT,
    USAGE_DISCREPANCY,
    MIGRATION_TASK,
    FEED_REVIEW,
    MISSING_DATA,
    MISSING_MODEL_ID,
    PRODUCT_MODELS,
    TOKEN_EXPIRY,
    *DECISIONS,
    PROPOSED_USE_CASE,
)


def all_kinds() -> tuple[IssueKind, ...]:
    """Return the kinds of this app, then those that higher apps have registered."""
    return (*_OWN_KINDS, *registered_kinds())
