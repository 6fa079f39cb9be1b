"""Undo of one change that assessed many risks: each is restored unless it was changed later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.inventory.actions.locks import lock_teams_of, refuse_without_role
from apps.risks.actions.assessments import (
    PERMANENT_FIELDS,
    WRITTEN_FIELDS,
    is_about_acceptance,
    version_conflict,
)
from apps.risks.actions.counts import request_count
from apps.risks.errors import RiskChangeError
from apps.risks.models import Assessment, AssessmentEvidence
from apps.risks.staleness import lock_staleness


@dataclass(frozen=True, slots=True)
class AssessmentUndo:
    """The number of restored assessments, and the reason for each that was left unchanged."""

    n_taken_back: int
    refused: Mapping[int, str]


def teams_decided_in(*, change: UUID) -> dict[int, TeamRole]:
    """Return {team: role needed to undo `change`}, of the teams whose risks it assessed.

    Only owners can revoke or restore an acceptance. Empty if the change assessed nothing; three
    statements.
    """
    entries = _entries_of_change(change)
    if not entries:
        return {}
    previous_entries = _previous_entries(entries)
    owner_decision_ids = {
        pk
        for pk, rows in entries.items()
        if any(map(is_about_acceptance, filter(None, (*rows, previous_entries.get(pk)))))
    }
    teams: dict[int, TeamRole] = {}
    rows = Assessment.objects.filter(pk__in=entries).values_list(
        "pk", "dependency__application__team_id"
    )
    for pk, team_id in rows:
        if pk in owner_decision_ids or team_id not in teams:
            teams[team_id] = TeamRole.OWNER if pk in owner_decision_ids else TeamRole.EDITOR
    return teams


@transaction.atomic
def undo_assessments(*, change: UUID, by: User, reason: str = "") -> AssessmentUndo:
    """Restore the assessments before `change`; `by` needs the roles of `teams_decided_in`, checked
    on the locked rows.

    A first assessment becomes unassessed again; the history has both versions. An assessment that a
    user, an event or a date changed later is unchanged and reported. Evidence that the change
    attached is detached again. The number of statements is fixed.
    """
    entries = _entries_of_change(change)
    if not entries:
        raise RiskChangeError(
            "This change did not assess a risk. Choose another change from the history."
        )
    assessment_rows = Assessment.objects.filter(pk__in=entries)
    lock_teams_of(assessment_rows.values_list("dependency__application_id", flat=True), no_key=True)
    for team, role in teams_decided_in(change=change).items():
        refuse_without_role(by, role, team)
    lock_staleness()
    assessments = {
        row.pk: row
        for row in Assessment.objects.select_for_update(of=("self",))
        .select_related("assessed_by")
        .filter(pk__in=entries)
        .order_by("pk")
    }
    previous_entries = _previous_entries(entries)
    rejections: dict[int, str] = {}
    deleted_ids: list[int] = []
    changed_assessments: list[Assessment] = []
    at = now()
    for pk, rows in entries.items():
        row = assessments.get(pk)
        if row is None or row.version != rows[-1].version:
            rejections[pk] = version_conflict(row)
        elif rows[0].version == 1:
            deleted_ids.append(pk)
        elif pk not in previous_entries:
            rejections[pk] = (
                "The previous value is not recorded, so this cannot be undone. "
                "Reassess the risk instead."
            )
        else:
            for field in Assessment._meta.concrete_fields:
                if field.name not in PERMANENT_FIELDS:
                    setattr(row, field.attname, getattr(previous_entries[pk], field.attname))
            row.version += 1
            row.updated_at = at
            changed_assessments.append(row)
    request_count()
    with audit_context(user=by, reason=reason or "assessments undone"):
        attachments = _history_manager("AssessmentEvidence").filter(
            pgh_context_id=change, pgh_label="insert"
        )
        restored_ids = [pk for pk in assessments if pk not in rejections]
        links = attachments.filter(assessment_id__in=restored_ids).values_list(
            "pgh_obj_id", flat=True
        )
        AssessmentEvidence.objects.filter(pk__in=list(links)).delete()
        Assessment.objects.bulk_update(changed_assessments, WRITTEN_FIELDS, batch_size=500)
        Assessment.objects.filter(pk__in=deleted_ids).delete()
    return AssessmentUndo(
        n_taken_back=len(deleted_ids) + len(changed_assessments), refused=rejections
    )


def _history_manager(model: str) -> Any:
    return apps.get_model("risks", f"{model}History")._default_manager


def _entries_of_change(change: UUID) -> dict[int, list[Any]]:
    """Return {assessment: its history entries of the change, in order}, without deleted
    assessments."""
    entries_by_id: dict[int, list[Any]] = {}
    for entry in (
        _history_manager("Assessment")
        .filter(pgh_context_id=change)
        .exclude(pgh_label="delete")
        .order_by("pgh_id")
    ):
        entries_by_id.setdefault(entry.pgh_obj_id, []).append(entry)
    return entries_by_id


def _previous_entries(entries: Mapping[int, list[Any]]) -> dict[int, Any]:
    """Return {assessment: its last history entry before the change}."""
    first_id = min(rows[0].pgh_id for rows in entries.values())
    earlier_entries = _history_manager("Assessment").filter(
        pgh_obj_id__in=entries, pgh_id__lt=first_id
    )
    return {
        row.pgh_obj_id: row
        for row in earlier_entries.order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id")
    }
