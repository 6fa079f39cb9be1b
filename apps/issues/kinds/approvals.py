"""Approval violations, and approvals that expire while they are needed.

Until its expiry date an approval is one issue of the organisation. From that date on each
application that still needs it has an issue, and the issue of the organisation ends: one fact is
never two causes.
"""

from apps.common.database.statements import compose_statement, load_statement
from apps.inventory.governance.approval_sql import DECIDING_APPROVALS, JUDGED_USES
from apps.issues.kinds.base import SUBJECT_ID, IssueKind, resolve_by_use
from apps.issues.models.causes import CauseKind

# approvals that expire within so many days are renewed in time
EXPIRY_NOTICE_DAYS = 60

_VIOLATION_IN_USE = """EXISTS (
    SELECT 1 FROM inventory_dependency d
    WHERE d.application_id = i.application_id AND i.details -> 'dependencies' @> to_jsonb(d.id)
      AND is_live(d.since, d.until, %(day)s::date))"""

_NEEDED_APPROVALS = load_statement("issues", "needed_approvals")

APPROVAL_VIOLATION = IssueKind(
    kind=CauseKind.APPROVAL_VIOLATION,
    statement=compose_statement(
        load_statement("issues", "approval_violation"),
        deciding_approvals=DECIDING_APPROVALS,
        needed_approvals=_NEEDED_APPROVALS,
        judged_uses=JUDGED_USES,
    ),
    # an expired approval whose uses go on has been renewed or replaced
    resolution=resolve_by_use(
        _VIOLATION_IN_USE,
        otherwise="""CASE WHEN (i.details ->> 'expired')::boolean THEN 'completed'
        ELSE 'cause_ended' END""",
    ),
    parameters={"notice": 0},
)

# an expired approval continues as the issues of its applications; one that nothing needs any more
# has not been renewed
_EXPIRY_RESOLUTION = f"""CASE
    WHEN EXISTS (SELECT 1 FROM issue_fact f
                 WHERE f.kind = 'approval_violation' AND f.subject = c.subject) THEN 'duplicate'
    WHEN EXISTS (SELECT 1 FROM inventory_approval p
                 WHERE p.id = {SUBJECT_ID} AND p.revoked_at IS NULL
                   AND p.expires_on <= %(day)s::date + {EXPIRY_NOTICE_DAYS}) THEN 'no_longer_used'
    ELSE 'completed' END"""

APPROVAL_EXPIRY = IssueKind(
    kind=CauseKind.APPROVAL_EXPIRY,
    statement=compose_statement(
        load_statement("issues", "approval_expiry"),
        deciding_approvals=DECIDING_APPROVALS,
        needed_approvals=_NEEDED_APPROVALS,
    ),
    has_applications=False,
    resolution=_EXPIRY_RESOLUTION,
    parameters={"notice": EXPIRY_NOTICE_DAYS},
)
