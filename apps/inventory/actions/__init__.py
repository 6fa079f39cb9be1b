"""Changes to what the organisation runs and what it calls, one module per subject.

Every action locks the application first and asks the role of `by` of the locked row (`locking`):
the caller's own check only decides what is shown. `by` None is a job, which needs no role. Values
are checked by the models: a Django ValidationError names the fields. What is refused for another
reason raises RefusedChange with a sentence.
"""

from apps.inventory.actions.applications import (
    APPLICATION_FACTS,
    bring_back_application,
    change_application,
    register_application,
    retire_application,
)
from apps.inventory.actions.bulk import BulkChange, RefusedRow, change_applications
from apps.inventory.actions.dependencies import (
    DEPENDENCY_FACTS,
    change_dependency,
    confirm_dependency,
    declare_dependency,
    end_dependency,
    reopen_dependency,
    replace_offering,
)
from apps.inventory.actions.exits import (
    ADAPTATION_FACTS,
    EXIT_PLAN_FACTS,
    EXIT_TEST_FACTS,
    add_adaptation,
    change_adaptation,
    correct_exit_test,
    record_exit_test,
    remove_adaptation,
    remove_exit_plan,
    set_exit_plan,
)
from apps.inventory.actions.locks import (
    ForbiddenChangeError,
    HiddenApplicationError,
    MissingRoleError,
    lock_applications,
    lock_teams_of,
    locked_application,
    locked_dependency,
    refuse_without_role,
)
from apps.inventory.actions.merging import merge_applications
from apps.inventory.actions.refusing import RefusedChange
from apps.inventory.actions.undoing import Undone, teams_written_in, undo

__all__ = [
    "ADAPTATION_FACTS",
    "APPLICATION_FACTS",
    "DEPENDENCY_FACTS",
    "EXIT_PLAN_FACTS",
    "EXIT_TEST_FACTS",
    "BulkChange",
    "ForbiddenChangeError",
    "HiddenApplicationError",
    "MissingRoleError",
    "RefusedChange",
    "RefusedRow",
    "Undone",
    "add_adaptation",
    "bring_back_application",
    "change_adaptation",
    "change_application",
    "change_applications",
    "change_dependency",
    "confirm_dependency",
    "correct_exit_test",
    "declare_dependency",
    "end_dependency",
    "lock_applications",
    "lock_teams_of",
    "locked_application",
    "locked_dependency",
    "merge_applications",
    "record_exit_test",
    "refuse_without_role",
    "register_application",
    "remove_adaptation",
    "remove_exit_plan",
    "reopen_dependency",
    "replace_offering",
    "retire_application",
    "set_exit_plan",
    "teams_written_in",
    "undo",
]
