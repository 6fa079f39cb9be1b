"""Two records of one application become one."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.inventory.actions.applications import end_dependencies
from apps.inventory.actions.checks import ChangeConflictError, validate_date
from apps.inventory.actions.dependencies import EDITABLE_DEPENDENCY_FIELDS
from apps.inventory.actions.locks import lock_applications, locked_application
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest

# what a doubled row may know that the kept one does not; order and way are the kept one's own
_GAP_FILLING_FIELDS = sorted(
    EDITABLE_DEPENDENCY_FIELDS - {"fallback_order", "reached", "via_party"}
)


@transaction.atomic
def merge_applications(
    *, kept: Application, duplicate: Application, on: date, by: User, reason: str = ""
) -> Application:
    """`duplicate` turns out to be `kept`: what it uses, and used, moves there, and it is retired on
    `on`.

    `by` edits both. A dependency that `kept` has at the same time (same offering, role and way) is
    not doubled: the duplicate's row ends on `on` and stays with it as history, its exit tests, its
    adaptations and, unless there is one, its exit plan move to the kept row, which also learns
    amounts, tags and binding that it did not know. Facts of the application itself are those of
    `kept`. The duplicate's slug leads to `kept` from now on.
    """
    validate_date(on)
    if kept.pk == duplicate.pk:
        raise ChangeConflictError(
            "An application cannot be merged with itself. Select another one."
        )
    lock_applications([kept.pk, duplicate.pk], by=by)
    kept, duplicate = locked_application(kept, by=by), locked_application(duplicate, by=by)
    if duplicate.merged_into_id is not None:
        raise ChangeConflictError(
            f"{duplicate.name} is already merged into another application. Undo that merge first."
        )
    if kept.merged_into_id is not None or kept.status == Application.Status.RETIRED:
        raise ChangeConflictError(
            f"{kept.name} is retired. Select an active application to merge into."
        )
    doubled, outliving = _match_dependencies(kept, duplicate)
    with audit_context(user=by, reason=reason or f"{duplicate.slug} merged into {kept.slug}"):
        for own, theirs in doubled:
            _take_over_fields(own, theirs)
        for theirs, goes_on_from in outliving:
            theirs.since = goes_on_from
            theirs.save(update_fields=["since", "updated_at"])
        Dependency.objects.filter(application=duplicate).exclude(
            pk__in=[row.pk for _, row in doubled]
        ).update(application=kept, updated_at=Now())
        duplicate.status = Application.Status.RETIRED
        duplicate.merged_into = kept
        duplicate.save(update_fields=["status", "merged_into", "updated_at"])
        end_dependencies(duplicate, on)
    return kept


def _match_dependencies(
    kept: Application, duplicate: Application
) -> tuple[list[tuple[Dependency, Dependency]], list[tuple[Dependency, date]]]:
    """([(row of `kept`, row of `duplicate`)] that say the same about an overlapping time, [(row of
    `duplicate`, day from which only it says so)]): a use that goes on after its row at `kept` has
    ended is not lost."""
    rows = list(
        Dependency.objects.select_for_update(of=("self",))
        .filter(application__in=[kept, duplicate])
        .order_by("since", "pk")
    )
    doubled, outliving = [], []
    for theirs in (row for row in rows if row.application_id == duplicate.pk):
        same = [
            row
            for row in rows
            if row.application_id == kept.pk
            and (row.offering_id, row.role, row.via_party_id)
            == (theirs.offering_id, theirs.role, theirs.via_party_id)
            and (row.until is None or row.until > theirs.since)
            and (theirs.until is None or theirs.until > row.since)
        ]
        ends = [row.until for row in same if row.until is not None]
        if not same:
            continue
        if len(ends) == len(same) and (theirs.until is None or theirs.until > max(ends)):
            outliving.append((theirs, max(ends)))
        else:
            doubled.append((same[-1], theirs))
    return doubled, outliving


def _take_over_fields(own: Dependency, theirs: Dependency) -> None:
    gaps = [
        name for name in _GAP_FILLING_FIELDS if _is_unset(own, name) and not _is_unset(theirs, name)
    ]
    for name in gaps:
        setattr(own, name, getattr(theirs, name))
    if gaps:
        own.save(update_fields=[*gaps, "updated_at"])
    ExitTest.objects.filter(dependency=theirs).update(dependency=own, updated_at=Now())
    Adaptation.objects.filter(dependency=theirs).exclude(
        pk__in=_shared_adaptations(own, theirs)
    ).update(dependency=own, updated_at=Now())
    if not ExitPlan.objects.filter(dependency=own).exists():
        ExitPlan.objects.filter(dependency=theirs).update(dependency=own, updated_at=Now())


def _is_unset(row: Dependency, name: str) -> bool:
    """Tell whether the fact stands as on a row of which it was never entered."""
    column: Any = Dependency._meta.get_field(name)
    return bool(getattr(row, name) == column.get_default())


def _shared_adaptations(own: Dependency, theirs: Dependency) -> Iterable[int]:
    """Adaptations of `theirs` that `own` has as well, by kind, name and place."""
    has = set(own.adaptations.values_list("kind", "name", "artefact_ref"))
    return [
        row.pk for row in theirs.adaptations.all() if (row.kind, row.name, row.artefact_ref) in has
    ]
