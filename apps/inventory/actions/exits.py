"""Actions on portability: adaptations built on a dependency, its exit plan and its exit tests."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.catalog.models import Alias, Binding, Offering
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.actions.checks import changed_fields, checked_fields
from apps.inventory.actions.locks import HiddenApplicationError, locked_dependency
from apps.inventory.models import Adaptation, Dependency, ExitPlan, ExitTest

EDITABLE_ADAPTATION_FIELDS = frozenset(
    {"kind", "name", "artefact_ref", "moves", "invested_days", "invested_cost", "note"}
)
EDITABLE_EXIT_PLAN_FIELDS = frozenset(
    {
        "target",
        "substitutability",
        "reason",
        "reintegration",
        "reliance",
        "alternatives_identified",
        "alternatives",
        "blockers",
        "estimated_days",
        "estimated_cost",
        "next_test_on",
        "note",
    }
)
EDITABLE_EXIT_TEST_FIELDS = frozenset(
    {
        "target",
        "tested_version",
        "tested_on",
        "result",
        "effort_days",
        "cost",
        "quality_delta",
        "quality_metric",
        "expires_on",
        "evidence_ref",
        "note",
    }
)


@transaction.atomic
def add_adaptation(
    *,
    dependency: Dependency,
    kind: str,
    by: User,
    facts: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Adaptation:
    """Add an adaptation to the dependency; the caller must be an editor of its team."""
    dependency = locked_dependency(dependency, by=by)
    adaptation = Adaptation(
        dependency=dependency, kind=kind, **checked_fields(facts, EDITABLE_ADAPTATION_FIELDS)
    )
    adaptation.full_clean()
    with audit_context(user=by, reason=reason or "adaptation added"):
        adaptation.save(force_insert=True)
    return adaptation


@transaction.atomic
def change_adaptation(
    *, adaptation: Adaptation, facts: Mapping[str, Any], by: User, reason: str = ""
) -> Adaptation:
    """Set the given facts and leave the others; write nothing if no value differs."""
    adaptation = _lock_row(adaptation, by=by)
    changed_names = changed_fields(adaptation, facts, EDITABLE_ADAPTATION_FIELDS)
    if not changed_names:
        return adaptation
    for name in changed_names:
        setattr(adaptation, name, facts[name])
    adaptation.full_clean()
    with audit_context(user=by, reason=reason or "adaptation changed"):
        adaptation.save(update_fields=[*changed_names, "updated_at"])
    return adaptation


@transaction.atomic
def remove_adaptation(*, adaptation: Adaptation, by: User, reason: str = "") -> None:
    """Delete the adaptation if it exists; the history still has it."""
    adaptation = _lock_row(adaptation, by=by)
    with audit_context(user=by, reason=reason or "adaptation removed"):
        adaptation.delete()


@transaction.atomic
def set_exit_plan(
    *, dependency: Dependency, facts: Mapping[str, Any], by: User, reason: str = ""
) -> ExitPlan:
    """Create the exit plan, or set the given facts of the existing one; write nothing if no value
    differs."""
    dependency = locked_dependency(dependency, by=by)
    plan = ExitPlan.objects.filter(dependency=dependency).first() or ExitPlan(dependency=dependency)
    changed_names = changed_fields(plan, facts, EDITABLE_EXIT_PLAN_FIELDS)
    is_new = plan.pk is None
    if not changed_names and not is_new:
        return plan
    for name in changed_names:
        setattr(plan, name, facts[name])
    _refuse_same_target(dependency, plan.target)
    plan.full_clean()
    with audit_context(
        user=by, reason=reason or ("exit plan added" if is_new else "exit plan changed")
    ):
        plan.save(
            force_insert=is_new, update_fields=None if is_new else [*changed_names, "updated_at"]
        )
    return plan


@transaction.atomic
def remove_exit_plan(*, plan: ExitPlan, by: User, reason: str = "") -> None:
    """Delete the exit plan if it exists; the history still has it."""
    plan = _lock_row(plan, by=by)
    with audit_context(user=by, reason=reason or "exit plan removed"):
        plan.delete()


@transaction.atomic
def record_exit_test(
    *,
    dependency: Dependency,
    target: Offering,
    tested_on: date,
    result: str,
    by: User,
    facts: Mapping[str, Any] | None = None,
    reason: str = "",
) -> ExitTest:
    """Record a test of a migration to `target`, with its effort.

    Without `tested_version` it is the version of the target if the target is pinned; for an alias
    the served version is not known afterwards.
    """
    dependency = locked_dependency(dependency, by=by)
    test = ExitTest(
        dependency=dependency,
        target=target,
        tested_on=tested_on,
        result=result,
        recorded_by=by,
        **checked_fields(facts, EDITABLE_EXIT_TEST_FIELDS),
    )
    if test.tested_version is None and not _is_moving_alias(target):
        test.tested_version = target.version
    _refuse_same_target(dependency, target)
    test.full_clean()
    with audit_context(user=by, reason=reason or "exit test recorded"):
        test.save(force_insert=True)
    return test


@transaction.atomic
def correct_exit_test(
    *, exit_test: ExitTest, facts: Mapping[str, Any], by: User, reason: str = ""
) -> ExitTest:
    """Set the given facts and leave the others. Exit tests can be corrected and expire, but are
    never deleted."""
    exit_test = _lock_row(exit_test, by=by)
    changed_names = changed_fields(exit_test, facts, EDITABLE_EXIT_TEST_FIELDS)
    if not changed_names:
        return exit_test
    for name in changed_names:
        setattr(exit_test, name, facts[name])
    _refuse_same_target(exit_test.dependency, exit_test.target)
    exit_test.full_clean()
    with audit_context(user=by, reason=reason or "exit test corrected"):
        exit_test.save(update_fields=[*changed_names, "updated_at"])
    return exit_test


def _lock_row[M: Adaptation | ExitPlan | ExitTest](row: M, *, by: User) -> M:
    """Lock a record of a dependency, after its application and the dependency, and return its
    current state."""
    locked_dependency(row.dependency, by=by)
    rows: QuerySet[Any] = (
        type(row)._default_manager.select_for_update(of=("self",)).select_related("dependency")
    )
    locked_row: M | None = rows.filter(pk=row.pk).first()
    if locked_row is None:
        raise HiddenApplicationError
    if locked_row.dependency_id != row.dependency_id:
        raise ConflictError(
            "The record now belongs to another dependency, because two applications were "
            "merged. Reload it."
        )
    return locked_row


def _refuse_same_target(dependency: Dependency, target: Offering | None) -> None:
    if target is not None and target.pk == dependency.offering_id:
        raise ConflictError(
            "The target is the offering in use today. Choose the offering to migrate to."
        )


def _is_moving_alias(offering: Offering) -> bool:
    if offering.alias is not None:
        return offering.alias.kind != Alias.Kind.SYNONYM
    return offering.binding == Binding.ALIAS
