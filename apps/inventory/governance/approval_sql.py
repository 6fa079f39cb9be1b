"""The rule which approvals apply to a use, as SQL; governance/violations.py describes it. Findings
use it as well.

The statement needs a preceding relation `used(id, application_id, offering_id, via_party_id)` and
the parameter `on`.
"""

from apps.common.database.statements import load_statement

DECIDING_APPROVALS = load_statement("inventory", "deciding_approvals")
JUDGED_USES = load_statement("inventory", "judged_uses")
# a use violates an approval if any of these columns of `judged` is true
OUTSIDE_COLUMNS = (
    "blocked",
    "criticality_outside",
    "class_outside",
    "region_outside",
    "terms_outside",
)
