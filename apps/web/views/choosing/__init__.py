"""Pages of choosing what to build on: comparisons, selections, approvals, contracts, and documents
owed."""

from apps.web.views.choosing.against import against, against_csv
from apps.web.views.choosing.approvals import (
    approval,
    approval_csv,
    approval_list,
    new_approval,
    replace,
    revoke,
)
from apps.web.views.choosing.comparing import compare, compare_csv
from apps.web.views.choosing.contracts import change as change_contract
from apps.web.views.choosing.contracts import contract, contract_csv, contract_list, new_contract
from apps.web.views.choosing.documents import ask, document_csv, document_list, documents, note
from apps.web.views.choosing.selection import add, decide, facts_csv, judge, remove, selection
from apps.web.views.choosing.selection import change as change_selection
from apps.web.views.choosing.selections import new_selection, selection_csv, selection_list

__all__ = [
    "add",
    "against",
    "against_csv",
    "approval",
    "approval_csv",
    "approval_list",
    "ask",
    "change_contract",
    "change_selection",
    "compare",
    "compare_csv",
    "contract",
    "contract_csv",
    "contract_list",
    "decide",
    "document_csv",
    "document_list",
    "documents",
    "facts_csv",
    "judge",
    "new_approval",
    "new_contract",
    "new_selection",
    "note",
    "remove",
    "replace",
    "revoke",
    "selection",
    "selection_csv",
    "selection_list",
]
